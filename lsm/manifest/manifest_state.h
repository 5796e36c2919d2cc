// The state that the edits of a manifest add up to.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <vector>

#include "absl/container/btree_set.h"
#include "absl/container/node_hash_map.h"
#include "absl/status/status.h"
#include "lsm/manifest/version_edit.h"

namespace fathom {

// All edits of a manifest, added up.
struct ManifestState {
  uint64_t next_file_number = 1;
  uint64_t next_table_number = 1;
  uint64_t log_number = 0;
  SequenceNumber last_sequence = 0;
  uint64_t durable_log = 0;
  std::map<uint64_t, uint64_t> closed_logs;
  // L0 by recency, oldest first (ascending largest_sequence); below it by key, disjoint.
  std::array<std::vector<TableMeta>, kNumLevels> levels;

  // One step from here; errors as ManifestReplay::Apply. Costs as much as there are tables.
  absl::Status Apply(VersionEdit edit);

  // The one edit that makes this state from nothing.
  VersionEdit Snapshot() const;

  // Rule 5 of the design: order on L0, disjoint ranges below it.
  absl::Status CheckLevels() const;
};

// Takes one edit after the other, each at the cost of what it changes, however many tables there
// are. One thread at a time.
class ManifestReplay {
 public:
  explicit ManifestReplay(ManifestState from = {});

  // Refuses, changing nothing, an edit that cannot follow the ones before: removal of an absent
  // table, a table number twice, key ranges that overlap on a level below 0 (user keys: all
  // versions of one user key are in one table), a level that does not exist, a number or sequence
  // that goes back.
  absl::Status Apply(VersionEdit edit);

  // What they have added up to. Leaves nothing behind.
  ManifestState Finish() &&;

 private:
  struct Placed {
    int level;
    TableMeta meta;
  };
  struct Order {
    int level;
    bool operator()(const TableMeta* a, const TableMeta* b) const;
  };
  using Level = absl::btree_set<const TableMeta*, Order>;
  using Tables = absl::node_hash_map<uint64_t, Placed>;  // by number

  // What a step took away and put there, so that it can be undone.
  struct Step {
    std::vector<Tables::node_type> removed;
    std::vector<uint64_t> added;
  };
  absl::Status Remove(int level, uint64_t number, Step* step);
  absl::Status Add(int level, TableMeta table, Step* step);
  void Undo(Step step);

  ManifestState state_;  // but for the tables
  Tables tables_;
  std::vector<Level> levels_;  // of tables_
};

}  // namespace fathom
