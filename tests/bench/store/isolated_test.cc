#include "tests/bench/store/isolated.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>
#include <thread>

namespace fathom {
namespace {

constexpr size_t kBytes = size_t{32} << 20;

// Memory that is held, of a file if `fd` is one.
void* Hold(int fd) {
  const int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
  void* const memory = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, flags, fd, 0);
  REQUIRE(memory != MAP_FAILED);
  std::memset(memory, 1, kBytes);
  std::this_thread::sleep_for(std::chrono::milliseconds(200));  // to be seen
  return memory;
}

TEST_CASE("isolated: memory that was given back counts, what was held before does not") {
  const Sample sample = RunIsolated([] {
    Sample measured;
    void* const before = Hold(-1);
    Meter meter;
    meter.Start();
    munmap(Hold(-1), kBytes);
    munmap(before, kBytes);
    meter.StopClock();
    meter.Finish(&measured);
    return measured;
  });
  CHECK(sample.peak_bytes > kBytes / 2);
  CHECK(sample.peak_bytes < kBytes + kBytes / 2);
}

TEST_CASE("isolated: mapped files do not count") {
  FILE* const file = std::tmpfile();
  REQUIRE(file != nullptr);
  REQUIRE(ftruncate(fileno(file), kBytes) == 0);
  const Sample sample = RunIsolated([file] {
    Sample measured;
    Meter meter;
    meter.Start();
    munmap(Hold(fileno(file)), kBytes);
    meter.StopClock();
    meter.Finish(&measured);
    return measured;
  });
  CHECK(sample.peak_bytes < kBytes / 2);
  std::fclose(file);
}

// Whether process `pid` has a handler for `number`.
bool Catches(pid_t pid, int number) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string field; status >> field;) {
    if (field == "SigCgt:") {
      uint64_t caught = 0;
      status >> std::hex >> caught;
      return (caught >> (number - 1) & 1) != 0;
    }
  }
  return false;
}

TEST_CASE("isolated: a signal ends the run, and with it the process in good order") {
  for (const int number : {SIGINT, SIGTERM}) {
    struct sigaction none = {};  // doctest has handlers of its own
    none.sa_handler = SIG_DFL;
    struct sigaction before;
    REQUIRE(sigaction(number, &none, &before) == 0);
    const pid_t driver = fork();
    if (driver == 0) {
      RunIsolated([] {
        alarm(20);  // it must not be there for ever if nobody ends it
        pause();
        return Sample();
      });
      _exit(0);
    }
    for (int i = 0; i < 10'000 && !Catches(driver, number); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    kill(driver, number);
    sigaction(number, &before, nullptr);
    int status = 0;
    REQUIRE(waitpid(driver, &status, 0) == driver);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 1);
  }
}

}  // namespace
}  // namespace fathom
