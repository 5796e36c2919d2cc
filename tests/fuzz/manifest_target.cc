// The manifest reader against edits of any bytes, and the store against a manifest that nobody
// wrote.
//
//   u8 flags      1: the first piece is what CURRENT holds
//   pieces        u16 length, and so many bytes: a record of the manifest each
#include <memory>
#include <string>

#include "lsm/db.h"
#include "lsm/io/mem_file_system.h"
#include "lsm/manifest/manifest.h"
#include "lsm/wal/log_writer.h"
#include "tests/fuzz/byte_tape.h"
#include "tests/fuzz/ensure.h"
#include "tests/fuzz/targets.h"

namespace fathom {
namespace {

constexpr uint8_t kOwnCurrent = 1;
constexpr uint64_t kNumber = 7;

void CheckDecoding(absl::string_view record) {
  VersionEdit edit;
  const absl::Status decoded = edit.Decode(record);
  EnsureOkOrDataLoss(decoded, "an edit decodes or is damaged");
  if (!decoded.ok()) {
    return;
  }
  edit.DebugString();
  VersionEdit again;
  EnsureOk(again.Decode(edit.Encode()), "an edit encoded anew decodes");
  Ensure(again.Encode() == edit.Encode(), "an edit encoded anew is the same");
}

// The store's directory as `tape` says.
void WriteFiles(ByteTape* tape, FileSystem* fs) {
  const bool own_current = (tape->U8() & kOwnCurrent) != 0;
  std::string current = "MANIFEST-000007\n";
  if (own_current) {
    current = std::string(tape->Take(tape->U16()));
  }
  EnsureOk(fs->CreateDir("db"), "a directory is made");
  auto file = fs->Create("db/CURRENT");
  EnsureOk((*file)->Append(current), "a file is written");
  LogWriter log(*fs->Create("db/MANIFEST-000007"), LogHeader{.number = kNumber},
                /*preallocate=*/false);
  while (!tape->empty()) {
    const absl::string_view record = tape->Take(tape->U16());
    CheckDecoding(record);
    EnsureOk(log.Append(record), "a record is written");
  }
  EnsureOk(log.Close(), "a log is closed");
}

// A state that edits added up to is a state that one edit makes, and survives being written.
void CheckState(const ManifestState& state) {
  EnsureOk(state.CheckLevels(), "the levels are in order");
  const VersionEdit all = state.Snapshot();
  ManifestState copy;
  EnsureOk(copy.Apply(all), "a state is one edit");
  Ensure(copy.Snapshot().Encode() == all.Encode(), "a state is one edit, and the same");
  MemFileSystem fs;
  EnsureOk(fs.CreateDir("db"), "a directory is made");
  EnsureOk(ManifestWriter::Create(&fs, "db", kNumber, state).status(), "a manifest is written");
  const auto read = RecoverManifest(&fs, "db");
  EnsureOk(read.status(), "a manifest is read back");
  Ensure(read->state.Snapshot().Encode() == all.Encode(), "a manifest is read back as written");
}

// So near the greatest numbers a store opens that is refused the next time.
bool IsNearTheEnd(const ManifestState& state) {
  constexpr uint64_t kLast = uint64_t{1} << 60;
  const auto is_near = [](uint64_t next) { return next <= kLast && next > kLast - 100; };
  return is_near(state.next_file_number) || is_near(state.next_table_number);
}

// True if the store opens.
bool OpenAndWrite(FileSystem* fs) {
  Options options;
  options.file_system = fs;
  options.compaction_threads = 0;
  absl::StatusOr<std::unique_ptr<DB>> db = DB::Open(options, "db");
  EnsureOkOrDataLoss(db.status(), "a store opens or is damaged");
  if (!db.ok()) {
    return false;
  }
  const absl::Status put = (*db)->Put(WriteOptions(), "key", "value");
  if (absl::IsResourceExhausted(put)) {
    return true;  // the last sequence number was used
  }
  EnsureOk(put, "a store that opens is written");
  EnsureOk((*db)->Flush().status(), "a store that opens is flushed");
  EnsureOk((*db)->Close(), "a store that opens is closed");
  db = DB::Open(options, "db");
  EnsureOk(db.status(), "a store that opens is opened again");
  std::string value;
  EnsureOk((*db)->Get(ReadOptions(), "key", &value), "what was written is there");
  Ensure(value == "value", "what was written is there", value);
  return true;
}

}  // namespace

bool FuzzManifest(absl::string_view input) {
  ByteTape tape(input);
  MemFileSystem fs;
  WriteFiles(&tape, &fs);
  const auto manifest = RecoverManifest(&fs, "db");
  EnsureOkOrDataLoss(manifest.status(), "a manifest is read or damaged");
  if (manifest.ok()) {
    CheckState(manifest->state);
    if (IsNearTheEnd(manifest->state)) {
      return true;
    }
  }
  const bool opened = OpenAndWrite(&fs);
  Ensure(!opened || manifest.ok(), "no store opens over a damaged manifest");
  return manifest.ok();
}

}  // namespace fathom
