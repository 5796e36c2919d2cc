// Decides which compaction the tree needs next.
//
// The level most over its size goes first. Level 0 wants a compaction at few tables already, for
// the sake of reads; but nearly always that takes all of level 1 along, so level 1 is brought to
// its size before, until level 0 is further over the number of tables that slows writers down. Of a
// level's tables the one that overlaps least with the level below, for its size, is pushed down:
// the fewest bytes are rewritten for each byte that moves.
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
  int level0_slowdown_tables = 12;                  // here level 0 is as urgent as a full level
  std::array<uint64_t, kNumLevels> max_bytes = {};  // of each level
};

// Bytes that each level may hold: `ratio` times as many as the one above it, or as many as can be
// told.
std::array<uint64_t, kNumLevels> LevelBytes(uint64_t level0_bytes, int ratio);

// Bytes that each level should hold now: at most its `max_bytes`, and above the deepest level with
// a table no more than makes each level as many times as large as the one above it. For the tree's
// size that rewrites an entry least often on its way down (O'Neil et al., The Log-Structured
// Merge-Tree, 1996, section 3).
std::array<uint64_t, kNumLevels> BalancedBytes(const Version& version, const LevelTargets& targets);

// How far each level is over what it should hold; at 1 or more it wants a compaction. The last
// level never does.
std::array<double, kNumLevels> LevelScores(const Version& version, const LevelTargets& targets);

// Bytes that stand on levels above where they belong.
uint64_t CompactionDebt(const Version& version, const LevelTargets& targets);

// The most urgent compaction that conflicts with none of `running`; nothing if no level wants one.
std::optional<Compaction> PickCompaction(const std::shared_ptr<const Version>& version,
                                         const LevelTargets& targets,
                                         const std::vector<const Compaction*>& running);

}  // namespace fathom
