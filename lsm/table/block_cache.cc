#include "lsm/table/block_cache.h"

#include <iterator>

namespace fathom {

BlockCache::BlockCache(size_t capacity_bytes)
    : capacity_bytes_(capacity_bytes), shard_capacity_(capacity_bytes / kShards) {}

BlockCache::Shard& BlockCache::ShardOf(const Key& key) {
  // The top bits of a multiplicative hash; the map in the shard hashes by another function.
  const uint64_t hash = (key.table * 0xff51afd7ed558ccd + key.offset) * 0x9e3779b97f4a7c15;
  return shards_[hash >> 60];
}

std::shared_ptr<const Block> BlockCache::Lookup(const Key& key) {
  Shard& shard = ShardOf(key);
  absl::MutexLock lock(&shard.mutex);
  const auto found = shard.map.find(key);
  if (found == shard.map.end()) {
    ++shard.counters.misses;
    return nullptr;
  }
  ++shard.counters.hits;
  shard.lru.splice(shard.lru.begin(), shard.lru, found->second);
  return found->second->block;
}

void BlockCache::Insert(const Key& key, std::shared_ptr<const Block> block) {
  if (block->charge() > shard_capacity_) {
    return;
  }
  // Made before and freed after the lock is held.
  std::list<Entry> inserted;
  inserted.push_front(Entry{key, std::move(block)});
  std::list<Entry> dropped;

  Shard& shard = ShardOf(key);
  absl::MutexLock lock(&shard.mutex);
  const auto [slot, is_new] = shard.map.try_emplace(key, inserted.begin());
  if (!is_new) {
    shard.MoveOut(slot->second, &dropped);
    slot->second = inserted.begin();
  }
  ++shard.counters.inserts;
  ++shard.counters.blocks;
  shard.counters.bytes += inserted.front().block->charge();
  shard.lru.splice(shard.lru.begin(), inserted);
  while (shard.counters.bytes > shard_capacity_) {
    ++shard.counters.evictions;
    shard.map.erase(shard.lru.back().key);
    shard.MoveOut(std::prev(shard.lru.end()), &dropped);
  }
}

void BlockCache::EraseTable(uint64_t table) {
  for (Shard& shard : shards_) {
    std::list<Entry> dropped;
    absl::MutexLock lock(&shard.mutex);
    for (auto it = shard.lru.begin(); it != shard.lru.end();) {
      const auto entry = it++;
      if (entry->key.table == table) {
        shard.map.erase(entry->key);
        shard.MoveOut(entry, &dropped);
      }
    }
  }
}

void BlockCache::Shard::MoveOut(std::list<Entry>::iterator entry, std::list<Entry>* to) {
  --counters.blocks;
  counters.bytes -= entry->block->charge();
  to->splice(to->begin(), lru, entry);
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
