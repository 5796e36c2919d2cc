#include "lsm/table/table_reader.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "lsm/format/checksum.h"
#include "lsm/format/corruption.h"
#include "lsm/format/key_prefix.h"
#include "lsm/table/index_iterator.h"
#include "lsm/table/table_iterator.h"
#include "lsm/table/table_tail.h"

namespace fathom {
namespace {

constexpr size_t kFreshReadahead = size_t{128} << 10;

// What `entry`, the first one at or after `target`, says of the user key of that, versions of which
// below `covering` are deleted. REQUIRES: the entry's key is valid.
Lookup Judge(absl::string_view entry, absl::string_view entry_value, absl::string_view target,
             SequenceNumber covering, std::string* value) {
  if (!SameKey(UserKey(entry), UserKey(target))) {
    return Lookup::kAbsent;
  }
  if (Type(entry) == ValueType::kDeletion || Sequence(entry) < covering) {
    return Lookup::kDeleted;
  }
  value->assign(entry_value.data(), entry_value.size());
  return Lookup::kFound;
}

// Counts no owners, which threads would have to take turns for.
std::shared_ptr<const Block> NotOwned(const Block* block) {
  return std::shared_ptr<const Block>(std::shared_ptr<const Block>(), block);
}

}  // namespace

TableReader::TableReader(std::unique_ptr<ReadableFile> file, TableIdentity identity,
                         TableCaches caches)
    : file_(std::move(file)),
      identity_(std::move(identity)),
      name_(std::make_shared<const std::string>(identity_.name)),
      caches_(caches) {}

absl::StatusOr<std::shared_ptr<TableReader>> TableReader::Open(std::unique_ptr<ReadableFile> file,
                                                               TableIdentity identity,
                                                               TableCaches caches) {
  std::shared_ptr<TableReader> table(new TableReader(std::move(file), std::move(identity), caches));
  const TableIdentity& expected = table->identity_;
  if (table->file_->size() != expected.file_bytes) {
    return Corruption(expected.name, 0, "table size", expected.file_bytes, table->file_->size());
  }
  if (absl::Status status = table->ReadTail(); !status.ok()) {
    return status;
  }
  if (const uint64_t hash = Hash64(table->tail_); hash != expected.tail_hash) {
    return Corruption(expected.name, expected.file_bytes - expected.tail_bytes,
                      "hash of the table's tail", expected.tail_hash, hash);
  }
  if (absl::Status status = table->ParseTail(); !status.ok()) {
    return status;
  }
  return table;
}

absl::StatusOr<std::shared_ptr<TableReader>> TableReader::OpenUnknown(
    std::unique_ptr<ReadableFile> file, std::string name, uint64_t number, TableCaches caches) {
  std::shared_ptr<TableReader> table(new TableReader(
      std::move(file), TableIdentity{.name = std::move(name), .number = number}, caches));
  const absl::StatusOr<uint64_t> tail_offset = FindTail(*table->file_, table->name_);
  if (!tail_offset.ok()) {
    return tail_offset.status();
  }
  table->identity_.file_bytes = table->file_->size();
  table->identity_.tail_bytes = table->identity_.file_bytes - *tail_offset;
  if (absl::Status status = table->ReadTail(); !status.ok()) {
    return status;
  }
  table->identity_.tail_hash = Hash64(table->tail_);
  if (absl::Status status = table->ParseTail(); !status.ok()) {
    return status;
  }
  return table;
}

absl::StatusOr<Lookup> TableReader::Get(absl::string_view user_key,
                                        std::optional<uint64_t> filter_hash,
                                        SequenceNumber snapshot, std::string* value,
                                        ReadCost* cost) {
  if (range_tombstones_ == nullptr) {
    return GetEntry(user_key, filter_hash, snapshot, /*covering=*/0, value, cost);
  }
  const SequenceNumber covering = range_tombstones_->Covering(user_key, snapshot);
  absl::StatusOr<Lookup> found = GetEntry(user_key, filter_hash, snapshot, covering, value, cost);
  if (covering != 0 && found.ok() && *found == Lookup::kAbsent) {
    return Lookup::kDeleted;
  }
  return found;
}

absl::StatusOr<Lookup> TableReader::GetEntry(absl::string_view user_key,
                                             std::optional<uint64_t> filter_hash,
                                             SequenceNumber snapshot, SequenceNumber covering,
                                             std::string* value, ReadCost* cost) {
  ++cost->tables_checked;
  if (filter_hash.has_value() && filter_.num_bits() != 0) {
    ++cost->filters_checked;
    if (!filter_.MayContain(*filter_hash)) {
      ++cost->filters_rejected;
      return Lookup::kAbsent;
    }
  }
  const SeekKey target(user_key, snapshot);
  IndexIterator index(this, /*keep=*/true, cost);
  for (index.Seek(target.view()); index.Valid(); index.Next()) {
    const absl::StatusOr<IndexEntry> entry = index.entry();
    if (!entry.ok()) {
      return entry.status();
    }
    const absl::StatusOr<std::optional<Lookup>> found =
        LookInBlock(*entry, target.view(), covering, value, cost);
    if (!found.ok()) {
      return found.status();
    }
    if (found->has_value()) {
      return **found;
    }
    // Past the block's last key but not past its separator: a version that the snapshot sees can
    // open the next block only if the separator is a version of this key too.
    if (index.separator().size() < kTrailerBytes || UserKey(index.separator()) != user_key) {
      return Lookup::kAbsent;
    }
  }
  if (!index.status().ok()) {
    return index.status();
  }
  return Lookup::kAbsent;
}

size_t TableReader::memory_bytes() const {
  return tail_.size() + kCacheLineBytes + sizeof(*this) + index_->memory_bytes() +
         (range_tombstones_ == nullptr ? 0 : range_tombstones_->memory_bytes());
}

std::unique_ptr<InternalIterator> TableReader::NewIterator(bool fill_cache, ReadCost* cost) {
  return std::make_unique<TableIterator>(shared_from_this(), ScanUse::Of(fill_cache), cost);
}

std::unique_ptr<InternalIterator> TableReader::NewIteratorOfFresh(bool keep_index) {
  const ScanUse use{.keep_index = keep_index, .fill_cache = false, .most_ahead = kFreshReadahead};
  return std::make_unique<TableIterator>(shared_from_this(), use, nullptr);
}

absl::Status TableReader::ReadTail() {
  const uint64_t size = identity_.tail_bytes;
  if (size < kFooterBytes || size > identity_.file_bytes) {
    return Corruption(identity_.name, 0, "size of the table's tail",
                      absl::StrCat(kFooterBytes, " to ", identity_.file_bytes), size);
  }
  size_t room = size + kCacheLineBytes;
  tail_memory_ = std::make_unique_for_overwrite<char[]>(room);
  void* aligned = tail_memory_.get();
  std::align(kCacheLineBytes, size, aligned, room);
  char* const to = static_cast<char*>(aligned);
  tail_ = absl::string_view(to, size);
  return ReadExactly(*file_, identity_.name, identity_.file_bytes - size, size, to);
}

absl::Status TableReader::ParseTail() {
  absl::StatusOr<TableTail> tail =
      fathom::ParseTail(tail_, identity_.file_bytes - tail_.size(), name_);
  if (!tail.ok()) {
    return tail.status();
  }
  filter_ = BloomFilter(tail->filter);
  range_tombstones_ = std::move(tail->range_tombstones);
  properties_ = tail->properties;
  index_.emplace(std::move(tail->index), properties_.data_blocks, caches_.index);
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<const Block>> TableReader::GetIndexBlock(size_t partition, bool keep,
                                                                        ReadCost* cost) {
  if (const Block* const kept = index_->Kept(partition); kept != nullptr) {
    ++cost->blocks_cached;
    return NotOwned(kept);
  }
  const IndexEntry& entry = index_->partition(partition).block;
  if (!keep || !index_->Reserve(partition)) {
    return GetBlock(
        entry, {.cache = caches_.data, .fill_cache = keep, .seeks = Block::Seeks::kMany}, cost);
  }
  ++cost->blocks_read;
  cost->bytes_read += entry.handle.size + kBlockTrailerBytes;
  absl::StatusOr<std::shared_ptr<const Block>> block =
      ReadBlock(*file_, name_, entry.handle, entry.checksum, Block::Seeks::kMany);
  index_->Keep(partition, block.ok() ? *block : nullptr);
  return block;
}

absl::StatusOr<std::optional<Lookup>> TableReader::LookInBlock(const IndexEntry& entry,
                                                               absl::string_view target,
                                                               SequenceNumber covering,
                                                               std::string* value, ReadCost* cost) {
  thread_local BlockScratch scratch;
  BlockCache::Miss miss{.takes_outline = properties_.compression == Compression::kNone};
  std::shared_ptr<const Block> block;
  if (caches_.data != nullptr) {
    block = caches_.data->Lookup({.table = identity_.number, .offset = entry.handle.offset},
                                 BlockCache::Priority::kHigh, &miss);
  }
  if (block != nullptr) {
    ++cost->blocks_cached;
  } else if (miss.outline != nullptr && miss.keep != BlockCache::Keep::kBlock) {
    BlockOutline::Entry found;
    switch (miss.outline->Seek(target, *file_, entry.handle.offset, &scratch, cost, &found)) {
      case BlockOutline::Answer::kEntry:
        return Judge(found.key.view(), found.value, target, covering, value);
      case BlockOutline::Answer::kAbsent:
        return Lookup::kAbsent;
      case BlockOutline::Answer::kUnclear:
        break;
    }
  }
  if (block == nullptr) {
    const BlockUse use{.cache = caches_.data, .scratch = &scratch, .seeks = Block::Seeks::kMany};
    absl::StatusOr<std::shared_ptr<const Block>> read = ReadMissed(entry, use, miss.keep, cost);
    if (!read.ok()) {
      return read.status();
    }
    block = *std::move(read);
  }
  BlockIterator data(std::move(block));
  data.Seek(target);
  if (!data.Valid()) {
    if (!data.status().ok()) {
      return data.status();
    }
    return std::nullopt;
  }
  if (absl::Status status = CheckEntryKey(data); !status.ok()) {
    return status;
  }
  return Judge(data.key(), data.value(), target, covering, value);
}

absl::StatusOr<std::shared_ptr<const Block>> TableReader::ScanDataBlock(const IndexEntry& entry,
                                                                        bool fill_cache,
                                                                        Readahead* readahead,
                                                                        BlockScratch* scratch,
                                                                        ReadCost* cost) {
  return GetBlock(entry,
                  {.cache = caches_.data,
                   .priority = BlockCache::Priority::kLow,
                   .fill_cache = fill_cache,
                   .readahead = readahead,
                   .scratch = scratch},
                  cost);
}

PrefetchStream TableReader::AheadOf(const BlockHandle& handle) const {
  const uint64_t offset = EndOf(handle);
  if (offset >= index_->offset()) {
    return {};
  }
  const PrefetchStream cached =
      caches_.data == nullptr ? PrefetchStream()
                              : caches_.data->Ahead({.table = identity_.number, .offset = offset});
  return cached.empty() ? file_->Ahead(offset, std::min(handle.size, index_->offset() - offset))
                        : cached;
}

void TableReader::PrefetchSlotAfter(const BlockHandle& handle) const {
  if (caches_.data != nullptr) {
    caches_.data->PrefetchSlot({.table = identity_.number, .offset = EndOf(handle)});
  }
}

absl::StatusOr<std::shared_ptr<const Block>> TableReader::GetBlock(const IndexEntry& entry,
                                                                   const BlockUse& use,
                                                                   ReadCost* cost) {
  const BlockCache::Key key{.table = identity_.number, .offset = entry.handle.offset};
  BlockCache::Miss miss;
  if (use.cache != nullptr) {
    if (std::shared_ptr<const Block> block =
            use.cache->Lookup(key, use.priority, use.fill_cache ? &miss : nullptr);
        block != nullptr) {
      ++cost->blocks_cached;
      return block;
    }
  }
  return ReadMissed(entry, use, miss.keep, cost);
}

absl::StatusOr<std::shared_ptr<const Block>> TableReader::ReadMissed(const IndexEntry& entry,
                                                                     const BlockUse& use,
                                                                     BlockCache::Keep keep,
                                                                     ReadCost* cost) {
  const BlockCache::Key key{.table = identity_.number, .offset = entry.handle.offset};
  ++cost->blocks_read;
  cost->bytes_read += entry.handle.size + kBlockTrailerBytes;
  if (use.readahead != nullptr) {
    const absl::StatusOr<absl::string_view> bytes =
        use.readahead->Take(*file_, entry.handle, /*limit=*/index_->offset());
    if (!bytes.ok()) {
      return bytes.status();
    }
    if (!bytes->empty()) {
      return BorrowBlock(*bytes, name_, entry.handle, entry.checksum);
    }
  }
  const bool keeps_block = keep == BlockCache::Keep::kBlock;
  if (!keeps_block && use.scratch != nullptr) {
    absl::StatusOr<std::shared_ptr<const Block>> block =
        ReadBlockInto(use.scratch, *file_, name_, entry.handle, entry.checksum);
    if (keep == BlockCache::Keep::kOutline && block.ok() && (*block)->borrowed()) {
      use.cache->Insert(key, BlockOutline::Of(**block));
    }
    return block;
  }
  absl::StatusOr<std::shared_ptr<const Block>> block = ReadBlock(
      *file_, name_, entry.handle, entry.checksum, keeps_block ? use.seeks : Block::Seeks::kFew,
      keeps_block ? use.cache->memory() : nullptr);
  if (block.ok() && keeps_block) {
    use.cache->Insert(key, *block, use.priority);
  }
  return block;
}

}  // namespace fathom
