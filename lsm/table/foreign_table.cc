#include "lsm/table/foreign_table.h"

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "lsm/format/coding.h"
#include "lsm/format/corruption.h"
#include "lsm/table/block_reader.h"
#include "lsm/table/range_tombstone_block.h"
#include "lsm/table/table_format.h"

namespace fathom {
namespace {

constexpr size_t kReadaheadBytes = size_t{256} << 10;

constexpr absl::string_view kComparator = "leveldb.BytewiseComparator";

// A block that changes what the others mean.
constexpr absl::string_view kDictionary = "rocksdb.compression_dict";

// What the properties count and reading counts again.
struct Count {
  absl::string_view name;
  uint64_t TableProperties::*field;
  bool always = true;  // else it is 0 where it is not there
};
constexpr Count kCounts[] = {
    {"rocksdb.deleted.keys", &TableProperties::deletions},
    {"rocksdb.num.data.blocks", &TableProperties::data_blocks},
    {"rocksdb.num.entries", &TableProperties::entries},
    {"rocksdb.num.range-deletions", &TableProperties::range_deletions, false},
    {"rocksdb.raw.key.size", &TableProperties::raw_key_bytes},
    {"rocksdb.raw.value.size", &TableProperties::raw_value_bytes},
};

// What each number that RocksDB writes as an entry's type stands for.
absl::string_view NameOfType(uint8_t type) {
  switch (type) {
    case 0x02:
      return "a merge operand";
    case 0x07:
      return "a single deletion";
    case 0x11:
      return "the index of a blob";
    case 0x14:
      return "a deletion with a timestamp";
    case 0x16:
      return "a wide-column entity";
    default:
      return "";
  }
}

// The varint64 called `name`; `absent` if it is not there.
absl::StatusOr<uint64_t> NumberOf(const PropertyValues& values, absl::string_view name,
                                  uint64_t absent, const std::string& file) {
  const auto found = values.find(std::string(name));
  if (found == values.end()) {
    return absent;
  }
  absl::string_view bytes = found->second;
  uint64_t number;
  if (!GetVarint64(&bytes, &number) || !bytes.empty()) {
    return Unsupported(file, absl::StrCat("table property ", name), "a varint64",
                       absl::StrCat("\"", absl::CHexEscape(found->second), "\""));
  }
  return number;
}

absl::StatusOr<ForeignIndexForm> IndexFormOf(const PropertyValues& values,
                                             const std::string& file) {
  constexpr absl::string_view kIndexType = "rocksdb.block.based.table.index.type";
  uint32_t type = 0;
  if (const auto found = values.find(std::string(kIndexType)); found != values.end()) {
    absl::string_view bytes = found->second;
    constexpr uint32_t kLastType = 3;
    if (!GetFixed32(&bytes, &type) || !bytes.empty() || type > kLastType) {
      return Unsupported(file, absl::StrCat("table property ", kIndexType),
                         "0 (binary search), 1 (hash), 2 (two levels), 3 (with first keys)",
                         absl::StrCat("\"", absl::CHexEscape(found->second), "\""));
    }
  }
  const absl::StatusOr<uint64_t> delta =
      NumberOf(values, "rocksdb.index.value.is.delta.encoded", 0, file);
  if (!delta.ok()) {
    return delta.status();
  }
  return ForeignIndexForm{.two_levels = type == 2,
                          .delta_values = *delta != 0,
                          .first_keys = type == 3,
                          .block_checksums = values.contains("fathom.index.checksum")};
}

}  // namespace

ForeignTable::ForeignTable(std::unique_ptr<ForeignFile> file)
    : file_(std::move(file)), readahead_(kReadaheadBytes) {}

absl::StatusOr<std::unique_ptr<ForeignTable>> ForeignTable::Open(std::unique_ptr<ReadableFile> file,
                                                                 std::string name) {
  absl::StatusOr<std::unique_ptr<ForeignFile>> foreign =
      ForeignFile::Open(std::move(file), std::move(name));
  if (!foreign.ok()) {
    return foreign.status();
  }
  std::unique_ptr<ForeignTable> table(new ForeignTable(*std::move(foreign)));
  if (absl::Status status = table->ReadMetaindex(); !status.ok()) {
    return status;
  }
  absl::StatusOr<ForeignIndex> index = ForeignIndex::Open(table->file_.get(), table->form_);
  if (!index.ok()) {
    return index.status();
  }
  table->index_.emplace(*std::move(index));
  return table;
}

absl::Status ForeignTable::ReadMetaindex() {
  const absl::StatusOr<std::shared_ptr<const Block>> block =
      file_->ReadBlock(file_->footer().metaindex);
  if (!block.ok()) {
    return block.status();
  }
  std::optional<BlockHandle> properties;
  std::optional<BlockHandle> range_tombstones;
  BlockIterator it(*block);
  for (it.SeekToFirst(); it.Valid(); it.Next()) {
    if (it.key() == kDictionary) {
      return Unsupported(file_->name(), "block named in the metaindex", "no compression dictionary",
                         it.key());
    }
    BlockHandle handle;
    absl::string_view value = it.value();
    if (!handle.DecodeFrom(&value) || !value.empty()) {
      return it.CorruptEntry("metaindex entry", "a block handle",
                             absl::StrCat("\"", absl::CHexEscape(it.value()), "\""));
    }
    if (it.key() == kPropertiesName) {
      properties = handle;
    } else if (it.key() == kRangeTombstonesName) {
      range_tombstones = handle;
    } else {
      other_blocks_.push_back(handle);
    }
  }
  if (!it.status().ok()) {
    return it.status();
  }
  if (!properties.has_value()) {
    return Unsupported(file_->name(), "metaindex", kPropertiesName, "none");
  }
  absl::Status status = ReadProperties(*properties);
  return status.ok() && range_tombstones.has_value() ? ReadRangeTombstones(*range_tombstones)
                                                     : status;
}

absl::Status ForeignTable::ReadProperties(const BlockHandle& handle) {
  const absl::StatusOr<std::shared_ptr<const Block>> block = file_->ReadBlock(handle);
  if (!block.ok()) {
    return block.status();
  }
  const absl::StatusOr<PropertyValues> values = ReadPropertyValues(*block);
  if (!values.ok()) {
    return values.status();
  }
  properties_offset_ = handle.offset;
  const std::string& name = file_->name();
  const auto comparator = values->find("rocksdb.comparator");
  if (comparator == values->end() || comparator->second != kComparator) {
    return Unsupported(name, "comparator", kComparator,
                       comparator == values->end() ? "none" : absl::CHexEscape(comparator->second));
  }
  constexpr absl::string_view kMerges = "rocksdb.merge.operands";
  const absl::StatusOr<uint64_t> merges = NumberOf(*values, kMerges, 0, name);
  if (!merges.ok()) {
    return merges.status();
  }
  if (*merges != 0) {
    return Unsupported(name, absl::StrCat("table property ", kMerges), 0, *merges);
  }
  for (const Count& count : kCounts) {
    if (count.always && !values->contains(std::string(count.name))) {
      return Unsupported(name, absl::StrCat("table property ", count.name), "a count", "none");
    }
    const absl::StatusOr<uint64_t> number = NumberOf(*values, count.name, 0, name);
    if (!number.ok()) {
      return number.status();
    }
    expected_.*count.field = *number;
  }
  const absl::StatusOr<ForeignIndexForm> form = IndexFormOf(*values, name);
  if (!form.ok()) {
    return form.status();
  }
  form_ = *form;
  return absl::OkStatus();
}

absl::Status ForeignTable::ReadRangeTombstones(const BlockHandle& handle) {
  const absl::StatusOr<std::shared_ptr<const Block>> block = file_->ReadBlock(handle);
  if (!block.ok()) {
    return block.status();
  }
  auto list = DecodeForeignRangeTombstones(*block, &counted_);
  if (!list.ok()) {
    return list.status();
  }
  range_tombstones_ = *std::move(list);
  if (range_tombstones_ != nullptr) {
    for (const RangeTombstones::Fragment& fragment : range_tombstones_->fragments()) {
      if (const size_t size = std::max(fragment.begin.size(), fragment.end.size());
          size > kMaxKeyBytes) {
        return Unsupported(file_->name(), "size of a key", absl::StrCat("up to ", kMaxKeyBytes),
                           size);
      }
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> ForeignTable::Next() {
  for (;;) {
    absl::StatusOr<bool> more = NextEntry();
    if (!more.ok()) {
      return more;
    }
    if (!*more) {
      if (absl::Status status = CheckRest(); !status.ok()) {
        return status;
      }
      return false;
    }
    if (absl::Status status = CheckEntry(); !status.ok()) {
      return status;
    }
    const bool older = !last_key_.empty() && UserKey(last_key_) == user_key();
    const bool deleted =
        range_tombstones_ != nullptr &&
        Sequence(data_->key()) < range_tombstones_->Covering(user_key(), kMaxSequenceNumber);
    counted_.CountEntry(data_->key(), data_->value());
    last_key_.assign(data_->key().data(), data_->key().size());
    if (!older && !deleted) {
      return true;
    }
  }
}

absl::StatusOr<bool> ForeignTable::NextEntry() {
  if (data_.has_value()) {
    data_->Next();
  }
  while (!data_.has_value() || !data_->Valid()) {
    if (data_.has_value() && !data_->status().ok()) {
      return data_->status();
    }
    ForeignIndexEntry entry;
    absl::StatusOr<bool> more = index_->Next(&entry);
    if (!more.ok() || !*more) {
      return more;
    }
    absl::StatusOr<std::shared_ptr<const Block>> block =
        file_->ReadDataBlock(entry.handle, entry.checksum, &readahead_);
    if (!block.ok()) {
      return block.status();
    }
    ++counted_.data_blocks;
    data_.emplace(*std::move(block));
    data_->SeekToFirst();
  }
  return true;
}

absl::Status ForeignTable::CheckEntry() {
  const absl::string_view key = data_->key();
  if (!IsValidInternalKey(key)) {
    const uint8_t type = key.size() < kTrailerBytes ? 0 : static_cast<uint8_t>(Trailer(key));
    if (const absl::string_view what = NameOfType(type); !what.empty()) {
      return Unsupported(file_->name(), "type of an entry", "a value or a deletion", what);
    }
    return CheckEntryKey(*data_);
  }
  if (!last_key_.empty() && CompareInternalKeys(last_key_, key) >= 0) {
    return data_->CorruptEntry("order of keys",
                               absl::StrCat("after \"", absl::CHexEscape(last_key_), "\""),
                               absl::StrCat("\"", absl::CHexEscape(key), "\""));
  }
  if (user_key().size() > kMaxKeyBytes) {
    return Unsupported(file_->name(), "size of a key", absl::StrCat("up to ", kMaxKeyBytes),
                       user_key().size());
  }
  if (value().size() > kMaxValueBytes) {
    return Unsupported(file_->name(), "size of a value", absl::StrCat("up to ", kMaxValueBytes),
                       value().size());
  }
  return absl::OkStatus();
}

absl::Status ForeignTable::CheckRest() const {
  for (const BlockHandle& block : other_blocks_) {
    if (absl::Status status = file_->Verify(block); !status.ok()) {
      return status;
    }
  }
  for (const Count& count : kCounts) {
    if (expected_.*count.field != counted_.*count.field) {
      return Corruption(file_->name(), properties_offset_,
                        absl::StrCat("table property ", count.name), counted_.*count.field,
                        expected_.*count.field);
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ForeignTable::ReadLastKey() {
  absl::StatusOr<ForeignIndex> index = ForeignIndex::Open(file_.get(), form_);
  if (!index.ok()) {
    return index.status();
  }
  ForeignIndexEntry entry;
  for (absl::StatusOr<bool> more = true; *more;) {
    more = index->Next(&entry);
    if (!more.ok()) {
      return more.status();
    }
  }
  const absl::StatusOr<std::shared_ptr<const Block>> block =
      file_->ReadDataBlock(entry.handle, entry.checksum, /*readahead=*/nullptr);
  if (!block.ok()) {
    return block.status();
  }
  BlockIterator data(*block);
  data.SeekToLast();
  if (!data.Valid()) {
    return data.status().ok() ? Corruption(file_->name(), entry.handle.offset,
                                           "entries of a data block", "at least 1", 0)
                              : data.status();
  }
  if (data.key().size() < kTrailerBytes) {
    return CheckEntryKey(data);
  }
  return std::string(UserKey(data.key()));
}

}  // namespace fathom
