// Checks a closed store: every byte of its files, and every rule that they must keep among each
// other. Writes nothing but, at most, takes the lock in LOCK for its time.
//
// What is checked: CURRENT; every edit of the manifest, and that it applies; the order of each
// level; of each table its checksums, order, counts, filter, and that it is the one which the
// manifest describes; the records of each log, and how the logs follow one another.
//
// Thread safe: calls share nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "lsm/options.h"

namespace fathom {

struct StoreCheck {
  uint64_t manifest_edits = 0;
  uint64_t tables = 0;
  uint64_t logs = 0;
  uint64_t entries = 0;      // in tables
  uint64_t log_records = 0;  // batches of writes
  uint64_t blocks = 0;
  uint64_t bytes = 0;  // read and checked
  // What is wrong, one text each, with file, offset, expected and found; empty if all is well.
  std::vector<std::string> damage;
  // The names of the files that `damage` is about.
  std::set<std::string> damaged_files;
  // What an operator may like to know and what harms nothing: torn ends of logs that no sync
  // covered, files that nothing names.
  std::vector<std::string> notes;
};

struct CheckProgress {
  absl::string_view file;  // about to be read
  uint64_t bytes = 0;      // checked so far
  uint64_t total_bytes = 0;
};
using TellProgress = std::function<void(const CheckProgress& progress)>;

// `tell` may be empty. NotFound if there is no store in `dir`, Unavailable if it is open somewhere;
// other errors are those of the file system. An unreadable file (EIO) is damage, not an error.
// Of `options` only the file system counts.
absl::StatusOr<StoreCheck> VerifyStore(const Options& options, const std::string& dir,
                                       const TellProgress& tell);

// Whether `dir` holds files that only a store has.
bool HoldsStore(FileSystem* fs, const std::string& dir);

}  // namespace fathom
