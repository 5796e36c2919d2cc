// Tables that are sound: what goes in comes out, at the price that is promised.
#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "lsm/format/checksum.h"
#include "lsm/io/mem_file_system.h"
#include "lsm/table/table_builder.h"
#include "lsm/table/table_reader.h"
#include "tests/lsm/io/temp_dir.h"
#include "tests/lsm/table/table_test_util.h"

namespace fathom {
namespace {

Entries ManyEntries(int count, uint32_t seed) {
  std::mt19937 random(seed);
  Entries entries;
  SequenceNumber sequence = 0;
  while (entries.size() < static_cast<size_t>(count)) {
    const std::string user_key = absl::StrCat("user:", random() % static_cast<uint32_t>(count));
    const bool deletion = random() % 5 == 0;
    entries[Key(user_key, ++sequence, deletion ? ValueType::kDeletion : ValueType::kValue)] =
        deletion ? "" : std::string(random() % 60, static_cast<char>('a' + random() % 26));
  }
  return entries;
}

void CheckSameScans(const Entries& entries, TableReader* table) {
  const auto it = table->NewIterator(true, nullptr);
  it->SeekToFirst();
  CHECK(Rest(it.get()) ==
        std::vector<std::pair<std::string, std::string>>(entries.begin(), entries.end()));
  CHECK(it->status().ok());
  it->SeekToLast();
  for (auto at = entries.rbegin(); at != entries.rend(); ++at, it->Prev()) {
    REQUIRE(it->Valid());
    REQUIRE(it->key() == at->first);
    REQUIRE(it->value() == at->second);
  }
  CHECK_FALSE(it->Valid());
  CHECK(it->status().ok());
}

void CheckSameGet(const Entries& entries, TestTable* table, absl::string_view user_key,
                  SequenceNumber snapshot) {
  std::string value;
  ReadCost cost;
  const auto found = table->Get(user_key, snapshot, &value, &cost);
  const auto expected = Expected(entries, user_key, snapshot);
  REQUIRE_MESSAGE(found.ok(), found.status().ToString());
  REQUIRE(*found == expected.first);
  REQUIRE(value == expected.second);
}

// Of entries as ManyEntries makes them; what the table's own check counted.
TableCheck CheckAllReads(const Entries& entries, TestTable* table) {
  CheckSameScans(entries, table->reader.get());
  for (size_t i = 0; i < entries.size() + 100; ++i) {
    CheckSameGet(entries, table, absl::StrCat("user:", i), kMaxSequenceNumber);
  }
  const auto check = table->reader->Check();
  REQUIRE_MESSAGE(check.ok(), check.status().ToString());
  CHECK(check->entries == entries.size());
  CHECK(check->bytes == table->built.file_bytes);
  return *check;
}

TEST_CASE("table: entries come back by scan and by lookup at all block sizes") {
  const Entries entries = ManyEntries(3000, 1);
  for (const size_t block_bytes : std::vector<size_t>{64, 100, 512, 4096, 65536}) {
    CAPTURE(block_bytes);
    BlockCache cache(1 << 20);
    TestTable table(entries, block_bytes, &cache, Compression::kNone, {}, kOnePartition);
    const TableCheck check = CheckAllReads(entries, &table);
    CHECK(check.blocks == table.built.properties.data_blocks + 4);
  }
}

TEST_CASE("table: entries come back through an index of many partitions, or of few") {
  const Entries entries = ManyEntries(3000, 11);
  uint64_t data_bytes = 0;
  for (const size_t partition_bytes : std::vector<size_t>{1, 64, 1000, 9000, kOnePartition}) {
    CAPTURE(partition_bytes);
    BlockCache cache(1 << 20);
    IndexBudget budget(partition_bytes == 64 ? 2000 : 1 << 20);  // for few of them, or for all
    {
      TestTable table(entries, 100, TableCaches(&cache, &budget), Compression::kNone, {},
                      partition_bytes);
      const TableProperties& properties = table.reader->properties();
      if (partition_bytes == kOnePartition) {
        CHECK(properties.index_partitions == 0);
        CHECK(properties.index_root_bytes == 0);
      } else if (partition_bytes == 1) {
        CHECK(properties.index_partitions == properties.data_blocks);
      } else {
        CHECK(properties.index_partitions > properties.index_bytes / (partition_bytes + 100));
        CHECK(properties.index_partitions <= properties.index_bytes / partition_bytes + 1);
      }
      data_bytes = data_bytes == 0 ? properties.data_bytes : data_bytes;
      CHECK(properties.data_bytes == data_bytes);

      const TableCheck check = CheckAllReads(entries, &table);
      CHECK(check.blocks == properties.data_blocks + properties.index_partitions + 4);
      CHECK(budget.taken() > properties.index_bytes / (partition_bytes == 64 ? 100 : 1));
    }
    CHECK(budget.taken() == 0);
  }
}

TEST_CASE("table: a lookup reads one partition of the index, and no other one's room is taken") {
  const Entries entries = ManyEntries(3000, 12);
  BlockCache cache(1 << 20);
  IndexBudget budget(1 << 20);
  TestTable table(entries, 100, TableCaches(&cache, &budget), Compression::kNone, {}, 1000);
  const TableProperties& properties = table.reader->properties();
  REQUIRE(properties.index_partitions > 20);
  const std::string user_key(UserKey(std::next(entries.begin(), 1500)->first));
  std::string value;
  ReadCost cold;
  REQUIRE(table.Get(user_key, kMaxSequenceNumber, &value, &cold).ok());
  CHECK(cold.blocks_read == 2);
  CHECK(cold.bytes_read < 1300);
  CHECK(budget.taken() > 1000);
  CHECK(budget.taken() < 2000);
  ReadCost warm;
  REQUIRE(table.Get(user_key, kMaxSequenceNumber, &value, &warm).ok());
  CHECK(warm.blocks_read == 0);
  CHECK(warm.blocks_cached == 2);

  // A scan counts each partition once, and every block of it.
  ReadCost scanned;
  const auto it = table.reader->NewIterator(/*fill_cache=*/true, &scanned);
  it->SeekToFirst();
  CHECK(Rest(it.get()).size() == entries.size());
  CHECK(scanned.blocks_read + scanned.blocks_cached ==
        properties.index_partitions + properties.data_blocks);
}

TEST_CASE("table: entries come back at each compression, and take less room") {
  const Entries entries = ManyEntries(3000, 8);
  for (const size_t block_bytes : std::vector<size_t>{64, 512, 4096, 65536}) {
    CAPTURE(block_bytes);
    const TestTable plain(entries, block_bytes);
    for (const Compression compression : {Compression::kLz4, Compression::kZstd}) {
      CAPTURE(static_cast<int>(compression));
      BlockCache cache(1 << 20);
      TestTable table(entries, block_bytes, &cache, compression);
      CheckAllReads(entries, &table);
      CHECK(table.reader->properties().compression == compression);
      CHECK(table.built.properties.data_blocks == plain.built.properties.data_blocks);
      if (block_bytes >= 512) {
        CHECK(table.built.properties.data_bytes < plain.built.properties.data_bytes * 7 / 8);
      } else {
        CHECK(table.built.properties.data_bytes <= plain.built.properties.data_bytes);
      }
    }
  }
}

TEST_CASE("table: what does not compress is stored as it is") {
  std::mt19937 random(9);
  Entries entries;
  for (SequenceNumber i = 1; i <= 200; ++i) {
    std::string value;
    while (value.size() < 500) {
      value.push_back(static_cast<char>(random()));
    }
    entries[Key(absl::StrCat("key", 1000 + i), i)] = value;
  }
  const TestTable plain(entries);
  for (const Compression compression : {Compression::kLz4, Compression::kZstd}) {
    TestTable table(entries, 4096, nullptr, compression);
    CHECK(table.built.properties.data_bytes == plain.built.properties.data_bytes);
    CheckSameScans(entries, table.reader.get());
  }
}

TEST_CASE("table: a large value that shrinks as far as the format allows comes back") {
  const Entries entries = {{Key("zeros", 1), std::string(size_t{20} << 20, '\0')}};
  for (const Compression compression : {Compression::kLz4, Compression::kZstd}) {
    TestTable table(entries, 4096, nullptr, compression);
    CHECK(table.built.file_bytes < size_t{100} << 10);
    CheckSameScans(entries, table.reader.get());
  }
}

TEST_CASE("table: what was built is told truly") {
  const Entries entries = ManyEntries(1000, 2);
  TestTable table(entries, 512);
  uint64_t deletions = 0;
  uint64_t key_bytes = 0;
  uint64_t value_bytes = 0;
  for (const auto& [key, value] : entries) {
    deletions += Type(key) == ValueType::kDeletion ? 1 : 0;
    key_bytes += key.size();
    value_bytes += value.size();
  }
  const TableProperties& properties = table.reader->properties();
  CHECK(properties.entries == 1000);
  CHECK(properties.deletions == deletions);
  CHECK(properties.raw_key_bytes == key_bytes);
  CHECK(properties.raw_value_bytes == value_bytes);
  CHECK(properties.smallest_sequence == 1);
  CHECK(properties.largest_sequence == 1000);
  CHECK(table.built.smallest == entries.begin()->first);
  CHECK(table.built.largest == entries.rbegin()->first);
  CHECK(table.built.file_bytes == *table.fs.FileSize(table.path));
  CHECK(table.built.filter_bits == table.reader->filter().num_bits());
  CHECK(table.reader->memory_bytes() > table.built.filter_bits / 8);
}

TEST_CASE("table: no data block passes its size unless one entry alone does") {
  Entries entries = ManyEntries(500, 3);
  entries[Key("user:17x", 5000)] = std::string(3000, 'x');
  MemFileSystem fs;
  for (const size_t block_bytes : std::vector<size_t>{200, 1000, 4096}) {
    const BuiltTable built = Build(&fs, "a.sst", entries, block_bytes);
    BlockCache cache(16 << 20);
    const auto table = Open(&fs, "a.sst", built, &cache);
    table->NewIterator(true, nullptr)->SeekToFirst();
    const uint64_t index_bytes = cache.counters().bytes;
    uint64_t largest = 0;
    uint64_t over = 0;
    uint64_t before = index_bytes;
    // Backwards, which reads nothing ahead: each block enters the cache.
    const auto it = table->NewIterator(true, nullptr);
    for (it->SeekToLast(); it->Valid(); it->Prev()) {
      const uint64_t block = cache.counters().bytes - before - kBlockObjectBytes;
      if (cache.counters().bytes != before) {
        largest = std::max(largest, block);
        over += block > block_bytes ? 1 : 0;
        before = cache.counters().bytes;
      }
    }
    CHECK(over == (block_bytes < 3000 ? 1 : 0));
    CHECK(largest > block_bytes / 2);
  }
}

TEST_CASE("table: versions of one key over many blocks are read at every snapshot") {
  for (const auto& [block_bytes, partition_bytes] : std::vector<std::pair<size_t, size_t>>{
           {64, kOnePartition}, {128, kOnePartition}, {4096, kOnePartition}, {64, 1}, {64, 150}}) {
    Entries entries;
    for (SequenceNumber sequence = 1; sequence <= 200; ++sequence) {
      const bool deletion = sequence % 7 == 0;
      entries[Key("key", sequence, deletion ? ValueType::kDeletion : ValueType::kValue)] =
          deletion ? "" : absl::StrCat("version ", sequence);
    }
    entries[Key("kex", 50)] = "before";
    entries[Key("kez", 50)] = "after";
    TestTable table(entries, block_bytes, {}, Compression::kNone, {}, partition_bytes);
    for (SequenceNumber snapshot = 0; snapshot <= 202; ++snapshot) {
      for (const char* user_key : {"key", "kex", "kez", "ke", "keyy", ""}) {
        CheckSameGet(entries, &table, user_key, snapshot);
      }
    }
    CheckSameScans(entries, table.reader.get());
  }
}

TEST_CASE("table: seeks to and around every key and separator land where a map lands") {
  // Crash case 50.
  std::mt19937 random(50);
  Entries entries;
  std::vector<std::string> targets;
  for (int i = 0; i < 400; ++i) {
    std::string user_key;
    for (uint32_t length = random() % 4; user_key.size() < length;) {
      user_key.push_back("\0a\x7f\xff"[random() % 4]);
    }
    const SequenceNumber sequence = random() % 10;
    targets.push_back(Key(user_key, sequence, ValueType::kDeletion));
    targets.push_back(Key(user_key, sequence));
    targets.push_back(Key(user_key, kMaxSequenceNumber));
    targets.push_back(Key(user_key + '\xff', 3));
    if (i % 2 == 0) {
      entries[targets[targets.size() - 3]] = absl::StrCat(i);
    }
  }
  for (const auto& [block_bytes, partition_bytes] : std::vector<std::pair<size_t, size_t>>{
           {64, kOnePartition}, {150, kOnePartition}, {4096, kOnePartition}, {64, 1}, {64, 100}}) {
    TestTable table(entries, block_bytes, {}, Compression::kNone, {}, partition_bytes);
    const auto it = table.reader->NewIterator(true, nullptr);
    for (const std::string& target : targets) {
      it->Seek(target);
      auto at = entries.lower_bound(target);
      REQUIRE(it->Valid() == (at != entries.end()));
      if (!it->Valid()) {
        continue;
      }
      REQUIRE(it->key() == at->first);
      it->Prev();
      REQUIRE(it->Valid() == (at != entries.begin()));
      if (it->Valid()) {
        REQUIRE(it->key() == std::prev(at)->first);
        it->Next();
        REQUIRE(it->key() == at->first);
      }
    }
  }
}

TEST_CASE("table: a cold hit reads two blocks, a warm one none, a rejected lookup nothing") {
  const Entries entries = ManyEntries(3000, 4);
  BlockCache cache(1 << 20);
  TestTable table(entries, 4096, &cache);
  const std::string user_key(UserKey(entries.begin()->first));
  std::string value;

  ReadCost cold;
  REQUIRE(table.Get(user_key, kMaxSequenceNumber, &value, &cold).ok());
  CHECK(cold.tables_checked == 1);
  CHECK(cold.filters_checked == 1);
  CHECK(cold.filters_rejected == 0);
  CHECK(cold.blocks_read == 2);
  CHECK(cold.blocks_cached == 0);
  const uint64_t index_bytes = table.built.properties.index_bytes;
  CHECK(cold.bytes_read > index_bytes + 2048);
  CHECK(cold.bytes_read <= index_bytes + 4096 + kBlockTrailerBytes);

  ReadCost warm;
  REQUIRE(table.Get(user_key, kMaxSequenceNumber, &value, &warm).ok());
  CHECK(warm.blocks_read == 0);
  CHECK(warm.blocks_cached == 2);
  CHECK(warm.bytes_read == 0);

  const uint64_t reads = table.fs.op_count(FileOp::kRead);
  ReadCost missed;
  std::string absent = "absent";
  while (table.reader->filter().MayContain(FilterHash(absent))) {
    absent.push_back('x');
  }
  const auto found = table.Get(absent, kMaxSequenceNumber, &value, &missed);
  CHECK(found.ok());
  CHECK(*found == Lookup::kAbsent);
  CHECK(missed.tables_checked == 1);
  CHECK(missed.filters_checked == 1);
  CHECK(missed.filters_rejected == 1);
  CHECK(missed.blocks_read + missed.blocks_cached == 0);
  CHECK(table.fs.op_count(FileOp::kRead) == reads);
}

TEST_CASE("table: a lookup that falls between two blocks reads one data block") {
  Entries entries;
  for (int i = 0; i < 100; ++i) {
    entries[Key(absl::StrCat("key", 1000 + 2 * i, "suffix"), 1)] = std::string(30, 'v');
  }
  TestTable table(entries, 64);
  const uint64_t hash_of_present = FilterHash("key1000suffix");
  for (int i = 0; i < 99; ++i) {
    std::string value;
    ReadCost cost;
    const auto found = table.reader->Get(absl::StrCat("key", 1000 + 2 * i, "suffiy"),
                                         hash_of_present, kMaxSequenceNumber, &value, &cost);
    REQUIRE(found.ok());
    CHECK(*found == Lookup::kAbsent);
    CHECK(cost.blocks_read == 2);
  }
}

TEST_CASE("table: readers work with a cache that is too small, or none") {
  // Crash case 55.
  const Entries entries = ManyEntries(2000, 5);
  BlockCache nothing(0);
  BlockCache small(16 * 1000);
  for (BlockCache* cache : {static_cast<BlockCache*>(nullptr), &nothing, &small}) {
    TestTable table(entries, 512, cache);
    CheckSameScans(entries, table.reader.get());
    for (int i = 0; i < 200; ++i) {
      CheckSameGet(entries, &table, absl::StrCat("user:", i), kMaxSequenceNumber);
    }
    std::vector<std::unique_ptr<InternalIterator>> pinning;
    for (const auto& [key, value] : entries) {
      pinning.push_back(table.reader->NewIterator(true, nullptr));
      pinning.back()->Seek(key);
      REQUIRE(pinning.back()->key() == key);
    }
    CHECK(table.fs.open_readers() == 1);
    pinning.clear();
    table.reader.reset();
    CHECK(table.fs.open_readers() == 0);
  }
  CHECK(small.counters().bytes <= 16 * 1000);
}

TEST_CASE("table: a scan that must not fill the cache leaves it as it was and counts its reads") {
  const Entries entries = ManyEntries(500, 6);
  BlockCache cache(1 << 20);
  TestTable table(entries, 512, &cache);
  ReadCost cost;
  const auto it = table.reader->NewIterator(false, &cost);
  it->SeekToFirst();
  CHECK(Rest(it.get()).size() == 500);
  CHECK(cache.counters().blocks == 0);
  CHECK(cost.blocks_read == table.built.properties.data_blocks + 1);
  CHECK(cost.bytes_read == table.built.file_bytes - table.built.tail_bytes);
}

TEST_CASE("table: a scan of ten times the cache leaves the blocks that lookups use") {
  Entries entries;
  for (int i = 0; i < 40000; ++i) {
    entries[Key(absl::StrCat("key", 100000 + i), 1)] = std::string(100, 'v');
  }
  BlockCache cache(size_t{400} << 10);
  IndexBudget index_budget(1 << 20);
  TestTable table(entries, 1000, TableCaches(&cache, &index_budget));
  REQUIRE(table.built.properties.data_bytes > 10 * cache.capacity_bytes());
  const auto look_up_hot = [&](ReadCost* cost) {
    for (int i = 0; i < 40000; i += 400) {  // 100 blocks, a quarter of the cache
      std::string value;
      const auto found =
          table.Get(absl::StrCat("key", 100000 + i), kMaxSequenceNumber, &value, cost);
      REQUIRE(found.ok());
      REQUIRE(*found == Lookup::kFound);
    }
  };
  ReadCost cold;
  look_up_hot(&cold);
  CHECK(cold.blocks_read == 100 + 1);

  ReadCost scan;
  const auto it = table.reader->NewIterator(true, &scan);
  it->SeekToFirst();
  CHECK(Rest(it.get()).size() == 40000);
  CHECK(scan.blocks_read + scan.blocks_cached == table.built.properties.data_blocks + 1);
  CHECK(cache.counters().evictions == 0);  // what was read ahead did not enter
  for (it->SeekToLast(); it->Valid();) {
    it->Prev();
  }
  CHECK(cache.counters().evictions > 300);  // at one in eight of the misses

  ReadCost warm;
  look_up_hot(&warm);
  CHECK(warm.blocks_read == 0);
  CHECK(warm.blocks_cached == 200);
  const uint64_t index_reads = 1;
  const uint64_t index_uses = 99 + 1 + 100;
  CHECK(cache.counters().hits + index_uses ==
        cold.blocks_cached + scan.blocks_cached + warm.blocks_cached);
  CHECK(cache.counters().misses + index_reads ==
        cold.blocks_read + scan.blocks_read + warm.blocks_read);
}

TEST_CASE("table: the index is read once and held while the budget lasts") {
  const Entries entries = ManyEntries(2000, 10);
  const std::string key(UserKey(entries.begin()->first));
  const auto get = [&key](TestTable& table) {
    std::string value;
    ReadCost cost;
    REQUIRE(table.Get(key, kMaxSequenceNumber, &value, &cost).ok());
    return cost.blocks_read;
  };
  IndexBudget budget(size_t{1} << 20);
  {
    TestTable table(entries, 512, TableCaches(nullptr, &budget));
    const auto scan = table.reader->NewIterator(false, nullptr);
    scan->SeekToFirst();
    CHECK(scan->Valid());
    CHECK(budget.taken() == 0);  // a scan that means to fill no cache
    CHECK(get(table) == 2);
    const size_t of_one = budget.taken();
    CHECK(of_one > table.built.properties.data_blocks * 20);
    CHECK(get(table) == 1);
    CHECK(budget.taken() == of_one);

    TestTable fresh(entries, 512, TableCaches(nullptr, &budget));
    for (const bool keep : {false, true}) {
      const auto check = fresh.reader->NewIteratorOfFresh(keep);
      check->SeekToFirst();
      CHECK(check->Valid());
      CHECK(budget.taken() == (keep ? 2 : 1) * of_one);
    }
    CHECK(get(fresh) == 1);

    IndexBudget small(of_one - 1);
    BlockCache cache(size_t{1} << 20);
    TestTable without(entries, 512, TableCaches(&cache, &small));
    CHECK(get(without) == 2);
    CHECK(small.taken() == 0);
    CHECK(cache.counters().blocks == 2);
    CHECK(get(without) == 0);
  }
  CHECK(budget.taken() == 0);
}

TEST_CASE("table: a scan reads ahead, and costs what it did") {
  const Entries entries = ManyEntries(20000, 10);
  for (const Compression compression : {Compression::kNone, Compression::kLz4}) {
    TestTable table(entries, 512, nullptr, compression);
    const uint64_t blocks = table.built.properties.data_blocks;
    REQUIRE(blocks > 500);
    for (const bool fill_cache : {true, false}) {
      const uint64_t reads = table.fs.op_count(FileOp::kRead);
      ReadCost cost;
      const auto it = table.reader->NewIterator(fill_cache, &cost);
      it->SeekToFirst();
      CHECK(Rest(it.get()) ==
            std::vector<std::pair<std::string, std::string>>(entries.begin(), entries.end()));
      CHECK(table.fs.op_count(FileOp::kRead) - reads < 15);
      CHECK(cost.blocks_read == blocks + 1);
      CHECK(cost.bytes_read == table.built.file_bytes - table.built.tail_bytes);
    }
    // Seeks to and fro, and a way back, read what they need.
    const auto it = table.reader->NewIterator(false, nullptr);
    for (auto at = entries.begin(); at != entries.end(); std::advance(at, 100)) {
      it->Seek(at->first);
      REQUIRE(it->Valid());
      REQUIRE(it->key() == at->first);
      for (int i = 0; i < 40 && it->Valid(); ++i) {
        it->Next();
      }
    }
  }
}

// A file that says whether it lies in memory, how much was read of it at once, and how often it was
// asked for a block ahead.
class WatchedFile final : public ReadableFile {
 public:
  struct Seen {
    size_t greatest_read = 0;
    size_t looks_ahead = 0;
  };

  WatchedFile(std::unique_ptr<ReadableFile> file, bool in_memory, Seen* seen)
      : file_(std::move(file)), in_memory_(in_memory), seen_(seen) {}

  absl::StatusOr<size_t> Read(uint64_t offset, size_t n, char* scratch) const override {
    seen_->greatest_read = std::max(seen_->greatest_read, n);
    return file_->Read(offset, n, scratch);
  }
  PrefetchStream Ahead(uint64_t offset, size_t n) const override {
    seen_->looks_ahead += offset > 0;
    return in_memory_ ? PrefetchStream("", n) : PrefetchStream();
  }
  uint64_t size() const override { return file_->size(); }

 private:
  const std::unique_ptr<ReadableFile> file_;
  const bool in_memory_;
  Seen* const seen_;
};

TEST_CASE("table: a file that lies in memory is scanned block by block, unless by a compaction") {
  TestTable built(ManyEntries(20000, 13), 512);
  for (const bool in_memory : {false, true}) {
    WatchedFile::Seen seen;
    IndexBudget index_budget(1 << 20);
    auto table = TableReader::Open(
        std::make_unique<WatchedFile>(*built.fs.OpenForRead(built.path), in_memory, &seen),
        IdentityOf(built.path, built.built), TableCaches(nullptr, &index_budget));
    REQUIRE(table.ok());
    for (const bool fill_cache : {true, false}) {
      auto it = (*table)->NewIterator(fill_cache, nullptr);
      it->SeekToFirst();  // reads the index
      seen.greatest_read = 0;
      CHECK(Rest(it.get()).size() == 20000);
      CHECK((seen.greatest_read > 10'000) == (!in_memory || !fill_cache));
    }
  }
}

TEST_CASE("table: a scan looks for the next block when it has given a third of this one") {
  const Entries entries = ManyEntries(20000, 14);
  TestTable built(entries, 512);
  WatchedFile::Seen seen;
  const auto table = TableReader::Open(
      std::make_unique<WatchedFile>(*built.fs.OpenForRead(built.path), true, &seen),
      IdentityOf(built.path, built.built), TableCaches());
  REQUIRE(table.ok());
  auto it = (*table)->NewIterator(true, nullptr);
  it->Seek(entries.begin()->first);
  CHECK(seen.looks_ahead == 0);
  it->Next();
  CHECK(seen.looks_ahead == 0);
  const size_t blocks = built.built.properties.data_blocks;
  CHECK(Rest(it.get()).size() == entries.size() - 1);
  CHECK(seen.looks_ahead > blocks / 10 * 9);
  CHECK(seen.looks_ahead < blocks);
}

TEST_CASE("table: scans of a mapped file give what is there, cache two blocks, ask once for each") {
  const Entries entries = ManyEntries(20000, 12);
  const TempDir dir;
  const std::string path = dir.path() + "/L0_001.sst";
  const BuiltTable built = Build(PosixFileSystem(), path, entries, 512);
  const uint64_t blocks = built.properties.data_blocks;
  BlockCache cache(size_t{4} << 20, /*block_bytes=*/512);
  IndexBudget index_budget(1 << 20);
  const auto table = Open(PosixFileSystem(), path, built, TableCaches(&cache, &index_budget));
  for (uint64_t scans = 0; scans < 3; ++scans) {
    const auto it = table->NewIterator(true, nullptr);
    it->SeekToFirst();
    CHECK(Rest(it.get()) ==
          std::vector<std::pair<std::string, std::string>>(entries.begin(), entries.end()));
    CHECK(cache.counters().blocks == 2);
    // What was asked for ahead was looked up once, like the others.
    CHECK(cache.counters().hits == 2 * scans);
    CHECK(cache.counters().hits + cache.counters().misses == (scans + 1) * blocks);
  }
}

// A table of a mapped file, in which the blocks have four times the room of the cache.
struct MappedTable {
  explicit MappedTable(Compression compression = Compression::kNone)
      : built(Build(PosixFileSystem(), path, entries, 4096, compression)),
        cache(built.properties.data_bytes / 4),
        reader(Open(PosixFileSystem(), path, built, TableCaches(&cache, &index_budget))) {}

  // Looks for all keys, in no order, and checks what is found. What is lost counts in `*lost`.
  ReadCost GetAll(size_t* lost) const {
    std::vector<absl::string_view> user_keys;
    for (const auto& [key, value] : entries) {
      user_keys.push_back(UserKey(key));
    }
    std::shuffle(user_keys.begin(), user_keys.end(), std::mt19937(1));
    ReadCost cost;
    *lost = 0;
    for (const absl::string_view user_key : user_keys) {
      std::string value;
      const auto found =
          reader->Get(user_key, FilterHash(user_key), kMaxSequenceNumber, &value, &cost);
      if (!found.ok()) {
        REQUIRE_MESSAGE(found.status().code() == absl::StatusCode::kDataLoss,
                        found.status().ToString());
        ++*lost;
        continue;
      }
      const auto [lookup, newest] = Expected(entries, user_key, kMaxSequenceNumber);
      REQUIRE(*found == lookup);
      REQUIRE(value == newest);
    }
    return cost;
  }
  // Until the cache holds what it is going to hold.
  ReadCost Settle() const {
    size_t lost = 0;
    GetAll(&lost);
    GetAll(&lost);
    const ReadCost cost = GetAll(&lost);
    CHECK(lost == 0);
    return cost;
  }

  static Entries LongEntries() {
    Entries entries = ManyEntries(20000, 12);
    for (auto& [key, value] : entries) {
      value.append(Type(key) == ValueType::kDeletion ? 0 : 100, '.');
    }
    return entries;
  }

  const Entries entries = LongEntries();
  const TempDir dir;
  const std::string path = dir.path() + "/L0_001.sst";
  const BuiltTable built;
  BlockCache cache;
  IndexBudget index_budget{1 << 20};
  const std::shared_ptr<TableReader> reader;
};

TEST_CASE("table: of blocks that a full cache does not keep lookups read one entry each") {
  const MappedTable table;
  const ReadCost cost = table.Settle();
  CHECK(table.cache.counters().outlines > table.built.properties.data_blocks / 3);
  CHECK(table.cache.counters().bytes <= table.cache.capacity_bytes());
  CHECK(cost.bytes_read < cost.blocks_read * 4096 * 2 / 3);
  CHECK(cost.blocks_read + cost.blocks_cached >= 2 * table.entries.size());
}

TEST_CASE("table: a lookup by an outline finds the damage that came after it") {
  const MappedTable table;
  table.Settle();
  std::fstream file(table.path, std::ios::binary | std::ios::in | std::ios::out);
  file << std::string(table.built.properties.data_bytes, 'x');
  file.close();
  REQUIRE(file.good());
  size_t lost = 0;
  table.GetAll(&lost);
  CHECK(lost > table.entries.size() / 2);  // the others are in the cache
}

TEST_CASE("table: compressed blocks, whose entries are nowhere in the file, get no outlines") {
  const MappedTable table(Compression::kLz4);
  table.Settle();
  CHECK(table.cache.counters().outlines == 0);
}

TEST_CASE("table: a scan gives what lies before the damage, also where it read ahead") {
  const Entries entries = ManyEntries(20000, 11);
  TestTable table(entries, 512);
  std::string bytes = *table.fs.Contents(table.path);
  bytes[table.built.properties.data_bytes / 2] ^= 1;
  table.fs.SetContents(table.path, bytes);
  const auto it = table.reader->NewIterator(false, nullptr);
  auto at = entries.begin();
  for (it->SeekToFirst(); it->Valid(); it->Next(), ++at) {
    REQUIRE(it->key() == at->first);
    REQUIRE(it->value() == at->second);
  }
  CHECK(it->status().code() == absl::StatusCode::kDataLoss);
  const auto read = std::distance(entries.begin(), at);
  CHECK(read > 9000);
  CHECK(read < 11000);
}

TEST_CASE("table: an iterator keeps the reader alive") {
  const Entries entries = ManyEntries(100, 7);
  TestTable table(entries, 256);
  const auto it = table.reader->NewIterator(true, nullptr);
  table.reader.reset();
  it->SeekToFirst();
  CHECK(Rest(it.get()).size() == 100);
}

TEST_CASE("table: opened without an identity it takes the one that it was built with") {
  const Entries entries = ManyEntries(300, 8);
  TestTable table(entries, 512);
  auto file = table.fs.OpenForRead(table.path);
  REQUIRE(file.ok());
  const auto opened = TableReader::OpenUnknown(*std::move(file), table.path, 9, nullptr);
  REQUIRE_MESSAGE(opened.ok(), opened.status().ToString());
  const TableIdentity& identity = (*opened)->identity();
  CHECK(identity.number == 9);
  CHECK(identity.file_bytes == table.built.file_bytes);
  CHECK(identity.tail_bytes == table.built.tail_bytes);
  CHECK(identity.tail_hash == table.built.tail_hash);
  CheckSameScans(entries, opened->get());
}

TEST_CASE("table: opening reads the tail in one read") {
  const Entries entries = ManyEntries(300, 9);
  TestTable table(entries, 512);
  const uint64_t reads = table.fs.op_count(FileOp::kRead);
  Open(&table.fs, table.path, table.built);
  CHECK(table.fs.op_count(FileOp::kRead) == reads + 1);
}

TEST_CASE("table builder: data goes to the file in large pieces") {
  MemFileSystem fs;
  Entries entries;
  for (int i = 0; i < 3000; ++i) {
    entries[Key(absl::StrCat("key", 10000 + i), 1)] = std::string(1000, 'v');
  }
  const BuiltTable built = Build(&fs, "a.sst", entries, 4096);
  // A piece goes when a block has filled it.
  const uint64_t appends = fs.op_count(FileOp::kAppend);
  CHECK(appends <= built.file_bytes / TableBuilder::kWriteBytes + 1);
  CHECK(appends >= built.file_bytes / (TableBuilder::kWriteBytes + 4096 + kBlockTrailerBytes));
}

TEST_CASE("table builder: a failed append is what Finish answers") {
  Entries entries;
  for (int i = 0; i < 3000; ++i) {
    entries[Key(absl::StrCat("key", 10000 + i), 1)] = std::string(1000, 'v');
  }
  for (const uint64_t failing : std::vector<uint64_t>{1, 2, 3}) {
    MemFileSystem fs;
    uint64_t appends = 0;
    fs.SetHook([&](FileOp op, const std::string&, uint64_t) {
      return op == FileOp::kAppend && ++appends == failing ? absl::ResourceExhaustedError("full")
                                                           : absl::OkStatus();
    });
    auto file = fs.Create("a.sst");
    REQUIRE(file.ok());
    TableBuilder builder({}, file->get());
    for (const auto& [key, value] : entries) {
      builder.Add(key, value);
    }
    CHECK(builder.Finish().status().code() == absl::StatusCode::kResourceExhausted);
    CHECK(appends == failing);
  }
}

TEST_CASE("table: a read error in a lookup, a scan or a check is its answer, not an end") {
  // Crash cases 39 and 54.
  const Entries entries = ManyEntries(200, 10);
  TestTable table(entries, 256);
  std::string value;
  uint64_t reads_left = 0;
  table.fs.SetHook([&](FileOp op, const std::string&, uint64_t) {
    if (op != FileOp::kRead) {
      return absl::OkStatus();
    }
    return reads_left-- == 0 ? absl::InternalError("the disk says no") : absl::OkStatus();
  });
  const std::string user_key(UserKey(entries.begin()->first));
  for (uint64_t good = 0; good < 2; ++good) {
    reads_left = good;
    ReadCost cost;
    CHECK(table.Get(user_key, kMaxSequenceNumber, &value, &cost).status().code() ==
          absl::StatusCode::kInternal);
  }
  const uint64_t blocks = table.built.properties.data_blocks;
  REQUIRE(blocks > 10);
  reads_left = 1000;
  const auto whole = table.reader->NewIterator(true, nullptr);
  whole->SeekToFirst();
  REQUIRE(Rest(whole.get()).size() == entries.size());
  const uint64_t scan_reads = 1000 - reads_left;
  REQUIRE(scan_reads > 3);
  for (uint64_t good = 0; good < scan_reads; ++good) {
    const auto it = table.reader->NewIterator(true, nullptr);
    reads_left = good;
    it->SeekToFirst();
    CHECK(Rest(it.get()).size() < entries.size());
    CHECK(it->status().code() == absl::StatusCode::kInternal);

    reads_left = 1000;  // the error is over
    it->SeekToFirst();
    CHECK(Rest(it.get()).size() == entries.size());
    CHECK(it->status().ok());
  }
  for (uint64_t good = 0; good <= blocks; ++good) {
    reads_left = good;
    const auto backward = table.reader->NewIterator(true, nullptr);
    for (backward->SeekToLast(); backward->Valid(); backward->Prev()) {
    }
    CHECK(backward->status().code() == absl::StatusCode::kInternal);

    reads_left = good;
    CHECK(table.reader->Check().status().code() == absl::StatusCode::kInternal);
  }
}

}  // namespace
}  // namespace fathom
