#include "lsm/table/table_tail.h"

#include <cstring>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "lsm/format/corruption.h"
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

// The verified bytes of the block at `handle`, which has to fill the tail from `begin` to `end`
// (offsets in the file) with its trailer.
absl::StatusOr<absl::string_view> BytesBetween(absl::string_view tail, uint64_t tail_offset,
                                               const BlockHandle& handle, uint64_t begin,
                                               uint64_t end, absl::string_view what,
                                               const std::string& name) {
  if (handle.offset != begin || begin < tail_offset || !EndsWithin(handle, end) ||
      EndOf(handle) != end) {
    return Corruption(name, handle.offset, absl::StrCat("place of the ", what),
                      absl::StrCat("bytes ", begin, " to ", end),
                      absl::StrCat(handle.size, " bytes at ", handle.offset));
  }
  const absl::string_view bytes = tail.substr(begin - tail_offset, end - begin);
  const absl::StatusOr<BlockTrailer> trailer = VerifyBlock(bytes, name, begin);
  if (!trailer.ok()) {
    return trailer.status();
  }
  if (trailer->compression != Compression::kNone) {
    return Corruption(name, begin, absl::StrCat("compression type of the ", what), 0,
                      static_cast<int>(trailer->compression));
  }
  return bytes.substr(0, handle.size);
}

absl::StatusOr<std::shared_ptr<const Block>> BlockBetween(absl::string_view tail,
                                                          uint64_t tail_offset,
                                                          const BlockHandle& handle, uint64_t begin,
                                                          uint64_t end, absl::string_view what,
                                                          const SharedName& name) {
  const absl::StatusOr<absl::string_view> bytes =
      BytesBetween(tail, tail_offset, handle, begin, end, what, *name);
  if (!bytes.ok()) {
    return bytes.status();
  }
  auto copy = std::make_unique_for_overwrite<char[]>(bytes->size());
  std::memcpy(copy.get(), bytes->data(), bytes->size());
  return Block::Parse(std::move(copy), bytes->size(), name, begin);
}

absl::Status CheckIndexPlace(const BlockHandle& index, uint64_t end, const std::string& name) {
  if (!EndsWithin(index, end) || EndOf(index) != end) {
    return Corruption(name, index.offset, "place of the index", absl::StrCat("up to byte ", end),
                      absl::StrCat(index.size, " bytes at ", index.offset));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<TableTail> ParseTail(absl::string_view tail, uint64_t offset,
                                    const SharedName& name) {
  const uint64_t footer_offset = offset + tail.size() - kFooterBytes;
  const absl::StatusOr<Footer> footer =
      DecodeFooter(tail.substr(tail.size() - kFooterBytes), *name, footer_offset);
  if (!footer.ok()) {
    return footer.status();
  }
  if (absl::Status status = CheckIndexPlace(footer->index, offset, *name); !status.ok()) {
    return status;
  }
  const uint64_t metaindex_offset = footer->metaindex.offset;
  const auto metaindex_block = BlockBetween(tail, offset, footer->metaindex, metaindex_offset,
                                            footer_offset, "metaindex", name);
  if (!metaindex_block.ok()) {
    return metaindex_block.status();
  }
  const absl::StatusOr<Metaindex> metaindex = ReadMetaindex(*metaindex_block);
  if (!metaindex.ok()) {
    return metaindex.status();
  }
  const uint64_t properties_offset = metaindex->properties.offset;
  const uint64_t filter_end = metaindex->range_tombstones.value_or(metaindex->properties).offset;
  const auto filter =
      BytesBetween(tail, offset, metaindex->filter, offset, filter_end, "filter", *name);
  if (!filter.ok()) {
    return filter.status();
  }
  std::shared_ptr<const RangeTombstones> range_tombstones;
  if (metaindex->range_tombstones.has_value()) {
    const auto block = BlockBetween(tail, offset, *metaindex->range_tombstones, filter_end,
                                    properties_offset, "range tombstones", name);
    if (!block.ok()) {
      return block.status();
    }
    auto decoded = DecodeRangeTombstones(*block);
    if (!decoded.ok()) {
      return decoded.status();
    }
    range_tombstones = *std::move(decoded);
  }
  const auto properties_block = BlockBetween(tail, offset, metaindex->properties, properties_offset,
                                             metaindex_offset, "properties", name);
  if (!properties_block.ok()) {
    return properties_block.status();
  }
  const absl::StatusOr<TableProperties> properties = TableProperties::Decode(*properties_block);
  if (!properties.ok()) {
    return properties.status();
  }
  TableProperties counted = *properties;
  counted.filter_bytes = filter->size();
  counted.range_deletions = range_tombstones == nullptr ? 0 : range_tombstones->num_entries();
  counted.index_bytes = footer->index.size + kBlockTrailerBytes;
  if (absl::Status status = properties->CheckCounts(counted, *name, properties_offset);
      !status.ok()) {
    return status;
  }
  return TableTail{.filter = *filter,
                   .range_tombstones = std::move(range_tombstones),
                   .properties = *properties,
                   .index = footer->index};
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
