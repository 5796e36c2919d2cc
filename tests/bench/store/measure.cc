#include "tests/bench/store/measure.h"

#include <sys/resource.h>

#include <algorithm>
#include <bit>
#include <cmath>
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

// The number after `name` in a file of /proc/self; 0 if it is not there.
uint64_t ProcNumber(const char* file, const std::string& name) {
  std::ifstream in(file);
  for (std::string word; in >> word;) {
    uint64_t number = 0;
    if (word == name && in >> number) {
      return number;
    }
  }
  return 0;
}

uint64_t MemoryBytes(const char* what) { return ProcNumber("/proc/self/status", what) * 1024; }
uint64_t WrittenBytes() { return ProcNumber("/proc/self/io", "wchar:"); }

}  // namespace

void Latencies::Add(std::chrono::nanoseconds duration) {
  const auto ns = static_cast<uint64_t>(std::max<int64_t>(duration.count(), 0));
  // Below 2 * kSteps a bucket a nanosecond; above, kSteps buckets for each power of two.
  const int excess =
      static_cast<int>(std::bit_width(ns)) - static_cast<int>(std::bit_width(kSteps));
  const int shift = std::clamp(excess, 0, kMaxShift);
  const uint64_t bucket = static_cast<uint64_t>(shift) * kSteps + (ns >> shift);
  ++buckets_[std::min<uint64_t>(bucket, buckets_.size() - 1)];
  ++count_;
}

double Latencies::Percentile(double percent) const {
  const double rank = std::ceil(percent / 100 * static_cast<double>(count_));
  double seen = 0;
  for (uint64_t bucket = 0; bucket < buckets_.size(); ++bucket) {
    seen += buckets_[bucket];
    if (seen >= rank && seen > 0) {
      const uint64_t shift = bucket < 2 * kSteps ? 0 : bucket / kSteps - 1;
      return 1e-3 * static_cast<double>((bucket - shift * kSteps) << shift);
    }
  }
  return 0;
}

Meter::Meter() : base_bytes_(MemoryBytes("VmRSS:")) {}

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
  const uint64_t peak = MemoryBytes("VmHWM:");
  sample->peak_bytes = peak - std::min(peak, base_bytes_);
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
