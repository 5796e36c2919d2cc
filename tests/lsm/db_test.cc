#include "lsm/db.h"

#include <unistd.h>
#include <algorithm>

#include <filesystem>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "lsm/format/internal_key.h"
#include "tests/lsm/store.h"

namespace fathom {
namespace {

TEST_CASE("db: an option that the store cannot work with is refused by name, and nothing is made") {
  const auto refused = [](auto change) {
    MemFileSystem fs;
    Options options = InMemory(&fs);
    change(&options);
    const absl::Status status = DB::Open(options, "db").status();
    CHECK(absl::IsInvalidArgument(status));
    CHECK(absl::IsNotFound(fs.List("db").status()));
    return std::string(status.message());
  };
  CHECK(refused([](Options* o) { o->max_immutable_memtables = 0; }) ==
        "Options::max_immutable_memtables: expected at least 1, found 0");
  CHECK(refused([](Options* o) { o->level0_bytes = 0; }) ==
        "Options::level0_bytes: expected at least 1, found 0");
  CHECK(refused([](Options* o) { o->level_ratio = 1; }) ==
        "Options::level_ratio: expected at least 2, found 1");
}

TEST_CASE("db: lookups that a memtable answers are counted too") {
  MemFileSystem fs;
  const auto db = OpenStore(&fs);
  Put(db.get(), "k", "v");
  CHECK(Get(db.get(), "k") == "v");
  CHECK(Get(db.get(), "absent") == "(none)");
  CHECK(db->GetStats().reads.memtables_checked == 2);
}

TEST_CASE("db: reads are counted by level, those of many threads too") {
  MemFileSystem fs;
  const auto db = OpenStore(&fs);
  Put(db.get(), "a", "on level 1");
  FlushStore(db.get());
  REQUIRE(db->CompactLevel(0, 1).ok());
  Put(db.get(), "b", "on level 0");
  FlushStore(db.get());
  constexpr uint64_t kThreads = 4;
  constexpr uint64_t kRounds = 500;
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&db] {
      std::string value;
      for (uint64_t i = 0; i < kRounds; ++i) {
        db->Get(ReadOptions(), "a", &value).IgnoreError();
        db->Get(ReadOptions(), "b", &value).IgnoreError();
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  const Stats stats = db->GetStats();
  CHECK(stats.gets == 2 * kThreads * kRounds);
  CHECK(stats.reads.memtables_checked == stats.gets);
  REQUIRE(stats.level_reads.size() == 7);
  CHECK(stats.level_reads[0].cost.levels_checked == stats.gets);
  CHECK(stats.level_reads[0].found == stats.gets / 2);
  CHECK(stats.level_reads[1].cost.levels_checked == stats.gets / 2);
  CHECK(stats.level_reads[1].found == stats.gets / 2);
  CHECK(stats.level_reads[2].cost.levels_checked == 0);
  CHECK(stats.reads.levels_checked == stats.gets + stats.gets / 2);
}

TEST_CASE("db: a put is read back, a delete hides it, a second put shows again") {
  MemFileSystem fs;
  const auto db = OpenStore(&fs);
  CHECK(Get(db.get(), "k") == "(none)");
  Put(db.get(), "k", "v1");
  CHECK(Get(db.get(), "k") == "v1");
  Delete(db.get(), "k");
  CHECK(Get(db.get(), "k") == "(none)");
  Put(db.get(), "k", "v2");
  CHECK(Get(db.get(), "k") == "v2");
}

TEST_CASE("db: empty keys, empty values and bytes of every kind are legal") {
  MemFileSystem fs;
  const auto db = OpenStore(&fs);
  std::string all_bytes;
  for (int i = 0; i < 256; ++i) {
    all_bytes.push_back(static_cast<char>(i));
  }
  Put(db.get(), "", "empty key");
  Put(db.get(), "empty value", "");
  Put(db.get(), all_bytes, all_bytes);
  for (int round = 0; round < 2; ++round) {
    CHECK(Get(db.get(), "") == "empty key");
    CHECK(Get(db.get(), "empty value").empty());
    CHECK(Get(db.get(), all_bytes) == all_bytes);
    FlushStore(db.get());
  }
}

TEST_CASE("db: a key or value over its limit is refused and changes nothing") {
  MemFileSystem fs;
  const auto db = OpenStore(&fs);
  const std::string long_key(kMaxKeyBytes + 1, 'k');
  CHECK(absl::IsInvalidArgument(db->Put(WriteOptions(), long_key, "v")));
  CHECK(absl::IsInvalidArgument(db->Delete(WriteOptions(), long_key)));
  CHECK(db->NeverWritten());
  Put(db.get(), long_key.substr(1), "v");
  CHECK(Get(db.get(), long_key.substr(1)) == "v");
}

TEST_CASE("db: a batch takes effect in its order, and an empty one does nothing") {
  MemFileSystem fs;
  const auto db = OpenStore(&fs);
  WriteBatch batch;
  CHECK(db->Write(WriteOptions(), batch).ok());
  CHECK(db->NeverWritten());
  batch.Put("a", "1");
  batch.Delete("a");
  batch.Put("b", "1");
  batch.Put("b", "2");
  WriteBatch more;
  more.Put("c", "3");
  batch.Append(more);
  REQUIRE(db->Write(WriteOptions(), batch).ok());
  CHECK(Contents(db.get()) == Model{{"b", "2"}, {"c", "3"}});
  CHECK(db->GetStats().last_sequence == 5);
}

TEST_CASE(
    "db: a flush names its table, its entries, its filter bits and its "
    "true size") {
  MemFileSystem fs;
  const auto db = OpenStore(&fs);
  CHECK(FlushStore(db.get()).table.empty());
  for (int i = 0; i < 1000; ++i) {
    Put(db.get(), Key(i), "value");
    Put(db.get(), Key(i), "newer value");
  }
  const FlushResult result = FlushStore(db.get());
  CHECK(result.table == "L0_001.sst");
  CHECK(result.entries == 1000);  // shadowed versions are left behind
  CHECK(result.filter_bits == 9600);
  CHECK(result.file_bytes == fs.FileSize("db/L0_001.sst").value());
  CHECK(FlushStore(db.get()).table.empty());
  Put(db.get(), "more", "value");
  CHECK(FlushStore(db.get()).table == "L0_002.sst");
  const std::vector<LevelInfo> levels = db->Levels();
  CHECK(levels[0].tables == 2);
  CHECK(levels[0].bytes == result.file_bytes + fs.FileSize("db/L0_002.sst").value());
  CHECK(levels[0].max_bytes == 41943040);
  CHECK_FALSE(levels[0].sorted);
  CHECK(levels[1].max_bytes == 419430400);
  CHECK(levels[1].sorted);
}

TEST_CASE("db: newer level-0 tables hide older ones, tombstones included") {
  MemFileSystem fs;
  const auto db = OpenStore(&fs);
  Put(db.get(), "a", "old");
  Put(db.get(), "b", "old");
  Put(db.get(), "c", "old");
  FlushStore(db.get());
  Put(db.get(), "b", "new");
  Delete(db.get(), "c");
  FlushStore(db.get());
  CHECK(Contents(db.get()) == Model{{"a", "old"}, {"b", "new"}});
  CHECK(Get(db.get(), "b") == "new");
  CHECK(Get(db.get(), "c") == "(none)");
}

TEST_CASE("db: a read tells where it found the key and what that cost") {
  MemFileSystem fs;
  const auto db = OpenStore(&fs);
  Put(db.get(), "in table", "1");
  FlushStore(db.get());
  Put(db.get(), "in memtable", "2");

  std::string value;
  ReadResult read = db->Read(ReadOptions(), "in memtable", &value).value();
  CHECK(read.lookup == Lookup::kFound);
  CHECK(read.in_memtable);
  CHECK(read.cost.levels_checked == 0);
  CHECK(read.cost.blocks_read == 0);

  read = db->Read(ReadOptions(), "in table", &value).value();
  CHECK(read.level == 0);
  CHECK(read.cost.levels_checked == 1);
  CHECK(read.cost.blocks_read == 2);  // index block and data block
  read = db->Read(ReadOptions(), "in table", &value).value();
  CHECK(read.cost.blocks_read == 0);
  CHECK(read.cost.blocks_cached == 2);

  read = db->ReadTable(ReadOptions(), "L0_001.sst", "in table", &value).value();
  CHECK(read.lookup == Lookup::kFound);
  CHECK(value == "1");
  read = db->ReadTable(ReadOptions(), "L0_001.sst", "in memtable", &value).value();
  CHECK(read.lookup == Lookup::kAbsent);
  CHECK(read.cost.filters_checked == 1);
  ReadOptions unfiltered;
  unfiltered.use_filters = false;
  read = db->ReadTable(unfiltered, "L0_001.sst", "in memtable", &value).value();
  CHECK(read.lookup == Lookup::kAbsent);
  CHECK(read.cost.filters_checked == 0);
  for (const char* name : {"L0_002.sst", "../db/L0_001.sst", "L0_1.sst", "", "CURRENT"}) {
    CHECK(absl::IsNotFound(db->ReadTable(ReadOptions(), name, "k", &value).status()));
  }
}

TEST_CASE(
    "db: a full memtable is flushed in the background, and no key is "
    "ever missing") {
  // Crash case 56 for level 0: the switch from memtable to table is one step
  // for readers.
  MemFileSystem fs;
  Options options = InMemory(&fs);
  options.memtable_bytes = 4096;
  const auto db = OpenStore(options);
  Model model;
  for (int i = 0; i < 2000; ++i) {
    Put(db.get(), Key(i), absl::StrCat("value", i));
    model[Key(i)] = absl::StrCat("value", i);
    CHECK(Get(db.get(), Key(i / 2)) == absl::StrCat("value", i / 2));
  }
  CHECK(db->GetStats().flushes > 5);
  CHECK(Contents(db.get()) == model);
  CHECK(db->Verify().value().problems.empty());
}

TEST_CASE(
    "db: the memtable iterator shows the memtable alone, the store's "
    "iterator all") {
  MemFileSystem fs;
  const auto db = OpenStore(&fs);
  Put(db.get(), "flushed", "1");
  FlushStore(db.get());
  Put(db.get(), "kept", "2");
  Put(db.get(), "gone", "3");
  Delete(db.get(), "gone");
  const auto memtable = db->NewMemtableIterator();
  memtable->SeekToFirst();
  REQUIRE(memtable->Valid());
  CHECK(memtable->key() == "kept");
  memtable->Next();
  CHECK_FALSE(memtable->Valid());
  CHECK(Contents(db.get()) == Model{{"flushed", "1"}, {"kept", "2"}});
}

TEST_CASE("db: an iterator sees the store as it was, through writes and flushes") {
  MemFileSystem fs;
  const auto db = OpenStore(&fs);
  Put(db.get(), "a", "1");
  Put(db.get(), "b", "1");
  FlushStore(db.get());
  Put(db.get(), "c", "1");
  const auto it = db->NewIterator(ReadOptions());
  Put(db.get(), "a", "2");
  Delete(db.get(), "b");
  Put(db.get(), "d", "2");
  FlushStore(db.get());
  Put(db.get(), "c", "3");
  std::string seen;
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    absl::StrAppend(&seen, it->key(), "=", it->value(), " ");
  }
  CHECK(seen == "a=1 b=1 c=1 ");
}

// Crash case 49 (direction changes) is met here many times over.
TEST_CASE("db: random operations agree with a map, over option sets and reopenings") {
  struct Sizes {
    size_t memtable, block, cache;
  };
  for (const Sizes sizes : {Sizes{4096, 64, 0}, Sizes{1 << 14, 256, 1000},
                            Sizes{1 << 16, 4096, 1 << 20}, Sizes{1, 1, 1 << 14}}) {
    MemFileSystem fs;
    Options options = InMemory(&fs);
    options.memtable_bytes = sizes.memtable;
    options.block_bytes = sizes.block;
    options.block_cache_bytes = sizes.cache;
    auto db = OpenStore(options);
    Model model;
    std::mt19937 rng(static_cast<uint32_t>(sizes.memtable + sizes.block));
    const int operations = sizes.memtable == 1 ? 200 : 4000;
    for (int i = 0; i < operations; ++i) {
      const std::string key = Key(static_cast<int>(rng() % 300));
      const auto dice = rng() % 1000;
      if (dice < 500) {
        const std::string value(rng() % 60, static_cast<char>('a' + rng() % 26));
        Put(db.get(), key, value);
        model[key] = value;
      } else if (dice < 700) {
        Delete(db.get(), key);
        model.erase(key);
      } else if (dice < 960) {
        const auto expected = model.find(key);
        REQUIRE(Get(db.get(), key) == (expected == model.end() ? "(none)" : expected->second));
      } else if (dice < 990) {
        // A walk with turns from a random place.
        const auto it = db->NewIterator(ReadOptions());
        auto expected = model.lower_bound(key);
        it->Seek(key);
        for (int step = 0; step < 30 && expected != model.end(); ++step) {
          REQUIRE(it->Valid());
          REQUIRE(it->key() == expected->first);
          REQUIRE(it->value() == expected->second);
          if (rng() % 2 == 0 || expected == model.begin()) {
            it->Next();
            ++expected;
          } else {
            it->Prev();
            --expected;
          }
        }
        if (expected == model.end()) {
          REQUIRE_FALSE(it->Valid());
        }
        it->SeekForPrev(key);
        expected = model.upper_bound(key);
        REQUIRE(it->Valid() == (expected != model.begin()));
        if (it->Valid()) {
          REQUIRE(it->key() == std::prev(expected)->first);
        }
      } else if (dice < 995) {
        FlushStore(db.get());
      } else {
        CloseStore(std::move(db));
        db = OpenStore(options);
      }
    }
    CHECK(Contents(db.get()) == model);
    CHECK(db->Verify().value().problems.empty());
    db.reset();
    CHECK(fs.open_readers() == 0);  // Crash case 55: nothing leaks, whatever the cache keeps.
  }
}

TEST_CASE("db: figures add up") {
  MemFileSystem fs;
  const auto db = OpenStore(&fs);
  Put(db.get(), "key", "value", Durability::kDisk);
  Delete(db.get(), "key");
  Get(db.get(), "key");
  const Stats stats = db->GetStats();
  CHECK(stats.puts == 1);
  CHECK(stats.deletes == 1);
  CHECK(stats.batches == 2);
  CHECK(stats.gets == 1);
  CHECK(stats.user_bytes == 3 + 5 + 3);
  CHECK(stats.log_syncs == 1);
  CHECK(stats.log_bytes > stats.user_bytes);
  CHECK(stats.memtable_entries == 2);
  CHECK(stats.memtable_bytes == (1 + 3 + 8 + 1 + 5) + (1 + 3 + 8 + 1));
  CHECK(stats.memtable_memory_bytes > stats.memtable_bytes);
  CHECK(stats.last_sequence == 2);
}

TEST_CASE("db: the engine works on the machine's own file system") {
  const std::filesystem::path dir =
      std::filesystem::temp_directory_path() / absl::StrCat("fathom_db_test_", getpid());
  std::filesystem::remove_all(dir);
  Options options;
  options.memtable_bytes = 1 << 14;
  auto db = OpenStore(options, dir.string());
  Model model;
  for (int i = 0; i < 1000; ++i) {
    Put(db.get(), Key(i), absl::StrCat(i));
    model[Key(i)] = absl::StrCat(i);
  }
  CHECK(absl::IsUnavailable(DB::Open(options, dir.string()).status()));  // Crash case 28.
  CloseStore(std::move(db));
  db = OpenStore(options, dir.string());
  CHECK(Contents(db.get()) == model);
  db.reset();
  std::filesystem::remove_all(dir);
}

}  // namespace
}  // namespace fathom
