// A cursor over a whole table: one over the index and one over the data block at which it stands.
// For cursors above it, which know its type: a step within a block costs them no virtual call.
//
// One thread at a time. An error ends it: Valid() is false and status() says why, until it is
// positioned anew.
#pragma once

#include <cassert>
#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "lsm/format/internal_iterator.h"
#include "lsm/format/internal_key.h"
#include "lsm/format/lookup.h"
#include "lsm/table/block.h"
#include "lsm/table/block_reader.h"
#include "lsm/table/index_iterator.h"
#include "lsm/table/readahead.h"
#include "lsm/table/table_reader.h"

namespace fathom {

// What a cursor leaves behind, and how far it reads ahead.
struct ScanUse {
  bool keep_index = true;  // for lookups to come
  bool fill_cache = true;  // with data blocks
  size_t most_ahead = 0;   // bytes to read at once; 0: block by block

  // As TableReader::NewIterator says.
  static ScanUse Of(bool fill_cache) {
    return {.keep_index = fill_cache, .fill_cache = fill_cache, .most_ahead = size_t{256} << 10};
  }
};

class TableIterator final : public InternalIterator {
 public:
  // `cost` may be null; otherwise it must outlive the iterator.
  TableIterator(std::shared_ptr<TableReader> table, const ScanUse& use, ReadCost* cost);

  void SeekToFirst() override;
  void SeekToLast() override;
  void Seek(absl::string_view target) override;
  void Next() override {
    assert(Valid());
    data_->Next();
    if (!data_->Valid()) {
      return SettleForward();
    }
    ShowEntry();
    if (!ahead_.empty()) {
      ahead_.Step();
    } else if (steps_to_look_ > 0 && --steps_to_look_ == 0) {
      LookAhead();
    }
  }
  void Prev() override;
  absl::Status status() const override { return status_; }

 private:
  // Makes `data_` a cursor over the block of the current index entry. False, with no `data_`, at
  // the end of the index or on error.
  bool OpenDataBlock(bool fill_cache);
  // Where `data_` is past its end (before its beginning), goes on in the next (previous) blocks.
  void SettleForward();
  void SettleBackward();
  // In a block that was just opened: LookAhead is for a step to come.
  void PlanLookAhead();
  // From now on each step brings a part of the next block.
  void LookAhead();
  // Shows the current entry; refuses a key that no entry can have.
  void ShowEntry() {
    if (IsValidInternalKey(data_->key())) {
      ShowWhere(*data_);
    } else {
      Fail(CheckEntryKey(*data_));
    }
  }
  void Fail(absl::Status status);

  const std::shared_ptr<TableReader> table_;
  const ScanUse use_;
  Readahead readahead_;
  BlockScratch scratch_;
  PrefetchStream ahead_;      // the block after that of `data_`
  size_t steps_to_look_ = 0;  // then LookAhead; 0: not any more
  size_t in_order_ = 0;       // blocks that Next came to since the last seek
  ReadCost unwanted_cost_;
  ReadCost* const cost_;
  IndexIterator index_;
  std::optional<BlockIterator> data_;
  absl::Status status_;
};

}  // namespace fathom
