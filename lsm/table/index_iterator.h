// A cursor over the index of an open table, partition after partition: it stands at the entry of a
// data block. Internal to lsm/table.
//
// One thread at a time. An error ends it: Valid() is false and status() says why, until it is
// positioned anew.
#pragma once

#include <cstddef>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "lsm/format/lookup.h"
#include "lsm/table/block.h"
#include "lsm/table/table_format.h"
#include "lsm/table/table_reader.h"

namespace fathom {

class IndexIterator {
 public:
  // The index blocks that it reads are kept for others if `keep`. `table` and `cost` are not null
  // and must outlive it.
  IndexIterator(TableReader* table, bool keep, ReadCost* cost)
      : table_(table), keep_(keep), cost_(cost) {}

  void SeekToFirst();
  void SeekToLast();
  // To the first entry whose separator is at or after `target`.
  void Seek(absl::string_view target);
  void Next();
  void Prev();

  bool Valid() const { return block_.has_value() && block_->Valid(); }
  absl::Status status() const { return block_.has_value() ? block_->status() : status_; }
  // REQUIRES: Valid().
  absl::string_view separator() const { return block_->key(); }
  // DataLoss if it is none. REQUIRES: Valid().
  absl::StatusOr<IndexEntry> entry() const;

 private:
  // Makes `block_` a cursor over a partition. False, with no `block_`, on error.
  bool Open(size_t partition);
  // Where `block_` is past its end (before its beginning), goes on in the next (previous)
  // partitions.
  void SettleForward();
  void SettleBackward();

  TableReader* const table_;
  const bool keep_;
  ReadCost* const cost_;
  size_t partition_ = 0;  // the one of `block_`
  std::optional<BlockIterator> block_;
  absl::Status status_;
};

}  // namespace fathom
