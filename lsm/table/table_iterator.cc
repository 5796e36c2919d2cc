#include "lsm/table/table_iterator.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "lsm/table/block_reader.h"

namespace fathom {
namespace {

// Of blocks that a scan comes to one after the other, only the first enter the cache.
constexpr size_t kCachedInOrder = 2;
// After a third of a block a scan looks for the next one: a scan that ends sooner does not pay for
// that, and the cache's slot has come from memory by then.
constexpr size_t kPartBeforeLook = 3;

}  // namespace

TableIterator::TableIterator(std::shared_ptr<TableReader> table, const ScanUse& use, ReadCost* cost)
    : table_(std::move(table)),
      use_(use),
      readahead_(use.fill_cache && table_->InMemory() ? 0 : use.most_ahead),
      cost_(cost == nullptr ? &unwanted_cost_ : cost),
      index_(table_.get(), use_.keep_index, cost_) {}

void TableIterator::SeekToFirst() {
  in_order_ = 0;
  index_.SeekToFirst();
  if (OpenDataBlock(use_.fill_cache)) {
    data_->SeekToFirst();
    SettleForward();
  }
}

void TableIterator::SeekToLast() {
  in_order_ = 0;
  index_.SeekToLast();
  if (OpenDataBlock(use_.fill_cache)) {
    data_->SeekToLast();
    SettleBackward();
  }
}

void TableIterator::Seek(absl::string_view target) {
  in_order_ = 0;
  index_.Seek(target);
  if (OpenDataBlock(use_.fill_cache)) {
    data_->Seek(target);
    data_->PrefetchAhead();
    PlanLookAhead();
    SettleForward();
  }
}

void TableIterator::Prev() {
  assert(Valid());
  data_->Prev();
  SettleBackward();
}

bool TableIterator::OpenDataBlock(bool fill_cache) {
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
      table_->ScanDataBlock(*entry, fill_cache, &readahead_, &scratch_, cost_);
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
    if (!OpenDataBlock(use_.fill_cache && ++in_order_ < kCachedInOrder)) {
      return;
    }
    data_->PrefetchAhead();
    data_->SeekToFirst();
    PlanLookAhead();
  }
  ShowEntry();
}

void TableIterator::PlanLookAhead() {
  if (use_.fill_cache && data_->Valid()) {
    const BlockHandle handle = index_.entry()->handle;  // which OpenDataBlock has read
    const size_t entry_bytes = data_->key().size() + data_->value().size();
    ahead_ = PrefetchStream();
    steps_to_look_ = 1 + handle.size / kPartBeforeLook / std::max(entry_bytes, size_t{1});
    table_->PrefetchSlotAfter(handle);
  }
}

void TableIterator::LookAhead() { ahead_ = table_->AheadOf(index_.entry()->handle); }

void TableIterator::SettleBackward() {
  while (!data_->Valid()) {
    if (!data_->status().ok()) {
      return Fail(data_->status());
    }
    index_.Prev();
    if (!OpenDataBlock(use_.fill_cache)) {
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
