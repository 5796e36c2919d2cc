// Files of others become part of a store: what counts, where it stands, and that it is all or
// nothing whatever happens on the way.
#include <algorithm>
#include <atomic>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "lsm/manifest/manifest.h"
#include "tests/lsm/store.h"
#include "tests/lsm/table/data/contents.h"
#include "tests/lsm/table/data/golden.h"
#include "tests/lsm/table/table_test_util.h"

namespace fathom {
namespace {

// Key -> value; nothing for a tombstone.
using Changes = GoldenEntries;

// A table file of Fathom's, as a store elsewhere would have made it.
void MakeFile(FileSystem* fs, const std::string& path, const Changes& changes) {
  Entries entries;
  for (const auto& [key, value] : changes) {
    entries[Key(key, 9, value.has_value() ? ValueType::kValue : ValueType::kDeletion)] =
        value.value_or("");
  }
  Build(fs, path, entries, 256);
}

void Apply(const Changes& changes, Model* model) {
  for (const auto& [key, value] : changes) {
    if (value.has_value()) {
      (*model)[key] = *value;
    } else {
      model->erase(key);
    }
  }
}

IngestResult Ingest(DB* db, const std::vector<std::string>& files) {
  const absl::StatusOr<IngestResult> result = db->Ingest(files);
  REQUIRE_MESSAGE(result.ok(), result.status().ToString());
  return *result;
}

void CheckVerified(DB* db) {
  const absl::StatusOr<VerifyReport> report = db->Verify();
  REQUIRE_MESSAGE(report.ok(), report.status().ToString());
  CHECK_MESSAGE(report->problems.empty(), report->problems.front());
}

std::set<std::string> TablesIn(FileSystem* fs) {
  const std::vector<std::string> names = fs->List("db").value();
  std::set<std::string> tables;
  std::ranges::copy_if(names, std::inserter(tables, tables.end()),
                       [](const std::string& name) { return name.ends_with(".sst"); });
  return tables;
}

uint64_t TablesOn(const DB& db, int level) {
  return db.Levels()[static_cast<size_t>(level)].tables;
}

Options WithoutCompaction(FileSystem* fs) {
  Options options = InMemory(fs);
  options.compaction_threads = 0;
  return options;
}

TEST_CASE("ingest: tables of RocksDB's become part of the store, and are left as they were") {
  for (const char* const name : kGoldenTables) {
    CAPTURE(name);
    MemFileSystem fs;
    const std::string bytes = GoldenBytes(name);
    fs.SetContents("theirs.sst", bytes);
    auto db = OpenStore(&fs);
    Model model = {{"user:1004/name", "deleted by the file"}, {"zzz", "stays"}};
    for (const auto& [key, value] : model) {
      Put(db.get(), key, value);
    }
    const IngestResult result = Ingest(db.get(), {"theirs.sst"});
    CHECK(result.entries == GoldenContents().size());
    CHECK(result.tables == 1);
    CHECK(result.table_bytes > 0);
    Apply(GoldenContents(), &model);
    CHECK(Contents(db.get()) == model);
    CHECK(*fs.Contents("theirs.sst") == bytes);
    CheckVerified(db.get());
    CloseStore(std::move(db));
    CHECK(fs.Remove("theirs.sst").ok());
    db = OpenStore(&fs);
    CHECK(Contents(db.get()) == model);
  }
}

TEST_CASE("ingest: newer than all before, older than all after, and unseen by older snapshots") {
  MemFileSystem fs;
  MakeFile(&fs, "a.sst", {{"both", "a"}, {"gone", std::nullopt}, {"mine", "a"}, {"later", "a"}});
  MakeFile(&fs, "b.sst", {{"another", "b"}, {"both", "b"}});
  auto db = OpenStore(WithoutCompaction(&fs));
  // In a deep level, on level 0 and in the memtable.
  Put(db.get(), "both", "deep");
  Put(db.get(), "gone", "deep");
  REQUIRE(db->CompactAll().ok());
  Put(db.get(), "mine", "on level 0");
  FlushStore(db.get());
  Put(db.get(), "later", "in the memtable");
  const Model before = Contents(db.get());
  const std::shared_ptr<const Snapshot> snapshot = db->GetSnapshot();
  const std::unique_ptr<Iterator> cursor = db->NewIterator(ReadOptions());

  CHECK(Ingest(db.get(), {"a.sst", "b.sst"}).entries == 5);
  Put(db.get(), "later", "put after it");
  const Model after = {{"another", "b"}, {"both", "b"}, {"later", "put after it"}, {"mine", "a"}};
  CHECK(Contents(db.get()) == after);

  // Crash case 32.
  const auto check_old = [&] {
    ReadOptions read;
    read.snapshot = snapshot.get();
    Model seen;
    const auto it = db->NewIterator(read);
    for (it->SeekToFirst(); it->Valid(); it->Next()) {
      seen.emplace(it->key(), it->value());
    }
    CHECK(seen == before);
    seen.clear();
    for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) {
      seen.emplace(cursor->key(), cursor->value());
    }
    CHECK(seen == before);
  };
  check_old();
  REQUIRE(db->CompactAll().ok());
  check_old();
  CHECK(Contents(db.get()) == after);
  CheckVerified(db.get());
}

TEST_CASE("ingest: of files that overlap the later one in the list counts, whatever their number") {
  MemFileSystem fs;
  const auto db = OpenStore(&fs);
  Model model;
  std::vector<std::string> files;
  for (int file = 0; file < 30; ++file) {
    Changes changes;
    for (int i = 0; i < 100; i += 1 + file % 7) {
      changes[Key((file * 37) % 50 + i)] =
          i % 5 == 4 ? std::nullopt : std::optional(absl::StrCat("of file ", file));
    }
    files.push_back(absl::StrCat("file", file, ".sst"));
    MakeFile(&fs, files.back(), changes);
    Apply(changes, &model);
  }
  Ingest(db.get(), files);
  CHECK(Contents(db.get()) == model);
}

// As MakeFile, with range tombstones as old as the entries: these they leave alone.
void MakeFileWithRanges(FileSystem* fs, const std::string& path, const Changes& changes,
                        const std::vector<std::pair<std::string, std::string>>& ranges) {
  Entries entries;
  for (const auto& [key, value] : changes) {
    entries[Key(key, 9, value.has_value() ? ValueType::kValue : ValueType::kDeletion)] =
        value.value_or("");
  }
  std::vector<RangeTombstone> tombstones;
  for (const auto& [begin, end] : ranges) {
    tombstones.push_back({begin, end, 9});
  }
  Build(fs, path, entries, 256, Compression::kNone, RangeTombstones::Of(std::move(tombstones)));
}

TEST_CASE("ingest: what RocksDB deletes in ranges is gone, also from a file without entries") {
  for (const bool alone : {false, true}) {
    CAPTURE(alone);
    MemFileSystem fs;
    fs.SetContents("theirs.sst", GoldenBytes(alone ? "range_deletions_alone" : "range_deletions"));
    auto db = OpenStore(WithoutCompaction(&fs));
    // Deep, on level 0 and in the memtable: before, in and after the ranges, and at their ends.
    Model model;
    const auto put = [&](int first) {
      for (int i = first; i < 1100; i += 3) {
        model[absl::StrCat("user:", i)] = "older";
        Put(db.get(), absl::StrCat("user:", i), "older");
      }
    };
    put(1000);
    REQUIRE(db->CompactAll().ok());
    put(1001);
    FlushStore(db.get());
    put(1002);
    const Model before = model;
    const auto snapshot = db->GetSnapshot();
    const IngestResult result = Ingest(db.get(), {"theirs.sst"});
    CHECK(result.entries == (alone ? 0 : GoldenContents().size()) + 3);
    for (const auto& [begin, end] : kGoldenRanges) {
      EraseRange(&model, begin, end);
    }
    if (!alone) {
      Apply(GoldenContents(), &model);
    }
    CHECK(model.contains("user:1061"));
    CHECK(Contents(db.get()) == model);
    for (int i = 1000; i < 1100; ++i) {
      const std::string key = absl::StrCat("user:", i);
      CHECK((Get(db.get(), key) == "(none)") == !model.contains(key));
    }
    ReadOptions then;
    then.snapshot = snapshot.get();
    std::string value;
    CHECK(db->Get(then, "user:1015", &value).ok());
    Put(db.get(), "user:1015", "newer");
    model["user:1015"] = "newer";
    CHECK(Contents(db.get()) == model);
    CheckVerified(db.get());
    REQUIRE(db->CompactAll().ok());
    CHECK(Contents(db.get()) == model);
    CHECK(db->Get(then, "user:1016", &value).ok());
  }
}

TEST_CASE("ingest: a range takes what files before it hold, and nothing of its own file or later") {
  MemFileSystem fs;
  const auto db = OpenStore(WithoutCompaction(&fs));
  Put(db.get(), "a", "old");
  Put(db.get(), "e", "old");
  MakeFile(&fs, "1.sst", {{"b", "1"}, {"c", "1"}, {"x", "1"}});
  MakeFileWithRanges(&fs, "2.sst", {{"b", "2"}, {"d", std::nullopt}}, {{"b", "f"}});
  MakeFile(&fs, "3.sst", {{"d", "3"}});
  Ingest(db.get(), {"1.sst", "2.sst", "3.sst"});
  CHECK(Contents(db.get()) == Model{{"a", "old"}, {"b", "2"}, {"d", "3"}, {"x", "1"}});
  Ingest(db.get(), {"2.sst", "1.sst"});
  CHECK(Contents(db.get()) == Model{{"a", "old"}, {"b", "1"}, {"c", "1"}, {"x", "1"}});
  CheckVerified(db.get());
}

TEST_CASE("ingest: ranges are cut where tables are, and none is lost between two") {
  MemFileSystem fs;
  Options options = WithoutCompaction(&fs);
  options.table_bytes = options.level0_bytes = 1000;
  options.bottom_compression = Compression::kNone;
  auto db = OpenStore(options);
  Model model;
  for (int i = 0; i < 1000; ++i) {
    Put(db.get(), Key(i), "old");
    model[Key(i)] = "old";
  }
  Changes changes;
  for (int i = 100; i < 900; i += 10) {
    changes[Key(i)] = std::string(100, 'n');
  }
  const std::vector<std::pair<std::string, std::string>> ranges = {
      {Key(20), Key(30)}, {Key(95), Key(505)}, {Key(510), Key(515)}, {Key(511), Key(950)}};
  MakeFileWithRanges(&fs, "ranges.sst", changes, ranges);
  CHECK(Ingest(db.get(), {"ranges.sst"}).tables >= 4);
  for (const auto& [begin, end] : ranges) {
    EraseRange(&model, begin, end);
  }
  Apply(changes, &model);
  CHECK(Contents(db.get()) == model);
  CheckVerified(db.get());
  CloseStore(std::move(db));
  db = OpenStore(options);
  CHECK(Contents(db.get()) == model);
  REQUIRE(db->CompactAll().ok());
  CHECK(Contents(db.get()) == model);
}

TEST_CASE("ingest: nothing is nothing") {
  MemFileSystem fs;
  const auto db = OpenStore(&fs);
  CHECK(Ingest(db.get(), {}).tables == 0);
  CHECK(db->NeverWritten());
}

TEST_CASE("ingest: a table stands on the deepest level where nothing overlaps it there or above") {
  MemFileSystem fs;
  auto db = OpenStore(WithoutCompaction(&fs));
  MakeFile(&fs, "c-e.sst", {{"c", "1"}, {"e", "1"}});
  MakeFile(&fs, "d.sst", {{"d", "1"}});
  MakeFile(&fs, "f.sst", {{"f", "1"}});
  CHECK(Ingest(db.get(), {"c-e.sst"}).level == 6);
  CHECK(TablesIn(&fs) == std::set<std::string>{"L6_001.sst"});
  CHECK(Ingest(db.get(), {"d.sst"}).level == 5);
  CHECK(Ingest(db.get(), {"f.sst"}).level == 6);
  CHECK(Ingest(db.get(), {"d.sst"}).level == 4);
  CHECK(Ingest(db.get(), {"d.sst", "f.sst"}).level == 3);
  // A memtable counts if it holds a key of the range.
  Put(db.get(), "a", "1");
  Put(db.get(), "x", "1");
  CHECK(Ingest(db.get(), {"d.sst"}).level == 0);  // its table spans "a" to "x"
  REQUIRE(db->CompactAll().ok());
  Put(db.get(), "d", "of the memtable");
  CHECK(Ingest(db.get(), {"c-e.sst"}).level == 0);
  CHECK(TablesIn(&fs).rbegin()->starts_with("L6_"));
  // Crash case 36: the newer of two on level 0 counts, also after they were read back.
  CHECK(Ingest(db.get(), {"d.sst"}).level == 0);
  CHECK(Get(db.get(), "d") == "1");
  Put(db.get(), "d", "newest");
  FlushStore(db.get());
  CHECK(TablesOn(*db, 0) == 4);
  CHECK(Get(db.get(), "d") == "newest");
  CloseStore(std::move(db));
  db = OpenStore(WithoutCompaction(&fs));
  CHECK(Contents(db.get()) ==
        Model{{"a", "1"}, {"c", "1"}, {"d", "newest"}, {"e", "1"}, {"f", "1"}, {"x", "1"}});
}

TEST_CASE("ingest: much is cut into several tables, on level 0 too") {
  MemFileSystem fs;
  Options options = WithoutCompaction(&fs);
  options.table_bytes = 2000;
  options.level0_bytes = 4000;
  options.bottom_compression = Compression::kNone;
  const auto db = OpenStore(options);
  Changes changes;
  Model model;
  for (int i = 0; i < 500; ++i) {
    changes[Key(i)] = absl::StrCat("value ", i);
  }
  MakeFile(&fs, "much.sst", changes);
  Put(db.get(), Key(250), "old");
  FlushStore(db.get());
  IngestResult result = Ingest(db.get(), {"much.sst"});
  CHECK(result.level == 0);
  CHECK(result.tables >= 3);
  Apply(changes, &model);
  CHECK(Contents(db.get()) == model);
  CheckVerified(db.get());
  REQUIRE(db->CompactAll().ok());
  CHECK(Contents(db.get()) == model);

  const auto empty = OpenStore(options, "empty");
  result = Ingest(empty.get(), {"much.sst"});
  CHECK(result.level == 6);
  CHECK(result.tables >= 6);
  CHECK(TablesOn(*empty, 6) == result.tables);
  CHECK(Contents(empty.get()) == model);
}

TEST_CASE("ingest: a file that cannot be taken refuses all of them, and leaves nothing behind") {
  MemFileSystem fs;
  Options options = InMemory(&fs);
  options.table_bytes = 300;  // some tables are finished when the damage is met
  auto db = OpenStore(options);
  Put(db.get(), "kept", "1");
  FlushStore(db.get());
  const std::set<std::string> tables = TablesIn(&fs);
  fs.SetContents("good.sst", GoldenBytes("default"));
  fs.SetContents("refused.sst", GoldenBytes("refused_merge"));
  std::string damaged = GoldenBytes("v3_xxhash_lz4");
  damaged[2000] ^= 1;
  fs.SetContents("damaged.sst", damaged);

  const auto refusal = [&db](const std::string& file) {
    return db->Ingest({"good.sst", file}).status();
  };
  CHECK(absl::IsNotFound(refusal("missing.sst")));
  CHECK(absl::IsInvalidArgument(refusal("refused.sst")));
  CHECK(absl::StrContains(refusal("refused.sst").message(), "refused.sst"));
  CHECK(absl::IsDataLoss(refusal("damaged.sst")));
  CHECK(absl::StrContains(refusal("damaged.sst").message(), "damaged.sst: damaged at offset"));
  CHECK(Contents(db.get()) == Model{{"kept", "1"}});
  CHECK(TablesIn(&fs) == tables);
  CHECK(fs.open_readers() == 1);
  Ingest(db.get(), {"good.sst"});
  CloseStore(std::move(db));
}

// What the two tests below do to a store: writes that nobody made durable, then files.
constexpr int kWrites = 6;

Options SmallTables(FileSystem* fs) {
  Options options = WithoutCompaction(fs);
  options.table_bytes = 1500;
  return options;
}

Changes Ingested() {
  Changes changes;
  for (int i = 0; i < 40; ++i) {
    changes[Key(i)] = i == 3 ? std::nullopt : std::optional(std::string(50, 'i'));
  }
  return changes;
}

// The state after `writes` of the writes, and after the ingestion.
Model StateAfter(int writes, bool ingested) {
  Model model = {{Key(2), "durable"}, {Key(3), "durable"}};
  for (int i = 0; i < writes; ++i) {
    model[Key(4 * i)] = absl::StrCat("write ", i);
  }
  if (ingested) {
    Apply(Ingested(), &model);
  }
  return model;
}

std::unique_ptr<DB> PrepareStore(MemFileSystem* fs) {
  MakeFile(fs, "outside.sst", Ingested());
  auto db = OpenStore(SmallTables(fs));
  Put(db.get(), Key(2), "durable");
  Put(db.get(), Key(3), "durable");
  FlushStore(db.get());
  for (int i = 0; i < kWrites; ++i) {
    Put(db.get(), Key(4 * i), absl::StrCat("write ", i), Durability::kBuffered);
  }
  return db;
}

TEST_CASE(
    "ingest: a power loss after any operation leaves all of it, with all before it, or nothing") {
  for (uint64_t operations = 0;; ++operations) {
    CAPTURE(operations);
    MemFileSystem fs;
    auto db = PrepareStore(&fs);
    const uint64_t last = fs.op_count() + operations;
    bool reached = false;
    fs.SetHook([&](FileOp, const std::string&, uint64_t number) {
      reached = reached || number > last;
      return number > last ? absl::InternalError("the machine is off") : absl::OkStatus();
    });
    const bool done = db->Ingest({"outside.sst"}).ok();
    for (const int percent : {0, 50, 100}) {
      CAPTURE(percent);
      const auto crashed = fs.CrashClone(operations, percent);
      const auto again = OpenStore(SmallTables(crashed.get()));
      const Model found = Contents(again.get());
      bool legal = found == StateAfter(kWrites, true);
      for (int writes = 0; writes <= kWrites && !done; ++writes) {
        legal = legal || found == StateAfter(writes, false);
      }
      REQUIRE(legal);
      CheckVerified(again.get());
      Put(again.get(), "works", "again");
    }
    db.reset();
    if (!reached) {
      CHECK(done);
      CHECK(operations > 30);
      return;
    }
  }
}

TEST_CASE("ingest: when any one operation fails, it is all there or not at all, and says which") {
  for (uint64_t failing = 1;; ++failing) {
    CAPTURE(failing);
    MemFileSystem fs;
    auto db = PrepareStore(&fs);
    const std::set<std::string> tables = TablesIn(&fs);
    const uint64_t number_failing = fs.op_count() + failing;
    bool reached = false;
    fs.SetHook([&](FileOp, const std::string&, uint64_t number) {
      reached = reached || number == number_failing;
      return number == number_failing ? absl::ResourceExhaustedError("disk full")
                                      : absl::OkStatus();
    });
    const absl::Status status = db->Ingest({"outside.sst"}).status();
    fs.SetHook(nullptr);
    const Model model = StateAfter(kWrites, status.ok());
    REQUIRE(Contents(db.get()) == model);
    // Unless the manifest is in doubt the store goes on, without a trace of what failed.
    const bool writable = db->Put(WriteOptions(), Key(2), "durable").ok();
    if (!status.ok() && writable) {
      FlushStore(db.get());
      CHECK(TablesIn(&fs).size() <= tables.size() + 2);
      Ingest(db.get(), {"outside.sst"});
      CHECK(Contents(db.get()) == StateAfter(kWrites, true));
    }
    db->Close().IgnoreError();
    db.reset();
    const auto again = OpenStore(SmallTables(&fs));
    const Model found = Contents(again.get());
    Model rewritten = StateAfter(kWrites, true);
    if (status.ok() && writable) {
      rewritten[Key(2)] = "durable";
    }
    if (writable) {
      REQUIRE(found == rewritten);
    } else {
      // It could not tell whether the manifest has it; buffered writes went with the log.
      bool legal = found == StateAfter(kWrites, true);
      for (int writes = 0; writes <= kWrites; ++writes) {
        legal = legal || found == StateAfter(writes, false);
      }
      REQUIRE(legal);
    }
    CheckVerified(again.get());
    if (!reached) {
      CHECK(status.ok());
      CHECK(failing > 30);
      return;
    }
  }
}

// Calls out before a file is opened, without a lock held.
class WatchedFileSystem final : public MemFileSystem {
 public:
  std::function<void(const std::string& path)> before_open;

  absl::StatusOr<std::unique_ptr<ReadableFile>> OpenForRead(const std::string& path) override {
    if (before_open) {
      before_open(path);
    }
    return MemFileSystem::OpenForRead(path);
  }
};

TEST_CASE("ingest: files that follow one another are open one at a time") {
  WatchedFileSystem fs;
  std::vector<std::string> files;
  for (int i = 0; i < 50; ++i) {
    files.push_back(absl::StrCat("file", i, ".sst"));
    MakeFile(&fs, files.back(), {{Key(2 * i), "v"}, {Key(2 * i + 1), "v"}});
  }
  const auto db = OpenStore(&fs);
  int most = 0;
  fs.before_open = [&](const std::string&) { most = std::max(most, fs.open_readers()); };
  Ingest(db.get(), files);
  CHECK(most <= 1);
  CHECK(Contents(db.get()).size() == 100);
}

TEST_CASE("ingest: is newer than what is written meanwhile, even if that is more than expected") {
  WatchedFileSystem fs;
  MakeFile(&fs, "outside.sst", {{"contended", "ingested"}});
  const auto db = OpenStore(&fs);
  int opened = 0;
  fs.before_open = [&](const std::string& path) {
    if (path != "outside.sst" || ++opened != 2) {
      return;
    }
    // Its place in the order of writes was reserved before this; here are too many to fit.
    WriteBatch batch;
    for (int i = 0; i < 70000; ++i) {
      batch.Put("contended", "written meanwhile");
    }
    REQUIRE(db->Write(WriteOptions(), batch).ok());
  };
  const uint64_t tables_before = TablesIn(&fs).size();
  Ingest(db.get(), {"outside.sst"});
  CHECK(opened > 2);
  CHECK(Get(db.get(), "contended") == "ingested");
  Put(db.get(), "contended", "afterwards");
  CHECK(Get(db.get(), "contended") == "afterwards");
  FlushStore(db.get());
  REQUIRE(db->WaitForCompactions().ok());
  CHECK(TablesIn(&fs).size() <= tables_before + 3);
  CHECK(Get(db.get(), "contended") == "afterwards");
  CheckVerified(db.get());
}

TEST_CASE("ingest: files for which there are no sequence numbers left are refused") {
  for (const SequenceNumber left : {SequenceNumber{1}, SequenceNumber{1000}}) {
    CAPTURE(left);
    MemFileSystem fs;
    MakeFile(&fs, "outside.sst", {{"a", "ingested"}});
    REQUIRE(fs.CreateDir("db").ok());
    ManifestState state;
    state.last_sequence = kMaxSequenceNumber - left;
    REQUIRE(ManifestWriter::Create(&fs, "db", 7, state).ok());
    auto db = OpenStore(&fs);
    CHECK(absl::IsResourceExhausted(db->Ingest({"outside.sst"}).status()));
    Put(db.get(), "b", "1");
    FlushStore(db.get());
    CheckVerified(db.get());
    CloseStore(std::move(db));
    CHECK(Contents(OpenStore(&fs).get()) == Model{{"b", "1"}});
  }
}

TEST_CASE("ingest: beside writers, readers and compactions it appears whole, and in its order") {
  // Crash case 32, and that a write is never seen without an ingestion before it.
  MemFileSystem fs;
  Options options = InMemory(&fs);
  options.memtable_bytes = 4 << 10;
  options.level0_compaction_tables = 2;
  options.level0_bytes = 8 << 10;
  options.level_ratio = 2;
  options.table_bytes = 2 << 10;
  auto db = OpenStore(options);
  constexpr int kRounds = 40;
  constexpr int kKeys = 30;
  const std::vector<std::string> files = {"a.sst", "b.sst"};
  std::atomic<bool> done{false};
  std::atomic<int> failures{0};

  std::thread ingester([&] {
    for (int round = 1; round <= kRounds; ++round) {
      Changes parts[2];
      for (int i = 0; i < kKeys; ++i) {
        parts[i % 2][Key(10 * i)] = absl::StrCat(round);
      }
      MakeFile(&fs, files[0], parts[0]);
      MakeFile(&fs, files[1], parts[1]);
      if (!db->Ingest(files).ok() ||
          !db->Put(WriteOptions(), "ingested", absl::StrCat(round)).ok()) {
        ++failures;
      }
    }
    done = true;
  });
  std::vector<std::thread> others;
  for (int writer = 0; writer < 2; ++writer) {
    others.emplace_back([&, writer] {
      for (int i = 0; !done; ++i) {
        const std::string key = Key(10 * (i % kKeys) + 1 + writer);
        if (!db->Put(WriteOptions(), key, absl::StrCat(i)).ok() ||
            Get(db.get(), key) != absl::StrCat(i)) {
          ++failures;
        }
      }
    });
  }
  others.emplace_back([&] {
    int last = 0;
    while (!done) {
      const std::unique_ptr<Iterator> it = db->NewIterator(ReadOptions());
      const auto number_at = [&it](const std::string& key) {
        it->Seek(key);
        return it->Valid() && it->key() == key ? std::stoi(std::string(it->value())) : 0;
      };
      const int told = number_at("ingested");
      const int round = number_at(Key(0));
      failures += round < told || round < last || !it->status().ok() ? 1 : 0;
      last = round;
      for (int i = 0; i < kKeys; ++i) {
        failures += number_at(Key(10 * i)) != round ? 1 : 0;
      }
    }
  });
  ingester.join();
  for (std::thread& other : others) {
    other.join();
  }
  CHECK(failures == 0);
  REQUIRE(db->WaitForCompactions().ok());
  const Model contents = Contents(db.get());
  for (int i = 0; i < kKeys; ++i) {
    CHECK(contents.at(Key(10 * i)) == absl::StrCat(kRounds));
  }
  CheckVerified(db.get());
  CloseStore(std::move(db));
  db = OpenStore(options);
  CHECK(Contents(db.get()) == contents);
}

}  // namespace
}  // namespace fathom
