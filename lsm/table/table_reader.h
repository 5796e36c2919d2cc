// Reads a table file (table_format.h): point lookups and cursors.
//
// Opening reads the tail (footer, metaindex, properties, filter) in one go; the filter stays in
// memory for the reader's life, and so do index blocks, each from when it is needed on, while the
// budget lasts for them. Data blocks, and index blocks beyond the budget, come through the block
// cache. Every block is checked before it is believed: its own checksum, and the one that its
// parent holds. Thread safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "lsm/format/internal_iterator.h"
#include "lsm/format/internal_key.h"
#include "lsm/format/lookup.h"
#include "lsm/format/range_tombstones.h"
#include "lsm/io/file_system.h"
#include "lsm/table/block.h"
#include "lsm/table/block_cache.h"
#include "lsm/table/block_reader.h"
#include "lsm/table/bloom_filter.h"
#include "lsm/table/readahead.h"
#include "lsm/table/table_format.h"
#include "lsm/table/table_index.h"
#include "lsm/table/table_properties.h"

namespace fathom {

// What is known of the file from elsewhere.
struct TableIdentity {
  std::string name;  // for errors
  uint64_t number = 0;
  uint64_t file_bytes = 0;
  uint64_t tail_bytes = 0;
  uint64_t tail_hash = 0;
};

// What a check of every byte counted.
struct TableCheck {
  uint64_t blocks = 0;
  uint64_t bytes = 0;
  uint64_t entries = 0;
};

class TableReader : public std::enable_shared_from_this<TableReader> {
 public:
  // `caches` must outlive the reader. DataLoss if the file is not the one that `identity` describes
  // or its tail is damaged.
  static absl::StatusOr<std::shared_ptr<TableReader>> Open(std::unique_ptr<ReadableFile> file,
                                                           TableIdentity identity,
                                                           TableCaches caches);

  // As Open, for a file of which only the name is known; takes the identity from the file itself.
  static absl::StatusOr<std::shared_ptr<TableReader>> OpenUnknown(
      std::unique_ptr<ReadableFile> file, std::string name, uint64_t number, TableCaches caches);

  // The newest version of `user_key` with a sequence <= `snapshot`, a range tombstone over the key
  // being one (which the filter does not know). On kFound `*value` is replaced by its value.
  // `filter_hash` is FilterHash(user_key); without it the filter is not asked. Adds what it did to
  // `*cost` (tables_checked, filters_*, blocks_*, bytes_read; never null). DataLoss on damage;
  // errors of the file as they come.
  absl::StatusOr<Lookup> Get(absl::string_view user_key, std::optional<uint64_t> filter_hash,
                             SequenceNumber snapshot, std::string* value, ReadCost* cost);

  // A cursor over the entries, which knows nothing of range tombstones. It keeps the reader alive.
  // Going forward it reads up to 256 KiB ahead; with `fill_cache` not where the file is mapped. Of
  // blocks in order two enter the cache if `fill_cache`, with low priority, and so do those that it
  // comes to going backward. `cost` (may be null, must outlive the iterator) counts the blocks that
  // it came to.
  std::unique_ptr<InternalIterator> NewIterator(bool fill_cache, ReadCost* cost);
  // The same without `fill_cache`, for a table that was just written: what is read ahead stays in
  // the processor's own caches. The index is kept for lookups to come if `keep_index`.
  std::unique_ptr<InternalIterator> NewIteratorOfFresh(bool keep_index);

  // Reads every byte from disk, past the cache: checks every block, the order of keys, that the
  // index bounds hold, that the filter knows every key, and that the counts are those of the
  // properties.
  absl::StatusOr<TableCheck> Check() const;

  const TableProperties& properties() const { return properties_; }
  const TableIdentity& identity() const { return identity_; }
  const BloomFilter& filter() const { return filter_; }
  // Null if there are none. Lives as long as the reader.
  const RangeTombstones* range_tombstones() const { return range_tombstones_.get(); }
  // Memory that the open reader holds, filter included, in bytes.
  size_t memory_bytes() const;

 private:
  friend class IndexIterator;
  friend class TableIterator;
  static constexpr size_t kCacheLineBytes = 64;

  TableReader(std::unique_ptr<ReadableFile> file, TableIdentity identity, TableCaches caches);

  // Get's part for entries, of which those below `covering` are deleted.
  absl::StatusOr<Lookup> GetEntry(absl::string_view user_key, std::optional<uint64_t> filter_hash,
                                  SequenceNumber snapshot, SequenceNumber covering,
                                  std::string* value, ReadCost* cost);
  // Reads the tail into `tail_`.
  absl::Status ReadTail();
  // Takes filter, range tombstones, properties and the index's partitions from `tail_`.
  absl::Status ParseTail();
  // Check's part for the bytes after the index.
  absl::Status CheckTailOnDisk() const;
  // How a block is wanted.
  struct BlockUse {
    BlockCache* cache = nullptr;  // may be null
    BlockCache::Priority priority = BlockCache::Priority::kHigh;
    bool fill_cache = true;
    Readahead* readahead = nullptr;   // may be null
    BlockScratch* scratch = nullptr;  // for a block that is not kept; may be null
    Block::Seeks seeks = Block::Seeks::kFew;
  };
  // The block of a partition of the index, which lives as long as the reader, or else as who holds
  // it. Kept from now on if `keep`. `cost` is not null.
  absl::StatusOr<std::shared_ptr<const Block>> GetIndexBlock(size_t partition, bool keep,
                                                             ReadCost* cost);
  // GetEntry's part for one data block, or for its outline. Nothing if all its entries are before
  // `target`.
  absl::StatusOr<std::optional<Lookup>> LookInBlock(const IndexEntry& entry,
                                                    absl::string_view target,
                                                    SequenceNumber covering, std::string* value,
                                                    ReadCost* cost);
  // Blocks through the cache.
  // A data block for a scan. It may lie in `readahead` or `scratch`: it lives until the next call
  // with them.
  absl::StatusOr<std::shared_ptr<const Block>> ScanDataBlock(const IndexEntry& entry,
                                                             bool fill_cache, Readahead* readahead,
                                                             BlockScratch* scratch, ReadCost* cost);
  // The data block after the one at `handle`, taken to be as long: where it is cached, or else
  // where the file has it in memory.
  PrefetchStream AheadOf(const BlockHandle& handle) const;
  // Brings what AheadOf looks at first, for who will ask it soon.
  void PrefetchSlotAfter(const BlockHandle& handle) const;
  bool InMemory() const { return !file_->Ahead(0, 1).empty(); }
  absl::StatusOr<std::shared_ptr<const Block>> GetBlock(const IndexEntry& entry,
                                                        const BlockUse& use, ReadCost* cost);
  // The part for what is not cached, of which what `keep` says is inserted.
  absl::StatusOr<std::shared_ptr<const Block>> ReadMissed(const IndexEntry& entry,
                                                          const BlockUse& use,
                                                          BlockCache::Keep keep, ReadCost* cost);

  const std::unique_ptr<ReadableFile> file_;
  TableIdentity identity_;
  const std::shared_ptr<const std::string> name_;
  const TableCaches caches_;
  std::unique_ptr<char[]> tail_memory_;
  absl::string_view tail_;  // in tail_memory_, aligned: a line of the filter is a cache line
  BloomFilter filter_;
  std::shared_ptr<const RangeTombstones> range_tombstones_;
  TableProperties properties_;
  std::optional<TableIndex> index_;  // set by opening
};

}  // namespace fathom
