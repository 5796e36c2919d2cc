#include <algorithm>
#include <numeric>
#include <thread>
#include <vector>

#include "tests/bench/store/workload_parts.h"

namespace fathom {
namespace {

Sample Fill(const WorkloadContext& context, const std::vector<uint32_t>& order, Sync sync) {
  RecordValues values(kValueBytes);
  RecordKey key;
  Sample sample = TimeOperations(context, order.size(), Warm::kNo, [&](Engine* engine, uint64_t i) {
    key.Set(KeyNumber(order[i]));
    engine->Put(key.view(), values.Next(), sync);
  });
  sample.user_bytes = order.size() * kRecordBytes;
  sample.live_bytes = order.size() * kRecordBytes;
  return sample;
}

uint64_t SyncedWrites(const WorkloadContext& context) {
  return std::clamp<uint64_t>(context.records / 200, 500, 5000);
}

}  // namespace

Sample FillSeq(const WorkloadContext& context) {
  std::vector<uint32_t> order(context.records);
  std::iota(order.begin(), order.end(), 0);
  return Fill(context, order, Sync::kNo);
}

Sample DeleteRandom(const WorkloadContext& context) {
  const std::vector<uint32_t> order = ShuffledNumbers(context.records, 200 + context.round);
  RecordKey key;
  Sample sample = TimeOperations(context, order.size(), Warm::kNo, [&](Engine* engine, uint64_t i) {
    key.Set(KeyNumber(order[i]));
    engine->Delete(key.view());
  });
  sample.user_bytes = order.size() * kRecordKeyBytes;
  return sample;
}

Sample FillRandom(const WorkloadContext& context) {
  return Fill(context, ShuffledNumbers(context.records, 300 + context.round), Sync::kNo);
}

Sample Overwrite(const WorkloadContext& context) {
  return Fill(context, ShuffledNumbers(context.records, 400 + context.round), Sync::kNo);
}

Sample FillSync(const WorkloadContext& context) {
  return Fill(context, ShuffledNumbers(SyncedWrites(context), 500 + context.round), Sync::kYes);
}

Sample FillSync8(const WorkloadContext& context) {
  constexpr uint64_t kWriters = 8;
  const uint64_t share = SyncedWrites(context);  // of a writer
  const std::vector<uint32_t> order = ShuffledNumbers(kWriters * share, 550 + context.round);
  std::vector<Latencies> latencies(kWriters);
  Sample sample = TimeOperations(context, 1, Warm::kNo, [&](Engine* engine, uint64_t) {
    std::vector<std::thread> writers;
    for (uint64_t writer = 0; writer < kWriters; ++writer) {
      writers.emplace_back([&, engine, writer] {
        RecordValues values(kValueBytes);
        TimeEach(share, &latencies[writer], [&](uint64_t i) {
          const RecordKey key(KeyNumber(order[writer * share + i]));
          engine->Put(key.view(), values.Next(), Sync::kYes);
        });
      });
    }
    for (uint64_t writer = 0; writer < kWriters; ++writer) {
      writers[writer].join();
      latencies[0].Merge(writer == 0 ? Latencies() : latencies[writer]);
    }
  });
  SetLatencies(latencies[0], &sample);
  sample.operations = order.size();
  sample.user_bytes = order.size() * kRecordBytes;
  sample.live_bytes = order.size() * kRecordBytes;
  return sample;
}

}  // namespace fathom
