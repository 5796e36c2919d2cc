#include "lsm/table/index_iterator.h"

#include <memory>
#include <utility>

#include "lsm/table/block_reader.h"

namespace fathom {

void IndexIterator::SeekToFirst() {
  if (Open(0)) {
    block_->SeekToFirst();
    SettleForward();
  }
}

void IndexIterator::SeekToLast() {
  if (Open(table_->index_->size() - 1)) {
    block_->SeekToLast();
    SettleBackward();
  }
}

void IndexIterator::Seek(absl::string_view target) {
  if (Open(table_->index_->Find(target))) {
    block_->Seek(target);
    SettleForward();
  }
}

void IndexIterator::Next() {
  block_->Next();
  SettleForward();
}

void IndexIterator::Prev() {
  block_->Prev();
  SettleBackward();
}

absl::StatusOr<IndexEntry> IndexIterator::entry() const { return ReadIndexEntry(*block_); }

bool IndexIterator::Open(size_t partition) {
  if (block_.has_value() && partition == partition_) {
    return true;
  }
  block_.reset();
  absl::StatusOr<std::shared_ptr<const Block>> block =
      table_->GetIndexBlock(partition, keep_, cost_);
  if (!block.ok()) {
    status_ = block.status();
    return false;
  }
  partition_ = partition;
  block_.emplace(*std::move(block));
  return true;
}

void IndexIterator::SettleForward() {
  while (!block_->Valid() && block_->status().ok() && partition_ + 1 < table_->index_->size()) {
    if (!Open(partition_ + 1)) {
      return;
    }
    block_->SeekToFirst();
  }
}

void IndexIterator::SettleBackward() {
  while (!block_->Valid() && block_->status().ok() && partition_ > 0) {
    if (!Open(partition_ - 1)) {
      return;
    }
    block_->SeekToLast();
  }
}

}  // namespace fathom
