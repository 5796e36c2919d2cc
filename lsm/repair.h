// Repairs a damaged store, as far as it can be: what is sound stays, what can still be read of the
// rest is saved, and what is lost is told.
//
// Invariants:
//   1. No byte is deleted: every file that the repaired store does not use is in DIR/damaged-NNN.
//   2. A crash leaves the damaged store or the repaired one; repairing again finishes the work.
//   3. Sequence numbers go on from the largest that was seen anywhere.
//
// How: tables that the manifest names and that are sound stay on their levels. Of a damaged one the
// sound blocks are written to a new table on the same level. Where the manifest itself cannot be
// believed, nothing tells which level a table was on, and neither numbers nor sequences do: of two
// tables each may hold the newer version of some key. All tables are then merged into one sorted
// level, where every key has its versions in order whatever the levels were. The records of the
// logs become level-0 tables, or are merged too.
//
// What cannot be mended: where a version of a key, or its tombstone, was in a lost block, table or
// log record, an older version may show instead, and a deleted key may be back.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "lsm/options.h"
#include "lsm/verify.h"

namespace fathom {

// Something that could not be saved.
struct LostPart {
  std::string file;
  std::string what;  // how it was lost
  // From first to last key, both inclusive, of the lost entries; empty where nothing tells: then it
  // may be any key.
  std::vector<std::pair<std::string, std::string>> keys;
  // Versions and tombstones of a table, or writes of a log; absent where nothing tells.
  std::optional<uint64_t> entries;
};

struct RepairReport {
  StoreCheck check;                // before the repair; without damage nothing was done
  bool manifest_rebuilt = false;   // from the tables, not from the old manifest
  std::vector<std::string> saved;  // what was done, one text each
  std::vector<LostPart> lost;
  std::string aside_dir;           // DIR/damaged-NNN
  std::vector<std::string> aside;  // the files in it
};

// `tell` may be empty. NotFound if there is no store in `dir`, Unavailable if it is open somewhere,
// ResourceExhausted if there is no room for what is written anew; errors leave the store as it was.
// Of `options` the file system and the shape of tables, memtables and levels count.
absl::StatusOr<RepairReport> RepairStore(const Options& options, const std::string& dir,
                                         const TellProgress& tell);

}  // namespace fathom
