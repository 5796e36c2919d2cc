// Range deletes in a whole store: what is read, scanned, kept and dropped.
//
// db_model_test.cc has them among its random operations.
#include <atomic>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "lsm/format/internal_key.h"
#include "lsm/manifest/manifest.h"
#include "tests/lsm/store.h"

namespace fathom {
namespace {

// Compactions run when they are called for.
Options Manual(FileSystem* fs) {
  Options options = InMemory(fs);
  options.compaction_threads = 0;
  options.table_bytes = 2000;
  options.block_bytes = 256;
  return options;
}

void Fill(DB* db, int from, int to, const std::string& value) {
  for (int i = from; i < to; ++i) {
    Put(db, Key(i), value);
  }
}

// Flushes, and compacts down to `level`.
void Sink(DB* db, int level) {
  FlushStore(db);
  for (int source = 0; source < level; ++source) {
    const absl::Status status = db->CompactLevel(source, source + 1).status();
    REQUIRE_MESSAGE(status.ok(), status.ToString());
  }
}

ReadResult ReadOf(DB* db, const std::string& key) {
  std::string value;
  absl::StatusOr<ReadResult> result = db->Read(ReadOptions(), key, &value);
  REQUIRE_MESSAGE(result.ok(), result.status().ToString());
  return *result;
}

std::string Range(Iterator* it) {
  std::string keys;
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    absl::StrAppend(&keys, it->key());
  }
  std::string backward;
  for (it->SeekToLast(); it->Valid(); it->Prev()) {
    backward.insert(0, std::string(it->key()));
  }
  REQUIRE_MESSAGE(it->status().ok(), it->status().ToString());
  CHECK(keys == backward);
  return keys;
}

std::vector<std::pair<int, TableMeta>> TablesOf(FileSystem* fs) {
  const absl::StatusOr<RecoveredManifest> manifest = RecoverManifest(fs, "db");
  REQUIRE_MESSAGE(manifest.ok(), manifest.status().ToString());
  return manifest->state.Snapshot().added_tables;
}

void CheckSound(DB* db) {
  const absl::StatusOr<VerifyReport> report = db->Verify();
  REQUIRE_MESSAGE(report.ok(), report.status().ToString());
  CHECK_MESSAGE(report->problems.empty(), report->problems.front());
}

TEST_CASE("range delete: its begin is deleted, its end is not, and later writes show again") {
  MemFileSystem fs;
  const auto db = OpenStore(Manual(&fs));
  for (const char* key : {"a", "b", "c", "d"}) {
    Put(db.get(), key, key);
  }
  DeleteRange(db.get(), "b", "d");
  Put(db.get(), "c", "again");
  for (int flushed = 0; flushed < 2; ++flushed) {
    CHECK(Contents(db.get()) == Model{{"a", "a"}, {"c", "again"}, {"d", "d"}});
    CHECK(Get(db.get(), "b") == "(none)");
    CHECK(Get(db.get(), "c") == "again");
    CHECK(Get(db.get(), "d") == "d");
    FlushStore(db.get());
  }
  CHECK(db->GetStats().range_deletes == 1);
}

TEST_CASE("range delete: one whose begin is after its end is refused, an empty one does nothing") {
  MemFileSystem fs;
  const auto db = OpenStore(Manual(&fs));
  Put(db.get(), "k", "v");
  CHECK(absl::IsInvalidArgument(db->DeleteRange(WriteOptions(), "l", "k")));
  WriteBatch batch;
  batch.DeleteRange("k", "k");
  CHECK(batch.count() == 0);
  batch.Delete("k");
  batch.DeleteRange("l", "k");
  CHECK(absl::IsInvalidArgument(db->Write(WriteOptions(), batch)));
  WriteBatch appended;
  appended.Append(batch);
  CHECK(absl::IsInvalidArgument(db->Write(WriteOptions(), appended)));
  CHECK(absl::IsInvalidArgument(
      db->DeleteRange(WriteOptions(), "k", std::string(kMaxKeyBytes + 1, 'z'))));
  CHECK(db->DeleteRange(WriteOptions(), "k", "k").ok());
  CHECK(Get(db.get(), "k") == "v");
  batch.Clear();
  batch.Delete("k");
  CHECK(db->Write(WriteOptions(), batch).ok());
  CHECK(Get(db.get(), "k") == "(none)");
}

TEST_CASE("range delete: in a batch it deletes what stands before it, not what follows") {
  MemFileSystem fs;
  auto db = OpenStore(Manual(&fs));
  Put(db.get(), "b", "old");
  WriteBatch batch;
  batch.Put("a", "1");
  batch.DeleteRange("a", "c");
  batch.Put("b", "2");
  batch.DeleteRange("b0", "z");
  batch.Put("c", "3");
  REQUIRE(db->Write(WriteOptions(), batch).ok());
  const Model expected = {{"b", "2"}, {"c", "3"}};
  CHECK(Contents(db.get()) == expected);
  // From the log, and from a table.
  CloseStore(std::move(db));
  db = OpenStore(Manual(&fs));
  CHECK(Contents(db.get()) == expected);
  FlushStore(db.get());
  CHECK(Contents(db.get()) == expected);
  CHECK(Get(db.get(), "a") == "(none)");
}

TEST_CASE("range delete: a read tells the level at which the range lies, and goes no deeper") {
  MemFileSystem fs;
  const auto db = OpenStore(Manual(&fs));
  Fill(db.get(), 0, 100, "v");
  Sink(db.get(), 2);
  DeleteRange(db.get(), Key(10), Key(20));
  ReadResult read = ReadOf(db.get(), Key(15));
  CHECK(read.lookup == Lookup::kDeleted);
  CHECK(read.in_memtable);
  CHECK(read.cost.levels_checked == 0);
  FlushStore(db.get());
  read = ReadOf(db.get(), Key(15));
  CHECK(read.lookup == Lookup::kDeleted);
  CHECK(read.level == 0);
  CHECK(read.cost.levels_checked == 1);
  CHECK(read.cost.blocks_read + read.cost.blocks_cached == 0);  // the filter knew of no entry
  REQUIRE(db->CompactLevel(0, 1).ok());
  CHECK(ReadOf(db.get(), Key(15)).level == 1);
  CHECK(ReadOf(db.get(), Key(20)).lookup == Lookup::kFound);
  std::string value;
  const std::string table = TablesOf(&fs).front().second.FileName();
  const auto in_table = db->ReadTable(ReadOptions(), table, Key(15), &value);
  REQUIRE(in_table.ok());
  CHECK(in_table->lookup == Lookup::kDeleted);
}

TEST_CASE("range delete: an iterator and a snapshot see what they saw before it") {
  MemFileSystem fs;
  const auto db = OpenStore(Manual(&fs));
  for (const char* key : {"a", "b", "c"}) {
    Put(db.get(), key, "1");
  }
  const auto before = db->NewIterator(ReadOptions());
  const auto snapshot = db->GetSnapshot();
  DeleteRange(db.get(), "a", "c");
  Put(db.get(), "b", "2");
  DeleteRange(db.get(), "b", "c");
  ReadOptions then;
  then.snapshot = snapshot.get();
  for (int level = -1; level < 3; ++level) {
    if (level >= 0) {
      Sink(db.get(), level);
    }
    CHECK(Range(before.get()) == "abc");
    CHECK(Range(db->NewIterator(then).get()) == "abc");
    CHECK(Range(db->NewIterator(ReadOptions()).get()) == "c");
    std::string value;
    CHECK(db->Get(then, "b", &value).ok());
    CHECK(value == "1");
    CHECK(Get(db.get(), "b") == "(none)");
  }
}

TEST_CASE("range delete: the iterator over memtables leaves out what a range there deletes") {
  MemFileSystem fs;
  const auto db = OpenStore(Manual(&fs));
  Put(db.get(), "x", "flushed");
  FlushStore(db.get());
  for (const char* key : {"a", "b", "c"}) {
    Put(db.get(), key, "1");
  }
  DeleteRange(db.get(), "b", "z");
  CHECK(Range(db->NewMemtableIterator().get()) == "a");
}

TEST_CASE("range delete: a scan seeks over what is deleted on the levels below, both ways") {
  MemFileSystem fs;
  const auto db = OpenStore(Manual(&fs));
  Fill(db.get(), 0, 5000, "value");
  Sink(db.get(), 2);
  DeleteRange(db.get(), Key(10), Key(4990));
  for (int level = -1; level < 2; ++level) {
    if (level >= 0) {
      Sink(db.get(), level);
    }
    CAPTURE(level);
    ReadCost cost;
    ReadOptions read;
    const auto it = db->NewIterator(read, &cost);
    int keys = 0;
    for (it->SeekToFirst(); it->Valid(); it->Next()) {
      ++keys;
    }
    CHECK(keys == 20);
    for (it->SeekToLast(); it->Valid(); it->Prev()) {
      --keys;
    }
    CHECK(keys == 0);
    it->Seek(Key(2000));
    CHECK(it->key() == Key(4990));
    it->SeekForPrev(Key(2000));
    CHECK(it->key() == Key(9));
    CHECK(cost.blocks_read + cost.blocks_cached < 100);  // all of them are some 400
  }
}

TEST_CASE("range delete: bounds and ranges that meet in every way show the right keys") {
  // Crash case 43: an iterator that seeks to the end of a range, past its upper bound.
  MemFileSystem fs;
  const auto db = OpenStore(Manual(&fs));
  const std::string keys = "abcdefgh";
  for (const char key : keys) {
    Put(db.get(), std::string(1, key), "v");
  }
  Sink(db.get(), 2);
  DeleteRange(db.get(), "c", "f");
  Put(db.get(), "d", "again");
  for (int level = -1; level < 2; ++level) {
    if (level >= 0) {
      Sink(db.get(), level);
    }
    for (char lower = 'a'; lower <= 'i'; ++lower) {
      for (char upper = 'a'; upper <= 'i'; ++upper) {
        ReadOptions read;
        read.lower_bound = std::string(1, lower);
        read.upper_bound = std::string(1, upper);
        std::string expected;
        for (const char key : std::string("abdfgh")) {
          if (lower <= key && key < upper) {
            expected += key;
          }
        }
        const auto it = db->NewIterator(read);
        REQUIRE(Range(it.get()) == expected);
        for (char target = 'a'; target <= 'i'; ++target) {
          it->Seek(std::string(1, target));
          const size_t next =
              expected.find_first_of(keys.substr(static_cast<size_t>(target - 'a')));
          REQUIRE(it->Valid() == (next != std::string::npos));
          if (it->Valid()) {
            REQUIRE(it->key() == expected.substr(next, 1));
          }
        }
      }
    }
  }
}

TEST_CASE("range delete: the tables that it is cut into touch, and each key is in one of them") {
  // Crash case 43: cut at the bounds of tables.
  MemFileSystem fs;
  const auto db = OpenStore(Manual(&fs));
  Fill(db.get(), 0, 1000, "old");
  Sink(db.get(), 3);
  Fill(db.get(), 0, 1000, std::string(20, 'n'));
  DeleteRange(db.get(), Key(100), Key(900));
  for (int i = 150; i < 850; i += 3) {
    Put(db.get(), Key(i), std::string(20, 'a'));
  }
  const Model expected = Contents(db.get());
  Sink(db.get(), 1);
  uint64_t touching = 0;
  const std::vector<std::pair<int, TableMeta>> tables = TablesOf(&fs);
  for (size_t i = 1; i < tables.size(); ++i) {
    const auto& [level, table] = tables[i];
    if (level == 1 && tables[i - 1].first == 1) {
      const TableMeta& before = tables[i - 1].second;
      CHECK(EndsBefore(before.largest, UserKey(table.smallest)));
      touching += UserKey(before.largest) == UserKey(table.smallest) ? 1 : 0;
    }
  }
  CHECK(touching > 3);
  CHECK(Contents(db.get()) == expected);
  for (int i = 0; i < 1000; ++i) {
    const auto found = expected.find(Key(i));
    REQUIRE(Get(db.get(), Key(i)) == (found == expected.end() ? "(none)" : found->second));
  }
  CheckSound(db.get());
  // Each of these tables by itself, with what it overlaps below.
  for (int level = 1; level < 3; ++level) {
    REQUIRE(db->CompactLevel(level, level + 1).ok());
    CHECK(Contents(db.get()) == expected);
    CheckSound(db.get());
  }
}

TEST_CASE("range delete: deleted keys do not come back, whatever is compacted") {
  // Crash cases 38 and 43.
  std::mt19937 rng(1);
  for (int round = 0; round < 30; ++round) {
    MemFileSystem fs;
    auto db = OpenStore(Manual(&fs));
    Model model;
    for (const int level : {3, 2, 1, 0}) {
      for (int i = 0; i < 60; ++i) {
        const int key = static_cast<int>(rng() % 100);
        Put(db.get(), Key(key), absl::StrCat(level, std::string(100, 'v')));
        model[Key(key)] = absl::StrCat(level, std::string(100, 'v'));
        if (i % 20 == 19) {
          const int end = key + static_cast<int>(rng() % 40);
          DeleteRange(db.get(), Key(key), Key(end));
          EraseRange(&model, Key(key), Key(end));
        }
      }
      Sink(db.get(), level);
    }
    for (int i = 0; i < 6; ++i) {
      const int source = static_cast<int>(rng() % 4);
      REQUIRE(db->CompactLevel(source, source + 1).ok());
      REQUIRE(Contents(db.get()) == model);
    }
    CloseStore(std::move(db));
    db = OpenStore(Manual(&fs));
    REQUIRE(Contents(db.get()) == model);
    CheckSound(db.get());
    REQUIRE(db->CompactAll().ok());
    REQUIRE(Contents(db.get()) == model);
  }
}

TEST_CASE("range delete: it is dropped where nothing older lies below, and not before") {
  // Crash case 37.
  MemFileSystem fs;
  const auto db = OpenStore(Manual(&fs));
  Put(db.get(), "k", "1");
  Sink(db.get(), 3);
  DeleteRange(db.get(), "a", "c");  // nothing there
  DeleteRange(db.get(), "j", "l");
  FlushStore(db.get());
  CHECK(TablesOf(&fs).size() == 2);
  const auto dropped = db->CompactLevel(0, 1);
  REQUIRE(dropped.ok());
  CHECK(dropped->tombstones_dropped == 1);
  auto tables = TablesOf(&fs);
  REQUIRE(tables.size() == 2);  // of the range alone
  CHECK(tables[0].second.entries == 1);
  CHECK(tables[0].second.deletions == 1);
  CHECK(UserKey(tables[0].second.smallest) == "j");
  CHECK(UserKey(tables[0].second.largest) == "l");
  CHECK(Get(db.get(), "k") == "(none)");
  CheckSound(db.get());
  REQUIRE(db->CompactLevel(1, 2).ok());
  CHECK(Get(db.get(), "k") == "(none)");
  REQUIRE(db->CompactLevel(2, 3).ok());
  CHECK(TablesOf(&fs).empty());
  CHECK(Get(db.get(), "k") == "(none)");
}

TEST_CASE("range delete: it stays while a snapshot tells it from what it deletes") {
  // Crash case 37.
  MemFileSystem fs;
  const auto db = OpenStore(Manual(&fs));
  Put(db.get(), "k", "1");
  auto snapshot = db->GetSnapshot();
  DeleteRange(db.get(), "a", "z");
  REQUIRE(db->CompactAll().ok());
  ReadOptions then;
  then.snapshot = snapshot.get();
  std::string value;
  CHECK(db->Get(then, "k", &value).ok());
  CHECK(Get(db.get(), "k") == "(none)");
  CHECK(Contents(db.get()).empty());
  snapshot.reset();
  REQUIRE(db->CompactAll().ok());
  CHECK(TablesOf(&fs).empty());
}

TEST_CASE("range delete: at the end of an acknowledged history it survives the process and power") {
  MemFileSystem fs;
  auto db = OpenStore(Manual(&fs));
  Put(db.get(), "k", "1", Durability::kDisk);
  Put(db.get(), "y", "2", Durability::kDisk);
  REQUIRE(db->DeleteRange(WriteOptions{Durability::kDisk}, "a", "l").ok());
  for (const int survival_percent : {0, 50, 100}) {
    const std::unique_ptr<MemFileSystem> crashed = fs.CrashClone(/*seed=*/1, survival_percent);
    const auto again = OpenStore(Manual(crashed.get()));
    CHECK(Contents(again.get()) == Model{{"y", "2"}});
  }
}

TEST_CASE("range delete: a checkpoint has it") {
  MemFileSystem fs;
  const auto db = OpenStore(Manual(&fs));
  Fill(db.get(), 0, 10, "v");
  Sink(db.get(), 1);
  DeleteRange(db.get(), Key(2), Key(8));
  REQUIRE(db->Checkpoint("copy").ok());
  const auto copy = OpenStore(Manual(&fs), "copy");
  CHECK(Contents(copy.get()) == Contents(db.get()));
  CHECK(Contents(copy.get()).size() == 4);
}

TEST_CASE("range delete: a table of ranges alone is flushed, moved and read again") {
  MemFileSystem fs;
  Options options = Manual(&fs);
  auto db = OpenStore(options);
  DeleteRange(db.get(), "b", "d");
  const FlushResult flushed = FlushStore(db.get());
  CHECK(flushed.entries == 1);
  CHECK(Get(db.get(), "c") == "(none)");
  CHECK(Contents(db.get()).empty());
  CheckSound(db.get());
  CloseStore(std::move(db));
  options.compaction_threads = 1;
  options.level0_compaction_tables = 1;
  db = OpenStore(options);
  REQUIRE(db->WaitForCompactions().ok());
  CHECK(db->GetStats().moves == 1);
  Put(db.get(), "c", "new");
  CHECK(Contents(db.get()) == Model{{"c", "new"}});
  CheckSound(db.get());
}

TEST_CASE("range delete: many of them fill a memtable, and many in one batch do no harm") {
  MemFileSystem fs;
  const auto db = OpenStore(Manual(&fs));
  Model model;
  for (int i = 0; i < 1000; ++i) {
    Put(db.get(), Key(i), "v");
    model[Key(i)] = "v";
    if (i % 3 == 2) {
      DeleteRange(db.get(), Key(i - 1), Key(i));
      model.erase(Key(i - 1));
    }
  }
  CHECK(Contents(db.get()) == model);
  FlushStore(db.get());
  CHECK(db->GetStats().flushes >= 3);
  // Each within the one before: of such a batch only one range over each key counts.
  WriteBatch batch;
  for (int i = 0; i < 20000; ++i) {
    batch.DeleteRange(Key(i), Key(1000000 - i));
  }
  batch.Put(Key(7), "last");
  REQUIRE(db->Write(WriteOptions(), batch).ok());
  CHECK(Contents(db.get()) == Model{{Key(7), "last"}});
  CHECK(db->GetStats().memtable_memory_bytes < 20 << 20);
}

TEST_CASE("range delete: readers beside a writer see each range whole") {
  MemFileSystem fs;
  Options options = InMemory(&fs);
  options.memtable_bytes = 4096;
  options.table_bytes = 1000;
  options.level0_compaction_tables = 1;
  const auto db = OpenStore(options);
  std::atomic<bool> stop{false};
  std::vector<std::thread> readers;
  std::atomic<int> wrong{0};
  for (int reader = 0; reader < 2; ++reader) {
    readers.emplace_back([&] {
      while (!stop) {
        // All keys of a round are there, or none.
        const auto it = db->NewIterator(ReadOptions());
        int keys = 0;
        std::string round;
        for (it->SeekToFirst(); it->Valid(); it->Next(), ++keys) {
          wrong += keys > 0 && it->value() != round ? 1 : 0;
          round = std::string(it->value());
        }
        wrong += !it->status().ok() || (keys != 0 && keys != 20) ? 1 : 0;
      }
    });
  }
  for (int round = 0; round < 300; ++round) {
    WriteBatch batch;
    batch.DeleteRange("key", "kez");
    if (round % 3 != 0) {
      for (int i = 0; i < 20; ++i) {
        batch.Put(Key(i), absl::StrCat("round ", round));
      }
    }
    REQUIRE(db->Write(WriteOptions(), batch).ok());
  }
  stop = true;
  for (std::thread& reader : readers) {
    reader.join();
  }
  CHECK(wrong == 0);
  CHECK(Contents(db.get()).size() == 20);
}

TEST_CASE("range delete: a flipped byte in a table that has one is never a wrong answer") {
  MemFileSystem fs;
  Options options = Manual(&fs);
  options.block_bytes = 64;
  auto db = OpenStore(options);
  for (const char* key : {"b", "d", "f"}) {
    Put(db.get(), key, "old");
  }
  Sink(db.get(), 1);
  const auto snapshot = db->GetSnapshot();
  Put(db.get(), "a", "new");
  DeleteRange(db.get(), "c", "e");
  DeleteRange(db.get(), "d", "f");
  Put(db.get(), "d", "newer");
  const std::string table = "db/" + FlushStore(db.get()).table;
  const Model expected = Contents(db.get());
  REQUIRE(expected == Model{{"a", "new"}, {"b", "old"}, {"d", "newer"}, {"f", "old"}});
  const std::string bytes = *fs.Contents(table);
  size_t refused = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    CAPTURE(i);
    const std::unique_ptr<MemFileSystem> damaged = fs.KillClone();
    std::string flipped = bytes;
    flipped[i] = static_cast<char>(flipped[i] ^ 0x10);
    damaged->SetContents(table, flipped);
    const auto opened = OpenStore(Manual(damaged.get()));
    for (const char* key : {"a", "b", "c", "d", "e", "f"}) {
      std::string value;
      const absl::Status status = opened->Get(ReadOptions(), key, &value);
      const auto found = expected.find(key);
      REQUIRE((absl::IsDataLoss(status) ||
               (found == expected.end() ? absl::IsNotFound(status)
                                        : status.ok() && value == found->second)));
    }
    const auto it = opened->NewIterator(ReadOptions());
    auto next = expected.begin();
    // Before the first key: what the damaged table deletes is not known.
    it->SeekToFirst();
    refused += it->status().ok() ? 0 : 1;
    for (; it->Valid(); it->Next(), ++next) {
      REQUIRE(next != expected.end());
      REQUIRE(it->key() == next->first);
      REQUIRE(it->value() == next->second);
    }
    REQUIRE((absl::IsDataLoss(it->status()) || next == expected.end()));
    REQUIRE_FALSE(opened->Verify().value().problems.empty());
  }
  CHECK(refused > 500);  // all of the tail, the ranges in it
}

}  // namespace
}  // namespace fathom
