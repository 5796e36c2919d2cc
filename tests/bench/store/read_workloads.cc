#include <algorithm>
#include <atomic>
#include <chrono>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/bench/store/workload_parts.h"

namespace fathom {
namespace {

Sample GetRandom(const WorkloadContext& context, bool expect_found) {
  const std::vector<uint32_t> order = ShuffledNumbers(context.records, 700 + context.round);
  std::string value;
  RecordKey key;
  return TimeOperations(context, order.size(), Warm::kYes, [&](Engine* engine, uint64_t i) {
    key.Set(KeyNumber(order[i]) + (expect_found ? 0 : 1));
    Require(engine->Get(key.view(), &value) == expect_found, "a key was found, or was not");
  });
}

// The whole store, told as if each record were an operation.
Sample ReadAll(const WorkloadContext& context, Direction direction) {
  Sample sample = TimeOperations(context, 1, Warm::kYes, [&](Engine* engine, uint64_t) {
    Require(engine->Scan("", UINT64_MAX, direction) == context.records, "number of records");
  });
  sample.operations = context.records;
  sample.p50_micros = sample.p99_micros = sample.p999_micros = 0;
  return sample;
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

}  // namespace

Sample ReadRandom(const WorkloadContext& context) { return GetRandom(context, true); }
Sample ReadMissing(const WorkloadContext& context) { return GetRandom(context, false); }

Sample ReadSeq(const WorkloadContext& context) { return ReadAll(context, Direction::kForward); }
Sample ReadReverse(const WorkloadContext& context) {
  return ReadAll(context, Direction::kBackward);
}

Sample SeekRandom(const WorkloadContext& context) {
  constexpr uint64_t kRecords = 101;  // the one sought and 100 nexts
  std::mt19937_64 random(800 + context.round);
  const uint64_t last_start = context.records - std::min(context.records, kRecords);
  RecordKey key;
  return TimeOperations(context, std::max<uint64_t>(context.records / 50, 100), Warm::kYes,
                        [&](Engine* engine, uint64_t) {
                          key.Set(KeyNumber(random() % (last_start + 1)));
                          Require(engine->Scan(key.view(), kRecords, Direction::kForward) ==
                                      std::min(context.records, kRecords),
                                  "number of records after a seek");
                        });
}

Sample ReadWhileWriting(const WorkloadContext& context) {
  std::atomic<bool> stop = false;
  uint64_t writes = 0;
  std::thread writer;
  const std::vector<uint32_t> order = ShuffledNumbers(context.records, 1000 + context.round);
  std::string value;
  RecordKey key;
  Sample sample =
      TimeOperations(context, order.size(), Warm::kYes, [&](Engine* engine, uint64_t i) {
        if (i == 0) {
          writer = std::thread([&, engine] {
            writes = WriteUntil(stop, context.write_rate, context.records, engine);
          });
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

Sample Mixed(const WorkloadContext& context) {
  const std::vector<uint32_t> order = ShuffledNumbers(context.records, 1050 + context.round);
  std::mt19937 coin(1060);
  RecordValues values(kValueBytes);
  std::string value;
  RecordKey key;
  uint64_t writes = 0;
  Sample sample =
      TimeOperations(context, order.size(), Warm::kYes, [&](Engine* engine, uint64_t i) {
        key.Set(KeyNumber(order[i]));
        if (coin() % 2 == 0) {
          engine->Put(key.view(), values.Next(), Sync::kNo);
          ++writes;
        } else {
          Require(engine->Get(key.view(), &value), "a record was not found");
        }
      });
  sample.user_bytes = writes * kRecordBytes;
  sample.live_bytes = context.records * kRecordBytes;
  return sample;
}

}  // namespace fathom
