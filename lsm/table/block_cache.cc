#include "lsm/table/block_cache.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "absl/base/optimization.h"
#include "lsm/table/table_format.h"

namespace fathom {
namespace {

constexpr size_t kFirstSlots = 16;
// Where half of the lookups find nothing, a block is used eight times before the hand comes by
// again.
constexpr uint64_t kMissesPerTry = 8;
constexpr size_t kPrefetchedLines = 7;  // a Block of 4 KiB and its index, which follows it

}  // namespace

BlockCache::BlockCache(size_t capacity_bytes, size_t block_bytes)
    : capacity_bytes_(capacity_bytes),
      shards_in_use_(
          std::bit_floor(std::clamp(capacity_bytes / kLeastShardBytes, size_t{1}, kMaxShards))),
      shard_capacity_(capacity_bytes / shards_in_use_),
      memory_(block_bytes > 0
                  ? BlockMemory::Make(block_bytes + kBlockTrailerBytes,
                                      capacity_bytes < kLeastWithFramesBytes ? 0 : capacity_bytes)
                  : nullptr) {}

uint64_t BlockCache::HashOf(const Key& key) {
  const uint64_t hash = (key.table * 0xff51afd7ed558ccd + key.offset) * 0x9e3779b97f4a7c15;
  return hash ^ (hash >> 32);  // the upper half is the better one
}

BlockCache::Shard& BlockCache::ShardOf(const Key& key) {
  // The top bits; slots are chosen by the low ones.
  return shards_[(HashOf(key) >> 60) & (shards_in_use_ - 1)];
}

std::shared_ptr<const Block> BlockCache::Lookup(const Key& key, Priority priority, bool* keep) {
  Shard& shard = ShardOf(key);
  absl::MutexLock lock(&shard.mutex);
  if (!shard.slots.empty()) {
    Slot& slot = shard.Find(key);
    if (slot.block != nullptr) {
      // All that a seek needs first, at once; changing the count of owners waits for the block.
      const char* const block = reinterpret_cast<const char*>(slot.block.get());
      for (size_t line = 0; line < kPrefetchedLines; ++line) {
        __builtin_prefetch(block + line * ABSL_CACHELINE_SIZE);
      }
      ++shard.counters.hits;
      slot.used |= priority == Priority::kHigh;
      return slot.block;
    }
  }
  ++shard.counters.misses;
  if (keep != nullptr) {
    const bool full = shard.counters.bytes > shard_capacity_ / 8 * 7;
    *keep =
        shard_capacity_ > 0 &&
        (!full || (shard.counters.misses % kMissesPerTry == 0 && shard.TryHand(shard_capacity_)));
  }
  return nullptr;
}

PrefetchStream BlockCache::Ahead(const Key& key) {
  Shard& shard = ShardOf(key);
  absl::MutexLock lock(&shard.mutex);
  if (shard.slots.empty() || memory_ == nullptr) {
    return {};
  }
  const auto* const block = reinterpret_cast<const char*>(shard.Find(key).block.get());
  return block == nullptr ? PrefetchStream() : PrefetchStream(block, memory_->frame_bytes());
}

void BlockCache::PrefetchSlot(const Key& key) {
  Shard& shard = ShardOf(key);
  absl::MutexLock lock(&shard.mutex);
  if (!shard.slots.empty()) {
    __builtin_prefetch(&shard.slots[HashOf(key) & (shard.slots.size() - 1)]);
  }
}

void BlockCache::Insert(const Key& key, std::shared_ptr<const Block> block, Priority priority) {
  const size_t charge = block->charge();
  if (charge > shard_capacity_) {
    return;
  }
  Slot slot{.key = key, .block = std::move(block), .high = priority == Priority::kHigh};
  Dropped dropped;
  Shard& shard = ShardOf(key);
  absl::MutexLock lock(&shard.mutex);
  if (!shard.slots.empty()) {
    const Slot& old = shard.Find(key);
    if (old.block != nullptr) {
      slot.high |= old.high;
      shard.Remove(static_cast<size_t>(&old - shard.slots.data()), &dropped);
    }
  }
  while (shard.counters.bytes + charge > shard_capacity_) {
    shard.EvictOne(shard_capacity_, &dropped);
  }
  ++shard.counters.inserts;
  shard.Add(std::move(slot));
}

void BlockCache::EraseTable(uint64_t table) {
  for (Shard& shard : shards_) {
    Dropped dropped;
    absl::MutexLock lock(&shard.mutex);
    for (size_t i = 0; i < shard.slots.size(); ++i) {
      while (shard.slots[i].block != nullptr && shard.slots[i].key.table == table) {
        shard.Remove(i, &dropped);
      }
    }
  }
}

BlockCache::Slot& BlockCache::Shard::Find(const Key& key) {
  const size_t mask = slots.size() - 1;
  size_t i = HashOf(key) & mask;
  while (slots[i].block != nullptr && slots[i].key != key) {
    i = (i + 1) & mask;
  }
  return slots[i];
}

void BlockCache::Shard::Add(Slot slot) {
  // Some are always free, so that a search ends, and soon.
  if (4 * (counters.blocks + 1) > 3 * slots.size()) {
    std::vector<Slot> old(slots.empty() ? kFirstSlots : 2 * slots.size());
    old.swap(slots);
    for (Slot& moving : old) {
      if (moving.block != nullptr) {
        Slot& place = Find(moving.key);
        place = std::move(moving);
      }
    }
  }
  const size_t charge = slot.block->charge();
  ++counters.blocks;
  counters.bytes += charge;
  low_bytes += slot.high ? 0 : charge;
  Slot& place = Find(slot.key);
  place = std::move(slot);
}

void BlockCache::Shard::Remove(size_t i, Dropped* dropped) {
  const size_t charge = slots[i].block->charge();
  --counters.blocks;
  counters.bytes -= charge;
  low_bytes -= slots[i].high ? 0 : charge;
  dropped->push_back(std::move(slots[i].block));
  // What stands after it, up to a free slot, must still be found from where its search begins
  // (Knuth, volume 3, 6.4, algorithm R).
  const size_t mask = slots.size() - 1;
  for (size_t next = (i + 1) & mask; slots[next].block != nullptr; next = (next + 1) & mask) {
    const size_t home = HashOf(slots[next].key) & mask;
    if (((next - home) & mask) >= ((next - i) & mask)) {
      slots[i] = std::move(slots[next]);
      i = next;
    }
  }
}

bool BlockCache::Shard::TryHand(size_t capacity) {
  const size_t mask = slots.size() - 1;
  const bool evict_high = low_bytes <= capacity / 5 && low_bytes < counters.bytes;
  while (slots[hand].block == nullptr || slots[hand].high != evict_high) {
    hand = (hand + 1) & mask;
  }
  Slot& slot = slots[hand];
  if (!slot.used) {
    return true;
  }
  slot.used = false;
  low_bytes -= slot.high ? 0 : slot.block->charge();
  slot.high = true;
  hand = (hand + 1) & mask;
  return false;
}

void BlockCache::Shard::EvictOne(size_t capacity, Dropped* dropped) {
  while (!TryHand(capacity)) {
    // Each turn of the hand takes marks away.
  }
  ++counters.evictions;
  Remove(hand, dropped);
}

BlockCache::Counters BlockCache::counters() const {
  Counters sum;
  for (const Shard& shard : shards_) {
    absl::MutexLock lock(&shard.mutex);
    sum.hits += shard.counters.hits;
    sum.misses += shard.counters.misses;
    sum.inserts += shard.counters.inserts;
    sum.evictions += shard.counters.evictions;
    sum.bytes += shard.counters.bytes;
    sum.blocks += shard.counters.blocks;
  }
  return sum;
}

}  // namespace fathom
