// The memtable: 16-byte keys in random or ascending order, 100-byte values.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "lsm/format/checksum.h"
#include "lsm/memtable/memtable.h"
#include "tests/bench/records.h"

namespace fathom {
namespace {

constexpr uint64_t kSeed = 7;

std::vector<RecordKey> ShuffledKeys(uint64_t n, uint64_t seed) {
  std::vector<RecordKey> keys;
  keys.reserve(n);
  for (const uint32_t number : ShuffledNumbers(n, seed)) {
    keys.emplace_back(number);
  }
  return keys;
}

std::vector<RecordKey> AscendingKeys(uint64_t n) {
  std::vector<RecordKey> keys;
  keys.reserve(n);
  for (uint64_t number = 0; number < n; ++number) {
    keys.emplace_back(number);
  }
  return keys;
}

std::shared_ptr<MemTable> Fill(const std::vector<RecordKey>& keys, RecordValues* values) {
  constexpr size_t kEntryBytes = 128;  // about
  auto memtable = std::make_shared<MemTable>(keys.size() * kEntryBytes);
  SequenceNumber sequence = 0;
  for (const RecordKey& key : keys) {
    memtable->Add(++sequence, ValueType::kValue, key.view(), values->Next());
  }
  return memtable;
}

// Time is that of a whole memtable; items are records.
void MeasureInsert(benchmark::State& state, const std::vector<RecordKey>& keys) {
  RecordValues values(100);
  size_t memory = 0;
  for (auto _ : state) {
    memory = Fill(keys, &values)->memory_bytes();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
  state.counters["s/record"] =
      benchmark::Counter(static_cast<double>(state.iterations() * state.range(0)),
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["bytes/record"] = static_cast<double>(memory) / static_cast<double>(keys.size());
}

void BM_MemtableInsert(benchmark::State& state) {
  MeasureInsert(state, ShuffledKeys(static_cast<uint64_t>(state.range(0)), kSeed));
}
BENCHMARK(BM_MemtableInsert)->Arg(50'000)->Arg(1'000'000)->Unit(benchmark::kMillisecond);

void BM_MemtableInsert_Ascending(benchmark::State& state) {
  MeasureInsert(state, AscendingKeys(static_cast<uint64_t>(state.range(0))));
}
BENCHMARK(BM_MemtableInsert_Ascending)->Arg(50'000)->Arg(1'000'000)->Unit(benchmark::kMillisecond);

void BM_MemtableLookup_Hit(benchmark::State& state) {
  const auto n = static_cast<uint64_t>(state.range(0));
  RecordValues values(100);
  const std::shared_ptr<MemTable> memtable = Fill(ShuffledKeys(n, kSeed), &values);
  const std::vector<RecordKey> asked = ShuffledKeys(n, kSeed + 1);
  std::string value;
  size_t i = 0;
  for (auto _ : state) {
    if (memtable->Get(asked[i].view(), FilterHash(asked[i].view()), kMaxSequenceNumber, &value) !=
        Lookup::kFound) {
      state.SkipWithError("a key is missing");
      return;
    }
    i = i + 1 == asked.size() ? 0 : i + 1;
  }
}
BENCHMARK(BM_MemtableLookup_Hit)->Arg(50'000)->Arg(1'000'000);

// In order, as a flush walks it.
void BM_MemtableIterate(benchmark::State& state) {
  RecordValues values(100);
  const std::shared_ptr<MemTable> memtable =
      Fill(ShuffledKeys(static_cast<uint64_t>(state.range(0)), kSeed), &values);
  const std::unique_ptr<InternalIterator> it = memtable->NewIterator();
  it->SeekToFirst();
  for (auto _ : state) {
    benchmark::DoNotOptimize(it->key().back() + it->value().front() + it->value().back());
    it->Next();
    if (!it->Valid()) {
      it->SeekToFirst();
    }
  }
}
BENCHMARK(BM_MemtableIterate)->Arg(50'000)->Arg(1'000'000);

}  // namespace
}  // namespace fathom
