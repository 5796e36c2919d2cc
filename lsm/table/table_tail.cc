#include "lsm/table/table_tail.h"

#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "lsm/format/corruption.h"
#include "lsm/format/internal_key.h"
#include "lsm/table/block.h"
#include "lsm/table/block_reader.h"
#include "lsm/table/range_tombstone_block.h"
#include "lsm/table/table_format.h"

namespace fathom {
namespace {

using SharedName = std::shared_ptr<const std::string>;

struct Metaindex {
  BlockHandle filter;
  BlockHandle properties;
  std::optional<BlockHandle> range_tombstones;
};

absl::StatusOr<Metaindex> ReadMetaindex(const std::shared_ptr<const Block>& block) {
  Metaindex found;
  bool has_filter = false;
  bool has_properties = false;
  BlockIterator it(block);
  for (it.SeekToFirst(); it.Valid(); it.Next()) {
    absl::string_view value = it.value();
    if (it.key() == kFilterName) {
      has_filter = found.filter.DecodeFrom(&value) && value.empty();
    } else if (it.key() == kPropertiesName) {
      has_properties = found.properties.DecodeFrom(&value) && value.empty();
    } else if (it.key() == kRangeTombstonesName) {
      if (!found.range_tombstones.emplace().DecodeFrom(&value) || !value.empty()) {
        return it.CorruptEntry("metaindex entry of the range tombstones", "a block handle",
                               "bytes that are none");
      }
    }
  }
  if (!it.status().ok()) {
    return it.status();
  }
  if (!has_filter || !has_properties) {
    return Corruption(block->file(), block->offset(), "metaindex",
                      absl::StrCat("handles of ", kFilterName, " and ", kPropertiesName),
                      has_filter ? "no properties" : "no filter");
  }
  return found;
}

// Takes the blocks of a tail off it, one after the other.
class TailBlocks {
 public:
  // `tail` begins at `offset` of the file; the next block to take stands at `from`.
  TailBlocks(absl::string_view tail, uint64_t offset, uint64_t from, const SharedName& name)
      : tail_(tail), offset_(offset), next_(from), name_(name) {}

  // The verified bytes of the next block, which has to be the one at `handle`.
  absl::StatusOr<absl::string_view> Take(const BlockHandle& handle, absl::string_view what) {
    const uint64_t end = offset_ + tail_.size() - kFooterBytes;
    if (handle.offset != next_ || next_ < offset_ || !EndsWithin(handle, end)) {
      return Corruption(*name_, handle.offset, absl::StrCat("place of the ", what),
                        absl::StrCat("at ", next_, ", up to byte ", end),
                        absl::StrCat(handle.size, " bytes at ", handle.offset));
    }
    next_ = EndOf(handle);
    const absl::string_view bytes =
        tail_.substr(handle.offset - offset_, handle.size + kBlockTrailerBytes);
    const absl::StatusOr<BlockTrailer> trailer = VerifyBlock(bytes, *name_, handle.offset);
    if (!trailer.ok()) {
      return trailer.status();
    }
    checksum_ = trailer->checksum;
    if (trailer->compression != Compression::kNone) {
      return Corruption(*name_, handle.offset, absl::StrCat("compression type of the ", what), 0,
                        static_cast<int>(trailer->compression));
    }
    return bytes.substr(0, handle.size);
  }

  // The same, parsed. Lives as long as the tail.
  absl::StatusOr<std::shared_ptr<const Block>> TakeBlock(const BlockHandle& handle,
                                                         absl::string_view what) {
    const absl::StatusOr<absl::string_view> bytes = Take(handle, what);
    return bytes.ok() ? Block::ParseBorrowed(*bytes, name_, handle.offset) : bytes.status();
  }

  // Of the block that was taken last.
  uint32_t checksum() const { return checksum_; }

  // DataLoss unless all blocks up to the one at `handle` were taken.
  absl::Status ExpectNext(const BlockHandle& handle, absl::string_view what) const {
    return handle.offset == next_
               ? absl::OkStatus()
               : Corruption(*name_, handle.offset, absl::StrCat("place of the ", what), next_,
                            handle.offset);
  }

 private:
  const absl::string_view tail_;
  const uint64_t offset_;
  uint64_t next_;
  uint32_t checksum_ = 0;
  const SharedName& name_;
};

// What the root of an index says.
absl::StatusOr<std::vector<IndexPartition>> ReadIndexRoot(
    const std::shared_ptr<const Block>& block) {
  std::vector<IndexPartition> index;
  BlockIterator it(block);
  for (it.SeekToFirst(); it.Valid(); it.Next()) {
    const absl::StatusOr<IndexEntry> entry = ReadIndexEntry(it);
    if (!entry.ok()) {
      return entry.status();
    }
    if (!IsValidInternalKey(it.key()) ||
        (!index.empty() && CompareInternalKeys(index.back().last_separator, it.key()) >= 0)) {
      return it.CorruptEntry("last separator of an index partition",
                             "an internal key after the one before",
                             absl::StrCat("\"", absl::CHexEscape(it.key()), "\""));
    }
    index.push_back({.last_separator = std::string(it.key()), .block = *entry});
  }
  if (!it.status().ok()) {
    return it.status();
  }
  if (index.empty()) {
    return Corruption(block->file(), block->offset(), "partitions of the index", "at least 1", 0);
  }
  return index;
}

// OK if the partitions of `index` follow each other up to `end`.
absl::Status CheckIndexPlace(const std::vector<IndexPartition>& index, uint64_t end,
                             const std::string& name) {
  uint64_t next = index.front().block.handle.offset;
  for (const IndexPartition& partition : index) {
    const BlockHandle& handle = partition.block.handle;
    if (handle.offset != next || !EndsWithin(handle, end)) {
      return Corruption(name, handle.offset, "place of the index",
                        absl::StrCat("from byte ", next, ", up to byte ", end),
                        absl::StrCat(handle.size, " bytes at ", handle.offset));
    }
    next = EndOf(handle);
  }
  return next == end
             ? absl::OkStatus()
             : Corruption(name, index.front().block.handle.offset, "place of the index",
                          absl::StrCat("up to byte ", end), absl::StrCat("up to byte ", next));
}

// Puts a tail together, block after block.
class TailParser {
 public:
  TailParser(absl::string_view tail, uint64_t offset, const Footer& footer, const SharedName& name)
      : offset_(offset), footer_(footer), name_(name), blocks_(tail, offset, offset, name) {}

  absl::StatusOr<TableTail> Parse(const Metaindex& metaindex) {
    absl::Status status = TakeFilter(metaindex.filter);
    if (status.ok() && has_root()) {
      status = TakeIndexRoot();
    }
    if (status.ok() && metaindex.range_tombstones.has_value()) {
      status = TakeRangeTombstones(*metaindex.range_tombstones);
    }
    if (status.ok()) {
      status = TakeProperties(metaindex.properties);
    }
    if (status.ok()) {
      status = blocks_.ExpectNext(footer_.metaindex, "metaindex");
    }
    if (status.ok()) {
      status = CheckIndexPlace(parsed_.index, offset_, *name_);
    }
    if (status.ok()) {
      status = CheckProperties(metaindex.properties.offset);
    }
    return status.ok() ? absl::StatusOr<TableTail>(std::move(parsed_)) : status;
  }

 private:
  // The index itself, if it is one block, stands before the tail.
  bool has_root() const { return footer_.index.offset >= offset_; }

  absl::Status TakeFilter(const BlockHandle& handle) {
    const absl::StatusOr<absl::string_view> filter = blocks_.Take(handle, "filter");
    parsed_.filter = filter.value_or("");
    return filter.status();
  }

  absl::Status TakeIndexRoot() {
    const auto block = blocks_.TakeBlock(footer_.index, "index root");
    if (!block.ok()) {
      return block.status();
    }
    root_checksum_ = blocks_.checksum();
    auto index = ReadIndexRoot(*block);
    if (!index.ok()) {
      return index.status();
    }
    parsed_.index = *std::move(index);
    return absl::OkStatus();
  }

  absl::Status TakeRangeTombstones(const BlockHandle& handle) {
    const auto block = blocks_.TakeBlock(handle, "range tombstones");
    if (!block.ok()) {
      return block.status();
    }
    auto list = DecodeRangeTombstones(*block);
    if (!list.ok()) {
      return list.status();
    }
    parsed_.range_tombstones = *std::move(list);
    return absl::OkStatus();
  }

  absl::Status TakeProperties(const BlockHandle& handle) {
    const auto block = blocks_.TakeBlock(handle, "properties");
    if (!block.ok()) {
      return block.status();
    }
    const absl::StatusOr<TableProperties> properties = TableProperties::Decode(*block);
    if (!properties.ok()) {
      return properties.status();
    }
    parsed_.properties = *properties;
    if (!has_root()) {
      parsed_.index.push_back(
          {.last_separator = "", .block = {footer_.index, properties->index_checksum}});
    }
    return absl::OkStatus();
  }

  // By what the other blocks say.
  absl::Status CheckProperties(uint64_t offset) const {
    const TableProperties& properties = parsed_.properties;
    if (has_root() && properties.index_checksum != root_checksum_) {
      return Corruption(*name_, footer_.index.offset,
                        "checksum of the index root, as the properties have it",
                        properties.index_checksum, root_checksum_);
    }
    TableProperties counted = properties;
    counted.filter_bytes = parsed_.filter.size();
    counted.range_deletions =
        parsed_.range_tombstones == nullptr ? 0 : parsed_.range_tombstones->num_entries();
    counted.index_bytes = 0;
    for (const IndexPartition& partition : parsed_.index) {
      counted.index_bytes += partition.block.handle.size + kBlockTrailerBytes;
    }
    counted.index_partitions = has_root() ? parsed_.index.size() : 0;
    counted.index_root_bytes = has_root() ? footer_.index.size + kBlockTrailerBytes : 0;
    return properties.CheckCounts(counted, *name_, offset);
  }

  const uint64_t offset_;
  const Footer& footer_;
  const SharedName& name_;
  TailBlocks blocks_;
  uint32_t root_checksum_ = 0;
  TableTail parsed_;
};

}  // namespace

absl::StatusOr<TableTail> ParseTail(absl::string_view tail, uint64_t offset,
                                    const SharedName& name) {
  const uint64_t footer_offset = offset + tail.size() - kFooterBytes;
  const absl::StatusOr<Footer> footer =
      DecodeFooter(tail.substr(tail.size() - kFooterBytes), *name, footer_offset);
  if (!footer.ok()) {
    return footer.status();
  }
  TailBlocks last(tail, offset, footer->metaindex.offset, name);
  const auto metaindex_block = last.TakeBlock(footer->metaindex, "metaindex");
  if (!metaindex_block.ok()) {
    return metaindex_block.status();
  }
  if (absl::Status status = last.ExpectNext({.offset = footer_offset}, "footer"); !status.ok()) {
    return status;
  }
  const absl::StatusOr<Metaindex> metaindex = ReadMetaindex(*metaindex_block);
  return metaindex.ok() ? TailParser(tail, offset, *footer, name).Parse(*metaindex)
                        : metaindex.status();
}

absl::StatusOr<uint64_t> FindTail(const ReadableFile& file, const SharedName& name) {
  if (file.size() < kFooterBytes) {
    return Corruption(*name, 0, "table size", absl::StrCat("at least ", kFooterBytes), file.size());
  }
  const uint64_t footer_offset = file.size() - kFooterBytes;
  char bytes[kFooterBytes];
  if (absl::Status status = ReadExactly(file, *name, footer_offset, kFooterBytes, bytes);
      !status.ok()) {
    return status;
  }
  const absl::StatusOr<Footer> footer =
      DecodeFooter(absl::string_view(bytes, kFooterBytes), *name, footer_offset);
  if (!footer.ok()) {
    return footer.status();
  }
  const auto block = ReadBlock(file, name, footer->metaindex, std::nullopt);
  if (!block.ok()) {
    return block.status();
  }
  const absl::StatusOr<Metaindex> metaindex = ReadMetaindex(*block);
  if (!metaindex.ok()) {
    return metaindex.status();
  }
  if (metaindex->filter.offset > footer_offset) {
    return Corruption(*name, footer->metaindex.offset, "offset of the filter",
                      absl::StrCat("at most ", footer_offset), metaindex->filter.offset);
  }
  return metaindex->filter.offset;
}

}  // namespace fathom
