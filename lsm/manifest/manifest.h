// The manifest: a log (lsm/wal/log_format.h) whose records are version edits, found through
// CURRENT.
//
// Invariants:
//   1. CURRENT names a manifest that is durable and whole, and changes only by a write to
//      CURRENT.tmp, fsync, fsync of the directory, rename, fsync of the directory.
//   2. `Append` returns OK only when the edit is durable. After an error the writer refuses all
//      further edits: whether the failed one is on disk is unknown until the store is reopened.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "lsm/io/file_system.h"
#include "lsm/manifest/manifest_state.h"
#include "lsm/wal/log_writer.h"

namespace fathom {

struct RecoveredManifest {
  uint64_t manifest_number = 0;
  ManifestState state;
  uint64_t edits = 0;
  // Bytes of a torn last edit that were ignored; such an edit was never acknowledged.
  uint64_t dropped_bytes = 0;
};

// Reads CURRENT in `dir` and the manifest that it names. NotFound if there is no CURRENT (no store
// here); DataLoss if CURRENT is malformed or names a missing file, or the manifest is damaged or
// holds an edit that does not apply.
absl::StatusOr<RecoveredManifest> RecoverManifest(FileSystem* fs, const std::string& dir);

// The number of the manifest that CURRENT names; errors as above.
absl::StatusOr<uint64_t> ReadCurrent(FileSystem* fs, const std::string& dir);

// Reads manifest `number` in `dir`, whatever CURRENT says. Errors as above; `*recovered` is then
// what the edits before the damage add up to.
absl::Status ReadManifest(FileSystem* fs, const std::string& dir, uint64_t number,
                          RecoveredManifest* recovered);

// One thread at a time.
class ManifestWriter {
 public:
  // Writes manifest `number` with `state` as its first edit, and the CURRENT that would name it
  // under another name, and makes their bytes durable. Nothing names it yet: an error changes
  // nothing, and leaves no file that can be removed. REQUIRES: CURRENT does not name `number`.
  static absl::StatusOr<std::unique_ptr<ManifestWriter>> Write(FileSystem* fs,
                                                               const std::string& dir,
                                                               uint64_t number,
                                                               const ManifestState& state);
  // After Write: makes the manifest's name durable, then makes CURRENT name it. On error CURRENT
  // names the old manifest or, only if the last directory sync failed, either of the two. No file
  // is removed: which ones are not needed any more is the caller's to know.
  absl::Status MakeCurrent(FileSystem* fs, const std::string& dir) const;
  // Both, one after the other.
  static absl::StatusOr<std::unique_ptr<ManifestWriter>> Create(FileSystem* fs,
                                                                const std::string& dir,
                                                                uint64_t number,
                                                                const ManifestState& state);

  // Appends `edit` and syncs. Errors are those of the file; see invariant 2.
  absl::Status Append(const VersionEdit& edit);
  // Closes the file. At most once; nothing can be appended after it.
  absl::Status Close();

  // What the edits add up to, read from the file. Errors are those of ReadManifest; DataLoss also
  // if fewer edits are found than were appended. REQUIRES: no Append has failed.
  absl::StatusOr<ManifestState> ReadBack(FileSystem* fs, const std::string& dir) const;
  // Whether it is mostly history by now, of which the next opening would read more than of what
  // is still true: the more the first edit said, the more may follow it.
  bool outgrown() const { return bytes() > 2 * first_edit_end_ + kLeastHistoryBytes; }

  uint64_t bytes() const { return log_.length(); }
  uint64_t edits() const { return edits_; }

 private:
  static constexpr uint64_t kLeastHistoryBytes = uint64_t{8} << 10;

  ManifestWriter(std::unique_ptr<WritableFile> file, uint64_t number);

  LogWriter log_;  // keeps the first error
  uint64_t edits_ = 0;
  uint64_t first_edit_end_ = 0;
};

}  // namespace fathom
