#include "lsm/repair.h"

#include <doctest/doctest.h>

#include <functional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "lsm/manifest/manifest.h"
#include "tests/lsm/damaged_store.h"
#include "tests/runs.h"

namespace fathom {
namespace {

RepairReport Repair(const Options& options) {
  const absl::StatusOr<RepairReport> report = RepairStore(options, "db", nullptr);
  REQUIRE_MESSAGE(report.ok(), report.status().ToString());
  return *report;
}

// Whether the report says that versions of `key` may be lost.
bool IsLost(const RepairReport& report, const ClosedStore& store, const std::string& key) {
  return std::ranges::any_of(report.lost, [&](const LostPart& part) {
    if (part.keys.empty()) {  // any key; of a log, any that was written there
      return absl::EndsWith(part.file, ".sst") || store.log_keys.contains(key);
    }
    return std::ranges::any_of(
        part.keys, [&](const auto& range) { return range.first <= key && key <= range.second; });
  });
}

// The store is sound and opens, and answers rightly for every key that is not reported lost.
// Returns how many keys are.
int CheckRepaired(const ClosedStore& store, const RepairReport& report, const Options& options) {
  const auto check = VerifyStore(options, "db", nullptr);
  REQUIRE(check.ok());
  for (const std::string& line : check->damage) {
    FAIL_CHECK(line);
  }
  const auto manifest = RecoverManifest(options.file_system, "db");
  REQUIRE(manifest.ok());
  for (const std::vector<TableMeta>& level : manifest->state.levels) {
    CHECK(std::ranges::all_of(
        level, [](const TableMeta& meta) { return meta.range_deletions.has_value(); }));
  }
  const auto db = OpenStore(options);
  int lost = 0;
  for (int i = 0; i < 125; ++i) {
    if (IsLost(report, store, Key(i))) {
      ++lost;
      continue;
    }
    const auto expected = store.model.find(Key(i));
    CAPTURE(i);
    CHECK(Get(db.get(), Key(i)) == (expected == store.model.end() ? "(none)" : expected->second));
  }
  // Crash case 30: what is written now is newer than all there was.
  for (int i = 0; i < 125; ++i) {
    Put(db.get(), Key(i), "new");
    CHECK(Get(db.get(), Key(i)) == "new");
  }
  return lost;
}

// Every file that there was is still there with its bytes, in the store or aside.
void CheckNothingDeleted(const std::map<std::string, std::string>& before, MemFileSystem* fs) {
  std::vector<std::string> dirs = {"db"};
  const std::vector<std::string> names = *fs->List("db");
  for (const std::string& name : names) {
    if (absl::StartsWith(name, "damaged-")) {
      dirs.push_back("db/" + name);
    }
  }
  for (const auto& file : before) {
    CHECK_MESSAGE(std::ranges::any_of(dirs,
                                      [&](const std::string& dir) {
                                        const auto found = fs->Contents(dir + "/" + file.first);
                                        return found.ok() && *found == file.second;
                                      }),
                  file.first);
  }
}

std::map<std::string, std::string> BytesOf(ClosedStore* store) {
  std::map<std::string, std::string> bytes;
  const std::vector<std::string> names = *store->fs.List("db");
  for (const std::string& name : names) {
    bytes[name] = store->Bytes(name);
  }
  return bytes;
}

// Damages a store, repairs it and checks all that a repair promises; returns how many keys are
// reported lost.
int Mend(const std::function<void(ClosedStore*)>& damage) {
  ClosedStore store;
  damage(&store);
  const auto before = BytesOf(&store);
  const RepairReport report = Repair(store.options());
  CHECK_FALSE(report.check.damage.empty());
  CheckNothingDeleted(before, &store.fs);
  const RepairReport again = Repair(store.options());
  CHECK(again.check.damage.empty());
  CHECK(again.aside.empty());
  return CheckRepaired(store, report, store.options());
}

TEST_CASE("repair: a sound store is left as it is") {
  ClosedStore store;
  const auto before = BytesOf(&store);
  const RepairReport report = Repair(store.options());
  CHECK(report.check.damage.empty());
  CHECK(report.saved.empty());
  CHECK(report.lost.empty());
  CHECK(BytesOf(&store) == before);
}

TEST_CASE("repair: a damaged block costs its own keys only") {
  ClosedStore names;
  for (const std::string& table : names.FilesOf(FileKind::kTable)) {
    CAPTURE(table);
    const int lost = Mend([&](ClosedStore* store) { store->Flip(table, 10); });
    CHECK(lost > 0);
    CHECK(lost < 100);
  }
}

TEST_CASE("repair: a table whose filter is damaged loses nothing") {
  ClosedStore names;
  for (const std::string& table : names.FilesOf(FileKind::kTable)) {
    ClosedStore store;
    // The filter stands at the beginning of the tail.
    const RecoveredManifest manifest = *RecoverManifest(&store.fs, "db");
    uint64_t tail_bytes = 0;
    for (const auto& [level, meta] : manifest.state.Snapshot().added_tables) {
      tail_bytes = meta.FileName() == table ? meta.tail_bytes : tail_bytes;
    }
    REQUIRE(tail_bytes > 0);
    store.Flip(table, store.Bytes(table).size() - tail_bytes + 10);
    const RepairReport report = Repair(store.options());
    CHECK(report.lost.empty());
    CHECK(CheckRepaired(store, report, store.options()) == 0);
  }
}

TEST_CASE("repair: any one flipped byte of any file is mended") {
  ClosedStore names;
  for (const std::string& name : names.files) {
    if (name == kLockFileName) {
      continue;
    }
    const size_t size = names.Bytes(name).size();
    for (size_t at = 0; at < size - names.TrailingMark(name);
         at += std::max<size_t>(1, size / 11)) {
      CAPTURE(name);
      CAPTURE(at);
      Mend([&](ClosedStore* store) { store->Flip(name, at); });
    }
  }
}

TEST_CASE(
    "repair: range tombstones that are damaged are told as lost, with the keys of the table") {
  // The table with the range from Key(20); with the manifest, and without it.
  const std::string tombstone = Key(20) + "\x0f";
  for (const bool manifest : {true, false}) {
    CAPTURE(manifest);
    int damaged = 0;
    ClosedStore names;
    for (const std::string& table : names.FilesOf(FileKind::kTable)) {
      const size_t at = names.Bytes(table).find(tombstone);
      if (at == std::string::npos) {
        continue;
      }
      ++damaged;
      ClosedStore store;
      store.Flip(table, at);
      if (!manifest) {
        store.RemoveFile(store.FilesOf(FileKind::kManifest).front());
      }
      const RepairReport report = Repair(store.options());
      REQUIRE(report.lost.size() == 1);
      CHECK(report.lost[0].file == table);
      CHECK(absl::StrContains(report.lost[0].what, "range"));
      CHECK(report.lost[0].keys.size() == (manifest ? 1 : 0));
      CHECK(IsLost(report, store, Key(20)));
      CheckRepaired(store, report, store.options());
    }
    CHECK(damaged == 1);
  }
}

TEST_CASE("repair: a table that is missing, cut or empty is lost, and told with keys and entries") {
  ClosedStore names;
  for (const std::string& table : names.FilesOf(FileKind::kTable)) {
    const size_t size = names.Bytes(table).size();
    CHECK(Mend([&](ClosedStore* store) { store->RemoveFile(table); }) > 0);
    CHECK(Mend([&](ClosedStore* store) { store->Truncate(table, size - 1); }) > 0);
    CHECK(Mend([&](ClosedStore* store) { store->Truncate(table, 0); }) > 0);
  }
  ClosedStore store;
  store.RemoveFile(names.FilesOf(FileKind::kTable).front());
  const RepairReport report = Repair(store.options());
  REQUIRE(report.lost.size() == 1);
  CHECK(report.lost[0].file == names.FilesOf(FileKind::kTable).front());
  CHECK(report.lost[0].entries > uint64_t{0});
  CHECK(report.lost[0].keys.size() == 1);
}

TEST_CASE("repair: sound tables under each other's names are put right, and nothing is lost") {
  ClosedStore names;
  const std::vector<std::string> tables = names.FilesOf(FileKind::kTable);
  for (size_t i = 1; i < tables.size(); ++i) {
    CHECK(Mend([&](ClosedStore* store) { store->Swap(tables[0], tables[i]); }) == 0);
  }
}

TEST_CASE("repair: another table in a damaged one's place is not taken for it") {
  ClosedStore store;
  const std::vector<std::string> tables = store.FilesOf(FileKind::kTable);
  // Deep, old versions under the name of a young table.
  store.SetBytes(tables.front(), store.Bytes(tables.back()));
  const RepairReport report = Repair(store.options());
  REQUIRE(report.lost.size() == 1);
  CHECK(absl::StrContains(report.lost[0].what, "another table"));
  CheckRepaired(store, report, store.options());
}

TEST_CASE("repair: without CURRENT the last manifest is believed, and nothing is lost") {
  CHECK(Mend([](ClosedStore* store) { store->RemoveFile("CURRENT"); }) == 0);
  CHECK(Mend([](ClosedStore* store) { store->SetBytes("CURRENT", "nonsense"); }) == 0);
}

TEST_CASE("repair: without a manifest every table is merged, and nothing is lost") {
  const auto manifest = [](ClosedStore* store) {
    return store->FilesOf(FileKind::kManifest).front();
  };
  CHECK(Mend([&](ClosedStore* store) { store->RemoveFile(manifest(store)); }) == 0);
  CHECK(Mend([&](ClosedStore* store) { store->Truncate(manifest(store), 20); }) == 0);
  CHECK(Mend([&](ClosedStore* store) { store->Flip(manifest(store), 50); }) == 0);
  CHECK(Mend([&](ClosedStore* store) {
          store->RemoveFile(manifest(store));
          store->RemoveFile("CURRENT");
        }) == 0);
}

TEST_CASE("repair: a manifest cut at any place costs nothing") {
  // The cut may fall between two edits: nothing in the file tells then that there were more.
  ClosedStore names;
  const std::string manifest = names.FilesOf(FileKind::kManifest).front();
  for (size_t length = 0; length < names.Bytes(manifest).size(); length += kSanitized ? 33 : 3) {
    CAPTURE(length);
    ClosedStore store;
    store.Truncate(manifest, length);
    const RepairReport report = Repair(store.options());
    CHECK(CheckRepaired(store, report, store.options()) == 0);
  }
}

TEST_CASE(
    "repair: of a damaged log the records before the damage are saved, and those of the next") {
  ClosedStore store;
  const std::string log = store.FilesOf(FileKind::kLog).front();
  const uint64_t writes = 9;
  store.Flip(log, store.Bytes(log).size() / 2);
  const RepairReport report = Repair(store.options());
  REQUIRE(report.lost.size() == 1);
  CHECK(report.lost[0].file == log);
  REQUIRE(report.lost[0].entries.has_value());
  CHECK(*report.lost[0].entries > 0);
  CHECK(*report.lost[0].entries < writes);
  CheckRepaired(store, report, store.options());
  const auto db = OpenStore(store.options());
  Mend([&](ClosedStore* s) { s->Flip(log, s->Bytes(log).size() / 2); });
}

TEST_CASE("repair: the newest writes survive damage to the log before theirs") {
  ClosedStore store;
  const std::vector<std::string> logs = store.FilesOf(FileKind::kLog);
  store.RemoveFile(logs.front());
  Repair(store.options());
  CHECK(Get(OpenStore(store.options()).get(), Key(4)) == "in the second log4");
}

TEST_CASE("repair: writes that were durable are saved although a log before theirs is gone") {
  MemFileSystem fs;
  fs.SetHook([](FileOp op, const std::string& path, uint64_t) {
    return op == FileOp::kCreate && path.ends_with(".sst") ? absl::ResourceExhaustedError("full")
                                                           : absl::OkStatus();
  });
  Options options = InMemory(&fs);
  options.memtable_bytes = 100;
  options.max_immutable_memtables = 4;
  const auto db = OpenStore(options);
  for (int i = 0; i < 5; ++i) {
    Put(db.get(), Key(i), std::string(150, 'v'), Durability::kDisk);
  }
  const std::unique_ptr<MemFileSystem> killed = fs.KillClone();
  std::vector<std::string> logs;
  const std::vector<std::string> names = *killed->List("db");
  std::ranges::copy_if(names, std::back_inserter(logs),
                       [](const std::string& name) { return absl::EndsWith(name, ".wal"); });
  std::ranges::sort(logs);
  REQUIRE(logs.size() == 5);
  REQUIRE(killed->Remove("db/" + logs[1]).ok());
  options.file_system = killed.get();
  CHECK(absl::IsDataLoss(DB::Open(options, "db").status()));
  const RepairReport report = Repair(options);
  REQUIRE(report.lost.size() == 2);  // the file is gone, and so is what it held
  CHECK(report.lost[1].entries == uint64_t{1});
  const auto repaired = OpenStore(options);
  for (int i = 0; i < 5; ++i) {
    CHECK((Get(repaired.get(), Key(i)) == "(none)") == (i == 1));
  }
}

TEST_CASE("repair: all kinds of damage at once") {
  // With the manifest's word for it, what is lost can be told exactly; else it may be any key.
  for (const bool manifest : {true, false}) {
    const int lost = Mend([manifest](ClosedStore* store) {
      const std::vector<std::string> tables = store->FilesOf(FileKind::kTable);
      store->Flip(tables[0], 10);
      store->Truncate(tables[1], 100);
      store->Swap(tables[2], tables[3]);
      store->RemoveFile(tables[4]);
      store->Flip(store->FilesOf(FileKind::kLog).back(), 60);
      store->RemoveFile("CURRENT");
      if (!manifest) {
        store->Flip(store->FilesOf(FileKind::kManifest).front(), 80);
      }
    });
    CHECK((lost < 125) == manifest);
  }
}

TEST_CASE("repair: without a manifest neither numbers nor sequences order the tables") {
  // A compaction takes the oldest table of level 0 and what overlaps it, past a table between them:
  // its output then holds older versions than that table, and newer ones, and the larger sequence.
  MemFileSystem fs;
  Options options = InMemory(&fs);
  options.compaction_threads = 1;
  options.level0_compaction_tables = 3;
  auto db = OpenStore(options);
  Put(db.get(), "a", "oldest");
  Put(db.get(), "z", "oldest");
  FlushStore(db.get());
  REQUIRE(db->CompactLevel(0, 1).ok());
  Put(db.get(), "x", "1");
  Put(db.get(), "z", "2");
  FlushStore(db.get());
  Put(db.get(), "a", "newest");
  Put(db.get(), "b", "1");
  FlushStore(db.get());
  Put(db.get(), "x", "2");
  Put(db.get(), "z", "newest");
  FlushStore(db.get());
  REQUIRE(db->WaitForCompactions().ok());
  REQUIRE(db->Levels()[0].tables == 1);
  CloseStore(std::move(db));
  const std::vector<std::string> names = *fs.List("db");
  for (const std::string& name : names) {
    if (absl::StartsWith(name, "MANIFEST")) {
      REQUIRE(fs.Remove("db/" + name).ok());
    }
  }
  CHECK(Repair(options).manifest_rebuilt);
  db = OpenStore(options);
  CHECK(Get(db.get(), "a") == "newest");
  CHECK(Get(db.get(), "z") == "newest");
}

void DamageAll(ClosedStore* store, bool manifest) {
  const std::vector<std::string> tables = store->FilesOf(FileKind::kTable);
  store->Flip(tables[0], 10);
  store->Swap(tables[1], tables[2]);
  store->Flip(store->FilesOf(FileKind::kLog).front(), 100);
  if (manifest) {
    store->Flip(store->FilesOf(FileKind::kManifest).front(), 80);
  }
}

TEST_CASE(
    "repair: a crash at any operation leaves a store that can be repaired, and no byte gone") {
  for (const bool manifest : {false, true}) {
    uint64_t operations = 0;
    RepairReport whole;
    {
      ClosedStore store;
      DamageAll(&store, manifest);
      const uint64_t before = store.fs.op_count();
      whole = Repair(store.options());
      operations = store.fs.op_count() - before;
    }
    for (uint64_t last = 0; last < operations; last += kSanitized ? 18 : 1) {
      ClosedStore store;
      DamageAll(&store, manifest);
      const auto before = BytesOf(&store);
      const uint64_t start = store.fs.op_count();
      store.fs.SetHook([&](FileOp, const std::string&, uint64_t number) {
        return number <= start + last ? absl::OkStatus()
                                      : absl::UnavailableError("the machine is off");
      });
      CHECK_FALSE(RepairStore(store.options(), "db", nullptr).ok());
      const int survival = static_cast<int>(last % 3) * 50;
      const std::unique_ptr<MemFileSystem> crashed = store.fs.CrashClone(last, survival);
      Options options = store.options();
      options.file_system = crashed.get();
      CAPTURE(manifest);
      CAPTURE(last);
      CAPTURE(survival);
      CheckNothingDeleted(before, crashed.get());
      const RepairReport report = Repair(options);
      CheckNothingDeleted(before, crashed.get());
      // If the crash came after the switch, the first repair's report is the one that counts.
      CheckRepaired(store, report.check.damage.empty() ? whole : report, options);
    }
  }
}

TEST_CASE("repair: a full disk or a failing operation leaves the store as it was") {
  ClosedStore counted;
  DamageAll(&counted, true);
  const uint64_t before_repair = counted.fs.op_count();
  Repair(counted.options());
  const uint64_t operations = counted.fs.op_count() - before_repair;
  for (uint64_t failing = 1; failing <= operations; failing += kSanitized ? 21 : 3) {
    ClosedStore store;
    DamageAll(&store, true);
    const auto before = BytesOf(&store);
    const uint64_t start = store.fs.op_count();
    store.fs.SetHook([&](FileOp, const std::string&, uint64_t number) {
      return number == start + failing ? absl::ResourceExhaustedError("full") : absl::OkStatus();
    });
    const bool repaired = RepairStore(store.options(), "db", nullptr).ok();
    store.fs.SetHook(nullptr);
    CAPTURE(failing);
    CheckNothingDeleted(before, &store.fs);
    const RepairReport report = Repair(store.options());
    if (!repaired && !report.check.damage.empty()) {
      CheckRepaired(store, report, store.options());
    }
  }
}

TEST_CASE("repair: a store in use, or none, is refused") {
  MemFileSystem fs;
  CHECK(absl::IsNotFound(RepairStore(InMemory(&fs), "db", nullptr).status()));
  const auto db = OpenStore(&fs);
  CHECK(absl::IsUnavailable(RepairStore(InMemory(&fs), "db", nullptr).status()));
}

TEST_CASE(
    "repair: killed once CURRENT has its new name, and opened, the store is whole on any disk") {
  ClosedStore store;
  store.Flip(store.FilesOf(FileKind::kTable).front(), 10);
  store.fs.SetHook([named = false](FileOp op, const std::string& path, uint64_t) mutable {
    if (named) {
      return absl::CancelledError("the process is dead");
    }
    named = op == FileOp::kRename && absl::StartsWith(path, "db/CURRENT");
    return absl::OkStatus();
  });
  REQUIRE(absl::IsCancelled(RepairStore(store.options(), "db", nullptr).status()));
  const std::unique_ptr<MemFileSystem> killed = store.fs.KillClone();
  Options options = store.options();
  options.file_system = killed.get();
  CloseStore(OpenStore(options));  // which removes what the manifest does not name
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const std::unique_ptr<MemFileSystem> crashed = killed->CrashClone(seed, 50);
    options.file_system = crashed.get();
    CAPTURE(seed);
    const absl::StatusOr<std::unique_ptr<DB>> db = DB::Open(options, "db");
    CHECK_MESSAGE(db.ok(), db.status().ToString());
  }
}

TEST_CASE("repair: a table found under another name is durable before it is named") {
  ClosedStore store;
  const std::vector<std::string> tables = store.FilesOf(FileKind::kTable);
  const std::string bytes[] = {store.Bytes(tables[0]), store.Bytes(tables[1])};
  for (const size_t i : {size_t{0}, size_t{1}}) {  // put there by hand, the one for the other
    const auto file = store.fs.Create("db/" + tables[i]);
    REQUIRE(file.ok());
    REQUIRE((*file)->Append(bytes[1 - i]).ok());
    REQUIRE((*file)->Close().ok());
  }
  const RepairReport report = Repair(store.options());
  CHECK(report.lost.empty());
  const std::unique_ptr<MemFileSystem> crashed = store.fs.CrashClone(1, 0);
  Options options = store.options();
  options.file_system = crashed.get();
  CHECK(CheckRepaired(store, report, options) == 0);
}

}  // namespace
}  // namespace fathom
