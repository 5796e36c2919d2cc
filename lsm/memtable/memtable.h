// The newest writes of a store, in memory, in key order, every version by its sequence number.
//
// Thread safety: one thread adds; any number read beside it without a lock. Once it is frozen
// (nobody adds any more) it is immutable.
//
// This interface is all that the engine knows of the structure behind it, which today is a skip
// list in an arena.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "lsm/format/internal_iterator.h"
#include "lsm/format/internal_key.h"
#include "lsm/format/lookup.h"
#include "lsm/memtable/arena.h"
#include "lsm/memtable/skip_list.h"

namespace fathom {

class MemTable : public std::enable_shared_from_this<MemTable> {
 public:
  MemTable() : list_(&arena_) {}

  MemTable(const MemTable&) = delete;
  MemTable& operator=(const MemTable&) = delete;

  // REQUIRES: `sequence` was never added with this key. Copies key and value.
  void Add(SequenceNumber sequence, ValueType type, absl::string_view user_key,
           absl::string_view value);

  // The newest version of `user_key` with a sequence <= `snapshot`. On kFound `*value` is replaced.
  Lookup Get(absl::string_view user_key, SequenceNumber snapshot, std::string* value) const;

  // Keeps the memtable alive. Sees entries that are added later.
  std::unique_ptr<InternalIterator> NewIterator() const;

  // Bytes of entries: keys, values and their headers, as a table would hold them uncompressed and
  // unshared. This is what Options::memtable_bytes limits.
  size_t charge() const { return charge_.load(std::memory_order_relaxed); }
  // Allocated, in bytes: the charge, the index and what is not used yet.
  size_t memory_bytes() const { return arena_.memory_bytes() + sizeof(*this); }
  uint64_t entries() const { return entries_.load(std::memory_order_relaxed); }

 private:
  Arena arena_;
  SkipList list_;
  std::atomic<size_t> charge_{0};
  std::atomic<uint64_t> entries_{0};
};

}  // namespace fathom
