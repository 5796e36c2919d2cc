// What the workloads are made of: each opens its engine in a process of its own, does its
// operations and answers what they cost. workloads.h lists them.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include "tests/bench/records.h"
#include "tests/bench/store/engine.h"
#include "tests/bench/store/latencies.h"
#include "tests/bench/store/measure.h"
#include "tests/bench/store/workloads.h"

namespace fathom {

inline constexpr uint64_t kRecordBytes = kRecordKeyBytes + kValueBytes;

// Record i has the key 2 * i; keys in between are missing.
inline uint64_t KeyNumber(uint64_t record) { return 2 * record; }

// Ends the process if an answer is wrong.
void Require(bool condition, const char* what);

std::unique_ptr<Engine> OpenEngine(const WorkloadContext& context);

// Brings the block cache to the state that it keeps.
void WarmUp(const WorkloadContext& context, Engine* engine);

void SetLatencies(const Latencies& latencies, Sample* sample);

// Calls `operation` for 0 .. n-1. Timing one costs some 50 ns, so of many only each eighth is.
template <typename Operation>
void TimeEach(uint64_t n, Latencies* latencies, Operation operation) {
  using Clock = std::chrono::steady_clock;
  const uint64_t stride = n >= 50'000 ? 8 : 1;
  for (uint64_t i = 0; i < n; ++i) {
    if (i % stride != 0) {
      operation(i);
      continue;
    }
    const Clock::time_point start = Clock::now();
    operation(i);
    latencies->Add(Clock::now() - start);
  }
}

enum class Warm : bool { kNo, kYes };

// Calls `operation` with the engine and 0 .. n-1, then waits for the work that this has left.
template <typename Operation>
Sample TimeOperations(const WorkloadContext& context, uint64_t n, Warm warm, Operation operation) {
  Sample sample;
  Latencies latencies;
  Meter meter;
  const std::unique_ptr<Engine> engine = OpenEngine(context);
  WaitUntilIdle();  // what Open has left is no part of it
  if (warm == Warm::kYes) {
    WarmUp(context, engine.get());
  }
  meter.Start();
  TimeEach(n, &latencies, [&](uint64_t i) { operation(engine.get(), i); });
  meter.StopClock();
  WaitUntilIdle();
  meter.Finish(&sample);
  sample.operations = n;
  sample.disk_bytes = DirectoryBytes(context.settings.dir);
  SetLatencies(latencies, &sample);
  return sample;
}

// write_workloads.cc
Sample FillSeq(const WorkloadContext& context);
Sample FillRandom(const WorkloadContext& context);
Sample FillSync(const WorkloadContext& context);
Sample FillSync8(const WorkloadContext& context);
Sample Overwrite(const WorkloadContext& context);
Sample DeleteRandom(const WorkloadContext& context);

// read_workloads.cc
Sample ReadRandom(const WorkloadContext& context);
Sample ReadMissing(const WorkloadContext& context);
Sample ReadSeq(const WorkloadContext& context);
Sample ReadReverse(const WorkloadContext& context);
Sample SeekRandom(const WorkloadContext& context);
Sample ReadWhileWriting(const WorkloadContext& context);
Sample Mixed(const WorkloadContext& context);

// once_workloads.cc
Sample CompactOnce(const WorkloadContext& context);
Sample FlushOnce(const WorkloadContext& context);
Sample Reopen(const WorkloadContext& context);
Sample Replay(const WorkloadContext& context);

}  // namespace fathom
