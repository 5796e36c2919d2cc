#include "lsm/table/table_iterator.h"

#include <cassert>
#include <utility>

#include "lsm/table/block_reader.h"

namespace fathom {

TableIterator::TableIterator(std::shared_ptr<TableReader> table, const ScanUse& use, ReadCost* cost)
    : table_(std::move(table)),
      use_(use),
      readahead_(use.most_ahead),
      cost_(cost == nullptr ? &unwanted_cost_ : cost),
      index_(table_.get(), use_.keep_index, cost_) {}

void TableIterator::SeekToFirst() {
  index_.SeekToFirst();
  if (OpenDataBlock()) {
    data_->SeekToFirst();
    SettleForward();
  }
}

void TableIterator::SeekToLast() {
  index_.SeekToLast();
  if (OpenDataBlock()) {
    data_->SeekToLast();
    SettleBackward();
  }
}

void TableIterator::Seek(absl::string_view target) {
  index_.Seek(target);
  if (OpenDataBlock()) {
    data_->Seek(target);
    data_->PrefetchAhead();
    SettleForward();
  }
}

void TableIterator::Prev() {
  assert(Valid());
  data_->Prev();
  SettleBackward();
}

bool TableIterator::OpenDataBlock() {
  data_.reset();
  ShowNothing();
  status_ = absl::OkStatus();
  if (!index_.Valid()) {
    status_ = index_.status();
    return false;
  }
  const absl::StatusOr<IndexEntry> entry = index_.entry();
  if (!entry.ok()) {
    Fail(entry.status());
    return false;
  }
  absl::StatusOr<std::shared_ptr<const Block>> block =
      table_->ScanDataBlock(*entry, use_.fill_cache, &readahead_, &scratch_, cost_);
  if (!block.ok()) {
    Fail(block.status());
    return false;
  }
  data_.emplace(*std::move(block));
  return true;
}

void TableIterator::SettleForward() {
  while (!data_->Valid()) {
    if (!data_->status().ok()) {
      return Fail(data_->status());
    }
    index_.Next();
    if (!OpenDataBlock()) {
      return;
    }
    data_->PrefetchAhead();
    data_->SeekToFirst();
  }
  ShowEntry();
}

void TableIterator::SettleBackward() {
  while (!data_->Valid()) {
    if (!data_->status().ok()) {
      return Fail(data_->status());
    }
    index_.Prev();
    if (!OpenDataBlock()) {
      return;
    }
    data_->SeekToLast();
  }
  ShowEntry();
}

void TableIterator::Fail(absl::Status status) {
  data_.reset();
  ShowNothing();
  status_ = std::move(status);
}

}  // namespace fathom
