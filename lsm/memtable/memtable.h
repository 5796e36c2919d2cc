// The newest writes of a store, in memory, in key order, every version by its sequence number.
//
// Thread safety: one thread adds; any number read beside it without a lock. Once it is frozen
// (nobody adds any more) it is immutable.
//
// Range tombstones stand beside the entries, as an immutable list that is replaced when more come.
// A reader may hold a list that was replaced, so all of them live as long as the memtable: it
// should be frozen before there are too many.
//
// This interface is all that the engine knows of the structure behind it, a B+-tree in an arena
// with a filter before it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "lsm/format/internal_iterator.h"
#include "lsm/format/internal_key.h"
#include "lsm/format/lookup.h"
#include "lsm/format/range_tombstones.h"
#include "lsm/memtable/arena.h"
#include "lsm/memtable/entry_tree.h"
#include "lsm/memtable/key_filter.h"

namespace fathom {

class MemTable : public std::enable_shared_from_this<MemTable> {
 public:
  // Its filter is made for `expected_bytes` of entries, as charge() counts them; without one every
  // lookup goes through the tree. Most user keys are expected to begin with `prefix`. `reused` as
  // for Arena.
  explicit MemTable(size_t expected_bytes = 0, std::string prefix = "",
                    std::shared_ptr<ArenaBlocks> reused = nullptr)
      : arena_(std::move(reused)),
        filter_(expected_bytes / kBytesAFilterByte),
        tree_(&arena_, std::move(prefix)) {}

  MemTable(const MemTable&) = delete;
  MemTable& operator=(const MemTable&) = delete;

  // REQUIRES: `sequence` was never added with this key. Copies key and value. A range tombstone
  // counts once it is published.
  void Add(SequenceNumber sequence, ValueType type, absl::string_view user_key,
           absl::string_view value);
  // Shows readers the range tombstones that were added. Called once for all that no snapshot can
  // part: of those over one key only the newest is kept. REQUIRES: no reader asks for a snapshot at
  // or above their sequences yet.
  void PublishRangeTombstones() {
    if (!unpublished_.empty()) {
      PublishAdded();
    }
  }

  // For the memtable that comes after this one, to which nothing is added any more.
  std::string ExpectedPrefix() const {
    // Less than what all keys have in common: ascending keys change there, too. Of a short one the
    // tree's digests hold enough behind it.
    constexpr size_t kMargin = 8;
    const absl::string_view common = tree_.CommonPrefix();
    return common.size() < 2 * kMargin ? ""
                                       : std::string(common.substr(0, common.size() - kMargin));
  }

  // The newest version of `user_key` with a sequence <= `snapshot`. On kFound `*value` is replaced.
  // `filter_hash` is FilterHash(user_key); without it the filter is not asked.
  Lookup Get(absl::string_view user_key, std::optional<uint64_t> filter_hash,
             SequenceNumber snapshot, std::string* value) const;

  // Keeps the memtable alive. Sees entries that are added later.
  std::unique_ptr<InternalIterator> NewIterator() const;

  // The published ones, null if there are none. Lives as long as the memtable.
  const RangeTombstones* range_tombstones() const {
    return range_tombstones_.load(std::memory_order_acquire);
  }
  // Whether every further one would cost much.
  bool has_many_range_tombstones() const {
    const RangeTombstones* const list = range_tombstones();
    return list != nullptr && list->num_entries() >= kManyRangeTombstones;
  }

  // Bytes of entries: keys, values and their headers, as a table would hold them uncompressed and
  // unshared. This is what Options::memtable_bytes limits.
  size_t charge() const { return charge_.load(std::memory_order_relaxed); }
  // Allocated, in bytes: the charge, the index, the filter, lists of range tombstones, and what is
  // not used yet.
  size_t memory_bytes() const {
    return arena_.memory_bytes() + filter_.memory_bytes() +
           list_bytes_.load(std::memory_order_relaxed) + sizeof(*this);
  }
  uint64_t entries() const { return entries_.load(std::memory_order_relaxed); }

 private:
  static constexpr size_t kManyRangeTombstones = 128;
  static constexpr size_t kBytesAFilterByte = 64;  // 16 bits for an entry of 128 bytes

  absl::string_view Copy(absl::string_view bytes);
  void AddRangeTombstone(SequenceNumber sequence, absl::string_view begin, absl::string_view end);
  void PublishAdded();

  Arena arena_;
  KeyFilter filter_;  // of the tree's keys
  EntryTree tree_;
  std::vector<RangeTombstone> unpublished_;                    // keys in the arena
  std::vector<std::unique_ptr<const RangeTombstones>> lists_;  // the last one is published
  std::atomic<const RangeTombstones*> range_tombstones_{nullptr};
  std::atomic<size_t> list_bytes_{0};
  std::atomic<size_t> charge_{0};
  std::atomic<uint64_t> entries_{0};
};

}  // namespace fathom
