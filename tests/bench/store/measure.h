// What one run of a workload costs, measured from outside of the engine, alike for all of them:
// clocks and memory of the process (each run has one of its own), bytes that it gave the disk to
// write, and bytes in its directory.
#pragma once

#include <sys/types.h>

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
  uint64_t base_bytes = 0;     // of memory, as MemoryBytes, before the engine was open
  uint64_t peak_bytes = 0;     // above that: as RunIsolated saw it, or at the end
  uint64_t user_bytes = 0;     // keys and values written
  uint64_t written_bytes = 0;  // pages of files made dirty, through write(2) or a mapping
  uint64_t live_bytes = 0;     // keys and values that the store holds in the end
  uint64_t disk_bytes = 0;     // files in the end
  double side_per_second = 0;  // operations of the other thread
};

// Made before the engine is open; measures the process.
class Meter {
 public:
  Meter();

  void Start();
  // The last operation has returned. Does not stop the CPU clock.
  void StopClock();
  // Fills times, memory and `written_bytes` in, with CPU and bytes until now.
  void Finish(Sample* sample) const;

 private:
  using Clock = std::chrono::steady_clock;

  const uint64_t base_bytes_;
  Clock::time_point start_;
  Clock::time_point stop_;
  double cpu_start_ = 0;
  uint64_t written_start_ = 0;
};

// Memory that a process holds now, but for pages of mapped files, which are the file cache's; 0 if
// it is gone.
uint64_t MemoryBytes(pid_t pid);

// Waits until the process has used next to no CPU for a while: the engine's background threads have
// done what there was to do.
void WaitUntilIdle();

// Writes what the file system of `dir` has not written yet, so that it is not written during the
// next measurement.
void SyncDisk(const std::string& dir);

// Of all files below `dir`.
uint64_t DirectoryBytes(const std::string& dir);

}  // namespace fathom
