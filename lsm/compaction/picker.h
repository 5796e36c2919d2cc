// Decides which compaction the tree needs next.
//
// The level most over its size goes first (level 0: over its number of tables, or its size). Of its
// tables the one that overlaps least with the level below, for its size, is pushed down: the fewest
// bytes are rewritten for each byte that moves.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "lsm/compaction/compaction.h"
#include "lsm/manifest/version.h"

namespace fathom {

struct LevelTargets {
  int level0_tables = 4;                            // more than so many less one: compact
  std::array<uint64_t, kNumLevels> max_bytes = {};  // of each level
};

// How far `level` is over its target; a level at 1 or more wants a compaction. The last level has
// none.
double LevelScore(const Version& version, const LevelTargets& targets, int level);

// Bytes that stand on levels above where they belong.
uint64_t CompactionDebt(const Version& version, const LevelTargets& targets);

// The most urgent compaction that conflicts with none of `running`; nothing if no level wants one.
std::optional<Compaction> PickCompaction(const std::shared_ptr<const Version>& version,
                                         const LevelTargets& targets,
                                         const std::vector<const Compaction*>& running);

}  // namespace fathom
