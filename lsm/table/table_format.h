// The table file: RocksDB's block-based table, format_version 5, as `sst_dump` reads it.
//
//   data blocks | index | filter | index root | range tombstones | properties | metaindex | footer
//
// Each block is followed by its trailer (lsm/format/block_handle.h).
//
//   index       key: an internal key >= every key of its data block and < every later one
//               value: BlockHandle | fixed32 BlockChecksum of the data block, again. RocksDB reads
//               the handle and ignores the rest; we refuse a block that is sound but not this one.
//               A large index is cut into blocks that follow each other, its partitions
//   index root  only of an index of several partitions: an index of these. Its keys are the last
//               separators of each
//   filter      bloom_filter.h; named kFilterName in the metaindex: RocksDB takes any "fullfilter."
//               for a filter, verifies its checksum, and asks it nothing unless the rest of the
//               name is that of a policy it knows
//   range tombstones   range_tombstone_block.h; the block is there only if there are any
//   properties  RocksDB's names, and "fathom.index.checksum": the BlockChecksum of the
//               index block, or of the index root
//   metaindex   name -> BlockHandle of filter, properties and range tombstones
//   footer      u8 checksum type 4 (XXH3) | metaindex handle | handle of the index, or of its root
//               | zeros to 41 bytes | fixed32 format version 5 | fixed64 magic
//
// The tail is everything from the filter block to the end. The manifest holds its length and hash,
// so each byte of a table hangs on the manifest: tail -> index -> data blocks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "lsm/format/block_handle.h"

namespace fathom {

inline constexpr uint64_t kTableMagic = 0x88e241b785f4cff7;
inline constexpr uint32_t kTableFormatVersion = 5;
inline constexpr uint8_t kChecksumTypeXxh3 = 4;
inline constexpr size_t kFooterBytes = 1 + 40 + 4 + 8;
inline constexpr char kFilterName[] = "fullfilter.fathom.filter.bloom";
inline constexpr char kPropertiesName[] = "rocksdb.properties";
inline constexpr char kRangeTombstonesName[] = "rocksdb.range_del";

// How a block is stored: RocksDB's numbers, as the block's trailer has them. What compressed bytes
// look like: compression.h. The other blocks are never compressed.
enum class Compression : uint8_t { kNone = 0, kLz4 = 4, kZstd = 7 };

// The value of an index entry.
struct IndexEntry {
  BlockHandle handle;
  uint32_t checksum = 0;  // BlockChecksum of the block

  void AppendTo(std::string* out) const;
  // False if `bytes` are not exactly one entry.
  bool DecodeFrom(absl::string_view bytes);
};

// A block of an index, as the root has it.
struct IndexPartition {
  std::string last_separator;  // empty if it is the only one
  IndexEntry block;
};

struct Footer {
  BlockHandle metaindex;
  BlockHandle index;

  std::string Encode() const;
};

// `bytes` are the last kFooterBytes of `file`, which begin at `offset`. DataLoss on anything else
// than the footer above.
absl::StatusOr<Footer> DecodeFooter(absl::string_view bytes, const std::string& file,
                                    uint64_t offset);

}  // namespace fathom
