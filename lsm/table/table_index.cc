#include "lsm/table/table_index.h"

#include <algorithm>
#include <utility>

#include "lsm/format/internal_key.h"

namespace fathom {

TableIndex::TableIndex(std::vector<IndexPartition> partitions, uint64_t data_blocks,
                       IndexBudget* budget)
    : slots_(partitions.size()), budget_(budget) {
  uint64_t bytes = 0;
  for (size_t i = 0; i < size(); ++i) {
    slots_[i].partition = std::move(partitions[i]);
    bytes += slots_[i].partition.block.handle.size;
  }
  if (bytes > 0) {
    // What is damaged may count more entries than there are bytes.
    entries_a_byte_ =
        static_cast<double>(std::min(data_blocks, bytes)) / static_cast<double>(bytes);
  }
}

TableIndex::~TableIndex() {
  for (size_t i = 0; i < size(); ++i) {
    if (slots_[i].owner != nullptr) {
      budget_->Return(ChargeOf(i));
    }
  }
}

size_t TableIndex::Find(absl::string_view target) const {
  size_t low = 0;
  size_t high = size() - 1;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (CompareInternalKeys(partition(middle).last_separator, target) < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

bool TableIndex::Reserve(size_t i) const {
  return budget_ != nullptr && budget_->TryTake(ChargeOf(i));
}

void TableIndex::Keep(size_t i, std::shared_ptr<const Block> block) {
  Slot& slot = slots_[i];
  const Block* nothing = nullptr;
  if (block == nullptr ||
      !slot.kept.compare_exchange_strong(nothing, block.get(), std::memory_order_acq_rel)) {
    budget_->Return(ChargeOf(i));
    return;
  }
  slot.owner = std::move(block);
}

size_t TableIndex::memory_bytes() const {
  size_t bytes = size() == 1 ? 0 : size() * sizeof(Slot);  // a single one lies in the index itself
  for (const Slot& slot : slots_) {
    bytes += slot.partition.last_separator.capacity();
  }
  return bytes;
}

size_t TableIndex::ChargeOf(size_t i) const {
  const uint64_t size = partition(i).block.handle.size;
  return Block::Charge(size, static_cast<size_t>(entries_a_byte_ * static_cast<double>(size)));
}

}  // namespace fathom
