#include "tests/bench/store/measure.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <thread>

namespace fathom {
namespace {

double CpuSeconds() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// See proc(5), /proc/pid/io; 0 if it cannot be read.
uint64_t WrittenBytes() {
  std::ifstream in("/proc/self/io");
  for (std::string word; in >> word;) {
    uint64_t bytes = 0;
    if (word == "write_bytes:" && in >> bytes) {
      return bytes;
    }
  }
  return 0;
}

}  // namespace

uint64_t MemoryBytes(pid_t pid) {
  // See proc(5), /proc/pid/statm.
  std::ifstream in("/proc/" + std::to_string(pid) + "/statm");
  uint64_t total = 0;
  uint64_t resident = 0;
  uint64_t of_files = 0;
  in >> total >> resident >> of_files;
  return (resident - std::min(resident, of_files)) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

Meter::Meter() : base_bytes_(MemoryBytes(getpid())) {}

void Meter::Start() {
  written_start_ = WrittenBytes();
  cpu_start_ = CpuSeconds();
  start_ = Clock::now();
}

void Meter::StopClock() { stop_ = Clock::now(); }

void Meter::Finish(Sample* sample) const {
  sample->cpu_seconds = CpuSeconds() - cpu_start_;
  sample->seconds = std::chrono::duration<double>(stop_ - start_).count();
  sample->written_bytes = WrittenBytes() - written_start_;
  sample->base_bytes = base_bytes_;
  const uint64_t now = MemoryBytes(getpid());
  sample->peak_bytes = now - std::min(now, base_bytes_);
}

void WaitUntilIdle() {
  constexpr auto kWindow = std::chrono::milliseconds(50);
  constexpr double kIdleCpuSeconds = 0.0005;
  constexpr int kIdleWindows = 4;
  for (int idle = 0; idle < kIdleWindows;) {
    const double before = CpuSeconds();
    std::this_thread::sleep_for(kWindow);
    idle = CpuSeconds() - before < kIdleCpuSeconds ? idle + 1 : 0;
  }
}

void SyncDisk(const std::string& dir) {
  const int fd = open(dir.c_str(), O_RDONLY | O_DIRECTORY);
  if (fd >= 0) {
    syncfs(fd);
    close(fd);
  }
}

uint64_t DirectoryBytes(const std::string& dir) {
  uint64_t bytes = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(dir, error)) {
    const uint64_t size = entry.is_regular_file(error) ? entry.file_size(error) : 0;
    bytes += error ? 0 : size;  // a file may go while we look
  }
  return bytes;
}

}  // namespace fathom
