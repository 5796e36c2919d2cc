#include "lsm/compaction/picker.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <utility>

#include "lsm/format/internal_key.h"

namespace fathom {
namespace {

bool Conflicts(const Compaction& compaction, const std::vector<const Compaction*>& running) {
  return std::ranges::any_of(
      running, [&](const Compaction* other) { return compaction.ConflictsWith(*other); });
}

std::optional<Compaction> PickFromLevel0(const std::shared_ptr<const Version>& version,
                                         const std::vector<const Compaction*>& running) {
  // Oldest first: the tables that it overlaps come along.
  const std::shared_ptr<LiveTable>& oldest = version->level(0).back();
  Compaction compaction = MakeCompaction(version, 0, 1, {oldest});
  if (Conflicts(compaction, running)) {
    return std::nullopt;
  }
  return compaction;
}

struct Candidate {
  double cost;  // bytes that are rewritten for each byte that moves
  const std::shared_ptr<LiveTable>* table;
};

// The tables of a level, each with what it costs to push it down. Both levels are in key order and
// disjoint: one walk along the two tells what overlaps.
std::vector<Candidate> WeighTables(const Version& version, int level) {
  const Version::Tables& tables = version.level(level);
  const Version::Tables& tables_below = version.level(level + 1);
  std::vector<Candidate> candidates;
  candidates.reserve(tables.size());
  auto below = tables_below.begin();
  for (const std::shared_ptr<LiveTable>& table : tables) {
    const TableMeta& meta = table->meta();
    while (below != tables_below.end() &&
           EndsBefore((*below)->meta().largest, UserKey(meta.smallest))) {
      ++below;
    }
    uint64_t bytes = meta.file_bytes;
    for (auto at = below;
         at != tables_below.end() && !EndsBefore(meta.largest, UserKey((*at)->meta().smallest));
         ++at) {
      bytes += (*at)->meta().file_bytes;
    }
    candidates.push_back(
        {static_cast<double>(bytes) / static_cast<double>(meta.file_bytes), &table});
  }
  return candidates;
}

std::optional<Compaction> PickFromLevel(const std::shared_ptr<const Version>& version, int level,
                                        const std::vector<const Compaction*>& running) {
  std::vector<Candidate> candidates = WeighTables(*version, level);
  std::ranges::stable_sort(candidates, {}, &Candidate::cost);
  for (const Candidate& candidate : candidates) {
    Compaction compaction = MakeCompaction(version, level, level + 1, {*candidate.table});
    if (!Conflicts(compaction, running)) {
      return compaction;
    }
  }
  return std::nullopt;
}

double Level0Urgency(const Version& version, const LevelTargets& targets) {
  return static_cast<double>(version.level(0).size()) / targets.level0_slowdown_tables;
}

}  // namespace

std::array<uint64_t, kNumLevels> LevelBytes(uint64_t level0_bytes, int ratio) {
  constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();
  const auto factor = static_cast<uint64_t>(ratio);
  std::array<uint64_t, kNumLevels> bytes = {level0_bytes};
  for (size_t level = 1; level < kNumLevels; ++level) {
    const uint64_t above = bytes[level - 1];
    bytes[level] = above > kMost / factor ? kMost : above * factor;
  }
  return bytes;
}

std::array<uint64_t, kNumLevels> BalancedBytes(const Version& version,
                                               const LevelTargets& targets) {
  std::array<uint64_t, kNumLevels> bytes = targets.max_bytes;
  const int deepest = version.DeepestLevel();
  double total = 0;
  for (int level = 1; level <= deepest; ++level) {
    total += static_cast<double>(version.LevelBytes(level));
  }
  const auto base = static_cast<double>(targets.max_bytes[0]);
  for (int level = 1; level < deepest; ++level) {
    const double part = static_cast<double>(level) / deepest;
    const double balanced = base * std::pow(std::max(total / base, 1.0), part);
    uint64_t& of_level = bytes[static_cast<size_t>(level)];
    if (balanced < static_cast<double>(of_level)) {
      of_level = static_cast<uint64_t>(balanced);
    }
  }
  return bytes;
}

std::array<double, kNumLevels> LevelScores(const Version& version, const LevelTargets& targets) {
  const std::array<uint64_t, kNumLevels> balanced = BalancedBytes(version, targets);
  std::array<double, kNumLevels> scores = {};
  for (int level = 0; level < kNumLevels - 1; ++level) {
    const auto i = static_cast<size_t>(level);
    scores[i] = static_cast<double>(version.LevelBytes(level)) / static_cast<double>(balanced[i]);
  }
  scores[0] =
      std::max(scores[0], static_cast<double>(version.level(0).size()) / targets.level0_tables);
  return scores;
}

uint64_t CompactionDebt(const Version& version, const LevelTargets& targets) {
  const std::array<uint64_t, kNumLevels> balanced = BalancedBytes(version, targets);
  uint64_t debt = 0;
  uint64_t moved = 0;  // into the level at hand, once those above are down to their size
  for (int level = 0; level < kNumLevels - 1; ++level) {
    const uint64_t bytes = version.LevelBytes(level) + moved;
    const uint64_t max = balanced[static_cast<size_t>(level)];
    moved = bytes > max ? bytes - max : 0;
    if (level == 0 && version.level(0).size() >= static_cast<size_t>(targets.level0_tables)) {
      moved = bytes;
    }
    debt += moved;
  }
  return debt;
}

std::optional<Compaction> PickCompaction(const std::shared_ptr<const Version>& version,
                                         const LevelTargets& targets,
                                         const std::vector<const Compaction*>& running) {
  const std::array<double, kNumLevels> scores = LevelScores(*version, targets);
  std::vector<std::pair<double, int>> urgent;
  for (int level = 0; level < kNumLevels; ++level) {
    const double score = scores[static_cast<size_t>(level)];
    if (score >= 1) {
      urgent.emplace_back(level == 0 ? Level0Urgency(*version, targets) : score, level);
    }
  }
  std::ranges::sort(urgent, std::greater());
  for (const auto& [urgency, level] : urgent) {
    std::optional<Compaction> compaction =
        level == 0 ? PickFromLevel0(version, running) : PickFromLevel(version, level, running);
    if (compaction.has_value()) {
      return compaction;
    }
  }
  return std::nullopt;
}

}  // namespace fathom
