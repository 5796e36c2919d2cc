// The index of an open table: where its partitions are, and those of their blocks that stay in
// memory, while the budget for index blocks lasts. An index that was never cut is one partition.
// Internal to lsm/table. Thread safe.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/container/fixed_array.h"
#include "absl/strings/string_view.h"
#include "lsm/table/block.h"
#include "lsm/table/index_budget.h"
#include "lsm/table/table_format.h"

namespace fathom {

class TableIndex {
 public:
  // `partitions`, at least one, in the order of their keys, have `data_blocks` entries in all.
  // `budget` may be null: nothing is kept then. Otherwise it must outlive the index.
  TableIndex(std::vector<IndexPartition> partitions, uint64_t data_blocks, IndexBudget* budget);
  ~TableIndex();

  TableIndex(const TableIndex&) = delete;
  TableIndex& operator=(const TableIndex&) = delete;

  size_t size() const { return slots_.size(); }
  const IndexPartition& partition(size_t i) const { return slots_[i].partition; }
  // Where the first partition begins, and so the data blocks end.
  uint64_t offset() const { return partition(0).block.handle.offset; }

  // The partition that has the first separator at or after `target`; the last one if none has.
  size_t Find(absl::string_view target) const;

  // The block of a partition, which lives as long as the index; null if it is not kept.
  const Block* Kept(size_t i) const { return slots_[i].kept.load(std::memory_order_acquire); }

  // Takes the memory for a partition's block out of the budget. False if too little is left.
  bool Reserve(size_t i) const;
  // Keeps the block of a partition for which memory was reserved. Null gives the memory back, and
  // so does a block after another's.
  void Keep(size_t i, std::shared_ptr<const Block> block);

  // Beside the object itself, without the blocks, in bytes.
  size_t memory_bytes() const;

 private:
  struct Slot {
    IndexPartition partition;
    std::atomic<const Block*> kept{nullptr};
    std::shared_ptr<const Block> owner;  // written by who set `kept`, and read by nobody
  };

  // What a partition's block takes of the budget.
  size_t ChargeOf(size_t i) const;

  absl::FixedArray<Slot, 1> slots_;
  double entries_a_byte_ = 0;
  IndexBudget* const budget_;
};

}  // namespace fathom
