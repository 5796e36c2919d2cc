// TableReader::Check: reads a whole table from disk and verifies what single reads take on trust.
#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "lsm/format/checksum.h"
#include "lsm/format/corruption.h"
#include "lsm/table/block_reader.h"
#include "lsm/table/table_reader.h"

namespace fathom {
namespace {

std::string Quoted(absl::string_view key) {
  return absl::StrCat("\"", absl::CHexEscape(key), "\"");
}

// Goes through the entries of a table in order and counts what it sees.
class EntryChecker {
 public:
  explicit EntryChecker(const BloomFilter& filter) : filter_(filter) {}

  // The entries of the data block of the current entry of `index`, which takes `stored_bytes`.
  absl::Status CheckBlock(const BlockIterator& index, const std::shared_ptr<const Block>& block,
                          uint64_t stored_bytes) {
    if (!IsValidInternalKey(index.key())) {
      return index.CorruptEntry("separator", "an internal key", Quoted(index.key()));
    }
    ++counted_.data_blocks;
    counted_.data_bytes += stored_bytes;
    const uint64_t entries_before = counted_.entries;
    BlockIterator data(block);
    for (data.SeekToFirst(); data.Valid(); data.Next()) {
      if (absl::Status status = CheckEntry(data); !status.ok()) {
        return status;
      }
    }
    if (!data.status().ok()) {
      return data.status();
    }
    if (absl::Status status = block->CheckRestartPoints(); !status.ok()) {
      return status;
    }
    if (counted_.entries == entries_before) {
      return index.CorruptEntry("entries of a data block", "at least 1", 0);
    }
    if (CompareInternalKeys(last_key_, index.key()) > 0) {
      return index.CorruptEntry("separator", absl::StrCat("at or after ", Quoted(last_key_)),
                                Quoted(index.key()));
    }
    // The next block's keys come after the separator, not only after this block's last key.
    last_key_.assign(index.key().data(), index.key().size());
    return absl::OkStatus();
  }

  TableProperties& counted() { return counted_; }

 private:
  absl::Status CheckEntry(const BlockIterator& data) {
    if (absl::Status status = CheckEntryKey(data); !status.ok()) {
      return status;
    }
    if (!last_key_.empty() && CompareInternalKeys(last_key_, data.key()) >= 0) {
      return data.CorruptEntry("order of keys", absl::StrCat("after ", Quoted(last_key_)),
                               Quoted(data.key()));
    }
    if (!last_key_.empty() && UserKey(last_key_) == UserKey(data.key()) &&
        Sequence(last_key_) == Sequence(data.key())) {
      return data.CorruptEntry("sequence numbers of two versions", "different ones",
                               Sequence(data.key()));
    }
    const uint64_t hash = FilterHash(UserKey(data.key()));
    if (!filter_.MayContain(hash)) {
      return data.CorruptEntry("filter", absl::StrCat("to know ", Quoted(UserKey(data.key()))),
                               "that it does not");
    }
    counted_.CountEntry(data.key(), data.value());
    counted_.user_keys += last_hash_ == hash ? 0 : 1;
    last_hash_ = hash;
    last_key_.assign(data.key().data(), data.key().size());
    return absl::OkStatus();
  }

  const BloomFilter& filter_;
  TableProperties counted_;
  std::string last_key_;  // or the separator after it
  // By which the filter, whose keys are counted, tells them apart.
  std::optional<uint64_t> last_hash_;
};

// Those of the tail, which is hashed: opening has seen that they are in order.
void CountRangeTombstones(const RangeTombstones* list, TableProperties* counted) {
  if (list == nullptr) {
    return;
  }
  std::string key;
  for (const RangeTombstone& tombstone : list->Entries()) {
    key.clear();
    AppendInternalKey(tombstone.begin, tombstone.sequence, ValueType::kRangeDeletion, &key);
    counted->CountEntry(key, tombstone.end);
  }
}

// The data blocks of an index partition. They have to begin at `*end`, which is moved on.
absl::Status CheckPartition(const ReadableFile& file,
                            const std::shared_ptr<const std::string>& name,
                            const IndexPartition& partition, EntryChecker* checker, uint64_t* end) {
  const absl::StatusOr<std::shared_ptr<const Block>> index_block =
      ReadBlock(file, name, partition.block.handle, partition.block.checksum);
  if (!index_block.ok()) {
    return index_block.status();
  }
  std::string last_separator;
  BlockIterator index(*index_block);
  for (index.SeekToFirst(); index.Valid(); index.Next()) {
    const absl::StatusOr<IndexEntry> entry = ReadIndexEntry(index);
    if (!entry.ok()) {
      return entry.status();
    }
    if (entry->handle.offset != *end) {
      return index.CorruptEntry("offset of the next block", *end, entry->handle.offset);
    }
    const absl::StatusOr<std::shared_ptr<const Block>> block =
        ReadBlock(file, name, entry->handle, entry->checksum);
    if (!block.ok()) {
      return block.status();
    }
    const uint64_t stored_bytes = entry->handle.size + kBlockTrailerBytes;
    if (absl::Status status = checker->CheckBlock(index, *block, stored_bytes); !status.ok()) {
      return status;
    }
    *end = EndOf(entry->handle);
    last_separator.assign(index.key().data(), index.key().size());
  }
  if (!index.status().ok()) {
    return index.status();
  }
  if (!partition.last_separator.empty() && last_separator != partition.last_separator) {
    return Corruption(*name, partition.block.handle.offset, "last separator of an index partition",
                      Quoted(partition.last_separator), Quoted(last_separator));
  }
  return (*index_block)->CheckRestartPoints();
}

}  // namespace

absl::StatusOr<TableCheck> TableReader::Check() const {
  if (absl::Status status = CheckTailOnDisk(); !status.ok()) {
    return status;
  }
  EntryChecker checker(filter_);
  uint64_t end = 0;  // of the blocks checked so far
  for (size_t i = 0; i < index_->size(); ++i) {
    const IndexPartition& partition = index_->partition(i);
    if (absl::Status status = CheckPartition(*file_, name_, partition, &checker, &end);
        !status.ok()) {
      return status;
    }
  }
  if (end != index_->offset()) {
    return Corruption(identity_.name, end, "offset of the index", end, index_->offset());
  }
  TableProperties& counted = checker.counted();
  CountRangeTombstones(range_tombstones_.get(), &counted);
  counted.index_bytes = properties_.index_bytes;  // these were compared at opening
  counted.index_partitions = properties_.index_partitions;
  counted.index_root_bytes = properties_.index_root_bytes;
  counted.filter_bytes = properties_.filter_bytes;
  const uint64_t tail_offset = identity_.file_bytes - identity_.tail_bytes;
  if (absl::Status status = properties_.CheckCounts(counted, identity_.name, tail_offset);
      !status.ok()) {
    return status;
  }
  constexpr uint64_t kOtherBlocks = 3;  // filter, properties, metaindex
  return TableCheck{.blocks = counted.data_blocks + index_->size() + (index_->size() > 1 ? 1 : 0) +
                              kOtherBlocks + (range_tombstones_ == nullptr ? 0 : 1),
                    .bytes = identity_.file_bytes,
                    .entries = counted.entries};
}

absl::Status TableReader::CheckTailOnDisk() const {
  const uint64_t offset = identity_.file_bytes - identity_.tail_bytes;
  std::string tail(identity_.tail_bytes, '\0');
  if (absl::Status status = ReadExactly(*file_, identity_.name, offset, tail.size(), tail.data());
      !status.ok()) {
    return status;
  }
  if (const uint64_t hash = Hash64(tail); hash != identity_.tail_hash) {
    return Corruption(identity_.name, offset, "hash of the table's tail", identity_.tail_hash,
                      hash);
  }
  return absl::OkStatus();
}

}  // namespace fathom
