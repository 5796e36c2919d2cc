// A store whose manifest has grown begins a new one, wherever that fails.
#include <string>

#include "lsm/verify.h"
#include "tests/lsm/store.h"
#include "tests/runs.h"

namespace fathom {
namespace {

constexpr int kFlushes = 16;
constexpr uint64_t kStride = kSanitized ? 15 : 1;

// Nothing but what a test asks for happens, and the manifest holds long keys.
Options Still(FileSystem* fs) {
  Options options = InMemory(fs);
  options.compaction_threads = 0;
  return options;
}

std::string LongKey(int i) { return absl::StrCat(Key(i), std::string(1000, 'k')); }

// Puts and flushes key `i`, and waits until the old log has gone.
absl::Status Flushed(DB* db, int i) {
  absl::Status status = db->Put(WriteOptions(), LongKey(i), "value");
  status.Update(db->Flush().status());
  status.Update(db->WaitForCompactions());
  return status;
}

// Flushes until something fails; says how many keys are in tables.
int FlushUntilItFails(FileSystem* fs) {
  const absl::StatusOr<std::unique_ptr<DB>> db = DB::Open(Still(fs), "db");
  int i = 0;
  while (db.ok() && i < kFlushes && Flushed(db->get(), i).ok()) {
    ++i;
  }
  return i;
}

// The store has the first keys, `at_least` so many, and goes on.
void CheckGoesOn(FileSystem* fs, int at_least) {
  const absl::StatusOr<StoreCheck> check = VerifyStore(Still(fs), "db", {});
  REQUIRE_MESSAGE(check.ok(), check.status().ToString());
  CHECK(check->damage.empty());
  const auto db = OpenStore(Still(fs));
  Model model = Contents(db.get());
  CHECK(static_cast<int>(model.size()) >= at_least);
  int i = 0;
  for (const auto& [key, value] : model) {
    CHECK(key == LongKey(i++));
  }
  REQUIRE(Flushed(db.get(), i) == absl::OkStatus());
  model[LongKey(i)] = "value";
  CHECK(Contents(db.get()) == model);
}

std::string OnlyManifest(MemFileSystem* fs) {
  const std::vector<std::string> found = FilesOfKind(fs, FileKind::kManifest);
  REQUIRE(found.size() == 1);
  return found.front();
}

TEST_CASE("manifest: one that is mostly history begins anew") {
  MemFileSystem fs;
  auto db = OpenStore(Still(&fs));
  uint64_t longest = 0;
  for (int i = 0; i < 200; ++i) {
    REQUIRE(Flushed(db.get(), i % 4) == absl::OkStatus());
    if (i % 4 == 3) {
      REQUIRE(db->CompactAll() == absl::OkStatus());
    }
    longest = std::max(longest, fs.FileSize(OnlyManifest(&fs)).value());
  }
  // Never more than five tables; each is told with two keys.
  CHECK(longest < 40'000);
  CHECK(longest > 10'000);
  const Model model = Contents(db.get());
  CloseStore(std::move(db));
  CHECK(VerifyStore(Still(&fs), "db", {}).value().damage.empty());
  CHECK(Contents(OpenStore(Still(&fs)).get()) == model);
}

TEST_CASE("manifest: a power loss at any operation of one that begins anew loses nothing") {
  MemFileSystem whole;
  REQUIRE(FlushUntilItFails(&whole) == kFlushes);
  REQUIRE(whole.op_count(FileOp::kRename) >= 3);  // CURRENT has turned so often
  const uint64_t operations = whole.op_count();
  for (uint64_t last = 1; last <= operations; last += kStride) {
    MemFileSystem fs;
    fs.SetHook([last](FileOp, const std::string&, uint64_t number) {
      return number <= last ? absl::OkStatus() : absl::CancelledError("the machine is off");
    });
    const int flushed = FlushUntilItFails(&fs);
    for (const int survival : {0, 50, 100}) {
      INFO("off after operation ", last, ", survival ", survival, " %");
      const auto crashed = fs.CrashClone(last, survival);
      if (flushed > 0) {
        CheckGoesOn(crashed.get(), flushed);
      } else {
        CHECK(Contents(OpenStore(Still(crashed.get())).get()).size() <= 1);
      }
    }
  }
}

TEST_CASE("manifest: an error at any operation of one that begins anew loses nothing") {
  MemFileSystem whole;
  REQUIRE(FlushUntilItFails(&whole) == kFlushes);
  const uint64_t operations = whole.op_count();
  for (uint64_t failing = 1; failing <= operations; failing += kStride) {
    INFO("operation ", failing, " fails");
    MemFileSystem fs;
    fs.SetHook([failing](FileOp, const std::string&, uint64_t number) {
      return number == failing ? absl::InternalError("I/O error") : absl::OkStatus();
    });
    const int flushed = FlushUntilItFails(&fs);
    fs.SetHook(nullptr);
    const auto crashed = fs.CrashClone(failing, 50);
    for (MemFileSystem* const left : {&fs, crashed.get()}) {
      if (flushed > 0) {
        CheckGoesOn(left, flushed);
      }
    }
  }
}

TEST_CASE("manifest: where a new one fails to be named nothing is written until the next opening") {
  // CURRENT may name either, and only one of them would have what is written next.
  for (const FileOp fails : {FileOp::kRename, FileOp::kSyncDir}) {
    INFO("operation of kind ", static_cast<int>(fails));
    MemFileSystem fs;
    auto db = OpenStore(Still(&fs));
    REQUIRE(Flushed(db.get(), 0) == absl::OkStatus());
    fs.SetHook([fails, begun = false](FileOp op, const std::string& path, uint64_t) mutable {
      begun = begun || (op == FileOp::kCreate && path.starts_with("db/MANIFEST"));
      return begun && op == fails ? absl::InternalError("I/O error") : absl::OkStatus();
    });
    int flushed = 1;
    while (Flushed(db.get(), flushed) == absl::OkStatus()) {
      ++flushed;
      REQUIRE(flushed < kFlushes);
    }
    fs.SetHook(nullptr);
    const absl::Status status = db->Put(WriteOptions(), "k", "v");
    CHECK(absl::IsFailedPrecondition(status));
    CHECK(status.message().find("I/O error") != std::string::npos);
    // The edit at hand was durable before: its table counts.
    CHECK(static_cast<int>(Contents(db.get()).size()) == flushed + 1);
    db.reset();
    CheckGoesOn(&fs, flushed + 1);
  }
}

TEST_CASE("manifest: damage to it is found when it would begin anew, and ends writing") {
  MemFileSystem fs;
  auto db = OpenStore(Still(&fs));
  REQUIRE(Flushed(db.get(), 0) == absl::OkStatus());
  const std::string path = OnlyManifest(&fs);
  std::string bytes = fs.Contents(path).value();
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  fs.SetContents(path, bytes);
  int flushed = 1;
  while (Flushed(db.get(), flushed) == absl::OkStatus()) {
    ++flushed;
    REQUIRE(flushed < kFlushes);
  }
  const absl::Status status = db->Put(WriteOptions(), "k", "v");
  CHECK(absl::IsFailedPrecondition(status));
  CHECK(status.message().find(absl::StrCat(path, ": damaged at offset")) != std::string::npos);
  CHECK(static_cast<int>(Contents(db.get()).size()) >= flushed);
}

TEST_CASE("manifest: one that cannot be read, or written anew, goes on and begins anew later") {
  struct Case {
    FileOp fails;
    std::string of;  // files whose names begin so; but not the one in force, unless it is read
  };
  std::vector<Case> cases = {{FileOp::kOpenForRead, "db/MANIFEST"}};
  for (const FileOp fails : {FileOp::kCreate, FileOp::kAppend, FileOp::kSync}) {
    cases.push_back({fails, "db/MANIFEST"});
    cases.push_back({fails, "db/CURRENT"});
  }
  for (const Case& each : cases) {
    INFO("operation of kind ", static_cast<int>(each.fails), " of ", each.of);
    MemFileSystem fs;
    auto db = OpenStore(Still(&fs));
    REQUIRE(Flushed(db.get(), 0) == absl::OkStatus());
    const std::string path = OnlyManifest(&fs);
    int failed = 0;
    fs.SetHook([&](FileOp op, const std::string& file, uint64_t) {
      const bool meant = op == each.fails && file.starts_with(each.of) &&
                         (op == FileOp::kOpenForRead || file != path);
      failed += meant ? 1 : 0;
      return meant ? absl::ResourceExhaustedError("no room") : absl::OkStatus();
    });
    for (int i = 1; i < kFlushes; ++i) {
      REQUIRE(Flushed(db.get(), i) == absl::OkStatus());
    }
    CHECK(failed > 0);
    CHECK(OnlyManifest(&fs) == path);
    CHECK(FilesOfKind(&fs, FileKind::kCurrentTemp).empty());
    fs.SetHook(nullptr);
    REQUIRE(Flushed(db.get(), kFlushes) == absl::OkStatus());
    CHECK(OnlyManifest(&fs) != path);
    db.reset();
    CheckGoesOn(&fs, kFlushes + 1);
  }
}

}  // namespace
}  // namespace fathom
