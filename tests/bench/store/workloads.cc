#include "tests/bench/store/workloads.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <random>
#include <thread>

#include "tests/bench/records.h"
#include "tests/bench/store/isolated.h"

namespace fathom {
namespace {

constexpr uint64_t kRecordBytes = kRecordKeyBytes + kValueBytes;

// Record i has the key 2 * i; keys in between are missing.
uint64_t KeyNumber(uint64_t record) { return 2 * record; }

void Require(bool condition, const char* what) {
  if (!condition) {
    std::fprintf(stderr, "store_bench: wrong answer: %s\n", what);
    std::exit(1);
  }
}

std::unique_ptr<Engine> Open(const WorkloadContext& context) {
  return context.engine.open(context.settings);
}

// Calls `operation` for 0 .. n-1. Timing one costs some 50 ns, so of many only each eighth is.
template <typename Operation>
void TimeEach(uint64_t n, Sample* sample, Operation operation) {
  using Clock = std::chrono::steady_clock;
  const uint64_t stride = n >= 50'000 ? 8 : 1;
  const auto latencies = std::make_unique<Latencies>();
  for (uint64_t i = 0; i < n; ++i) {
    if (i % stride != 0) {
      operation(i);
      continue;
    }
    const Clock::time_point start = Clock::now();
    operation(i);
    latencies->Add(Clock::now() - start);
  }
  sample->operations = n;
  sample->p50_micros = latencies->Percentile(50);
  sample->p99_micros = latencies->Percentile(99);
  sample->p999_micros = latencies->Percentile(99.9);
}

// --- writes

// Calls `write` for each of `order`, then waits for the work that this has caused.
template <typename Write>
Sample TimeWrites(const WorkloadContext& context, const std::vector<uint32_t>& order, Write write) {
  Sample sample;
  Meter meter;
  const std::unique_ptr<Engine> engine = Open(context);
  RecordKey key;
  meter.Start();
  TimeEach(order.size(), &sample, [&](uint64_t i) {
    key.Set(KeyNumber(order[i]));
    write(engine.get(), key.view());
  });
  meter.StopClock();
  WaitUntilIdle();
  meter.Finish(&sample);
  sample.disk_bytes = DirectoryBytes(context.settings.dir);
  return sample;
}

Sample Fill(const WorkloadContext& context, const std::vector<uint32_t>& order, Sync sync) {
  RecordValues values(kValueBytes);
  Sample sample = TimeWrites(context, order, [&](Engine* engine, absl::string_view key) {
    engine->Put(key, values.Next(), sync);
  });
  sample.user_bytes = order.size() * kRecordBytes;
  sample.live_bytes = order.size() * kRecordBytes;
  return sample;
}

Sample FillSeq(const WorkloadContext& context) {
  std::vector<uint32_t> order(context.records);
  for (uint32_t i = 0; i < order.size(); ++i) {
    order[i] = i;
  }
  return Fill(context, order, Sync::kNo);
}

Sample DeleteRandom(const WorkloadContext& context) {
  Sample sample = TimeWrites(context, ShuffledNumbers(context.records, 200 + context.round),
                             [](Engine* engine, absl::string_view key) { engine->Delete(key); });
  sample.user_bytes = context.records * kRecordKeyBytes;
  return sample;
}

// FillRandom, and Overwrite where the store is full already.
Sample FillRandom(const WorkloadContext& context) {
  return Fill(context, ShuffledNumbers(context.records, 300 + context.round), Sync::kNo);
}

Sample Overwrite(const WorkloadContext& context) {
  return Fill(context, ShuffledNumbers(context.records, 400 + context.round), Sync::kNo);
}

Sample FillSync(const WorkloadContext& context) {
  const uint64_t n = std::clamp<uint64_t>(context.records / 200, 500, 5000);
  return Fill(context, ShuffledNumbers(n, 500 + context.round), Sync::kYes);
}

// --- reads

// Brings the block cache to the state that it keeps.
void WarmUp(const WorkloadContext& context, Engine* engine) {
  std::mt19937_64 random(600 + context.round);
  std::string value;
  for (uint64_t i = 0; i < context.records / 2; ++i) {
    Require(engine->Get(RecordKey(KeyNumber(random() % context.records)).view(), &value),
            "a record was not found");
  }
}

// `read` is called for 0 .. n-1, after a warm-up.
template <typename Read>
Sample TimeReads(const WorkloadContext& context, uint64_t n, Read read) {
  Sample sample;
  Meter meter;
  const std::unique_ptr<Engine> engine = Open(context);
  WaitUntilIdle();  // what Open has left to do is no part of a read
  WarmUp(context, engine.get());
  meter.Start();
  TimeEach(n, &sample, [&](uint64_t i) { read(engine.get(), i); });
  meter.StopClock();
  meter.Finish(&sample);
  return sample;
}

Sample GetRandom(const WorkloadContext& context, bool expect_found) {
  const std::vector<uint32_t> order = ShuffledNumbers(context.records, 700 + context.round);
  std::string value;
  RecordKey key;
  return TimeReads(context, order.size(), [&](Engine* engine, uint64_t i) {
    key.Set(KeyNumber(order[i]) + (expect_found ? 0 : 1));
    Require(engine->Get(key.view(), &value) == expect_found, "a key was found, or was not");
  });
}

Sample ReadRandom(const WorkloadContext& context) { return GetRandom(context, true); }
Sample ReadMissing(const WorkloadContext& context) { return GetRandom(context, false); }

// The whole store, told as if each record were an operation.
Sample ReadAll(const WorkloadContext& context, Direction direction) {
  Sample sample = TimeReads(context, 1, [&](Engine* engine, uint64_t) {
    Require(engine->Scan("", UINT64_MAX, direction) == context.records, "number of records");
  });
  sample.operations = context.records;
  sample.p50_micros = sample.p99_micros = sample.p999_micros = 0;
  return sample;
}

Sample ReadSeq(const WorkloadContext& context) { return ReadAll(context, Direction::kForward); }
Sample ReadReverse(const WorkloadContext& context) {
  return ReadAll(context, Direction::kBackward);
}

Sample SeekRandom(const WorkloadContext& context) {
  constexpr uint64_t kRecords = 101;  // the one sought and 100 nexts
  std::mt19937_64 random(800 + context.round);
  const uint64_t last_start = context.records - std::min(context.records, kRecords);
  RecordKey key;
  return TimeReads(context, std::max<uint64_t>(context.records / 50, 100),
                   [&](Engine* engine, uint64_t) {
                     key.Set(KeyNumber(random() % (last_start + 1)));
                     Require(engine->Scan(key.view(), kRecords, Direction::kForward) ==
                                 std::min(context.records, kRecords),
                             "number of records after a seek");
                   });
}

// Overwrites random records, `rate` a second (0: as fast as it can), until `stop`.
uint64_t WriteUntil(const std::atomic<bool>& stop, uint64_t rate, uint64_t records,
                    Engine* engine) {
  using Clock = std::chrono::steady_clock;
  std::mt19937_64 random(900);
  RecordValues values(kValueBytes);
  const Clock::time_point start = Clock::now();
  uint64_t writes = 0;
  while (!stop.load(std::memory_order_relaxed)) {
    const std::chrono::duration<double> elapsed = Clock::now() - start;
    if (rate > 0 && static_cast<double>(writes) > elapsed.count() * static_cast<double>(rate)) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      continue;
    }
    engine->Put(RecordKey(KeyNumber(random() % records)).view(), values.Next(), Sync::kNo);
    ++writes;
  }
  return writes;
}

Sample ReadWhileWriting(const WorkloadContext& context) {
  std::atomic<bool> stop = false;
  uint64_t writes = 0;
  std::thread writer;
  const std::vector<uint32_t> order = ShuffledNumbers(context.records, 1000 + context.round);
  std::string value;
  RecordKey key;
  Sample sample = TimeReads(context, order.size(), [&](Engine* engine, uint64_t i) {
    if (i == 0) {
      writer = std::thread(
          [&, engine] { writes = WriteUntil(stop, context.write_rate, context.records, engine); });
    }
    key.Set(KeyNumber(order[i]));
    Require(engine->Get(key.view(), &value), "a record was not found");
    if (i + 1 == order.size()) {
      stop = true;
      writer.join();
    }
  });
  sample.side_per_second = static_cast<double>(writes) / sample.seconds;
  return sample;
}

// --- long operations

Sample CompactAll(const WorkloadContext& context) {
  Sample sample;
  Meter meter;
  const std::unique_ptr<Engine> engine = Open(context);
  WaitUntilIdle();
  meter.Start();
  engine->CompactAll();
  meter.StopClock();
  WaitUntilIdle();
  meter.Finish(&sample);
  sample.operations = 1;
  sample.live_bytes = context.records * kRecordBytes;
  sample.disk_bytes = DirectoryBytes(context.settings.dir);
  return sample;
}

Sample FlushOnce(const WorkloadContext& context) {
  constexpr uint64_t kFlushRecords = 50'000;
  constexpr size_t kFlushValueBytes = 64;
  Sample sample;
  Meter meter;
  WorkloadContext roomy = context;
  roomy.settings.memtable_bytes = size_t{64} << 20;  // all of them wait for the flush
  const std::unique_ptr<Engine> engine = Open(roomy);
  RecordValues values(kFlushValueBytes);
  for (const uint32_t i : ShuffledNumbers(kFlushRecords, 1100 + context.round)) {
    engine->Put(RecordKey(KeyNumber(i)).view(), values.Next(), Sync::kNo);
  }
  meter.Start();
  engine->Flush();
  meter.StopClock();
  meter.Finish(&sample);
  sample.operations = 1;
  return sample;
}

// Opens the store and reads one record.
Sample OpenOnce(const WorkloadContext& context) {
  Sample sample;
  Meter meter;
  meter.Start();
  const std::unique_ptr<Engine> engine = Open(context);
  std::string value;
  Require(engine->Get(RecordKey(KeyNumber(0)).view(), &value), "a record was not found");
  meter.StopClock();
  meter.Finish(&sample);
  sample.operations = 1;
  return sample;
}

Sample Reopen(const WorkloadContext& context) {
  RunIsolated([&context] {
    const std::unique_ptr<Engine> engine = Open(context);
    engine->Flush();  // so that the log is empty
    WaitUntilIdle();
    return Sample();
  });
  return OpenOnce(context);
}

Sample Replay(const WorkloadContext& context) {
  const uint64_t n = context.settings.memtable_bytes * 9 / 10 / (kRecordBytes + 16);
  RunIsolated([&context, n] {
    Engine* const engine = Open(context).release();  // dies with the process, unclosed
    RecordValues values(kValueBytes);
    for (const uint32_t i : ShuffledNumbers(n, 1200 + context.round)) {
      engine->Put(RecordKey(KeyNumber(i)).view(), values.Next(), Sync::kNo);
    }
    return Sample();
  });
  return OpenOnce(context);
}

}  // namespace

const std::vector<Workload>& AllWorkloads() {
  static const std::vector<Workload> workloads = {
      {"fillseq", "seq", nullptr, false, FillSeq},
      {"deleterandom", "seq", "fillseq", false, DeleteRandom},
      {"fillrandom", "random", nullptr, false, FillRandom},
      {"readrandom", "random", "fillrandom", false, ReadRandom},
      {"readmissing", "random", "fillrandom", false, ReadMissing},
      {"readseq", "random", "fillrandom", false, ReadSeq},
      {"readreverse", "random", "fillrandom", false, ReadReverse},
      {"seekrandom", "random", "fillrandom", false, SeekRandom},
      {"readwhilewriting", "random", "fillrandom", false, ReadWhileWriting},
      {"overwrite", "random", "fillrandom", false, Overwrite},
      {"fillsync", "sync", nullptr, false, FillSync},
      {"compact", "random", "overwrite", true, CompactAll},
      {"flush", "flush", nullptr, true, FlushOnce},
      {"reopen", "random", "fillrandom", true, Reopen},
      {"replay", "replay", nullptr, true, Replay},
  };
  return workloads;
}

}  // namespace fathom
