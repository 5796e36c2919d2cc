// Reads blocks of a table file and verifies them before they are believed. Internal to lsm/table.
// Stateless; thread safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "lsm/format/block_handle.h"
#include "lsm/format/internal_key.h"
#include "lsm/io/file_system.h"
#include "lsm/table/block.h"
#include "lsm/table/table_format.h"

namespace fathom {

// Reads `n` bytes at `offset` of the file called `name`; DataLoss if the file ends before.
absl::Status ReadExactly(const ReadableFile& file, const std::string& name, uint64_t offset,
                         size_t n, char* to);

// What a block's trailer says.
struct BlockTrailer {
  Compression compression = Compression::kNone;  // a byte from disk: not necessarily one we know
  uint32_t checksum = 0;
};

// Verifies a block as stored and its trailer, which begin at `offset` of the file called `name`.
// DataLoss if the checksum is not theirs.
absl::StatusOr<BlockTrailer> VerifyBlock(absl::string_view block_and_trailer,
                                         const std::string& name, uint64_t offset);

// Does a block with this handle, trailer included, end at or before `limit`?
inline bool EndsWithin(const BlockHandle& handle, uint64_t limit) {
  return handle.size <= limit && handle.offset <= limit - handle.size &&
         limit - handle.size - handle.offset >= kBlockTrailerBytes;
}

// One past the trailer. REQUIRES: EndsWithin some file.
inline uint64_t EndOf(const BlockHandle& handle) {
  return handle.offset + handle.size + kBlockTrailerBytes;
}

// Reads the block at `handle` with one Read and uncompresses it. DataLoss if the handle points
// outside the file (nothing is allocated then), the block is damaged, or its checksum is not
// `parent_checksum`, where there is one: a sound block in another's place. `memory` is where a
// block's bytes are to lie that will be cached; may be null.
absl::StatusOr<std::shared_ptr<const Block>> ReadBlock(const ReadableFile& file,
                                                       std::shared_ptr<const std::string> name,
                                                       const BlockHandle& handle,
                                                       std::optional<uint32_t> parent_checksum,
                                                       Block::Seeks seeks = Block::Seeks::kFew,
                                                       BlockMemory* memory = nullptr);

// Memory that each block read into it takes over from the one before: reading allocates nothing.
// One thread at a time.
class BlockScratch {
 public:
  static constexpr size_t kMaxBytes = size_t{64} << 10;

  // REQUIRES: n <= kMaxBytes.
  char* Take(size_t n);

 private:
  std::unique_ptr<char[]> bytes_;
  size_t capacity_ = 0;
};

// As ReadBlock, for a block that lives only until the next one is read into `scratch`; a large or
// compressed one has memory of its own.
absl::StatusOr<std::shared_ptr<const Block>> ReadBlockInto(BlockScratch* scratch,
                                                           const ReadableFile& file,
                                                           std::shared_ptr<const std::string> name,
                                                           const BlockHandle& handle,
                                                           std::optional<uint32_t> parent_checksum);

// As ReadBlock, from bytes that were read before: `block_and_trailer` is what `handle` describes,
// and must outlive the block.
absl::StatusOr<std::shared_ptr<const Block>> BorrowBlock(absl::string_view block_and_trailer,
                                                         std::shared_ptr<const std::string> name,
                                                         const BlockHandle& handle,
                                                         std::optional<uint32_t> parent_checksum);

// What the current entry of an index block says; DataLoss if it is not an index entry.
absl::StatusOr<IndexEntry> ReadIndexEntry(const BlockIterator& index);

// OK if the current entry of a data block has a key that an entry can have, otherwise DataLoss.
inline absl::Status CheckEntryKey(const BlockIterator& data) {
  if (IsValidInternalKey(data.key())) {
    return absl::OkStatus();
  }
  return data.CorruptEntry("internal key", "8 bytes or more, the type 0 or 1",
                           absl::StrCat("\"", absl::CHexEscape(data.key()), "\""));
}

}  // namespace fathom
