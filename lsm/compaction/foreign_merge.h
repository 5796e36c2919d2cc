// The entries of several foreign tables as one: in key order, each key once. Where tables have a
// key in common, the one that comes later in the list counts; and what a later one deletes in a
// range is gone, too.
//
// A table is open only while the merge is between its first key and its last, so that memory and
// open files depend on how many tables overlap, not on how many there are.
//
// One thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "lsm/compaction/compaction.h"
#include "lsm/format/range_tombstones.h"
#include "lsm/io/file_system.h"
#include "lsm/table/foreign_table.h"

namespace fathom {

class ForeignMerge {
 public:
  // Looks into each of `files` for its first and last key. Errors as those of ForeignTable, and
  // NotFound. `fs` must outlive the merge.
  static absl::StatusOr<std::unique_ptr<ForeignMerge>> Open(FileSystem* fs,
                                                            const std::vector<std::string>& files);

  // No table has an entry or a range tombstone.
  bool empty() const { return range_.largest.empty(); }
  // From the first key of all tables to the last, of entries and range tombstones. REQUIRES: not
  // empty.
  const KeyRange& range() const { return range_; }
  uint64_t file_bytes() const { return file_bytes_; }

  // What the tables together delete in ranges, of sequence 0, in order and disjoint: whatever was
  // there before them. Views of keys that live as long as the merge.
  std::vector<RangeTombstone> RangeDeletions() const;

  // Moves to the next user key, the first one to begin with; false after the last, when every table
  // was read to its end and found sound. Nothing more may be called after false or an error.
  absl::StatusOr<bool> Next();

  // The entry at hand, as ForeignTable has them. REQUIRES: Next gave true.
  absl::string_view user_key() const { return current_->table->user_key(); }
  ValueType type() const { return current_->table->type(); }
  absl::string_view value() const { return current_->table->value(); }

 private:
  struct Source {
    std::string file;
    size_t place;           // in the list
    std::string first_key;  // where it stands while it is not open
    std::unique_ptr<ForeignTable> table;

    absl::string_view key() const {
      return table == nullptr ? absl::string_view(first_key) : table->user_key();
    }
  };

  explicit ForeignMerge(FileSystem* fs) : fs_(fs) {}

  absl::Status AddSource(const std::string& file, size_t place,
                         std::vector<RangeTombstone>* tombstones);
  void Widen(KeyRange range);
  // To the next user key that a table has.
  absl::StatusOr<bool> NextKey();
  // Takes the source with the least key out of the heap, opened; of equal keys the latest.
  absl::StatusOr<Source*> TakeFirst();
  // Moves a source that was taken on, and back into the heap unless it has ended.
  absl::Status PutBack(Source* source);

  FileSystem* const fs_;
  std::vector<std::unique_ptr<Source>> sources_;
  std::vector<Source*> heap_;  // least key on top
  Source* current_ = nullptr;
  std::vector<std::shared_ptr<const RangeTombstones>> lists_;  // of the tables that have one
  // All of them; their sequence is the place of the table, counted from 1.
  RangeTombstones range_tombstones_;
  KeyRange range_;
  uint64_t file_bytes_ = 0;
};

}  // namespace fathom
