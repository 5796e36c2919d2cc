// Writes a table file (table_format.h) from entries in internal-key order.
//
// One thread at a time. Data is handed to the file in large pieces; the file is neither synced nor
// closed here. A builder destroyed before Finish leaves an incomplete file for the caller to
// remove.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "lsm/format/range_tombstones.h"
#include "lsm/io/file_system.h"
#include "lsm/table/block_builder.h"
#include "lsm/table/bloom_filter.h"
#include "lsm/table/compression.h"
#include "lsm/table/index_builder.h"
#include "lsm/table/table_format.h"
#include "lsm/table/table_properties.h"

namespace fathom {

struct TableBuilderOptions {
  size_t block_bytes = 4096;  // a data block is cut when its next entry would pass this size
  // Of data blocks; one that would not become smaller by an eighth is stored as it is.
  Compression compression = Compression::kNone;
  // A larger index is cut into blocks of this size.
  size_t index_partition_bytes = size_t{32} << 10;
};

// What was written.
struct BuiltTable {
  uint64_t file_bytes = 0;
  uint64_t tail_bytes = 0;
  uint64_t tail_hash = 0;
  uint64_t filter_bits = 0;
  std::string smallest;  // internal keys; the end of a range tombstone is exclusive
  std::string largest;
  TableProperties properties;
};

class TableBuilder {
 public:
  // Bytes a write: with more, the buffer's fresh memory costs more than the calls that are saved,
  // and with fewer, the file's pages lie in smaller pieces.
  static constexpr size_t kWriteBytes = size_t{256} << 10;
  // What waits for a write: that many, and the index and the tail, which follow unflushed, of a
  // table of 8 MiB. What is not used is not touched.
  static constexpr size_t kBufferBytes = kWriteBytes + (size_t{256} << 10);
  // Bytes written each time that the disk is told to begin: with fewer, being told costs more than
  // the writes.
  static constexpr size_t kSyncBytes = size_t{1} << 20;

  // `file` is not owned and must outlive the builder.
  TableBuilder(const TableBuilderOptions& options, WritableFile* file);
  ~TableBuilder();

  TableBuilder(const TableBuilder&) = delete;
  TableBuilder& operator=(const TableBuilder&) = delete;

  // Answers FilterHash of the user key, which it needs. REQUIRES: `internal_key` sorts after every
  // key added before. Errors stick: Finish returns them.
  uint64_t Add(absl::string_view internal_key, absl::string_view value);

  // Adds range tombstones. REQUIRES: called at most once, after the last Add.
  void AddRangeTombstones(const RangeTombstones& list);

  // Writes the rest. REQUIRES: something was added; called once.
  absl::StatusOr<BuiltTable> Finish();

  uint64_t entries() const { return properties_.entries; }
  // Length of the file if it were finished now, without index, filter and tail.
  uint64_t data_bytes() const { return offset_ + data_block_.SizeEstimate(); }

 private:
  // Would the data block, if it is not empty, pass its size with this entry?
  bool DoesNotFit(absl::string_view key, absl::string_view value) const;
  void CutDataBlock();
  void AddIndexEntry(const std::string& separator);
  // Appends the index; leaves its handle in the footer, or its root to be written.
  void WriteIndex(Footer* footer);
  // Appends all that follows the index, with the footer, to the buffer.
  void WriteTail(Footer* footer, uint64_t* filter_bits);
  // Appends a block as it is to be stored, and its trailer, to the buffer.
  BlockHandle WriteBlock(absl::string_view stored, Compression compression, uint32_t* checksum);
  BlockHandle WriteBlock(absl::string_view block, uint32_t* checksum) {
    return WriteBlock(block, Compression::kNone, checksum);
  }
  // Hands the buffer to the file.
  void Flush();

  const TableBuilderOptions options_;
  WritableFile* const file_;
  absl::Status status_;
  std::string buffer_;         // written blocks not yet given to the file
  uint64_t offset_ = 0;        // of the file's end, buffer included
  uint64_t sync_started_ = 0;  // how far the disk was told to begin
  BlockBuilder data_block_;
  Compressor compressor_;
  IndexBuilder index_;
  std::string index_root_;  // empty if there is none
  BloomFilterBuilder filter_;
  TableProperties properties_;
  std::string range_tombstones_;  // their block; empty if there are none
  std::string smallest_;
  std::string largest_range_end_;  // as a table's greatest key; empty if there is none
  std::string last_key_;           // of the last cut block
  // The index entry of the last cut block waits for the next key, to find a short separator.
  bool index_entry_pending_ = false;
  IndexEntry pending_;
};

}  // namespace fathom
