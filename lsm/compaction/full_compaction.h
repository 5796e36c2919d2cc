// What DB::CompactAll does, step by step: all tables come to the deepest level, and each key has
// one version there.
//
// Tables that overlap, on whatever levels, are merged once, straight into the deepest level. A
// table that overlaps nothing and has nothing to lose is not rewritten: it stays there, or moves.
// So here a-b, c-d and a-f are merged, g-i stays, and x-z moves:
//
//   L0   a-b
//   L1       c-d            x-z
//   L2   a-------f   g-i
//
// Thread-compatible.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "lsm/compaction/compaction.h"
#include "lsm/table/table_format.h"

namespace fathom {

class FullCompaction {
 public:
  struct Step {
    Compaction compaction;
    bool move = false;  // all inputs go to the target level as they are
  };

  // Of the tables with smaller numbers than `first_new_table`, which what it writes has.
  explicit FullCompaction(uint64_t first_new_table) : first_new_table_(first_new_table) {}

  // Finds out which tables of `version` have nothing to lose: no tombstone, no key twice, and data
  // blocks as `compression` leaves them. Opens tables; their errors as they come. What it has not
  // looked at is rewritten.
  absl::Status Inspect(const Version& version, Compression compression);

  // What is to be done next with `version`; none if all is done.
  std::optional<Step> Next(std::shared_ptr<const Version> version) const;

 private:
  struct Group;
  enum class Fate { kStay, kMove, kMerge };

  // All tables, in key order.
  static std::vector<Group> GroupsOf(const Version& version);
  bool IsOld(const LiveTable& table) const { return table.meta().number < first_new_table_; }
  Fate FateOf(const Group& group, int deepest) const;

  const uint64_t first_new_table_;
  absl::flat_hash_set<uint64_t> inspected_;
  absl::flat_hash_set<uint64_t> clean_;  // with nothing to lose
};

}  // namespace fathom
