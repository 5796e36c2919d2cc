// Blocks of tables in memory, least recently used out first, within a budget in bytes.
//
// A block that a reader holds stays alive after its eviction (shared_ptr): the budget bounds what
// the cache keeps, not what readers pin. Thread safe; sharded by hash so that readers seldom meet.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "lsm/table/block.h"

namespace fathom {

class BlockCache {
 public:
  struct Key {
    uint64_t table;   // a table's number
    uint64_t offset;  // a block's offset in it

    friend bool operator==(const Key&, const Key&) = default;
    template <typename H>
    friend H AbslHashValue(H h, const Key& k) {
      return H::combine(std::move(h), k.table, k.offset);
    }
  };

  struct Counters {
    uint64_t hits = 0;
    uint64_t misses = 0;
    uint64_t inserts = 0;
    uint64_t evictions = 0;
    uint64_t bytes = 0;   // held now
    uint64_t blocks = 0;  // held now
  };

  // `capacity_bytes` 0 keeps nothing.
  explicit BlockCache(size_t capacity_bytes);

  std::shared_ptr<const Block> Lookup(const Key& key);
  // Replaces a block of the same key. A block larger than a shard is not kept.
  void Insert(const Key& key, std::shared_ptr<const Block> block);
  // Forgets the blocks of a table whose file is gone.
  void EraseTable(uint64_t table);

  size_t capacity_bytes() const { return capacity_bytes_; }
  Counters counters() const;

 private:
  struct Entry {
    Key key;
    std::shared_ptr<const Block> block;
  };
  struct alignas(64) Shard {
    mutable absl::Mutex mutex;
    std::list<Entry> lru ABSL_GUARDED_BY(mutex);  // most recent first
    absl::flat_hash_map<Key, std::list<Entry>::iterator> map ABSL_GUARDED_BY(mutex);
    Counters counters ABSL_GUARDED_BY(mutex);

    // Takes an entry out of `lru` and the counters, into `to`; the map is the caller's.
    void MoveOut(std::list<Entry>::iterator entry, std::list<Entry>* to)
        ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  };
  static constexpr size_t kShards = 16;

  Shard& ShardOf(const Key& key);

  const size_t capacity_bytes_;
  const size_t shard_capacity_;
  std::array<Shard, kShards> shards_;
};

}  // namespace fathom
