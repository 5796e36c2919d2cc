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
// A quarter holds the outlines of twice as many blocks as the cache would hold without them.
constexpr size_t kOutlinesPart = 4;

// All that a seek in a Block of 4 KiB or in its outline needs first: itself, and its index, which
// follows it.
void PrefetchBlock(const void* memory) {
  constexpr size_t kLines = 7;
  for (size_t line = 0; line < kLines; ++line) {
    __builtin_prefetch(static_cast<const char*>(memory) + line * ABSL_CACHELINE_SIZE);
  }
}

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

std::shared_ptr<const Block> BlockCache::Lookup(const Key& key, Priority priority, Miss* miss) {
  Shard& shard = ShardOf(key);
  absl::MutexLock lock(&shard.mutex);
  bool wants_outline = miss != nullptr && miss->takes_outline;
  if (!shard.slots.empty()) {
    const void*& hint = shard.hints[HashOf(key) & (shard.slots.size() - 1)];
    if (hint != nullptr) {
      PrefetchBlock(hint);
    }
    Slot& slot = shard.Find(key);
    if (slot.held != nullptr) {
      // Changing the count of owners waits for the memory.
      hint = slot.held.get();
      PrefetchBlock(hint);
      slot.used |= priority == Priority::kHigh;
      if (slot.kind != Kind::kOutline) {
        ++shard.counters.hits;
        return std::static_pointer_cast<const Block>(slot.held);
      }
      if (wants_outline) {
        miss->outline = std::static_pointer_cast<const BlockOutline>(slot.held);
        wants_outline = false;
      }
    }
  }
  ++shard.counters.misses;
  if (miss != nullptr) {
    miss->keep = shard.KeepOf(wants_outline, shard_capacity_);
  }
  return nullptr;
}

PrefetchStream BlockCache::Ahead(const Key& key) {
  Shard& shard = ShardOf(key);
  absl::MutexLock lock(&shard.mutex);
  if (shard.slots.empty() || memory_ == nullptr) {
    return {};
  }
  const Slot& slot = shard.Find(key);
  return slot.held == nullptr || slot.kind == Kind::kOutline
             ? PrefetchStream()
             : PrefetchStream(static_cast<const char*>(slot.held.get()), memory_->frame_bytes());
}

void BlockCache::PrefetchSlot(const Key& key) {
  Shard& shard = ShardOf(key);
  absl::MutexLock lock(&shard.mutex);
  if (!shard.slots.empty()) {
    __builtin_prefetch(&shard.slots[HashOf(key) & (shard.slots.size() - 1)]);
  }
}

void BlockCache::Insert(const Key& key, std::shared_ptr<const Block> block, Priority priority) {
  const Kind kind = priority == Priority::kHigh ? Kind::kHigh : Kind::kLow;
  Insert({.key = key, .held = std::move(block), .kind = kind});
}

void BlockCache::Insert(const Key& key, std::shared_ptr<const BlockOutline> outline) {
  Insert({.key = key, .held = std::move(outline), .kind = Kind::kOutline});
}

void BlockCache::Insert(Slot slot) {
  const size_t charge = slot.charge();
  if (charge > shard_capacity_) {
    return;
  }
  Dropped dropped;
  Shard& shard = ShardOf(slot.key);
  absl::MutexLock lock(&shard.mutex);
  if (!shard.slots.empty()) {
    const Slot& old = shard.Find(slot.key);
    if (old.held != nullptr) {
      if (slot.kind == Kind::kOutline && old.kind != Kind::kOutline) {
        return;
      }
      if (slot.kind == Kind::kLow && old.kind == Kind::kHigh) {
        slot.kind = Kind::kHigh;
      }
      shard.Remove(static_cast<size_t>(&old - shard.slots.data()), &dropped);
    }
  }
  while (shard.counters.bytes + charge > shard_capacity_) {
    shard.EvictOne(slot.kind, shard_capacity_, &dropped);
  }
  ++shard.counters.inserts;
  shard.Add(std::move(slot));
}

void BlockCache::EraseTable(uint64_t table) {
  for (Shard& shard : shards_) {
    Dropped dropped;
    absl::MutexLock lock(&shard.mutex);
    for (size_t i = 0; i < shard.slots.size(); ++i) {
      while (shard.slots[i].held != nullptr && shard.slots[i].key.table == table) {
        shard.Remove(i, &dropped);
      }
    }
  }
}

size_t BlockCache::Slot::charge() const {
  return kind == Kind::kOutline ? static_cast<const BlockOutline*>(held.get())->charge()
                                : static_cast<const Block*>(held.get())->charge();
}

BlockCache::Slot& BlockCache::Shard::Find(const Key& key) {
  const size_t mask = slots.size() - 1;
  size_t i = HashOf(key) & mask;
  while (slots[i].held != nullptr && slots[i].key != key) {
    i = (i + 1) & mask;
  }
  return slots[i];
}

void BlockCache::Shard::Add(Slot slot) {
  // Some are always free, so that a search ends, and soon.
  if (4 * (counters.blocks + counters.outlines + 1) > 3 * slots.size()) {
    std::vector<Slot> old(slots.empty() ? kFirstSlots : 2 * slots.size());
    old.swap(slots);
    hints.assign(slots.size(), nullptr);
    for (Slot& moving : old) {
      if (moving.held != nullptr) {
        Slot& place = Find(moving.key);
        place = std::move(moving);
      }
    }
  }
  const size_t charge = slot.charge();
  ++(slot.kind == Kind::kOutline ? counters.outlines : counters.blocks);
  counters.bytes += charge;
  bytes[static_cast<size_t>(slot.kind)] += charge;
  Slot& place = Find(slot.key);
  place = std::move(slot);
}

void BlockCache::Shard::Remove(size_t i, Dropped* dropped) {
  const Kind kind = slots[i].kind;
  const size_t charge = slots[i].charge();
  --(kind == Kind::kOutline ? counters.outlines : counters.blocks);
  counters.bytes -= charge;
  bytes[static_cast<size_t>(kind)] -= charge;
  dropped->push_back(std::move(slots[i]));
  // What stands after it, up to a free slot, must still be found from where its search begins
  // (Knuth, volume 3, 6.4, algorithm R).
  const size_t mask = slots.size() - 1;
  for (size_t next = (i + 1) & mask; slots[next].held != nullptr; next = (next + 1) & mask) {
    const size_t home = HashOf(slots[next].key) & mask;
    if (((next - home) & mask) >= ((next - i) & mask)) {
      slots[i] = std::move(slots[next]);
      i = next;
    }
  }
}

BlockCache::Kind BlockCache::Shard::Yielding(Kind newcomer, size_t capacity) const {
  const size_t low = bytes[static_cast<size_t>(Kind::kLow)];
  const size_t high = bytes[static_cast<size_t>(Kind::kHigh)];
  const size_t outlines = bytes[static_cast<size_t>(Kind::kOutline)];
  if (low + high == 0 || (newcomer == Kind::kOutline && outlines > capacity / kOutlinesPart)) {
    return Kind::kOutline;
  }
  return high == 0 || low > capacity / 5 ? Kind::kLow : Kind::kHigh;
}

bool BlockCache::Shard::TryHand(Kind kind) {
  const size_t mask = slots.size() - 1;
  while (slots[hand].held == nullptr || slots[hand].kind != kind) {
    hand = (hand + 1) & mask;
  }
  Slot& slot = slots[hand];
  if (!slot.used) {
    return true;
  }
  slot.used = false;
  if (kind == Kind::kLow) {
    bytes[static_cast<size_t>(Kind::kLow)] -= slot.charge();
    bytes[static_cast<size_t>(Kind::kHigh)] += slot.charge();
    slot.kind = Kind::kHigh;
  }
  hand = (hand + 1) & mask;
  return false;
}

void BlockCache::Shard::EvictOne(Kind newcomer, size_t capacity, Dropped* dropped) {
  while (!TryHand(Yielding(newcomer, capacity))) {
    // Each turn of the hand takes marks away.
  }
  ++counters.evictions;
  Remove(hand, dropped);
}

BlockCache::Keep BlockCache::Shard::KeepOf(bool wants_outline, size_t capacity) {
  if (counters.bytes <= capacity / 8 * (wants_outline ? 6 : 7)) {
    return capacity == 0 ? Keep::kNothing : Keep::kBlock;
  }
  const uint64_t turn = counters.misses % kMissesPerTry;
  if (turn == 0 && TryHand(Yielding(Kind::kHigh, capacity))) {
    return Keep::kBlock;
  }
  if (!wants_outline) {
    return Keep::kNothing;
  }
  const bool for_another = Yielding(Kind::kOutline, capacity) == Kind::kOutline;
  return !for_another || (turn == kMissesPerTry / 2 && TryHand(Kind::kOutline)) ? Keep::kOutline
                                                                                : Keep::kNothing;
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
    sum.outlines += shard.counters.outlines;
  }
  return sum;
}

}  // namespace fathom
