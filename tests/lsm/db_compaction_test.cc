// Compaction from end to end: what a store does with its levels, and what its readers and writers
// notice of it.
//
// Crash case 33 has no test: sequence numbers are never set to zero, at the bottom or elsewhere.
#include <algorithm>
#include <atomic>
#include <filesystem>
#include <functional>
#include <iterator>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "lsm/format/file_names.h"
#include "lsm/io/unsynced_file_system.h"
#include "tests/lsm/store.h"
#include "tests/runs.h"

namespace fathom {
namespace {

// Levels so small that some thousand writes reach the fifth.
Options Tiny(FileSystem* fs) {
  Options options = InMemory(fs);
  options.memtable_bytes = 1000;
  options.block_bytes = 128;
  options.level0_compaction_tables = 2;
  options.level0_bytes = 2 << 10;
  options.level_ratio = 3;
  options.table_bytes = 700;
  return options;
}

// As Tiny, with no compaction but those that are called for.
Options Manual(FileSystem* fs) {
  Options options = Tiny(fs);
  options.memtable_bytes = size_t{1} << 20;
  options.compaction_threads = 0;
  return options;
}

void CompactAll(DB* db) {
  const absl::Status status = db->CompactAll();
  REQUIRE_MESSAGE(status.ok(), status.ToString());
}

CompactionResult CompactLevel(DB* db, int source, int target) {
  const absl::StatusOr<CompactionResult> result = db->CompactLevel(source, target);
  REQUIRE_MESSAGE(result.ok(), result.status().ToString());
  return *result;
}

void WaitForCompactions(DB* db) {
  const absl::Status status = db->WaitForCompactions();
  REQUIRE_MESSAGE(status.ok(), status.ToString());
}

// "2 0 5": tables on each level, down to the deepest.
std::string TablesOf(DB* db) {
  std::string text;
  std::string zeros;
  for (const LevelInfo& level : db->Levels()) {
    absl::StrAppend(&zeros, zeros.empty() && text.empty() ? "" : " ", level.tables);
    if (level.tables > 0) {
      absl::StrAppend(&text, zeros);
      zeros.clear();
    }
  }
  return text;
}

std::vector<std::string> TableFiles(FileSystem* fs, const std::string& dir = "db") {
  std::vector<std::string> tables;
  const std::vector<std::string> names = fs->List(dir).value();
  std::ranges::copy_if(names, std::back_inserter(tables),
                       [](const std::string& name) { return name.ends_with(".sst"); });
  return tables;
}

std::string GetAt(DB* db, const std::string& key, const Snapshot* snapshot) {
  ReadOptions read;
  read.snapshot = snapshot;
  std::string value;
  const absl::Status status = db->Get(read, key, &value);
  return absl::IsNotFound(status) ? "(none)" : status.ok() ? value : status.ToString();
}

Model FillRandomly(DB* db, int writes, int keys, uint32_t seed) {
  Model model;
  std::mt19937 rng(seed);
  for (int i = 0; i < writes; ++i) {
    const std::string key = Key(static_cast<int>(rng() % static_cast<uint32_t>(keys)));
    if (rng() % 5 == 0) {
      Delete(db, key);
      model.erase(key);
    } else {
      model[key] = absl::StrCat("value", i, std::string(rng() % 40, '.'));
      Put(db, key, model[key]);
    }
  }
  return model;
}

TEST_CASE("compaction: data sinks to deep levels by itself, and every level keeps to its size") {
  MemFileSystem fs;
  auto db = OpenStore(Tiny(&fs));
  const Model model = FillRandomly(db.get(), 6000, 3000, 1);
  WaitForCompactions(db.get());
  CHECK(Contents(db.get()) == model);
  CHECK(db->Verify().value().problems.empty());
  int deepest = 0;
  for (const LevelInfo& level : db->Levels()) {
    CHECK(level.bytes < level.max_bytes);
    deepest = level.tables > 0 ? level.level : deepest;
  }
  CHECK(deepest >= 4);
  CHECK(db->Levels()[0].tables < 2);
  const Stats stats = db->GetStats();
  CHECK(stats.compactions > 20);
  CHECK(stats.compacted.bytes_written > 0);
  CHECK(stats.pending_compactions == 0);
  CHECK(stats.running_compactions == 0);
  CHECK(stats.compaction_debt_bytes == 0);
  CHECK(stats.tables == TableFiles(&fs).size());
  CloseStore(std::move(db));
  db = OpenStore(Tiny(&fs));
  CHECK(Contents(db.get()) == model);
}

TEST_CASE("compaction: after all is deleted, compacting all leaves an empty tree and no table") {
  // Crash case 38.
  for (const int threads : {0, 2}) {
    MemFileSystem fs;
    Options options = Tiny(&fs);
    options.compaction_threads = threads;
    const auto db = OpenStore(options);
    for (int round = 0; round < (kSanitized ? 5 : 20); ++round) {
      const Model model = FillRandomly(db.get(), 1000, 300, static_cast<uint32_t>(round));
      for (const auto& [key, value] : model) {
        Delete(db.get(), key);
      }
      CompactAll(db.get());
      CAPTURE(threads);
      CAPTURE(round);
      REQUIRE(TablesOf(db.get()) == "");
      REQUIRE(TableFiles(&fs).empty());
      REQUIRE(Contents(db.get()).empty());
    }
  }
}

TEST_CASE("compaction: compacting all leaves one version of each key on one level") {
  for (const int threads : {0, 2}) {
    MemFileSystem fs;
    Options options = Manual(&fs);
    options.compaction_threads = threads;
    options.level0_bytes = 1 << 20;  // one level is enough for all
    const auto db = OpenStore(options);
    Model model;
    for (int round = 0; round < 5; ++round) {
      for (int i = 0; i < 200; ++i) {
        Put(db.get(), Key(i), absl::StrCat("value", round));
        model[Key(i)] = absl::StrCat("value", round);
      }
      for (int i = round; i < 200; i += 7) {
        Delete(db.get(), Key(i));
        model.erase(Key(i));
      }
      FlushStore(db.get());
    }
    CompactAll(db.get());
    CHECK(Contents(db.get()) == model);
    CHECK(db->Verify().value().entries == model.size());
    int levels = 0;
    for (const LevelInfo& level : db->Levels()) {
      levels += level.tables > 0 ? 1 : 0;
    }
    CHECK(levels == 1);
    // And once more, with nothing to do.
    const std::vector<std::string> files = TableFiles(&fs);
    CompactAll(db.get());
    CHECK(db->Verify().value().entries == model.size());
    CHECK(TableFiles(&fs) == files);
  }
}

TEST_CASE(
    "compaction: compacting all leaves nothing superfluous, also where tables move meanwhile") {
  MemFileSystem fs;
  const auto db = OpenStore(Tiny(&fs));
  for (uint32_t round = 0; round < (kSanitized ? 5 : 30); ++round) {
    FillRandomly(db.get(), 700, 1000, round);
    CompactAll(db.get());
    const Model model = Contents(db.get());
    CAPTURE(round);
    REQUIRE(db->Verify().value().entries == model.size());
  }
}

// Of this process; one that was joined may be among them for a moment.
size_t Threads() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return static_cast<size_t>(std::distance(begin(tasks), end(tasks)));
}

TEST_CASE("compaction: a store has threads once there is work for them, be it when it is opened") {
  MemFileSystem fs;
  Options options = Manual(&fs);
  Model model;
  auto db = OpenStore(options);
  const auto flush_one = [&](int i) {
    Put(db.get(), Key(i), "v");
    model[Key(i)] = "v";
    FlushStore(db.get());
  };
  flush_one(0);
  CloseStore(std::move(db));

  options.compaction_threads = 2;
  const size_t before = Threads();
  db = OpenStore(options);
  CHECK(Get(db.get(), Key(0)) == "v");
  CHECK(Threads() <= before);
  flush_one(1);
  CHECK(Threads() >= 1 + 3);
  CloseStore(std::move(db));

  options.compaction_threads = 0;
  db = OpenStore(options);
  for (int i = 2; i < 2 + options.level0_compaction_tables; ++i) {
    flush_one(i);
  }
  CloseStore(std::move(db));
  options.compaction_threads = 2;
  db = OpenStore(options);  // with that many tables on level 0
  WaitForCompactions(db.get());
  CHECK(db->GetStats().compactions + db->GetStats().moves > 0);
  CHECK(Contents(db.get()) == model);
}

TEST_CASE("compaction: a deleted key does not come back from the levels below") {
  // Crash cases 37 and 38: the tombstone must outlive what it hides, level by level.
  MemFileSystem fs;
  const auto db = OpenStore(Manual(&fs));
  Put(db.get(), "k", "old");
  FlushStore(db.get());
  CompactLevel(db.get(), 0, 1);
  CompactLevel(db.get(), 1, 2);
  CompactLevel(db.get(), 2, 3);
  Delete(db.get(), "k");
  FlushStore(db.get());
  for (int level = 0; level < 2; ++level) {
    CHECK(CompactLevel(db.get(), level, level + 1).tombstones_dropped == 0);
    CHECK(Get(db.get(), "k") == "(none)");
  }
  const CompactionResult last = CompactLevel(db.get(), 2, 3);
  CHECK(last.tombstones_dropped == 1);
  CHECK(last.shadowed_dropped == 1);
  CHECK(last.new_tables == 0);
  CHECK(Get(db.get(), "k") == "(none)");
  CHECK(TablesOf(db.get()) == "");
}

TEST_CASE("compaction: snapshots see what they saw, until they are let go") {
  // Crash cases 31 and 32.
  MemFileSystem fs;
  const auto db = OpenStore(Manual(&fs));
  const auto empty = db->GetSnapshot();
  Put(db.get(), "a", "1");
  Put(db.get(), "b", "1");
  auto first = db->GetSnapshot();
  auto again = db->GetSnapshot();
  Put(db.get(), "a", "2");
  Delete(db.get(), "b");
  auto second = db->GetSnapshot();
  Put(db.get(), "a", "3");
  Put(db.get(), "b", "3");
  CHECK(db->GetStats().snapshots == 4);
  again.reset();
  for (int round = 0; round < 3; ++round) {
    CHECK(GetAt(db.get(), "a", empty.get()) == "(none)");
    CHECK(GetAt(db.get(), "a", first.get()) == "1");
    CHECK(GetAt(db.get(), "b", first.get()) == "1");
    CHECK(GetAt(db.get(), "a", second.get()) == "2");
    CHECK(GetAt(db.get(), "b", second.get()) == "(none)");
    CHECK(Get(db.get(), "a") == "3");
    CHECK(Get(db.get(), "b") == "3");
    CompactAll(db.get());
    CHECK(db->Verify().value().entries == 6);
  }
  first.reset();
  CompactAll(db.get());
  CHECK(GetAt(db.get(), "b", second.get()) == "(none)");
  // b's tombstone is still there: the snapshot of the empty store parts it from nothing.
  CHECK(db->Verify().value().entries <= 4);
  second.reset();
  CompactAll(db.get());
  CHECK(db->Verify().value().entries == 2);
}

TEST_CASE("compaction: a store that is filled in order is moved down, not rewritten") {
  MemFileSystem fs;
  const auto db = OpenStore(Tiny(&fs));
  Model model;
  for (int i = 0; i < 3000; ++i) {
    Put(db.get(), Key(i), "value");
    model[Key(i)] = "value";
  }
  WaitForCompactions(db.get());
  const Stats stats = db->GetStats();
  CHECK(stats.compacted.bytes_written == 0);
  CHECK(stats.compactions == 0);
  CHECK(stats.moves > 10);
  CHECK(db->Levels()[3].tables > 0);
  CHECK(Contents(db.get()) == model);
}

TEST_CASE("compaction: a level is merged into the next, or the deepest one into itself") {
  MemFileSystem fs;
  const auto db = OpenStore(Manual(&fs));
  const auto refused = [&db](int source, int target) {
    return absl::IsInvalidArgument(db->CompactLevel(source, target).status());
  };
  // An empty level is nothing to do.
  CHECK(CompactLevel(db.get(), 0, 1).tables_merged == 0);
  CHECK(CompactLevel(db.get(), 5, 6).tables_merged == 0);
  for (int i = 0; i < 2; ++i) {
    Put(db.get(), "k", absl::StrCat(i));
    FlushStore(db.get());
  }
  const CompactionResult result = CompactLevel(db.get(), 0, 1);
  CHECK(result.tables_merged == 2);
  CHECK(result.new_tables == 1);
  CHECK(result.shadowed_dropped == 1);
  CHECK(result.bytes_read > 0);
  CHECK(result.bytes_written > 0);
  CHECK(TablesOf(db.get()) == "0 1");
  CompactLevel(db.get(), 1, 2);
  CHECK(TablesOf(db.get()) == "0 0 1");
  CHECK(CompactLevel(db.get(), 2, 2).tables_merged == 1);
  for (const std::pair<int, int>& levels : std::vector<std::pair<int, int>>{
           {0, 0}, {1, 1}, {0, 2}, {2, 1}, {2, 0}, {-1, 0}, {-1, -1}, {6, 7}, {7, 7}, {7, 8}}) {
    CAPTURE(levels.first);
    CAPTURE(levels.second);
    CHECK(refused(levels.first, levels.second));
  }
  for (int level = 2; level < 6; ++level) {
    CompactLevel(db.get(), level, level + 1);
  }
  CHECK(TablesOf(db.get()) == "0 0 0 0 0 0 1");
  CHECK(CompactLevel(db.get(), 6, 6).new_tables == 1);
  CHECK(Get(db.get(), "k") == "1");
}

TEST_CASE("compaction: iterators and checkpoints keep the tables that they read") {
  // Crash case 26.
  MemFileSystem fs;
  auto db = OpenStore(Manual(&fs));
  const Model model = FillRandomly(db.get(), 500, 200, 2);
  FlushStore(db.get());
  const std::vector<std::string> old_tables = TableFiles(&fs);
  auto it = db->NewIterator(ReadOptions());
  it->SeekToFirst();
  REQUIRE(db->Checkpoint("then").ok());
  const size_t linked = TableFiles(&fs, "then").size();
  for (const auto& [key, value] : model) {
    Delete(db.get(), key);
  }
  CompactAll(db.get());
  CHECK(TablesOf(db.get()) == "");
  CHECK(TableFiles(&fs) == old_tables);
  Model seen;
  for (; it->Valid(); it->Next()) {
    seen.emplace(it->key(), it->value());
  }
  CHECK(it->status().ok());
  CHECK(seen == model);
  it.reset();
  CHECK(TableFiles(&fs).empty());  // they go with their last reader
  CHECK(TableFiles(&fs, "then").size() == linked);
  const auto then = OpenStore(Manual(&fs), "then");
  CHECK(Contents(then.get()) == model);
}

TEST_CASE("compaction: checkpoints taken while tables come and go open by themselves") {
  // Crash case 26.
  MemFileSystem fs;
  auto db = OpenStore(Tiny(&fs));
  std::atomic<bool> done{false};
  std::thread writer([&] {
    for (int i = 0; !done; ++i) {
      Put(db.get(), Key(i % 500), absl::StrCat(i));
    }
  });
  for (int i = 0; i < 20; ++i) {
    const std::string dir = absl::StrCat("checkpoint", i);
    const absl::Status status = db->Checkpoint(dir);
    CHECK_MESSAGE(status.ok(), status.ToString());
    CHECK(absl::IsAlreadyExists(db->Checkpoint(dir)));
    const auto crashed = fs.CrashClone(static_cast<uint64_t>(i), 0);
    const auto checkpoint = OpenStore(Tiny(crashed.get()), dir);
    CHECK(checkpoint->Verify().value().problems.empty());
    // The writer overwrites its keys in turn: what is there is a run of 500 numbers, or fewer.
    const Model contents = Contents(checkpoint.get());
    int first = -1;
    int last = -1;
    for (const auto& [key, value] : contents) {
      first = first < 0 ? std::stoi(value) : std::min(first, std::stoi(value));
      last = std::max(last, std::stoi(value));
    }
    CHECK((contents.empty() || last - first + 1 == static_cast<int>(contents.size())));
  }
  done = true;
  writer.join();
}

TEST_CASE(
    "compaction: one that finds the disk full leaves its inputs, and is made when there is room") {
  MemFileSystem fs;
  std::atomic<bool> full{true};
  const auto db = OpenStore(Tiny(&fs));
  fs.SetHook([&full](FileOp op, const std::string& path, uint64_t) {
    return full && op == FileOp::kAppend && absl::StrContains(path, "/L1_")
               ? absl::ResourceExhaustedError("disk full")
               : absl::OkStatus();
  });
  Model model;
  for (int i = 0; i < 100; ++i) {
    Put(db.get(), Key(i % 20), absl::StrCat(i));
    model[Key(i % 20)] = absl::StrCat(i);
    if (i % 20 == 19) {
      FlushStore(db.get());
    }
  }
  CHECK(absl::IsResourceExhausted(db->WaitForCompactions()));
  CHECK(absl::IsResourceExhausted(db->CompactLevel(0, 1).status()));
  CHECK(absl::IsResourceExhausted(db->CompactAll()));
  CHECK(Contents(db.get()) == model);
  CHECK(db->Verify().value().problems.empty());
  // A manual one that ends lets the automatic ones try again.
  CHECK(absl::IsResourceExhausted(db->WaitForCompactions()));
  while (db->GetStats().running_compactions > 0) {
    absl::SleepFor(absl::Milliseconds(1));
  }
  const std::vector<std::string> files = TableFiles(&fs);
  CHECK(std::ranges::none_of(files, [](const auto& name) { return name.starts_with("L1"); }));
  full = false;
  Put(db.get(), "room", "again");
  model["room"] = "again";
  FlushStore(db.get());  // the occasion to try again
  WaitForCompactions(db.get());
  CHECK(db->Levels()[0].tables < 2);
  CHECK(db->GetStats().compactions + db->GetStats().moves > 0);
  CHECK(Contents(db.get()) == model);
}

TEST_CASE(
    "compaction: writers that it stopped are refused while it fails, and go on when it works") {
  MemFileSystem fs;
  Options options = Tiny(&fs);
  options.level0_slowdown_tables = 4;
  options.level0_stop_tables = 6;
  std::atomic<bool> full{true};
  auto db = OpenStore(options);
  fs.SetHook([&full](FileOp op, const std::string& path, uint64_t) {
    return full && op == FileOp::kAppend && absl::StrContains(path, "/L1_")
               ? absl::ResourceExhaustedError("disk full")
               : absl::OkStatus();
  });
  Model model;
  absl::Status status;
  int i = 0;
  for (; status.ok() && i < 10000; ++i) {
    status = db->Put(WriteOptions(), Key(i % 50), absl::StrCat(i));
    if (status.ok()) {
      model[Key(i % 50)] = absl::StrCat(i);
    }
  }
  CHECK(absl::IsResourceExhausted(status));
  CHECK(Contents(db.get()) == model);
  full = false;
  // No flush and no call is needed, only the next write.
  for (int end = i + 500; i < end; ++i) {
    Put(db.get(), Key(i % 50), absl::StrCat(i));
    model[Key(i % 50)] = absl::StrCat(i);
  }
  CHECK(Contents(db.get()) == model);
  CloseStore(std::move(db));
  CHECK(Contents(OpenStore(options).get()) == model);
}

TEST_CASE("compaction: level 0 is read newest first, also after a flush that was tried again") {
  // Crash case 36.
  MemFileSystem fs;
  const Options options = Manual(&fs);
  auto db = OpenStore(options);
  Put(db.get(), "k", "1");
  FlushStore(db.get());
  Put(db.get(), "k", "2");
  fs.SetHook([](FileOp op, const std::string& path, uint64_t) {
    return op == FileOp::kSync && path.ends_with(".sst") ? absl::ResourceExhaustedError("disk full")
                                                         : absl::OkStatus();
  });
  CHECK(absl::IsResourceExhausted(db->Flush().status()));
  CHECK(Get(db.get(), "k") == "2");
  fs.SetHook(nullptr);
  Put(db.get(), "k", "3");
  FlushStore(db.get());  // both memtables, in their order
  CHECK(TablesOf(db.get()) == "3");
  CHECK(Get(db.get(), "k") == "3");
  CloseStore(std::move(db));
  db = OpenStore(options);
  CHECK(Get(db.get(), "k") == "3");
  CompactLevel(db.get(), 0, 1);
  CHECK(Get(db.get(), "k") == "3");
}

// Holds the creation of level-0 tables up until it is told whether they may succeed.
class GatedFileSystem final : public UnsyncedFileSystem {
 public:
  explicit GatedFileSystem(FileSystem* base) : UnsyncedFileSystem(base) {}

  absl::StatusOr<std::unique_ptr<WritableFile>> Create(const std::string& path) override {
    if (closed && absl::StrContains(path, "/L0_")) {
      arrived.Notify();
      refuse.WaitForNotification();
      closed = false;
      return absl::ResourceExhaustedError("disk full");
    }
    return UnsyncedFileSystem::Create(path);
  }

  std::atomic<bool> closed{false};
  absl::Notification arrived;
  absl::Notification refuse;
};

TEST_CASE("compaction: edits beside a flush that fails do not spoil the manifest") {
  // The first edit records the table number that the flush has taken as used; the second must not
  // go back behind it. Neither takes a number of its own: nothing is left of what they merge.
  MemFileSystem memory;
  GatedFileSystem fs(&memory);
  const Options options = Manual(&fs);
  auto db = OpenStore(options);
  Put(db.get(), "b", "1");
  FlushStore(db.get());
  CompactLevel(db.get(), 0, 1);
  CompactLevel(db.get(), 1, 2);
  Delete(db.get(), "b");
  FlushStore(db.get());
  CompactLevel(db.get(), 0, 1);
  Delete(db.get(), "a");
  FlushStore(db.get());
  REQUIRE(TablesOf(db.get()) == "1 1 1");
  Put(db.get(), "c", "1");
  fs.closed = true;
  std::thread flush([&db] { db->Flush().status().IgnoreError(); });  // it may have tried again
  fs.arrived.WaitForNotification();
  CHECK(CompactLevel(db.get(), 0, 1).new_tables == 0);
  fs.refuse.Notify();
  flush.join();
  CHECK(CompactLevel(db.get(), 1, 2).new_tables == 0);
  CloseStore(std::move(db));
  CHECK(Contents(OpenStore(options).get()) == Model{{"c", "1"}});
}

TEST_CASE("compaction: those called for go on beside writes, and with each other") {
  // Crash case 45.
  MemFileSystem fs;
  Options options = Tiny(&fs);
  auto db = OpenStore(options);
  std::atomic<bool> done{false};
  std::atomic<int> failures{0};
  std::vector<std::thread> compactors;
  compactors.emplace_back([&] {
    while (!done) {
      failures += db->CompactAll().ok() ? 0 : 1;
    }
  });
  compactors.emplace_back([&] {
    for (int i = 0; !done; ++i) {
      failures += db->CompactLevel(i % 5, i % 5 + 1).ok() ? 0 : 1;
    }
  });
  const Model model = FillRandomly(db.get(), 4000, 300, 3);
  done = true;
  for (std::thread& compactor : compactors) {
    compactor.join();
  }
  CHECK(failures == 0);
  CHECK(Contents(db.get()) == model);
  CHECK(db->Verify().value().problems.empty());
  CloseStore(std::move(db));
  CHECK(Contents(OpenStore(options).get()) == model);
}

TEST_CASE("compaction: a store that closes in the middle of its compactions loses nothing") {
  // Crash case 45.
  for (uint32_t round = 0; round < 20; ++round) {
    MemFileSystem fs;
    auto db = OpenStore(Tiny(&fs));
    const Model model = FillRandomly(db.get(), 300 + static_cast<int>(round) * 17, 300, round);
    CloseStore(std::move(db));
    CHECK(fs.open_readers() == 0);
    db = OpenStore(Tiny(&fs));
    CHECK(db->Verify().value().problems.empty());
    REQUIRE(Contents(db.get()) == model);
  }
}

TEST_CASE("compaction: a reader never misses a key while tables change their level") {
  // Crash case 56.
  MemFileSystem fs;
  Options options = Tiny(&fs);
  options.block_cache_bytes = 4096;
  const auto db = OpenStore(options);
  constexpr int kKeys = 200;
  for (int i = 0; i < kKeys; ++i) {
    Put(db.get(), Key(i), "0");
  }
  std::atomic<bool> done{false};
  std::atomic<int> failures{0};
  std::vector<std::thread> readers;
  readers.emplace_back([&] {
    std::mt19937 rng(1);
    std::string value;
    while (!done) {
      failures += db->Get(ReadOptions(), Key(static_cast<int>(rng() % kKeys)), &value).ok() ? 0 : 1;
    }
  });
  readers.emplace_back([&] {
    while (!done) {
      int seen = 0;
      const auto it = db->NewIterator(ReadOptions());
      for (it->SeekToLast(); it->Valid(); it->Prev()) {
        ++seen;
      }
      failures += seen == kKeys && it->status().ok() ? 0 : 1;
    }
  });
  readers.emplace_back([&] {
    std::vector<std::string> keys;
    for (int i = 0; i < kKeys; ++i) {
      keys.push_back(Key(i));
    }
    std::vector<std::string> values;
    while (!done) {
      // Through a snapshot, twice the same.
      const auto snapshot = db->GetSnapshot();
      ReadOptions read;
      read.snapshot = snapshot.get();
      std::vector<std::string> first;
      for (std::vector<std::string>* into : {&first, &values}) {
        const auto statuses = db->MultiGet(read, {keys.begin(), keys.end()}, into);
        failures += std::ranges::all_of(statuses, [](const auto& s) { return s.ok(); }) ? 0 : 1;
      }
      failures += first == values ? 0 : 1;
    }
  });
  for (int i = 1; i < 4000; ++i) {
    Put(db.get(), Key(i * 7 % kKeys), absl::StrCat(i));
  }
  done = true;
  for (std::thread& reader : readers) {
    reader.join();
  }
  CHECK(failures == 0);
  CHECK(db->GetStats().compactions > 10);
}

TEST_CASE("compaction: a snapshot stays as it was while writes, flushes and compactions race") {
  // Crash case 32.
  MemFileSystem fs;
  const auto db = OpenStore(Tiny(&fs));
  std::atomic<bool> done{false};
  std::vector<std::thread> writers;
  for (int writer = 0; writer < 2; ++writer) {
    writers.emplace_back([&, writer] {
      for (int i = 0; !done; ++i) {
        WriteBatch batch;  // two keys that always agree
        batch.Put(absl::StrCat("a", writer, i % 20), absl::StrCat(i));
        batch.Put(absl::StrCat("z", writer, i % 20), absl::StrCat(i));
        if (i % 3 == 0) {
          batch.Delete(absl::StrCat("a", writer, i % 11));
          batch.Delete(absl::StrCat("z", writer, i % 11));
        }
        CHECK(db->Write(WriteOptions(), batch).ok());
      }
    });
  }
  for (int round = 0; round < 60; ++round) {
    const auto snapshot = db->GetSnapshot();
    ReadOptions read;
    read.snapshot = snapshot.get();
    Model first;
    for (int again = 0; again < 3; ++again) {
      Model seen;
      const auto it = db->NewIterator(read);
      for (it->SeekToFirst(); it->Valid(); it->Next()) {
        seen.emplace(it->key(), it->value());
      }
      REQUIRE(it->status().ok());
      for (const auto& [key, value] : seen) {
        std::string twin = key;
        twin[0] = key[0] == 'a' ? 'z' : 'a';
        REQUIRE(seen[twin] == value);
        REQUIRE(GetAt(db.get(), key, snapshot.get()) == value);
      }
      REQUIRE((again == 0 || seen == first));
      first = seen;
    }
  }
  done = true;
  for (std::thread& writer : writers) {
    writer.join();
  }
}

// A file system on which tables of level 1 take their time.
class SlowFileSystem final : public UnsyncedFileSystem {
 public:
  SlowFileSystem(FileSystem* base, absl::Duration delay)
      : UnsyncedFileSystem(base), delay_(delay) {}

  absl::StatusOr<std::unique_ptr<WritableFile>> Create(const std::string& path) override {
    if (absl::StrContains(path, "/L1_")) {
      absl::SleepFor(delay_);
    }
    return UnsyncedFileSystem::Create(path);
  }

 private:
  const absl::Duration delay_;
};

TEST_CASE("compaction: waits of writers are counted by their reason, and long ones are told") {
  MemFileSystem memory;
  SlowFileSystem fs(&memory, absl::Milliseconds(1200));
  Options options = Tiny(&fs);
  options.level0_slowdown_tables = 2;
  options.level0_stop_tables = 3;
  options.level0_bytes = 1 << 20;
  options.table_bytes = 1 << 20;
  absl::Mutex mutex;
  std::string told;
  options.log = [&](absl::string_view line) {
    absl::MutexLock lock(&mutex);
    absl::StrAppend(&told, line, "\n");
  };
  const auto db = OpenStore(options);
  // Until one waits; meanwhile others look in, which ends no wait.
  std::atomic<bool> done{false};
  std::thread others([&] {
    while (!done) {
      db->CompactLevel(5, 6).status().IgnoreError();
      absl::SleepFor(absl::Milliseconds(100));
    }
  });
  Stats stats;
  for (int i = 0; i < 1000 && stats.level0_waits.count == 0; ++i) {
    Put(db.get(), Key(i % 10), absl::StrCat(i, std::string(50, '.')));
    stats = db->GetStats();
  }
  done = true;
  others.join();
  CHECK(stats.level0_waits.count == 1);
  CHECK(stats.level0_waits.micros > 1000000);
  CHECK(stats.write_waits ==
        stats.level0_waits.count + stats.memtable_waits.count + stats.slowdowns.count);
  CHECK(stats.write_wait_micros >= stats.level0_waits.micros);
  absl::MutexLock lock(&mutex);
  CHECK(absl::StrContains(told, "ms: too much to compact"));
}

TEST_CASE("compaction: who waits for compactions waits for a manual one too") {
  MemFileSystem memory;
  SlowFileSystem fs(&memory, absl::Milliseconds(200));
  const auto db = OpenStore(Tiny(&fs));
  Put(db.get(), "k", "v");
  FlushStore(db.get());
  std::thread manual([&db] { CHECK(db->CompactLevel(0, 1).ok()); });
  while (db->GetStats().running_compactions == 0) {
    absl::SleepFor(absl::Milliseconds(1));
  }
  CHECK(db->WaitForCompactions().ok());
  CHECK(db->GetStats().compactions == 1);
  manual.join();
}

TEST_CASE("compaction: with no thread for it, writers are not made to wait for it") {
  MemFileSystem fs;
  Options options = Tiny(&fs);
  options.compaction_threads = 0;
  options.level0_slowdown_tables = 2;
  options.level0_stop_tables = 3;
  const auto db = OpenStore(options);
  const Model model = FillRandomly(db.get(), 1000, 100, 5);
  CHECK(db->Levels()[0].tables > 3);
  CHECK(Contents(db.get()) == model);
  CHECK(db->GetStats().level0_waits.count == 0);
}

TEST_CASE("compaction: an iterator that is sent to its own key goes there") {
  MemFileSystem fs;
  const auto db = OpenStore(Manual(&fs));
  for (int i = 0; i < 300; ++i) {
    Put(db.get(), Key(i), "v");
  }
  FlushStore(db.get());
  for (int i = 0; i < 300; i += 2) {
    Delete(db.get(), Key(i));
  }
  const auto it = db->NewIterator(ReadOptions());
  for (const bool backward : {false, true}) {
    for (int i = 3; i < 299; i += 2) {
      it->Seek(Key(i));
      if (backward) {
        it->Next();
        it->Prev();
      }
      it->SeekForPrev(it->key());
      REQUIRE(it->Valid());
      REQUIRE(it->key() == Key(i));
      it->Seek(it->key());
      REQUIRE(it->key() == Key(i));
    }
  }
}

TEST_CASE(
    "compaction: a store that syncs its log by itself keeps older writes through a power loss") {
  MemFileSystem fs;
  Options options = InMemory(&fs);
  options.sync_interval_millis = 5;
  auto db = OpenStore(options);
  Put(db.get(), "k", "v", Durability::kBuffered);
  for (int i = 0; db->GetStats().log_syncs == 0; ++i) {
    REQUIRE(i < 2000);
    absl::SleepFor(absl::Milliseconds(5));
  }
  // The figure is counted before the sync itself.
  for (int i = 0; i < 2000; ++i) {
    const auto crashed = fs.CrashClone(1, 0);
    if (Get(OpenStore(crashed.get()).get(), "k") == "v") {
      break;
    }
    REQUIRE(i < 1999);
    absl::SleepFor(absl::Milliseconds(5));
  }
  // With nothing to sync it does not sync.
  const uint64_t syncs = db->GetStats().log_syncs;
  absl::SleepFor(absl::Milliseconds(50));
  CHECK(db->GetStats().log_syncs == syncs);
  CloseStore(std::move(db));
}

}  // namespace
}  // namespace fathom
