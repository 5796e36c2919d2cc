// Table files: building one and looking up in one whose blocks are cached. 50,000 records of
// 16 + 100 bytes; even numbers are there, odd ones are not.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "lsm/format/checksum.h"
#include "lsm/io/file_system.h"
#include "lsm/table/block_cache.h"
#include "lsm/table/table_builder.h"
#include "lsm/table/table_reader.h"
#include "tests/bench/records.h"
#include "tests/bench/scratch_dir.h"

namespace fathom {
namespace {

constexpr uint64_t kRecords = 50'000;

using Entries = std::vector<std::pair<std::string, std::string>>;

Entries MakeEntries() {
  Entries entries;
  RecordValues values(100);
  for (uint64_t i = 0; i < kRecords; ++i) {
    std::string key;
    AppendInternalKey(RecordKey(2 * i).view(), i + 1, ValueType::kValue, &key);
    entries.emplace_back(std::move(key), std::string(values.Next()));
  }
  return entries;
}

absl::StatusOr<BuiltTable> Build(const Entries& entries, const std::string& path) {
  auto file = PosixFileSystem()->Create(path);
  if (!file.ok()) {
    return file.status();
  }
  TableBuilder builder(TableBuilderOptions(), file->get());
  for (const auto& [key, value] : entries) {
    builder.Add(key, value);
  }
  return builder.Finish();
}

// To a file that is not synced; bytes are those of keys and values.
void BM_TableBuild(benchmark::State& state) {
  const ScratchDir dir;
  const Entries entries = MakeEntries();
  size_t bytes = 0;
  for (const auto& [key, value] : entries) {
    bytes += key.size() + value.size();
  }
  for (auto _ : state) {
    if (!Build(entries, dir / "table.sst").ok()) {
      state.SkipWithError("build failed");
      return;
    }
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(bytes));
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(entries.size()));
}
BENCHMARK(BM_TableBuild)->Unit(benchmark::kMillisecond);

// A table with a cache that holds all of it.
struct CachedTable {
  CachedTable() {
    const std::string path = dir / "table.sst";
    if (!Build(MakeEntries(), path).ok()) {
      std::abort();
    }
    auto file = PosixFileSystem()->OpenForRead(path);
    auto opened = TableReader::OpenUnknown(*std::move(file), "table.sst", 1, &cache);
    if (!opened.ok()) {
      std::abort();
    }
    reader = *std::move(opened);
    const std::unique_ptr<InternalIterator> it = reader->NewIterator(/*fill_cache=*/true, nullptr);
    for (it->SeekToFirst(); it->Valid(); it->Next()) {
    }
  }

  ScratchDir dir;
  BlockCache cache{size_t{64} << 20};
  std::shared_ptr<TableReader> reader;
};

// Looks up the keys 2 * i + `offset` in random order.
void LookupLoop(benchmark::State& state, uint64_t offset, Lookup expected) {
  const CachedTable table;
  std::vector<RecordKey> keys;
  for (const uint32_t i : ShuffledNumbers(kRecords, 11)) {
    keys.emplace_back(2 * uint64_t{i} + offset);
  }
  ReadCost cost;
  std::string value;
  size_t i = 0;
  for (auto _ : state) {
    const absl::string_view key = keys[i].view();
    const absl::StatusOr<Lookup> found =
        table.reader->Get(key, FilterHash(key), kMaxSequenceNumber, &value, &cost);
    if (!found.ok() || *found != expected) {
      state.SkipWithError("wrong answer");
      return;
    }
    i = i + 1 == keys.size() ? 0 : i + 1;
  }
  const auto lookups = static_cast<double>(state.iterations());
  state.counters["blocks_read"] = static_cast<double>(cost.blocks_read);
  state.counters["rejected_by_filter_%"] =
      100.0 * static_cast<double>(cost.filters_rejected) / lookups;
}

void BM_TableLookup_Hit(benchmark::State& state) { LookupLoop(state, 0, Lookup::kFound); }
BENCHMARK(BM_TableLookup_Hit);

void BM_TableLookup_Miss(benchmark::State& state) { LookupLoop(state, 1, Lookup::kAbsent); }
BENCHMARK(BM_TableLookup_Miss);

void BM_TableIterate(benchmark::State& state) {
  const CachedTable table;
  const std::unique_ptr<InternalIterator> it = table.reader->NewIterator(true, nullptr);
  it->SeekToFirst();
  for (auto _ : state) {
    benchmark::DoNotOptimize(it->value().data());
    it->Next();
    if (!it->Valid()) {
      it->SeekToFirst();
    }
  }
}
BENCHMARK(BM_TableIterate);

}  // namespace
}  // namespace fathom
