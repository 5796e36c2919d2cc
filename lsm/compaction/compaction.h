// What one compaction reads and where it writes, and the rule by which two may run at once.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "lsm/manifest/version.h"

namespace fathom {

// Of user keys.
struct KeyRange {
  std::string smallest;
  std::string largest;  // as TableMeta::largest: may be exclusive

  // From the one user key to the other, both inclusive.
  static KeyRange Closed(absl::string_view smallest, absl::string_view largest);

  // `from` is a user key, `to` as `largest`.
  bool Overlaps(absl::string_view from, absl::string_view to) const {
    return !EndsBefore(largest, from) && !EndsBefore(to, smallest);
  }
  bool Overlaps(const LiveTable& table) const {
    return Overlaps(UserKey(table.meta().smallest), table.meta().largest);
  }
};

// The range that `tables` (at least one) span together.
KeyRange Hull(const Version::Tables& tables);

struct Compaction {
  int source_level = 0;
  int target_level = 0;  // below the source, or the source itself when the last level is rewritten
  // What goes into it of each level from the source down to the target; of level 0 with every table
  // that overlaps their hull, of each level below the source all that overlaps what is above.
  std::vector<Version::Tables> inputs;
  KeyRange hull;  // of all inputs
  // The version that it was picked from; levels below the target decide about tombstones, and the
  // one right below it where outputs are best cut.
  std::shared_ptr<const Version> version;

  // One table that overlaps nothing: it can change its level without being rewritten.
  bool IsMove() const { return source_level != target_level && NumInputs() == 1; }
  // Those of all levels, newer data first.
  Version::Tables InputTables() const;
  size_t NumInputs() const;
  uint64_t InputBytes() const;
  uint64_t InputEntries() const;

  // Two compactions must not run together if one could write where the other reads or writes: their
  // hulls overlap and they share a level.
  bool ConflictsWith(const Compaction& other) const;
};

// A compaction of `sources` (at least one) from `source_level` of `version` into `target_level`,
// with all that must come along: on level 0 every table that overlaps, until the hull no longer
// grows; on each level below, what the hull has come to overlap.
Compaction MakeCompaction(std::shared_ptr<const Version> version, int source_level,
                          int target_level, Version::Tables sources);

}  // namespace fathom
