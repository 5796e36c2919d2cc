#include "tests/bench/store/isolated.h"

#include <doctest/doctest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstring>
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

}  // namespace
}  // namespace fathom
