// What a store counts. Counters run from the moment it was opened; gauges tell the moment of
// asking.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lsm/format/lookup.h"

namespace fathom {

// Where a value, or the tombstone that hides it, was found.
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

struct LevelInfo {
  int level = 0;
  uint64_t tables = 0;
  uint64_t bytes = 0;
  uint64_t max_bytes = 0;
  bool sorted = false;  // disjoint key ranges
};

struct Stats {
  // Counters.
  uint64_t puts = 0;
  uint64_t deletes = 0;
  uint64_t batches = 0;
  uint64_t gets = 0;
  uint64_t iterators = 0;
  uint64_t flushes = 0;
  uint64_t flushed_entries = 0;
  uint64_t flushed_bytes = 0;  // of table files
  uint64_t user_bytes = 0;     // keys and values written
  uint64_t log_bytes = 0;
  uint64_t log_syncs = 0;
  uint64_t write_waits = 0;  // writers that waited for a flush
  uint64_t write_wait_micros = 0;
  uint64_t cache_hits = 0;
  uint64_t cache_misses = 0;
  uint64_t cache_evictions = 0;
  ReadCost reads;  // of all gets and table lookups; iterators not included

  // Gauges.
  uint64_t memtable_entries = 0;
  uint64_t memtable_bytes = 0;         // of entries, as Options::memtable_bytes counts them
  uint64_t memtable_memory_bytes = 0;  // allocated by all memtables
  uint64_t immutable_memtables = 0;
  uint64_t tables = 0;
  uint64_t table_bytes = 0;
  uint64_t table_memory_bytes = 0;  // filters and properties of open tables
  uint64_t cache_bytes = 0;
  uint64_t last_sequence = 0;
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
