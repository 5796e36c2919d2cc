// Blocks of tables in memory, within a budget in bytes.
//
// A block that a reader holds stays alive after its eviction (shared_ptr): the budget bounds what
// the cache keeps, not what readers pin. Thread safe; sharded by hash so that readers seldom meet.
//
// Each shard has two queues. What point lookups use is *protected*, up to 80 % of the shard; beyond
// that, what entered the queue first goes over to *probation*. What a scan brings enters on
// probation, and the end of probation is evicted first: a scan can take only the room that lookups
// leave it. A hit moves nothing; it marks the block as used, and a used block that comes to the end
// of a queue gets another turn at the front of the protected one (the clock algorithm, or "second
// chance"; the split is that of segmented LRU: Karedla, Love, Wherry 1994).
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

  // What a block is read for: a point lookup, or a scan, which seldom comes back to it.
  enum class Priority : uint8_t { kHigh, kLow };

  static constexpr size_t kMaxShards = 16;

  // `capacity_bytes` 0 keeps nothing. The budget is split evenly over `shards` (a power of two, at
  // most kMaxShards): fewer of them keep larger blocks.
  explicit BlockCache(size_t capacity_bytes, size_t shards = kMaxShards);

  std::shared_ptr<const Block> Lookup(const Key& key, Priority priority = Priority::kHigh);
  // Replaces a block of the same key. A block larger than a shard is not kept.
  void Insert(const Key& key, std::shared_ptr<const Block> block,
              Priority priority = Priority::kHigh);
  // Forgets the blocks of a table whose file is gone.
  void EraseTable(uint64_t table);

  size_t capacity_bytes() const { return capacity_bytes_; }
  Counters counters() const;

 private:
  struct Entry {
    Key key;
    std::shared_ptr<const Block> block;
    bool is_protected = true;
    bool used = false;  // by a point lookup, since it entered its queue
  };
  using Queue = std::list<Entry>;  // what entered last is first
  struct alignas(64) Shard {
    mutable absl::Mutex mutex;
    Queue protected_queue ABSL_GUARDED_BY(mutex);
    Queue probation ABSL_GUARDED_BY(mutex);
    size_t protected_bytes ABSL_GUARDED_BY(mutex) = 0;
    absl::flat_hash_map<Key, Queue::iterator> map ABSL_GUARDED_BY(mutex);
    Counters counters ABSL_GUARDED_BY(mutex);

    // Puts the only entry of `from` at the front of its queue and counts it.
    void MoveIn(Queue* from) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
    // Takes an entry out of its queue and the counters, into `to`; the map is the caller's.
    void MoveOut(Queue::iterator entry, Queue* to) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
    // From a queue to the front of one; it is not used then.
    void Requeue(Queue::iterator entry, bool to_protected) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
    // Brings the shard back within `capacity`; what must go ends up in `dropped`.
    void Trim(size_t capacity, Queue* dropped) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  };

  Shard& ShardOf(const Key& key);

  const size_t capacity_bytes_;
  const size_t shards_in_use_;
  const size_t shard_capacity_;
  std::array<Shard, kMaxShards> shards_;
};

// The caches that the tables of a store share. Index blocks have one with a budget of their own, so
// that no amount of data pushes them out. Not owned; either may be null, both may be the same.
struct TableCaches {
  TableCaches(BlockCache* both = nullptr) : data(both), index(both) {}  // NOLINT: meant to convert
  TableCaches(BlockCache* for_data, BlockCache* for_index) : data(for_data), index(for_index) {}

  // Forgets the blocks of a table whose file is gone.
  void EraseTable(uint64_t table) const;

  BlockCache* data;
  BlockCache* index;
};

}  // namespace fathom
