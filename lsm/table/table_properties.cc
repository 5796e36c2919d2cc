#include "lsm/table/table_properties.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/escaping.h"
#include "lsm/format/coding.h"
#include "lsm/format/corruption.h"
#include "lsm/table/block_builder.h"
#include "lsm/table/compression.h"

namespace fathom {
namespace {

// Numbers that differ from table to table, as varint64.
struct Count {
  enum class Absence : uint8_t {
    kDamage,
    kZero,     // it is written where it is not 0
    kUnknown,  // tables of an older version lack it
  };
  absl::string_view name;
  uint64_t TableProperties::*field;
  Absence absence = Absence::kDamage;
};
constexpr Count kCounts[] = {
    {"fathom.largest.sequence", &TableProperties::largest_sequence},
    {"fathom.smallest.sequence", &TableProperties::smallest_sequence},
    {"rocksdb.data.size", &TableProperties::data_bytes},
    {"rocksdb.deleted.keys", &TableProperties::deletions},
    {"rocksdb.filter.size", &TableProperties::filter_bytes},
    {"rocksdb.index.partitions", &TableProperties::index_partitions, Count::Absence::kZero},
    {"rocksdb.index.size", &TableProperties::index_bytes},
    {"rocksdb.num.data.blocks", &TableProperties::data_blocks},
    {"rocksdb.num.entries", &TableProperties::entries},
    {"rocksdb.num.filter_entries", &TableProperties::user_keys, Count::Absence::kUnknown},
    {"rocksdb.num.range-deletions", &TableProperties::range_deletions},
    {"rocksdb.raw.key.size", &TableProperties::raw_key_bytes},
    {"rocksdb.raw.value.size", &TableProperties::raw_value_bytes},
    {"rocksdb.top-level.index.size", &TableProperties::index_root_bytes, Count::Absence::kZero},
};

constexpr absl::string_view kIndexChecksum = "fathom.index.checksum";  // fixed32
constexpr absl::string_view kCompression = "rocksdb.compression";      // CompressionName
constexpr absl::string_view kIndexType = "rocksdb.block.based.table.index.type";

// The same in every table that this version writes. A table in which one that `matters` differs
// cannot be read by the code here.
struct Setting {
  absl::string_view name;
  absl::string_view value;
  bool matters;
};
constexpr absl::string_view kVarintZero("\0", 1);
constexpr absl::string_view kVarintFive("\5", 1);

// Values of kIndexType.
constexpr absl::string_view kBinarySearch("\0\0\0\0", 4);
constexpr absl::string_view kTwoLevels("\2\0\0\0", 4);

constexpr Setting kSettings[] = {
    {"rocksdb.block.based.table.prefix.filtering", "0", false},
    {"rocksdb.block.based.table.whole.key.filtering", "1", false},
    {"rocksdb.column.family.id", kVarintZero, false},
    {"rocksdb.column.family.name", "default", false},
    {"rocksdb.comparator", "leveldb.BytewiseComparator", true},
    {"rocksdb.filter.policy", "fathom.filter.bloom", false},
    {"rocksdb.fixed.key.length", kVarintZero, false},
    {"rocksdb.format.version", kVarintFive, false},
    {"rocksdb.index.key.is.user.key", kVarintZero, true},
    {"rocksdb.index.value.is.delta.encoded", kVarintZero, true},
    {"rocksdb.merge.operands", kVarintZero, true},
};

absl::Status Damaged(const Block& block, absl::string_view name, absl::string_view expected,
                     const PropertyValues& values) {
  const auto found = values.find(std::string(name));
  return Corruption(block.file(), block.offset(), absl::StrCat("table property ", name), expected,
                    found == values.end()
                        ? "nothing"
                        : absl::StrCat("\"", absl::CHexEscape(found->second), "\""));
}

bool CompressionOfName(absl::string_view name, Compression* compression) {
  for (const Compression known : {Compression::kNone, Compression::kLz4, Compression::kZstd}) {
    if (name == CompressionName(known)) {
      *compression = known;
      return true;
    }
  }
  return false;
}

}  // namespace

absl::StatusOr<PropertyValues> ReadPropertyValues(const std::shared_ptr<const Block>& block) {
  PropertyValues values;
  BlockIterator it(block);
  for (it.SeekToFirst(); it.Valid(); it.Next()) {
    if (!values.empty() && it.key() <= values.rbegin()->first) {
      return Corruption(block->file(), block->offset(), "table properties", "ascending names",
                        absl::CHexEscape(it.key()));
    }
    values.emplace_hint(values.end(), std::string(it.key()), std::string(it.value()));
  }
  if (!it.status().ok()) {
    return it.status();
  }
  return values;
}

void TableProperties::CountEntry(absl::string_view internal_key, absl::string_view value) {
  const SequenceNumber sequence = Sequence(internal_key);
  smallest_sequence = entries == 0 ? sequence : std::min(smallest_sequence, sequence);
  largest_sequence = std::max(largest_sequence, sequence);
  ++entries;
  deletions += Type(internal_key) != ValueType::kValue ? 1 : 0;
  range_deletions += Type(internal_key) == ValueType::kRangeDeletion ? 1 : 0;
  raw_key_bytes += internal_key.size();
  raw_value_bytes += value.size();
}

absl::Status TableProperties::CheckCounts(const TableProperties& counted, const std::string& file,
                                          uint64_t offset) const {
  for (const Count& count : kCounts) {
    const bool unknown = count.absence == Count::Absence::kUnknown && this->*count.field == 0;
    if (this->*count.field != counted.*count.field && !unknown) {
      return Corruption(file, offset, absl::StrCat("table property ", count.name),
                        counted.*count.field, this->*count.field);
    }
  }
  return absl::OkStatus();
}

std::string TableProperties::Encode() const {
  PropertyValues values;
  for (const Count& count : kCounts) {
    if (count.absence != Count::Absence::kZero || this->*count.field != 0) {
      PutVarint64(&values[std::string(count.name)], this->*count.field);
    }
  }
  for (const Setting& setting : kSettings) {
    values[std::string(setting.name)] = std::string(setting.value);
  }
  values[std::string(kIndexType)] = std::string(index_partitions == 0 ? kBinarySearch : kTwoLevels);
  PutFixed32(&values[std::string(kIndexChecksum)], index_checksum);
  values[std::string(kCompression)] = std::string(CompressionName(compression));

  // It is only ever read from first to last: one restart point.
  BlockBuilder block(std::numeric_limits<int>::max());
  for (const auto& [name, value] : values) {
    block.Add(name, value);
  }
  return std::string(block.Finish());
}

absl::StatusOr<TableProperties> TableProperties::Decode(const std::shared_ptr<const Block>& block) {
  absl::StatusOr<PropertyValues> values = ReadPropertyValues(block);
  if (!values.ok()) {
    return values.status();
  }
  const auto value_of = [&values](absl::string_view name) -> absl::string_view {
    const auto found = values->find(std::string(name));
    return found == values->end() ? absl::string_view() : found->second;
  };
  for (const Setting& setting : kSettings) {
    if (setting.matters && value_of(setting.name) != setting.value) {
      return Damaged(*block, setting.name,
                     absl::StrCat("\"", absl::CHexEscape(setting.value), "\""), *values);
    }
  }
  TableProperties properties;
  for (const Count& count : kCounts) {
    absl::string_view value = value_of(count.name);
    if (count.absence != Count::Absence::kDamage && !values->contains(std::string(count.name))) {
      continue;
    }
    if (!GetVarint64(&value, &(properties.*count.field)) || !value.empty()) {
      return Damaged(*block, count.name, "a varint64", *values);
    }
  }
  if (const bool parts = properties.index_partitions != 0;
      value_of(kIndexType) != (parts ? kTwoLevels : kBinarySearch)) {
    return Damaged(*block, kIndexType, parts ? "2, two levels" : "0, binary search", *values);
  }
  absl::string_view checksum = value_of(kIndexChecksum);
  if (!GetFixed32(&checksum, &properties.index_checksum) || !checksum.empty()) {
    return Damaged(*block, kIndexChecksum, "a fixed32", *values);
  }
  if (!CompressionOfName(value_of(kCompression), &properties.compression)) {
    return Damaged(*block, kCompression, "NoCompression, LZ4 or ZSTD", *values);
  }
  return properties;
}

}  // namespace fathom
