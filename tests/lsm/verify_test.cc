#include "lsm/verify.h"

#include <doctest/doctest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/lsm/damaged_store.h"

namespace fathom {
namespace {

StoreCheck Verify(ClosedStore* store) {
  const absl::StatusOr<StoreCheck> check = VerifyStore(store->options(), "db", nullptr);
  REQUIRE_MESSAGE(check.ok(), check.status().ToString());
  return *check;
}

// Whether some line of the damage begins with the file's path.
bool Names(const StoreCheck& check, const std::string& file) {
  return std::ranges::any_of(check.damage, [&](const std::string& line) {
    return absl::StartsWith(line, absl::StrCat("db/", file, ":"));
  });
}

TEST_CASE("verify: a closed store is sound, every byte is counted and nothing is written") {
  ClosedStore store;
  uint64_t bytes = 0;
  std::map<std::string, std::string> before;
  for (const std::string& name : store.files) {
    before[name] = store.Bytes(name);
    bytes += before[name].size();
  }
  std::vector<std::string> told;
  const uint64_t creates = store.fs.op_count(FileOp::kCreate);
  const uint64_t appends = store.fs.op_count(FileOp::kAppend);
  const auto check = VerifyStore(store.options(), "db", [&](const CheckProgress& progress) {
    told.emplace_back(progress.file);
    CHECK(progress.bytes < progress.total_bytes);
    CHECK(progress.total_bytes == bytes);
  });
  REQUIRE(check.ok());
  for (const std::string& line : check->damage) {
    FAIL_CHECK(line);
  }
  CHECK(check->notes.empty());
  CHECK(check->bytes == bytes);
  CHECK(check->tables == store.FilesOf(FileKind::kTable).size());
  CHECK(check->logs == store.FilesOf(FileKind::kLog).size());
  CHECK(told.size() == check->tables + check->logs);
  CHECK(check->log_records == 9 + 7 + 7);
  CHECK(check->manifest_edits > 0);
  CHECK(store.fs.op_count(FileOp::kCreate) == creates);
  CHECK(store.fs.op_count(FileOp::kAppend) == appends);
  std::vector<std::string> after = *store.fs.List("db");
  std::ranges::sort(after);
  CHECK(after == store.files);
}

TEST_CASE("verify: one flipped byte in any file is found, and the file is named") {
  ClosedStore store;
  for (const std::string& name : store.files) {
    if (name == kLockFileName) {
      continue;
    }
    const std::string sound = store.Bytes(name);
    // An odd step comes to every part of a file; the smallest files are flipped byte by byte.
    const size_t step = std::max<size_t>(1, sound.size() / 97);
    for (size_t at = 0; at < sound.size() - store.TrailingMark(name); at += step) {
      store.Flip(name, at);
      const StoreCheck check = Verify(&store);
      CAPTURE(name);
      CAPTURE(at);
      REQUIRE_FALSE(check.damage.empty());
      // A CURRENT that names another manifest is told as that manifest's absence.
      CHECK((Names(check, name) || name == kCurrentFileName));
      CHECK(check.damaged_files.size() == 1);
      store.SetBytes(name, sound);
    }
  }
}

TEST_CASE(
    "verify: a cut file is found; a manifest without its last edits, by what it still names") {
  ClosedStore store;
  for (const std::string& name : store.files) {
    if (name == kLockFileName || ParseFileName(name)->kind == FileKind::kManifest) {
      continue;
    }
    const std::string sound = store.Bytes(name);
    for (const size_t length : {size_t{0}, sound.size() / 2, sound.size() - 1}) {
      store.Truncate(name, length);
      CAPTURE(name);
      CAPTURE(length);
      CHECK(Names(Verify(&store), name));
    }
    store.SetBytes(name, sound);
  }
  const std::string manifest = store.FilesOf(FileKind::kManifest).front();
  store.Truncate(manifest, 10);
  CHECK(Names(Verify(&store), manifest));
}

TEST_CASE("verify: a missing file is named") {
  for (const FileKind kind :
       {FileKind::kCurrent, FileKind::kManifest, FileKind::kTable, FileKind::kLog}) {
    const ClosedStore names;
    for (const std::string& name : names.FilesOf(kind)) {
      ClosedStore store;
      store.RemoveFile(name);
      CHECK_MESSAGE(Names(Verify(&store), name), name);
    }
  }
}

TEST_CASE("verify: sound tables under each other's names are both named") {
  ClosedStore store;
  const std::vector<std::string> tables = store.FilesOf(FileKind::kTable);
  store.Swap(tables.front(), tables.back());
  const StoreCheck check = Verify(&store);
  CHECK(Names(check, tables.front()));
  CHECK(Names(check, tables.back()));
}

TEST_CASE("verify: all damage is told, not only the first") {
  ClosedStore store;
  const std::vector<std::string> tables = store.FilesOf(FileKind::kTable);
  const std::string& table = tables.front();
  store.Flip(table, 10);
  store.Flip(table, 600);
  store.Flip(tables.back(), 10);
  store.RemoveFile(tables[1]);
  const std::string log = store.FilesOf(FileKind::kLog).back();
  store.Flip(log, store.Bytes(log).size() / 2);
  const StoreCheck check = Verify(&store);
  CHECK(check.damage.size() == 5);
  CHECK(check.damaged_files == std::set<std::string>{table, tables.back(), tables[1], log});
  for (const std::string& line : check.damage) {
    CAPTURE(line);
    CHECK((absl::StrContains(line, "expected") || absl::StrContains(line, "missing")));
  }
}

TEST_CASE("verify: without the manifest tables and logs are still checked, each by itself") {
  ClosedStore store;
  store.RemoveFile(store.FilesOf(FileKind::kManifest).front());
  const std::string table = store.FilesOf(FileKind::kTable).front();
  store.Flip(table, 10);
  const StoreCheck check = Verify(&store);
  CHECK(Names(check, table));
  CHECK(check.damage.size() == 2);
  CHECK(check.tables == store.FilesOf(FileKind::kTable).size());
  CHECK(check.log_records == 9 + 7 + 7);
}

TEST_CASE("verify: a killed store is sound; what no sync covered and what nothing names is noted") {
  MemFileSystem fs;
  auto db = OpenStore(&fs);
  Put(db.get(), "a", "1");
  const std::unique_ptr<MemFileSystem> killed = fs.KillClone();
  std::string log = *killed->Contents("db/000001.wal");
  const size_t end = log.find_last_not_of('\0') + 1;
  killed->SetContents("db/000001.wal", log.substr(0, end - 1));
  killed->SetContents("db/L0_009.sst", "half a table");
  killed->SetContents("db/notes.txt", "the operator's");
  const auto check = VerifyStore(InMemory(killed.get()), "db", nullptr);
  REQUIRE(check.ok());
  CHECK(check->damage.empty());
  REQUIRE(check->notes.size() == 3);
  CHECK(absl::StrContains(check->notes[0], "never durable"));
  CHECK(absl::StrContains(check->notes[1], "db/L0_009.sst: nothing names this file"));
  CHECK(absl::StrContains(check->notes[2], "db/notes.txt: not a file of the store"));
}

TEST_CASE("verify: what cannot be checked is an error, not damage") {
  MemFileSystem fs;
  CHECK(absl::IsNotFound(VerifyStore(InMemory(&fs), "db", nullptr).status()));
  REQUIRE(fs.CreateDir("db").ok());
  CHECK(absl::IsNotFound(VerifyStore(InMemory(&fs), "db", nullptr).status()));
  const auto db = OpenStore(&fs);
  CHECK(absl::IsUnavailable(VerifyStore(InMemory(&fs), "db", nullptr).status()));
}

TEST_CASE(
    "verify: a file that the disk does not give back is damage; one that may not be read is not") {
  // Crash case 58.
  for (const bool allowed : {true, false}) {
    ClosedStore store;
    const std::string table = store.FilesOf(FileKind::kTable).front();
    store.fs.SetHook([&](FileOp op, const std::string& path, uint64_t) {
      const bool fails = op == FileOp::kOpenForRead && path.ends_with(table);
      const std::string text = path + ": open: no";
      return !fails    ? absl::OkStatus()
             : allowed ? absl::InternalError(text)
                       : absl::PermissionDeniedError(text);
    });
    const auto check = VerifyStore(store.options(), "db", nullptr);
    CHECK(check.ok() == allowed);
    if (check.ok()) {
      CHECK(Names(*check, table));
    }
  }
}

TEST_CASE("verify: a store whose creation was cut off is empty, not damaged") {
  // Crash case 21.
  MemFileSystem fs;
  { const auto db = OpenStore(&fs); }
  REQUIRE(fs.Remove("db/CURRENT").ok());
  fs.SetContents("db/000001.wal", "");
  const auto check = VerifyStore(InMemory(&fs), "db", nullptr);
  REQUIRE(check.ok());
  CHECK(check->damage.empty());
  CHECK(OpenStore(&fs)->recovery().created);
}

}  // namespace
}  // namespace fathom
