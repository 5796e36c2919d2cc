// What a lookup of one user key found in one place (a memtable, a table).
#pragma once

#include <cstdint>

namespace fathom {

enum class Lookup : uint8_t {
  kAbsent,   // no version at or below the snapshot here: look further down
  kFound,    // the newest such version is a value
  kDeleted,  // the newest such version is a tombstone: the key does not exist
};

// What reads cost, counted by the code that does the work. Adds up over calls.
struct ReadCost {
  uint64_t memtables_checked = 0;
  uint64_t levels_checked = 0;    // on the way down from L0, to the answer or the deepest table
  uint64_t tables_checked = 0;    // tables whose key range held the key
  uint64_t filters_checked = 0;   // Bloom filters asked
  uint64_t filters_rejected = 0;  // of these, how many said no
  uint64_t blocks_cached = 0;     // index and data blocks found in a cache
  uint64_t blocks_read = 0;       // index and data blocks, or one entry of one, read from disk
  uint64_t bytes_read = 0;        // their bytes on disk, trailers included

  void Add(const ReadCost& other) {
    memtables_checked += other.memtables_checked;
    levels_checked += other.levels_checked;
    tables_checked += other.tables_checked;
    filters_checked += other.filters_checked;
    filters_rejected += other.filters_rejected;
    blocks_cached += other.blocks_cached;
    blocks_read += other.blocks_read;
    bytes_read += other.bytes_read;
  }
};

}  // namespace fathom
