// What one run of a workload costs, measured from outside of the engine, alike for all of them:
// clocks and memory of the process (each run has one of its own), bytes that it gave to write(2),
// and bytes in its directory.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>

namespace fathom {

// Passed between processes as its bytes. A field that a workload does not measure is 0.
struct Sample {
  uint64_t operations = 0;
  double seconds = 0;      // until the last operation has returned
  double cpu_seconds = 0;  // of all threads; with writes, until the work that they left is done
  double p50_micros = 0;   // latency of an operation
  double p99_micros = 0;
  double p999_micros = 0;
  uint64_t peak_bytes = 0;     // of memory, above what the process held before the engine was open
  uint64_t user_bytes = 0;     // keys and values written
  uint64_t written_bytes = 0;  // given to write(2), log included
  uint64_t live_bytes = 0;     // keys and values that the store holds in the end
  uint64_t disk_bytes = 0;     // files in the end
  double side_per_second = 0;  // operations of the other thread
};

// Counts durations in buckets of 1/64 of their size.
class Latencies {
 public:
  void Add(std::chrono::nanoseconds duration);
  // In microseconds; 0 if nothing was added.
  double Percentile(double percent) const;

 private:
  static constexpr uint64_t kSteps = 64;
  static constexpr int kMaxShift = 34;

  std::array<uint32_t, kSteps*(kMaxShift + 2)> buckets_{};
  uint64_t count_ = 0;
};

// Made before the engine is open; measures the process.
class Meter {
 public:
  Meter();

  void Start();
  // The last operation has returned. Does not stop the CPU clock.
  void StopClock();
  // Fills times, `peak_bytes` and `written_bytes` in, with CPU and bytes until now.
  void Finish(Sample* sample) const;

 private:
  using Clock = std::chrono::steady_clock;

  const uint64_t base_bytes_;
  Clock::time_point start_;
  Clock::time_point stop_;
  double cpu_start_ = 0;
  uint64_t written_start_ = 0;
};

// Waits until the process has used next to no CPU for a while: the engine's background threads have
// done what there was to do.
void WaitUntilIdle();

// Of all files below `dir`.
uint64_t DirectoryBytes(const std::string& dir);

}  // namespace fathom
