#include "lsm/manifest/manifest.h"

#include <doctest/doctest.h>

#include "absl/strings/str_cat.h"
#include "lsm/io/mem_file_system.h"
#include "tests/lsm/manifest/tables.h"
#include "tests/lsm/wal/log_files.h"

namespace fathom {
namespace {

constexpr char kDir[] = "db";
constexpr char kCurrent[] = "db/CURRENT";
constexpr char kManifest[] = "db/MANIFEST-000003";

ManifestState FirstState() {
  ManifestState state;
  state.next_file_number = 4;
  state.log_number = 2;
  return state;
}

// What a store might do: three flushes, the last with a compaction.
std::vector<VersionEdit> SomeEdits() {
  std::vector<VersionEdit> edits(3);
  edits[0].next_table_number = 2;
  edits[0].last_sequence = 20;
  edits[0].added_tables = {{0, Table(1, "a", "m", 20)}};
  edits[1].next_table_number = 3;
  edits[1].last_sequence = 40;
  edits[1].added_tables = {{0, Table(2, "b", "z", 40)}};
  edits[2].removed_tables = {{0, 1}, {0, 2}};
  edits[2].added_tables = {{1, Table(3, "a", "z", 40)}};
  return edits;
}

// The states of a store that begins with FirstState and goes through SomeEdits.
std::vector<ManifestState> SomeStates() {
  std::vector<VersionEdit> edits = SomeEdits();
  edits.insert(edits.begin(), FirstState().Snapshot());
  std::vector<ManifestState> states = StatesAfter(edits);
  REQUIRE(states.size() == 5);
  states.erase(states.begin());
  return states;
}

std::unique_ptr<MemFileSystem> NewStore() {
  auto fs = std::make_unique<MemFileSystem>();
  REQUIRE(fs->CreateDir(kDir).ok());
  REQUIRE(fs->SyncDir("").ok());
  return fs;
}

std::unique_ptr<ManifestWriter> MustCreate(FileSystem* fs, uint64_t number,
                                           const ManifestState& state) {
  absl::StatusOr<std::unique_ptr<ManifestWriter>> writer =
      ManifestWriter::Create(fs, kDir, number, state);
  REQUIRE(writer.status() == absl::OkStatus());
  return *std::move(writer);
}

// A store with manifest 3 and SomeEdits in it, not closed. `ends` are those of the edits.
std::unique_ptr<MemFileSystem> SomeStore(std::vector<uint64_t>* ends = nullptr,
                                         bool close = false) {
  std::unique_ptr<MemFileSystem> fs = NewStore();
  const std::unique_ptr<ManifestWriter> writer = MustCreate(fs.get(), 3, FirstState());
  for (const VersionEdit& edit : SomeEdits()) {
    if (ends != nullptr) {
      ends->push_back(writer->bytes());
    }
    REQUIRE(writer->Append(edit).ok());
  }
  if (ends != nullptr) {
    ends->push_back(writer->bytes());
  }
  if (close) {
    REQUIRE(writer->Close().ok());
  }
  return fs;
}

void CheckRecovers(FileSystem* fs, uint64_t number, const ManifestState& state) {
  const auto recovered = RecoverManifest(fs, kDir);
  REQUIRE(recovered.status() == absl::OkStatus());
  CHECK(recovered->manifest_number == number);
  CHECK(SameState(recovered->state, state));
}

void CheckDataLoss(FileSystem* fs, absl::string_view says) {
  const absl::Status status = RecoverManifest(fs, kDir).status();
  INFO(status);
  CHECK(absl::IsDataLoss(status));
  CHECK(Says(status, says));
}

TEST_CASE("manifest: what was appended is recovered") {
  const auto fs = SomeStore();
  const auto recovered = RecoverManifest(fs.get(), kDir);
  REQUIRE(recovered.status() == absl::OkStatus());
  CHECK(recovered->manifest_number == 3);
  CHECK(recovered->edits == 4);
  CHECK(recovered->dropped_bytes == 0);
  CHECK(SameState(recovered->state, SomeStates().back()));
  CHECK(*fs->Contents(kCurrent) == "MANIFEST-000003\n");
  CHECK(fs->open_readers() == 0);
}

TEST_CASE("manifest: an appended edit is durable when Append returns") {
  const auto fs = SomeStore();
  CheckRecovers(fs->CrashClone(1, 0).get(), 3, SomeStates().back());
}

TEST_CASE("manifest: a directory without CURRENT is no store") {
  const auto fs = NewStore();
  CHECK(absl::IsNotFound(RecoverManifest(fs.get(), kDir).status()));
}

TEST_CASE("manifest: a CURRENT that is not one line with a manifest's name is refused") {
  // Crash case 18.
  const auto fs = SomeStore();
  for (const std::string& current :
       {std::string(), std::string("\n"), std::string("MANIFEST-000003"), std::string(16, '\0'),
        std::string("MANIFEST-000003\n\n"), std::string("MANIFEST-000003\r\n"),
        std::string("MANIFEST-000003\nMANIFEST-000003\n"), std::string("MANIFEST-3\n"),
        std::string("000003.wal\n"), std::string("CURRENT\n"), std::string("../MANIFEST-000003\n"),
        std::string(1 << 20, 'M')}) {
    CAPTURE(current.size());
    fs->SetContents(kCurrent, current);
    CheckDataLoss(fs.get(), kCurrent);
  }
}

TEST_CASE("manifest: a CURRENT that names a missing file is refused") {
  // Crash case 18.
  const auto fs = SomeStore();
  fs->SetContents(kCurrent, "MANIFEST-000099\n");
  CheckDataLoss(fs.get(), "db/MANIFEST-000099");
}

TEST_CASE("manifest: a manifest without a whole first edit is refused") {
  const auto fs = SomeStore();
  const std::string bytes = *fs->Contents(kManifest);
  for (const size_t length : {size_t{0}, size_t{20}, size_t{39}, size_t{45}}) {
    CAPTURE(length);
    fs->SetContents(kManifest, bytes.substr(0, length));
    CheckDataLoss(fs.get(), "first edit");
  }
}

TEST_CASE("manifest: the files are durable before CURRENT names the manifest") {
  // Crash case 19: which file or directory each operation was on.
  const auto fs = NewStore();
  std::vector<std::string> done;
  fs->SetHook([&done](FileOp op, const std::string& path, uint64_t) {
    if (op == FileOp::kSync || op == FileOp::kSyncDir || op == FileOp::kRename) {
      done.push_back(absl::StrCat(op == FileOp::kRename ? "rename " : "sync ", path));
    }
    return absl::OkStatus();
  });
  MustCreate(fs.get(), 3, FirstState());
  CHECK(done == std::vector<std::string>{"sync db/MANIFEST-000003", "sync db/CURRENT.tmp",
                                         "sync db", "rename db/CURRENT.tmp", "sync db"});
}

// Lets the power fail at operation `at` of creating manifest 5 with `state` in `fs`.
struct FailedCreate {
  FailedCreate(std::unique_ptr<MemFileSystem> store, uint64_t at, const ManifestState& state)
      : fs(std::move(store)) {
    const uint64_t before = fs->op_count();
    fs->SetHook([=, this](FileOp op, const std::string&, uint64_t number) {
      if (number < before + at) {
        return absl::OkStatus();
      }
      failed_op = failed_op.value_or(op);
      return absl::UnavailableError("the power is off");
    });
    status = ManifestWriter::Create(fs.get(), kDir, 5, state).status();
  }

  std::unique_ptr<MemFileSystem> fs;
  std::optional<FileOp> failed_op;
  absl::Status status;
};

// Calls `check` with what power losses may leave of `fs`.
template <typename Check>
void ForEachCrash(const MemFileSystem& fs, Check check) {
  for (const int percent : {0, 50, 100}) {
    for (uint64_t seed = 0; seed < 60; ++seed) {
      CAPTURE(percent);
      CAPTURE(seed);
      check(fs.CrashClone(seed, percent).get());
    }
  }
}

TEST_CASE("manifest: a crash at any operation of a new manifest leaves the old one or the new") {
  // Crash cases 18, 19 and 20.
  const ManifestState old = SomeStates().back();
  ManifestState next = old;
  next.next_file_number = 6;
  bool created = false;
  for (uint64_t at = 1; !created; ++at) {
    CAPTURE(at);
    const FailedCreate create(SomeStore(), at, next);
    created = create.status.ok();
    ForEachCrash(*create.fs, [&](MemFileSystem* crashed) {
      const auto recovered = RecoverManifest(crashed, kDir);
      REQUIRE(recovered.status() == absl::OkStatus());
      const bool is_new = recovered->manifest_number == 5;
      CHECK((is_new || recovered->manifest_number == 3));
      CHECK(SameState(recovered->state, is_new ? next : old));
      if (created || create.failed_op != FileOp::kSyncDir) {
        CHECK(is_new == created);
      }
    });
  }
}

TEST_CASE("manifest: a crash while the first one is made leaves no store or a whole one") {
  // Crash case 21.
  bool created = false;
  for (uint64_t at = 1; !created; ++at) {
    CAPTURE(at);
    const FailedCreate create(NewStore(), at, FirstState());
    created = create.status.ok();
    ForEachCrash(*create.fs, [&](MemFileSystem* crashed) {
      const auto recovered = RecoverManifest(crashed, kDir);
      if (recovered.ok()) {
        CHECK(SameState(recovered->state, FirstState()));
      } else {
        CHECK(absl::IsNotFound(recovered.status()));
        CHECK_FALSE(created);
      }
    });
  }
}

TEST_CASE("manifest: an error at any operation of a new manifest is told, and CURRENT names one") {
  // Crash case 59, for the manifest.
  const ManifestState old = SomeStates().back();
  for (uint64_t at = 1;; ++at) {
    CAPTURE(at);
    const FailedCreate create(SomeStore(), at, old);
    create.fs->SetHook(nullptr);
    CHECK(RecoverManifest(create.fs.get(), kDir).ok());
    if (create.status.ok()) {
      break;
    }
    CHECK(create.status == absl::UnavailableError("the power is off"));
  }
}

TEST_CASE("manifest: a crash at any operation of an append leaves the edit whole or absent") {
  const std::vector<ManifestState> states = SomeStates();
  for (uint64_t at = 1; at <= 2; ++at) {
    CAPTURE(at);
    const auto fs = NewStore();
    const auto writer = MustCreate(fs.get(), 3, FirstState());
    const uint64_t before = fs->op_count();
    fs->SetHook([=](FileOp, const std::string&, uint64_t number) {
      return number < before + at ? absl::OkStatus() : absl::UnavailableError("the power is off");
    });
    CHECK_FALSE(writer->Append(SomeEdits()[0]).ok());
    ForEachCrash(*fs, [&](MemFileSystem* crashed) {
      const auto recovered = RecoverManifest(crashed, kDir);
      REQUIRE(recovered.status() == absl::OkStatus());
      CHECK(recovered->edits <= 2);
      CHECK(SameState(recovered->state, states[recovered->edits - 1]));
    });
  }
}

TEST_CASE("manifest: after a failed sync the writer refuses everything") {
  // Crash case 10, for the manifest.
  const auto fs = NewStore();
  const auto writer = MustCreate(fs.get(), 3, FirstState());
  const absl::Status error = absl::InternalError("fdatasync: Input/output error");
  fs->SetHook([&error, left = 1](FileOp op, const std::string&, uint64_t) mutable {
    return op == FileOp::kSync && left-- > 0 ? error : absl::OkStatus();
  });
  CHECK(writer->Append(SomeEdits()[0]) == error);
  const uint64_t appends = fs->op_count(FileOp::kAppend);
  CHECK(writer->Append(SomeEdits()[1]) == error);
  CHECK(writer->Append(VersionEdit()) == error);
  CHECK(fs->op_count(FileOp::kAppend) == appends);
  CHECK(writer->Close() == error);
}

TEST_CASE("manifest: what is read back is the sum of all that was appended, or damage") {
  const auto fs = NewStore();
  const auto writer = MustCreate(fs.get(), 3, FirstState());
  for (const VersionEdit& edit : SomeEdits()) {
    REQUIRE(writer->Append(edit).ok());
  }
  CHECK(writer->edits() == 4);
  const auto read = writer->ReadBack(fs.get(), kDir);
  REQUIRE(read.status() == absl::OkStatus());
  CHECK(SameState(*read, SomeStates().back()));

  const std::string bytes = *fs->Contents(kManifest);
  for (size_t cut = 0; cut < bytes.size(); ++cut) {
    CAPTURE(cut);
    fs->SetContents(kManifest, bytes.substr(0, cut));
    const absl::Status status = writer->ReadBack(fs.get(), kDir).status();
    CHECK(absl::IsDataLoss(status));
    CHECK(Says(status, kManifest));
  }
}

TEST_CASE("manifest: it is outgrown by history, the later the more there is to tell") {
  const auto fs = NewStore();
  ManifestState state;
  uint64_t before = 0;
  for (const int tables : {0, 100, 1000}) {
    for (uint64_t i = state.levels[1].size(); i < static_cast<uint64_t>(tables); ++i) {
      const std::string key = absl::StrCat("k", absl::Dec(i, absl::kZeroPad6));
      state.levels[1].push_back(Table(i + 1, key, key, 1));
    }
    const auto writer = MustCreate(fs.get(), 3 + static_cast<uint64_t>(tables), state);
    const uint64_t first = writer->bytes();
    VersionEdit edit;
    edit.last_sequence = 1;
    while (!writer->outgrown()) {
      REQUIRE(writer->Append(edit).ok());
      REQUIRE(writer->bytes() < 2 * first + 10'000);
    }
    CHECK(writer->bytes() > 2 * first);
    CHECK(writer->bytes() > before);
    before = writer->bytes();
  }
}

TEST_CASE("manifest: a torn last edit is tolerated at every cut") {
  // Crash case 23.
  std::vector<uint64_t> ends;
  const auto fs = SomeStore(&ends);
  const std::string bytes = *fs->Contents(kManifest);
  REQUIRE(bytes.size() == ends.back());
  const std::vector<ManifestState> states = SomeStates();
  for (size_t cut = ends.front(); cut < bytes.size(); ++cut) {
    CAPTURE(cut);
    fs->SetContents(kManifest, bytes.substr(0, cut));
    size_t whole = 0;
    while (ends[whole + 1] <= cut) {
      ++whole;
    }
    CheckRecovers(fs.get(), 3, states[whole]);
  }
}

TEST_CASE("manifest: a flip of any bit is damage, or in the last edit a torn tail") {
  // Crash case 23.
  std::vector<uint64_t> ends;
  const auto fs = SomeStore(&ends);
  const std::string bytes = *fs->Contents(kManifest);
  const std::vector<ManifestState> states = SomeStates();
  const uint64_t vouched = ends[ends.size() - 2];
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    CAPTURE(bit);
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    fs->SetContents(kManifest, flipped);
    if (bit / 8 < vouched) {
      CheckDataLoss(fs.get(), "db/MANIFEST-000003: damaged at offset ");
    } else {
      CheckRecovers(fs.get(), 3, states[states.size() - 2]);
      CHECK(RecoverManifest(fs.get(), kDir)->dropped_bytes > 0);
    }
  }
}

TEST_CASE("manifest: after a clean close a flip of any bit of an edit is damage") {
  std::vector<uint64_t> ends;
  const auto fs = SomeStore(&ends, /*close=*/true);
  CheckRecovers(fs.get(), 3, SomeStates().back());
  const std::string bytes = *fs->Contents(kManifest);
  for (size_t bit = 0; bit < ends.back() * 8; ++bit) {
    CAPTURE(bit);
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    fs->SetContents(kManifest, flipped);
    CheckDataLoss(fs.get(), "db/MANIFEST-000003: damaged at offset ");
  }
}

TEST_CASE("manifest: an edit that does not apply or decode is refused with its place") {
  // Crash case 23.
  const auto fs = NewStore();
  const auto writer = MustCreate(fs.get(), 3, FirstState());
  VersionEdit absent;
  absent.removed_tables = {{1, 99}};
  const uint64_t mark_bytes = kChunkHeaderBytes + kSyncedPayloadBytes;
  const uint64_t offset = writer->bytes() + mark_bytes;
  REQUIRE(writer->Append(absent).ok());
  CheckDataLoss(fs.get(), absl::StrCat("db/MANIFEST-000003: damaged at offset ", offset,
                                       ": edit 2: expected one that applies, found version edit "
                                       "does not apply: table 99 to be removed"));

  auto file = fs->Create(kManifest);
  LogWriter log(*std::move(file), LogHeader{.number = 3}, false);
  REQUIRE(log.Append("\x63").ok());
  REQUIRE(log.Flush().ok());
  CheckDataLoss(fs.get(), "edit 1: expected one that applies, found version edit: tag");
}

TEST_CASE("manifest: a read error is returned as it is") {
  const auto fs = SomeStore();
  const absl::Status error = absl::InternalError("pread: Input/output error");
  for (int failing = 1; failing <= 2; ++failing) {
    CAPTURE(failing);
    fs->SetHook([&error, left = failing](FileOp op, const std::string&, uint64_t) mutable {
      return op == FileOp::kRead && --left == 0 ? error : absl::OkStatus();
    });
    CHECK(RecoverManifest(fs.get(), kDir).status() == error);
  }
}

}  // namespace
}  // namespace fathom
