// The shape of the tree and the engine's counters.
#include <algorithm>

#include "absl/strings/str_cat.h"

#include "handlers/explain.h"
#include "handlers/families.h"

namespace fathom {
namespace {

constexpr size_t kLevelsShown = 3;  // at least

HandlerResult LsmLevelInfo(const Request&, HandlerContext* context, Reply* reply) {
  const Meter meter(*context);
  const std::vector<LevelInfo> levels = context->db->Levels();
  size_t shown = std::min(kLevelsShown, levels.size());
  for (size_t i = shown; i < levels.size(); ++i) {
    if (levels[i].tables > 0) {
      shown = i + 1;
    }
  }
  reply->OpenArray("levels");
  for (size_t i = 0; i < shown; ++i) {
    reply->OpenElement();
    reply->Uint("level", static_cast<uint64_t>(levels[i].level));
    reply->Uint("sstables", levels[i].tables);
    reply->Uint("total_bytes", levels[i].bytes);
    reply->Bool("sorted", levels[i].sorted);
    reply->Uint("max_bytes", levels[i].max_bytes);
    reply->CloseObject();
  }
  reply->CloseArray();
  if (context->explain) {
    const ExplainObject explain(meter.start(), reply);
  }
  return std::nullopt;
}

void ReplyReadCounters(const ReadCost& reads, Reply* reply) {
  reply->Uint("read_memtables_checked", reads.memtables_checked);
  reply->Uint("read_levels_checked", reads.levels_checked);
  reply->Uint("read_tables_checked", reads.tables_checked);
  reply->Uint("read_filters_checked", reads.filters_checked);
  reply->Uint("read_filters_rejected", reads.filters_rejected);
  reply->Uint("read_blocks_cached", reads.blocks_cached);
  reply->Uint("read_blocks_read", reads.blocks_read);
  reply->Uint("read_bytes_read", reads.bytes_read);
}

// REASONs and REASON_micros.
void ReplyWaits(absl::string_view reason, const WaitCount& waits, Reply* reply) {
  reply->Uint(absl::StrCat(reason, "s"), waits.count);
  reply->Uint(absl::StrCat(reason, "_micros"), waits.micros);
}

// Of the levels that reads came to.
void ReplyLevelReads(const std::vector<LevelReads>& levels, Reply* reply) {
  reply->OpenArray("read_levels");
  for (size_t i = 0; i < levels.size() && levels[i].cost.levels_checked > 0; ++i) {
    const LevelReads& reads = levels[i];
    reply->OpenElement();
    reply->Uint("level", i);
    reply->Uint("tables_checked", reads.cost.tables_checked);
    reply->Uint("found", reads.found);
    reply->Uint("filters_checked", reads.cost.filters_checked);
    reply->Uint("filters_rejected", reads.cost.filters_rejected);
    reply->Ratio("filter_usefulness", reads.FilterUsefulness());
    reply->Uint("blocks_cached", reads.cost.blocks_cached);
    reply->Uint("blocks_read", reads.cost.blocks_read);
    reply->Ratio("cache_usefulness", reads.CacheUsefulness());
    reply->CloseObject();
  }
  reply->CloseArray();
}

HandlerResult LsmStats(const Request&, HandlerContext* context, Reply* reply) {
  const Meter meter(*context);
  const Stats stats = context->db->GetStats();
  reply->Uint("puts", stats.puts);
  reply->Uint("deletes", stats.deletes);
  reply->Uint("batches", stats.batches);
  reply->Uint("gets", stats.gets);
  reply->Uint("iterators", stats.iterators);
  reply->Uint("flushes", stats.flushes);
  reply->Uint("flushed_entries", stats.flushed_entries);
  reply->Uint("flushed_bytes", stats.flushed_bytes);
  reply->Uint("user_bytes", stats.user_bytes);
  reply->Uint("log_bytes", stats.log_bytes);
  reply->Uint("log_syncs", stats.log_syncs);
  reply->Uint("write_waits", stats.write_waits);
  reply->Uint("write_wait_micros", stats.write_wait_micros);
  ReplyWaits("memtable_wait", stats.memtable_waits, reply);
  ReplyWaits("level0_wait", stats.level0_waits, reply);
  ReplyWaits("slowdown", stats.slowdowns, reply);
  reply->Uint("compactions", stats.compactions);
  reply->Uint("tables_moved", stats.moves);
  reply->Uint("compaction_bytes_read", stats.compacted.bytes_read);
  reply->Uint("compaction_bytes_written", stats.compacted.bytes_written);
  reply->Uint("versions_dropped", stats.compacted.shadowed_dropped);
  reply->Uint("tombstones_dropped", stats.compacted.tombstones_dropped);
  reply->Ratio("write_amplification", stats.WriteAmplification());
  reply->Ratio("read_amplification", stats.ReadAmplification());
  reply->Ratio("space_amplification", stats.SpaceAmplification());
  reply->Uint("cache_hits", stats.cache_hits);
  reply->Uint("cache_misses", stats.cache_misses);
  reply->Uint("cache_evictions", stats.cache_evictions);
  ReplyReadCounters(stats.reads, reply);
  reply->Uint("memtable_entries", stats.memtable_entries);
  reply->Uint("memtable_bytes", stats.memtable_bytes);
  reply->Uint("memtable_memory_bytes", stats.memtable_memory_bytes);
  reply->Uint("immutable_memtables", stats.immutable_memtables);
  reply->Uint("snapshots", stats.snapshots);
  reply->Uint("running_compactions", stats.running_compactions);
  reply->Uint("pending_compactions", stats.pending_compactions);
  reply->Uint("compaction_debt_bytes", stats.compaction_debt_bytes);
  reply->Uint("tables", stats.tables);
  reply->Uint("table_bytes", stats.table_bytes);
  reply->Uint("table_memory_bytes", stats.table_memory_bytes);
  reply->Uint("cache_bytes", stats.cache_bytes);
  reply->Uint("last_sequence", stats.last_sequence);
  ReplyLevelReads(stats.level_reads, reply);
  if (context->explain) {
    const ExplainObject explain(meter.start(), reply);
  }
  return std::nullopt;
}

}  // namespace

void RegisterStatsHandlers(Registry* registry) {
  registry->Add("lsm_level_info", LsmLevelInfo);
  registry->Add("lsm_stats", LsmStats);
}

}  // namespace fathom
