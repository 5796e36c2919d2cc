#include "lsm/table/block_cache.h"

#include <bit>
#include <cassert>
#include <iterator>

namespace fathom {

BlockCache::BlockCache(size_t capacity_bytes, size_t shards)
    : capacity_bytes_(capacity_bytes),
      shards_in_use_(shards),
      shard_capacity_(capacity_bytes / shards) {
  assert(std::has_single_bit(shards) && shards <= kMaxShards);
}

BlockCache::Shard& BlockCache::ShardOf(const Key& key) {
  // The top bits of a multiplicative hash; the map in the shard hashes by another function.
  const uint64_t hash = (key.table * 0xff51afd7ed558ccd + key.offset) * 0x9e3779b97f4a7c15;
  return shards_[(hash >> 60) & (shards_in_use_ - 1)];
}

std::shared_ptr<const Block> BlockCache::Lookup(const Key& key, Priority priority) {
  Shard& shard = ShardOf(key);
  absl::MutexLock lock(&shard.mutex);
  const auto found = shard.map.find(key);
  if (found == shard.map.end()) {
    ++shard.counters.misses;
    return nullptr;
  }
  ++shard.counters.hits;
  Entry& entry = *found->second;
  entry.used |= priority == Priority::kHigh;
  return entry.block;
}

void BlockCache::Insert(const Key& key, std::shared_ptr<const Block> block, Priority priority) {
  if (block->charge() > shard_capacity_) {
    return;
  }
  // Made before and freed after the lock is held.
  Queue inserted;
  inserted.push_front(
      Entry{.key = key, .block = std::move(block), .is_protected = priority == Priority::kHigh});
  Queue dropped;

  Shard& shard = ShardOf(key);
  absl::MutexLock lock(&shard.mutex);
  const auto [slot, is_new] = shard.map.try_emplace(key, inserted.begin());
  if (!is_new) {
    inserted.front().is_protected |= slot->second->is_protected;
    shard.MoveOut(slot->second, &dropped);
    slot->second = inserted.begin();
  }
  ++shard.counters.inserts;
  shard.MoveIn(&inserted);
  shard.Trim(shard_capacity_, &dropped);
}

void BlockCache::EraseTable(uint64_t table) {
  for (Shard& shard : shards_) {
    Queue dropped;
    absl::MutexLock lock(&shard.mutex);
    for (Queue* queue : {&shard.protected_queue, &shard.probation}) {
      for (auto it = queue->begin(); it != queue->end();) {
        const auto entry = it++;
        if (entry->key.table == table) {
          shard.map.erase(entry->key);
          shard.MoveOut(entry, &dropped);
        }
      }
    }
  }
}

void BlockCache::Shard::MoveIn(Queue* from) {
  const Entry& entry = from->front();
  const size_t bytes = entry.block->charge();
  ++counters.blocks;
  counters.bytes += bytes;
  protected_bytes += entry.is_protected ? bytes : 0;
  Queue& queue = entry.is_protected ? protected_queue : probation;
  queue.splice(queue.begin(), *from);
}

void BlockCache::Shard::MoveOut(Queue::iterator entry, Queue* to) {
  const size_t bytes = entry->block->charge();
  --counters.blocks;
  counters.bytes -= bytes;
  protected_bytes -= entry->is_protected ? bytes : 0;
  to->splice(to->begin(), entry->is_protected ? protected_queue : probation, entry);
}

void BlockCache::Shard::Requeue(Queue::iterator entry, bool to_protected) {
  Queue moving;
  MoveOut(entry, &moving);
  entry->is_protected = to_protected;
  entry->used = false;
  MoveIn(&moving);
}

void BlockCache::Shard::Trim(size_t capacity, Queue* dropped) {
  const size_t protected_capacity = capacity / 10 * 8;
  // Ends: each turn takes a mark away, shortens the protected queue, or drops a block.
  while (true) {
    if (protected_bytes > protected_capacity) {
      const auto last = std::prev(protected_queue.end());
      Requeue(last, /*to_protected=*/last->used);
    } else if (counters.bytes <= capacity) {
      return;
    } else {
      // Not empty: what is protected alone would fit.
      const auto last = std::prev(probation.end());
      if (last->used) {
        Requeue(last, /*to_protected=*/true);
        continue;
      }
      ++counters.evictions;
      map.erase(last->key);
      MoveOut(last, dropped);
    }
  }
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

void TableCaches::EraseTable(uint64_t table) const {
  if (data != nullptr) {
    data->EraseTable(table);
  }
  if (index != nullptr && index != data) {
    index->EraseTable(table);
  }
}

}  // namespace fathom
