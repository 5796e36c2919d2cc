#include "lsm/read_tallies.h"

namespace fathom {

void ReadTallies::Level::Add(const ReadCost& cost) {
  levels_checked += cost.levels_checked;
  tables_checked += cost.tables_checked;
  filters_checked += cost.filters_checked;
  filters_rejected += cost.filters_rejected;
  blocks_cached += cost.blocks_cached;
  blocks_read += cost.blocks_read;
  bytes_read += cost.bytes_read;
}

void ReadTallies::Add(const ViewHolder::Pin& slot, const ReadResult& result,
                      const LevelCosts& costs) {
  Tally& tally = tallies_[slot.slot()];
  tally.gets += 1;
  tally.memtables_checked += result.cost.memtables_checked;
  for (size_t i = 0; i < costs.size(); ++i) {
    tally.levels[i].Add(costs[i]);
  }
  if (result.level >= 0) {
    tally.levels[static_cast<size_t>(result.level)].found += 1;
  }
}

void ReadTallies::AddLookup(const ViewHolder::Pin& slot, const ReadResult& result) {
  Level& level = tallies_[slot.slot()].levels[static_cast<size_t>(result.level)];
  level.Add(result.cost);
  level.found += result.lookup != Lookup::kAbsent ? 1 : 0;
}

void ReadTallies::Sum(Stats* stats) const {
  stats->level_reads.resize(kNumLevels);
  for (const Tally& tally : tallies_) {
    stats->gets += tally.gets.value();
    stats->reads.memtables_checked += tally.memtables_checked.value();
    for (size_t i = 0; i < kNumLevels; ++i) {
      const Level& level = tally.levels[i];
      const ReadCost cost{.levels_checked = level.levels_checked.value(),
                          .tables_checked = level.tables_checked.value(),
                          .filters_checked = level.filters_checked.value(),
                          .filters_rejected = level.filters_rejected.value(),
                          .blocks_cached = level.blocks_cached.value(),
                          .blocks_read = level.blocks_read.value(),
                          .bytes_read = level.bytes_read.value()};
      stats->reads.Add(cost);
      stats->level_reads[i].cost.Add(cost);
      stats->level_reads[i].found += level.found.value();
    }
  }
}

}  // namespace fathom
