#include "lsm/table/block_reader.h"

#include <cstring>
#include <utility>

#include "lsm/format/checksum.h"
#include "lsm/format/coding.h"
#include "lsm/format/corruption.h"
#include "lsm/table/compression.h"

namespace fathom {
namespace {

// The compression of a block that is sound and the one that its parent means.
absl::StatusOr<Compression> Vouch(absl::string_view block_and_trailer, const std::string& name,
                                  const BlockHandle& handle,
                                  std::optional<uint32_t> parent_checksum) {
  const absl::StatusOr<BlockTrailer> trailer = VerifyBlock(block_and_trailer, name, handle.offset);
  if (!trailer.ok()) {
    return trailer.status();
  }
  if (parent_checksum.has_value() && trailer->checksum != *parent_checksum) {
    return Corruption(name, handle.offset, "block checksum, as the block's parent has it",
                      *parent_checksum, trailer->checksum);
  }
  return trailer->compression;
}

// A verified block with its trailer, as it is in the file.
struct StoredBlock {
  BlockBytes bytes;
  Compression compression = Compression::kNone;
};

absl::Status CheckWithinFile(const ReadableFile& file, const std::string& name,
                             const BlockHandle& handle) {
  return EndsWithin(handle, file.size())
             ? absl::OkStatus()
             : Corruption(name, handle.offset, "block",
                          absl::StrCat("within the file's ", file.size(), " bytes"),
                          absl::StrCat(handle.size, " bytes and a trailer"));
}

absl::StatusOr<StoredBlock> ReadStored(const ReadableFile& file, const std::string& name,
                                       const BlockHandle& handle,
                                       std::optional<uint32_t> parent_checksum,
                                       BlockMemory* memory) {
  absl::Status status = CheckWithinFile(file, name, handle);
  if (!status.ok()) {
    return status;
  }
  const size_t n = handle.size + kBlockTrailerBytes;
  StoredBlock stored{.bytes = TakeBlockBytes(memory, n)};
  status = ReadExactly(file, name, handle.offset, n, stored.bytes.get());
  if (!status.ok()) {
    return status;
  }
  const absl::StatusOr<Compression> compression =
      Vouch(absl::string_view(stored.bytes.get(), n), name, handle, parent_checksum);
  if (!compression.ok()) {
    return compression.status();
  }
  stored.compression = *compression;
  return stored;
}

absl::StatusOr<std::shared_ptr<const Block>> Uncompress(Compression compression,
                                                        absl::string_view stored,
                                                        std::shared_ptr<const std::string> name,
                                                        const BlockHandle& handle,
                                                        Block::Seeks seeks, BlockMemory* memory) {
  absl::StatusOr<UncompressedBlock> block =
      Decompress(compression, stored, *name, handle.offset, memory);
  if (!block.ok()) {
    return block.status();
  }
  return Block::Parse(std::move(block->bytes), block->size, std::move(name), handle.offset, seeks);
}

}  // namespace

absl::Status ReadExactly(const ReadableFile& file, const std::string& name, uint64_t offset,
                         size_t n, char* to) {
  const absl::StatusOr<size_t> read = file.Read(offset, n, to);
  if (!read.ok()) {
    return read.status();
  }
  if (*read != n) {
    return Corruption(name, offset, "bytes before the end of the file", n, *read);
  }
  return absl::OkStatus();
}

absl::StatusOr<BlockTrailer> VerifyBlock(absl::string_view block_and_trailer,
                                         const std::string& name, uint64_t offset) {
  const size_t size = block_and_trailer.size() - kBlockTrailerBytes;
  const char* const trailer = block_and_trailer.data() + size;
  const auto compression = static_cast<uint8_t>(trailer[0]);
  const uint32_t computed = BlockChecksum(block_and_trailer.substr(0, size), compression);
  const uint32_t stored = DecodeFixed32(trailer + 1);
  if (computed != stored) {
    return Corruption(name, offset, "block checksum", stored, computed);
  }
  return BlockTrailer{static_cast<Compression>(compression), computed};
}

absl::StatusOr<std::shared_ptr<const Block>> ReadBlock(const ReadableFile& file,
                                                       std::shared_ptr<const std::string> name,
                                                       const BlockHandle& handle,
                                                       std::optional<uint32_t> parent_checksum,
                                                       Block::Seeks seeks, BlockMemory* memory) {
  absl::StatusOr<StoredBlock> stored = ReadStored(file, *name, handle, parent_checksum, memory);
  if (!stored.ok()) {
    return stored.status();
  }
  if (stored->compression == Compression::kNone) {
    return Block::Parse(std::move(stored->bytes), handle.size, std::move(name), handle.offset,
                        seeks);
  }
  return Uncompress(stored->compression, absl::string_view(stored->bytes.get(), handle.size),
                    std::move(name), handle, seeks, memory);
}

char* BlockScratch::Take(size_t n) {
  if (n > capacity_) {
    capacity_ = n;
    bytes_ = std::make_unique_for_overwrite<char[]>(n);
  }
  return bytes_.get();
}

absl::StatusOr<std::shared_ptr<const Block>> ReadBlockInto(
    BlockScratch* scratch, const ReadableFile& file, std::shared_ptr<const std::string> name,
    const BlockHandle& handle, std::optional<uint32_t> parent_checksum) {
  absl::Status status = CheckWithinFile(file, *name, handle);
  if (!status.ok()) {
    return status;
  }
  const size_t n = handle.size + kBlockTrailerBytes;
  if (n > BlockScratch::kMaxBytes) {
    return ReadBlock(file, std::move(name), handle, parent_checksum);
  }
  char* const bytes = scratch->Take(n);
  status = ReadExactly(file, *name, handle.offset, n, bytes);
  if (!status.ok()) {
    return status;
  }
  return BorrowBlock(absl::string_view(bytes, n), std::move(name), handle, parent_checksum);
}

absl::StatusOr<std::shared_ptr<const Block>> BorrowBlock(absl::string_view block_and_trailer,
                                                         std::shared_ptr<const std::string> name,
                                                         const BlockHandle& handle,
                                                         std::optional<uint32_t> parent_checksum) {
  const absl::StatusOr<Compression> compression =
      Vouch(block_and_trailer, *name, handle, parent_checksum);
  if (!compression.ok()) {
    return compression.status();
  }
  const absl::string_view stored = block_and_trailer.substr(0, handle.size);
  if (*compression != Compression::kNone) {
    return Uncompress(*compression, stored, std::move(name), handle, Block::Seeks::kFew, nullptr);
  }
  return Block::ParseBorrowed(stored, std::move(name), handle.offset);
}

absl::StatusOr<IndexEntry> ReadIndexEntry(const BlockIterator& index) {
  IndexEntry entry;
  if (!entry.DecodeFrom(index.value())) {
    return index.CorruptEntry("index entry", "a block handle and 4 bytes of checksum",
                              absl::StrCat("\"", absl::CHexEscape(index.value()), "\""));
  }
  return entry;
}

}  // namespace fathom
