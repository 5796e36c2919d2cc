// Reads a table file that another writer made (RocksDB's SstFileWriter, or another Fathom), from
// its first key to its last, to be ingested. What such a table may look like: lsm/table/README.md.
//
// Everything is checked before it is believed: each block's checksum, the order of keys, and at the
// end the blocks that are not needed for reading and the counts of the properties. What is damaged
// is DataLoss with file and offset; a feature that is not read here is InvalidArgument with file,
// what was found and what is supported.
//
// One thread at a time. Holds the index, or of one in two levels a part of it, and one data block.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "lsm/format/internal_key.h"
#include "lsm/format/range_tombstones.h"
#include "lsm/io/file_system.h"
#include "lsm/table/block.h"
#include "lsm/table/foreign_file.h"
#include "lsm/table/foreign_index.h"
#include "lsm/table/readahead.h"
#include "lsm/table/table_properties.h"

namespace fathom {

class ForeignTable {
 public:
  // `name` is for errors.
  static absl::StatusOr<std::unique_ptr<ForeignTable>> Open(std::unique_ptr<ReadableFile> file,
                                                            std::string name);

  // Moves to the next user key, the first one to begin with. False after the last: then every block
  // was sound and all counts are right. Nothing more may be called after false or an error.
  absl::StatusOr<bool> Next();

  // The newest version of the key at hand, which no range tombstone of the table deletes. REQUIRES:
  // Next gave true. Lives until the next call.
  absl::string_view user_key() const { return UserKey(data_->key()); }
  ValueType type() const { return Type(data_->key()); }
  absl::string_view value() const { return data_->value(); }

  // The last user key of all versions, wherever Next stands. REQUIRES: Next gave true once.
  absl::StatusOr<std::string> ReadLastKey();

  // The newest range tombstone over each key; null if there is none.
  const std::shared_ptr<const RangeTombstones>& range_tombstones() const {
    return range_tombstones_;
  }

  uint64_t file_bytes() const { return file_->size(); }

 private:
  explicit ForeignTable(std::unique_ptr<ForeignFile> file);

  absl::Status ReadMetaindex();
  absl::Status ReadProperties(const BlockHandle& handle);
  absl::Status ReadRangeTombstones(const BlockHandle& handle);
  // To the next entry, of whatever version. False at the end.
  absl::StatusOr<bool> NextEntry();
  absl::Status CheckEntry();
  // What is left to look at when all entries were read.
  absl::Status CheckRest() const;

  const std::unique_ptr<ForeignFile> file_;
  std::vector<BlockHandle> other_blocks_;  // that reading does not need
  uint64_t properties_offset_ = 0;
  TableProperties expected_;  // the counts by the properties
  TableProperties counted_;   // the same by what was read
  ForeignIndexForm form_;
  std::shared_ptr<const RangeTombstones> range_tombstones_;
  std::optional<ForeignIndex> index_;
  Readahead readahead_;
  std::optional<BlockIterator> data_;
  std::string last_key_;  // an internal key; empty before the first
};

}  // namespace fathom
