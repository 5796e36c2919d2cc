// What a store counts. Counters run from the moment it was opened; gauges tell the moment of
// asking.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lsm/format/lookup.h"

namespace fathom {

// Where a value, or the tombstone (of the key or of a range) that hides it, was found.
struct ReadResult {
  Lookup lookup = Lookup::kAbsent;
  bool in_memtable = false;  // active or waiting for its flush
  int level = -1;            // of the table, if it was in one
  ReadCost cost;
};

// What one flush wrote.
struct FlushResult {
  std::string table;  // file name; empty if there was nothing to write
  uint64_t entries = 0;
  uint64_t filter_bits = 0;
  uint64_t file_bytes = 0;
};

// What an ingestion of files wrote.
struct IngestResult {
  uint64_t entries = 0;  // a key each, tombstones included
  uint64_t tables = 0;
  uint64_t table_bytes = 0;
  int level = 0;  // where the tables stand; they move down from there
};

struct LevelInfo {
  int level = 0;
  uint64_t tables = 0;
  uint64_t bytes = 0;
  uint64_t max_bytes = 0;
  bool sorted = false;  // disjoint key ranges
};

// What a compaction read and wrote.
struct CompactionResult {
  uint64_t tables_merged = 0;
  uint64_t new_tables = 0;
  uint64_t shadowed_dropped = 0;    // versions that a newer one, or a range, hides from everybody
  uint64_t tombstones_dropped = 0;  // that hid nothing any more
  uint64_t bytes_read = 0;          // of table files
  uint64_t bytes_written = 0;

  void Add(const CompactionResult& other) {
    tables_merged += other.tables_merged;
    new_tables += other.new_tables;
    shadowed_dropped += other.shadowed_dropped;
    tombstones_dropped += other.tombstones_dropped;
    bytes_read += other.bytes_read;
    bytes_written += other.bytes_written;
  }
};

// What a check of the whole store read.
struct VerifyReport {
  uint64_t files = 0;
  uint64_t blocks = 0;
  uint64_t entries = 0;
  uint64_t bytes = 0;
  std::vector<std::string> problems;  // what is wrong, one text each; empty if all is well
};

// Writers that waited, and how long, for one reason.
struct WaitCount {
  uint64_t count = 0;
  uint64_t micros = 0;
};

// What gets and table lookups did on one level.
struct LevelReads {
  ReadCost cost;
  uint64_t found = 0;  // values and tombstones

  // Of the tables that did not have what was asked for, how many the filter spared; 1 is the best,
  // 0 if there were none.
  double FilterUsefulness() const {
    const double absent = static_cast<double>(cost.tables_checked) - static_cast<double>(found);
    return absent <= 0 ? 0 : static_cast<double>(cost.filters_rejected) / absent;
  }
  // Of the blocks that were needed, how many were in the cache; 0 if there were none.
  double CacheUsefulness() const {
    const uint64_t blocks = cost.blocks_cached + cost.blocks_read;
    return blocks == 0 ? 0 : static_cast<double>(cost.blocks_cached) / static_cast<double>(blocks);
  }
};

struct Stats {
  // Counters.
  uint64_t puts = 0;
  uint64_t deletes = 0;
  uint64_t range_deletes = 0;
  uint64_t batches = 0;
  uint64_t gets = 0;
  uint64_t iterators = 0;
  uint64_t flushes = 0;
  uint64_t flushed_entries = 0;
  uint64_t flushed_bytes = 0;  // of table files
  uint64_t user_bytes = 0;     // keys and values written
  uint64_t log_bytes = 0;
  uint64_t log_syncs = 0;
  uint64_t write_waits = 0;  // for any of the three reasons that follow
  uint64_t write_wait_micros = 0;
  WaitCount memtable_waits;    // as many memtables as allowed waited for their flush
  WaitCount level0_waits;      // too many tables on level 0, or too much compaction left to do
  WaitCount slowdowns;         // on the way there
  uint64_t moves = 0;          // tables that changed their level without being rewritten
  uint64_t compactions = 0;    // that wrote, moves not included
  CompactionResult compacted;  // sums over these
  uint64_t cache_hits = 0;     // of the block cache, as the two that follow
  uint64_t cache_misses = 0;
  uint64_t cache_evictions = 0;
  ReadCost reads;                       // of all gets and table lookups; iterators not included
  std::vector<LevelReads> level_reads;  // of these, a level each

  // Gauges.
  uint64_t memtable_entries = 0;
  uint64_t memtable_bytes = 0;         // of entries, as Options::memtable_bytes counts them
  uint64_t memtable_memory_bytes = 0;  // allocated by all memtables, or kept for the next
  uint64_t immutable_memtables = 0;
  uint64_t running_compactions = 0;
  uint64_t pending_compactions = 0;    // levels that want one
  uint64_t compaction_debt_bytes = 0;  // on levels above where they belong
  uint64_t snapshots = 0;
  uint64_t tables = 0;
  uint64_t table_bytes = 0;
  uint64_t table_memory_bytes = 0;  // filters and properties of tables that were read or written
  uint64_t cache_bytes = 0;         // of the block cache
  uint64_t index_cache_bytes = 0;   // of index blocks that open tables hold
  uint64_t last_sequence = 0;
  uint64_t deepest_level_bytes = 0;  // of tables

  // Bytes written to tables by flushes and compactions for each byte flushed; 0 before the first.
  double WriteAmplification() const {
    return flushed_bytes == 0 ? 0
                              : static_cast<double>(flushed_bytes + compacted.bytes_written) /
                                    static_cast<double>(flushed_bytes);
  }
  // Tables looked into for each get; 0 before the first.
  double ReadAmplification() const {
    return gets == 0 ? 0 : static_cast<double>(reads.tables_checked) / static_cast<double>(gets);
  }
  // Bytes of all tables for each byte of the deepest level, which holds each key once; 0 without
  // tables.
  double SpaceAmplification() const {
    return deepest_level_bytes == 0
               ? 0
               : static_cast<double>(table_bytes) / static_cast<double>(deepest_level_bytes);
  }
};

// What Open found and did.
struct RecoveryReport {
  bool created = false;
  uint64_t manifest_edits = 0;
  uint64_t logs_replayed = 0;
  uint64_t batches_replayed = 0;
  uint64_t torn_bytes = 0;     // bytes of never-durable writes given up at the end of logs
  uint64_t files_removed = 0;  // that nothing named
  uint64_t micros = 0;
};

}  // namespace fathom
