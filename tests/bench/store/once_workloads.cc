#include <algorithm>
#include <memory>
#include <string>

#include "tests/bench/store/isolated.h"
#include "tests/bench/store/workload_parts.h"

namespace fathom {
namespace {

// Opens the store and reads one record.
Sample OpenOnce(const WorkloadContext& context) {
  Sample sample;
  Meter meter;
  meter.Start();
  const std::unique_ptr<Engine> engine = OpenEngine(context);
  std::string value;
  Require(engine->Get(RecordKey(KeyNumber(0)).view(), &value), "a record was not found");
  meter.StopClock();
  meter.Finish(&sample);
  sample.operations = 1;
  return sample;
}

}  // namespace

Sample CompactOnce(const WorkloadContext& context) {
  Sample sample;
  Meter meter;
  const std::unique_ptr<Engine> engine = OpenEngine(context);
  // So that there is something to do everywhere, however far it came by itself.
  RecordValues values(kValueBytes);
  for (uint64_t i = 0; i < context.records; i += 100) {
    engine->Put(RecordKey(KeyNumber(i)).view(), values.Next(), Sync::kNo);
  }
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
  const std::unique_ptr<Engine> engine = OpenEngine(roomy);
  RecordValues values(kFlushValueBytes);
  for (const uint32_t i : ShuffledNumbers(kFlushRecords, 1100 + context.round)) {
    engine->Put(RecordKey(KeyNumber(i)).view(), values.Next(), Sync::kNo);
  }
  meter.Start();
  engine->Flush();
  meter.StopClock();
  WaitUntilIdle();
  meter.Finish(&sample);
  sample.operations = 1;
  return sample;
}

Sample Reopen(const WorkloadContext& context) {
  constexpr size_t kLargeValueBytes = 1058;  // a million of them are 1 GiB
  const uint64_t n = std::min<uint64_t>(context.records, 1'000'000);
  RunIsolated([&context, n] {
    const std::unique_ptr<Engine> engine = OpenEngine(context);
    RecordValues values(kLargeValueBytes);
    for (uint64_t i = 0; i < n; ++i) {
      engine->Put(RecordKey(KeyNumber(i)).view(), values.Next(), Sync::kNo);
    }
    engine->Flush();  // so that the log is empty
    WaitUntilIdle();
    return Sample();
  });
  SyncDisk(context.settings.dir);
  return OpenOnce(context);
}

Sample Replay(const WorkloadContext& context) {
  const uint64_t n = context.settings.memtable_bytes * 9 / 10 / (kRecordBytes + 16);
  RunIsolated([&context, n] {
    Engine* const engine = OpenEngine(context).release();  // dies with the process, unclosed
    RecordValues values(kValueBytes);
    for (const uint32_t i : ShuffledNumbers(n, 1200 + context.round)) {
      engine->Put(RecordKey(KeyNumber(i)).view(), values.Next(), Sync::kNo);
    }
    return Sample();
  });
  return OpenOnce(context);
}

}  // namespace fathom
