// Blocks of tables in memory, and outlines of blocks (block_outline.h), within a budget in bytes.
//
// A block that a reader holds stays alive after its eviction (shared_ptr): the budget bounds what
// the cache keeps, not what readers pin. Thread safe; sharded by hash so that readers seldom meet.
//
// A shard is an open-addressed table, so that a lookup touches one line of it, and evicts by a
// clock hand that goes round it: an unused block goes, a used one loses its mark. What point
// lookups use is high; what a scan brings is low, until a point lookup uses it. High blocks are
// evicted only while low ones have at most a fifth of the shard: a scan can take no more from
// lookups. Outlines come when blocks have three quarters of a shard, take the room of blocks up to
// a quarter of it, and from there on that of other outlines.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/inlined_vector.h"
#include "absl/synchronization/mutex.h"
#include "lsm/io/prefetch_stream.h"
#include "lsm/table/block.h"
#include "lsm/table/block_memory.h"
#include "lsm/table/block_outline.h"
#include "lsm/table/index_budget.h"

namespace fathom {

class BlockCache {
 public:
  struct Key {
    uint64_t table;   // a table's number
    uint64_t offset;  // a block's offset in it

    friend bool operator==(const Key&, const Key&) = default;
  };

  struct Counters {
    uint64_t hits = 0;
    uint64_t misses = 0;
    uint64_t inserts = 0;
    uint64_t evictions = 0;
    uint64_t bytes = 0;     // held now, those of outlines included
    uint64_t blocks = 0;    // held now
    uint64_t outlines = 0;  // held now
  };

  // What a block is read for: a point lookup, or a scan, which seldom comes back to it.
  enum class Priority : uint8_t { kHigh, kLow };

  // What to do about a block that is not here, once it was read.
  enum class Keep : uint8_t { kNothing, kBlock, kOutline };
  struct Miss {
    bool takes_outline = false;  // set by who looks up: an outline of the block would be of use
    Keep keep = Keep::kNothing;
    std::shared_ptr<const BlockOutline> outline = nullptr;  // if there is one
  };

  // `capacity_bytes` 0 keeps nothing. The budget is split evenly over the shards. A cache of 32 MiB
  // or more has frames in huge pages for blocks of up to `block_bytes` with their trailers.
  explicit BlockCache(size_t capacity_bytes, size_t block_bytes = 0);

  // On a miss, which an outline makes no hit of, fills `*miss`, if that is not null. In a full
  // shard each eighth miss tries the block at the clock hand: one that was of no use since the hand
  // came by makes room, a used one loses its mark and stays. So reads all over a store larger than
  // the cache hardly turn it over, and a new set of blocks in demand soon takes the place of an old
  // one. The same holds for outlines, for which some room is left when blocks have three quarters.
  std::shared_ptr<const Block> Lookup(const Key& key, Priority priority = Priority::kHigh,
                                      Miss* miss = nullptr);
  // The block of `key` in its frame, for who will look it up soon; of nothing if it is not here.
  // Counts as no use of it.
  PrefetchStream Ahead(const Key& key);
  // Brings the slot at which a search for `key` begins, for who will search for it soon.
  void PrefetchSlot(const Key& key);
  // Replaces what is here of the same key. What is larger than a shard is not kept.
  void Insert(const Key& key, std::shared_ptr<const Block> block,
              Priority priority = Priority::kHigh);
  // An outline takes no block's place.
  void Insert(const Key& key, std::shared_ptr<const BlockOutline> outline);
  // Forgets the blocks of a table whose file is gone.
  void EraseTable(uint64_t table);

  // Where blocks to be inserted should lie; null if `block_bytes` was 0. Lives as long as the
  // cache.
  BlockMemory* memory() const { return memory_.get(); }
  size_t capacity_bytes() const { return capacity_bytes_; }
  Counters counters() const;

 private:
  static constexpr size_t kMaxShards = 16;
  // A small cache has fewer, so that each has room for an index block.
  static constexpr size_t kLeastShardBytes = size_t{512} << 10;
  static constexpr size_t kLeastWithFramesBytes = size_t{32} << 20;

  enum class Kind : uint8_t { kLow, kHigh, kOutline };
  static constexpr size_t kKinds = 3;

  struct Slot {
    Key key;
    std::shared_ptr<const void> held;  // what `kind` says; null in a free slot
    Kind kind = Kind::kLow;
    bool used = false;  // by a point lookup, since the hand came by

    size_t charge() const;
  };
  // Freed by the caller after the lock is released.
  using Dropped = absl::InlinedVector<Slot, 2>;

  struct alignas(64) Shard {
    mutable absl::Mutex mutex;
    std::vector<Slot> slots ABSL_GUARDED_BY(mutex);  // none, or a power of two
    // Where the memory lies, or lay, of what was last found from this slot on: dense, and so at
    // hand before the slot is. To be prefetched, never to be read.
    std::vector<const void*> hints ABSL_GUARDED_BY(mutex);
    size_t hand ABSL_GUARDED_BY(mutex) = 0;
    std::array<size_t, kKinds> bytes ABSL_GUARDED_BY(mutex) = {};
    Counters counters ABSL_GUARDED_BY(mutex);

    // The slot of `key`, or the free one where it would be. REQUIRES: some slot is free.
    Slot& Find(const Key& key) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
    void Add(Slot slot) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
    // Frees a slot; others may move into it.
    void Remove(size_t i, Dropped* dropped) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
    // Of which kind room is to be made for a `newcomer`. REQUIRES: the shard is not empty.
    Kind Yielding(Kind newcomer, size_t capacity) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
    // Goes to the next slot of a kind that is here, and on by one if it is marked, which it loses.
    // True if it was not.
    bool TryHand(Kind kind) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
    void EvictOne(Kind newcomer, size_t capacity, Dropped* dropped)
        ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
    // What to keep of a block that was missed, of which an outline would be new, and of use.
    Keep KeepOf(bool wants_outline, size_t capacity) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  };

  static uint64_t HashOf(const Key& key);
  Shard& ShardOf(const Key& key);
  void Insert(Slot slot);

  const size_t capacity_bytes_;
  const size_t shards_in_use_;
  const size_t shard_capacity_;
  const std::shared_ptr<BlockMemory> memory_;
  std::array<Shard, kMaxShards> shards_;
};

// What the tables of a store share. Index blocks have a budget of their own, so that no amount of
// data pushes them out. Not owned; either may be null.
struct TableCaches {
  // NOLINTNEXTLINE(google-explicit-constructor): meant to convert
  TableCaches(BlockCache* for_data = nullptr, IndexBudget* for_index = nullptr)
      : data(for_data), index(for_index) {}

  BlockCache* data;
  IndexBudget* index;
};

}  // namespace fathom
