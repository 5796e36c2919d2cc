// A version: which tables are live on which level at one moment. Immutable; readers hold one for as
// long as they read, and its tables live as long as any version that names them.
//
// Invariants:
//   1. Level 0 is ordered by recency, newest first here: of two tables that hold versions of one
//      key, the earlier one holds the newer versions.
//   2. On every other level tables are ordered by key and their user-key ranges are disjoint.
//   3. Of a key, whatever is on a level or in an earlier table of level 0 is newer than what is on
//      a deeper level or in a later table: also range tombstones.
//
// Thread safe.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "lsm/format/internal_iterator.h"
#include "lsm/format/lookup.h"
#include "lsm/manifest/key_ranges.h"
#include "lsm/manifest/live_table.h"
#include "lsm/manifest/version_edit.h"

namespace fathom {

// What a read cost on each level that it came to, from level 0 on. Room for all, of which most
// reads need not set all to zero.
using LevelCosts = absl::InlinedVector<ReadCost, kNumLevels>;

class Version {
 public:
  using Tables = std::vector<std::shared_ptr<LiveTable>>;

  using Levels = std::array<Tables, kNumLevels>;

  Version() = default;
  // These tables, in any order on their levels.
  static std::shared_ptr<const Version> Of(Levels levels);

  // This version with `edit` applied. `added` are the tables that the edit adds, in its order.
  std::shared_ptr<const Version> With(const VersionEdit& edit, const Tables& added) const;

  // Where a lookup of one key will look.
  struct Route {
    std::optional<uint64_t> filter_hash;     // without it no filter is asked
    std::optional<uint64_t> digest;          // as KeyRanges tells it
    std::array<size_t, kNumLevels> first{};  // of each level, the first table that may hold the key
  };
  // The route to `user_key`. Asks the memory for the lines of the filters on it, which come while
  // the caller does something else.
  Route RouteTo(absl::string_view user_key, bool use_filters) const;

  // The newest version of `user_key`, to which `route` leads, at or below `snapshot`. Appends what
  // it did on each level to `*costs`, which is empty: the last one is where it was found, if it
  // was.
  absl::StatusOr<Lookup> Get(const Route& route, absl::string_view user_key,
                             SequenceNumber snapshot, std::string* value, LevelCosts* costs) const;

  // Appends cursors that together cover all tables, and must not outlive the version. One over a
  // table that cannot be opened ends with that error.
  void AddIterators(bool fill_cache, ReadCost* cost,
                    std::vector<std::unique_ptr<InternalIterator>>* iterators) const;

  // Appends the range tombstones of each of these cursors; an empty run where it has none. Opens
  // the tables that have some; an error is that of the first that cannot be opened.
  absl::Status AddRangeTombstones(std::vector<RangeTombstoneRun>* runs) const;
  // False only if there are certainly none.
  bool may_have_range_tombstones() const { return may_have_range_tombstones_; }

  const Tables& level(int level) const { return levels_[static_cast<size_t>(level)]; }
  // The live table with this file name, and its level; null if there is none.
  std::shared_ptr<LiveTable> Find(absl::string_view file_name, int* level) const;

  uint64_t LevelBytes(int level) const;
  // The last level with a table; -1 if there is none.
  int DeepestLevel() const { return deepest_; }

  // Invariants 1 and 2; DataLoss that names the tables.
  absl::Status Check() const;

 private:
  void FindDeepest();
  void FindRangeTombstones();
  void FindKeyRanges();

  Levels levels_;
  KeyRanges ranges_;
  int deepest_ = -1;
  bool may_have_range_tombstones_ = false;
};

}  // namespace fathom
