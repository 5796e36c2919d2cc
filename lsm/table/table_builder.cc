#include "lsm/table/table_builder.h"

#include <cassert>
#include <limits>
#include <utility>
#include <vector>

#include "lsm/format/checksum.h"
#include "lsm/format/coding.h"
#include "lsm/format/internal_key.h"
#include "lsm/table/block_entry.h"
#include "lsm/table/range_tombstone_block.h"

namespace fathom {

TableBuilder::TableBuilder(const TableBuilderOptions& options, WritableFile* file)
    : options_(options),
      file_(file),
      data_block_(kRestartInterval),
      compressor_(options.compression),
      index_(options.index_partition_bytes) {
  properties_.compression = options.compression;
  buffer_.reserve(kBufferBytes + options.block_bytes);
}

TableBuilder::~TableBuilder() = default;

uint64_t TableBuilder::Add(absl::string_view internal_key, absl::string_view value) {
  assert(IsValidInternalKey(internal_key));
  const uint64_t filter_hash = FilterHash(UserKey(internal_key));
  if (!status_.ok()) {
    return filter_hash;
  }
  if (DoesNotFit(internal_key, value)) {
    CutDataBlock();
  }
  if (smallest_.empty()) {
    smallest_ = std::string(internal_key);
  } else {
    assert(CompareInternalKeys(data_block_.empty() ? last_key_ : data_block_.last_key(),
                               internal_key) < 0);
  }
  if (index_entry_pending_) {
    AddIndexEntry(ShortestSeparator(last_key_, internal_key));
  }
  data_block_.Add(internal_key, value);
  filter_.Add(filter_hash);
  properties_.CountEntry(internal_key, value);
  return filter_hash;
}

void TableBuilder::AddRangeTombstones(const RangeTombstones& list) {
  if (list.empty()) {
    return;
  }
  std::string key;
  for (const RangeTombstone& tombstone : list.Entries()) {
    key.clear();
    AppendInternalKey(tombstone.begin, tombstone.sequence, ValueType::kRangeDeletion, &key);
    properties_.CountEntry(key, tombstone.end);
  }
  if (smallest_.empty() || CompareInternalKeys(list.Smallest(), smallest_) < 0) {
    smallest_ = list.Smallest();
  }
  largest_range_end_ = list.Largest();
  range_tombstones_ = EncodeRangeTombstones(list);
}

absl::StatusOr<BuiltTable> TableBuilder::Finish() {
  assert(properties_.entries > 0 || !status_.ok());
  if (status_.ok() && !data_block_.empty()) {
    CutDataBlock();
  }
  if (!status_.ok()) {
    return status_;
  }
  if (index_entry_pending_) {
    AddIndexEntry(last_key_);
  }
  properties_.data_bytes = offset_;
  properties_.user_keys = filter_.num_keys();
  BuiltTable built;
  Footer footer;
  WriteIndex(&footer);
  // The tail is hashed whole, so nothing is flushed until it is complete.
  const size_t tail_begins = buffer_.size();
  WriteTail(&footer, &built.filter_bits);

  built.file_bytes = offset_;
  built.tail_bytes = buffer_.size() - tail_begins;
  built.tail_hash = Hash64(absl::string_view(buffer_).substr(tail_begins));
  built.smallest = std::move(smallest_);
  const bool ends_in_range =
      last_key_.empty() ||
      (!largest_range_end_.empty() && CompareInternalKeys(last_key_, largest_range_end_) < 0);
  built.largest = std::move(ends_in_range ? largest_range_end_ : last_key_);
  built.properties = properties_;
  Flush();
  if (!status_.ok()) {
    return status_;
  }
  return built;
}

bool TableBuilder::DoesNotFit(absl::string_view key, absl::string_view value) const {
  // At most: as if lengths were long, nothing shared and a restart point due.
  const size_t entry_bytes = 3 * kMaxVarint32Bytes + key.size() + value.size() + sizeof(uint32_t);
  return !data_block_.empty() && data_block_.SizeEstimate() + entry_bytes > options_.block_bytes;
}

void TableBuilder::CutDataBlock() {
  last_key_.assign(data_block_.last_key().data(), data_block_.last_key().size());
  const absl::string_view block = data_block_.Finish();
  const absl::string_view compressed = compressor_.Compress(block);
  pending_.handle = compressed.empty()
                        ? WriteBlock(block, &pending_.checksum)
                        : WriteBlock(compressed, options_.compression, &pending_.checksum);
  index_entry_pending_ = true;
  data_block_.Reset();
  ++properties_.data_blocks;
  if (buffer_.size() >= kWriteBytes) {
    Flush();
  }
}

void TableBuilder::AddIndexEntry(const std::string& separator) {
  index_.Add(separator, pending_);
  index_entry_pending_ = false;
}

void TableBuilder::WriteIndex(Footer* footer) {
  const std::vector<IndexBuilder::Partition> partitions = index_.Finish();
  if (partitions.size() == 1) {
    footer->index = WriteBlock(partitions.front().block, &properties_.index_checksum);
  } else {
    IndexBuilder root(std::numeric_limits<size_t>::max());
    for (const IndexBuilder::Partition& partition : partitions) {
      IndexEntry entry;
      entry.handle = WriteBlock(partition.block, &entry.checksum);
      root.Add(partition.last_separator, entry);
    }
    index_root_ = std::move(root.Finish().front().block);
    properties_.index_partitions = partitions.size();
  }
  properties_.index_bytes = offset_ - properties_.data_bytes;
}

void TableBuilder::WriteTail(Footer* footer, uint64_t* filter_bits) {
  uint32_t unused_checksum;
  const std::string filter = filter_.Finish();
  *filter_bits = BloomFilter(filter).num_bits();
  properties_.filter_bytes = filter.size();
  const BlockHandle filter_handle = WriteBlock(filter, &unused_checksum);
  if (!index_root_.empty()) {
    footer->index = WriteBlock(index_root_, &properties_.index_checksum);
    properties_.index_root_bytes = footer->index.size + kBlockTrailerBytes;
  }
  BlockHandle range_tombstones_handle;
  if (!range_tombstones_.empty()) {
    range_tombstones_handle = WriteBlock(range_tombstones_, &unused_checksum);
  }
  const BlockHandle properties_handle = WriteBlock(properties_.Encode(), &unused_checksum);

  BlockBuilder metaindex(1);
  const auto add = [&metaindex](absl::string_view name, const BlockHandle& handle) {
    std::string value;
    handle.AppendTo(&value);
    metaindex.Add(name, value);
  };
  add(kFilterName, filter_handle);
  add(kPropertiesName, properties_handle);
  if (!range_tombstones_.empty()) {
    add(kRangeTombstonesName, range_tombstones_handle);
  }
  footer->metaindex = WriteBlock(metaindex.Finish(), &unused_checksum);

  const std::string encoded = footer->Encode();
  buffer_.append(encoded);
  offset_ += encoded.size();
}

BlockHandle TableBuilder::WriteBlock(absl::string_view stored, Compression compression,
                                     uint32_t* checksum) {
  const BlockHandle handle{.offset = offset_, .size = stored.size()};
  *checksum = BlockChecksum(stored, static_cast<uint8_t>(compression));
  buffer_.append(stored.data(), stored.size());
  buffer_.push_back(static_cast<char>(compression));
  PutFixed32(&buffer_, *checksum);
  offset_ += stored.size() + kBlockTrailerBytes;
  return handle;
}

void TableBuilder::Flush() {
  status_ = file_->Append(buffer_);
  buffer_.clear();
  if (offset_ - sync_started_ >= kSyncBytes) {
    file_->StartSync();  // the disk writes while the next blocks are built
    sync_started_ = offset_;
  }
}

}  // namespace fathom
