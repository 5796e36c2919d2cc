#include "lsm/table/foreign_file.h"

#include <snappy.h>

#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "lsm/format/coding.h"
#include "lsm/format/corruption.h"
#include "lsm/table/block_reader.h"
#include "lsm/table/table_format.h"

namespace fathom {
namespace {

// RocksDB's numbers for what a block's trailer may say beside those of Compression.
constexpr uint8_t kSnappy = 1;
constexpr uint8_t kLz4Hc = 5;  // the same bytes as LZ4, made with more effort

// Of a data block: set in the number of its restart points.
constexpr uint32_t kHashIndexFlag = uint32_t{1} << 31;

absl::string_view NameOfCompression(uint8_t type) {
  switch (type) {
    case 2:
      return "zlib";
    case 3:
      return "bzip2";
    case 6:
      return "Xpress";
    default:
      return "unknown";
  }
}

absl::StatusOr<UncompressedBlock> DecompressSnappy(absl::string_view stored,
                                                   const std::string& file, uint64_t offset) {
  // An element of 2 or 3 bytes copies 64 at most.
  constexpr size_t kMaxRatio = 64;
  size_t size = 0;
  if (!snappy::GetUncompressedLength(stored.data(), stored.size(), &size) ||
      size > stored.size() * kMaxRatio) {
    return Corruption(file, offset, "uncompressed size of a block",
                      absl::StrCat("what ", stored.size(), " bytes of Snappy can hold"), size);
  }
  UncompressedBlock block{TakeBlockBytes(nullptr, size), size};
  if (!snappy::RawUncompress(stored.data(), stored.size(), block.bytes.get())) {
    return Corruption(file, offset, "compressed block", absl::StrCat(size, " bytes in Snappy"),
                      "something else");
  }
  return block;
}

// entries | restart points | u8 * n buckets | fixed16 n | fixed32 (number of restart points | flag)
// becomes a block without buckets.
absl::Status DropHashIndex(UncompressedBlock* block, const std::string& file, uint64_t offset) {
  constexpr size_t kCounts = sizeof(uint16_t) + sizeof(uint32_t);
  if (block->size < kCounts) {
    return absl::OkStatus();  // for Block::Parse to refuse
  }
  const char* const end = block->bytes.get() + block->size;
  const uint32_t restarts = DecodeFixed32(end - sizeof(uint32_t));
  if ((restarts & kHashIndexFlag) == 0) {
    return absl::OkStatus();
  }
  uint16_t buckets;
  std::memcpy(&buckets, end - kCounts, sizeof(buckets));
  if (buckets > block->size - kCounts) {
    return Corruption(file, offset, "hash index of a block",
                      absl::StrCat("at most ", block->size - kCounts, " buckets"), buckets);
  }
  block->size -= kCounts + buckets;
  EncodeFixed32(block->bytes.get() + block->size, restarts & ~kHashIndexFlag);
  block->size += sizeof(uint32_t);
  return absl::OkStatus();
}

}  // namespace

ForeignFile::ForeignFile(std::unique_ptr<ReadableFile> file, std::string name)
    : file_(std::move(file)), name_(std::make_shared<const std::string>(std::move(name))) {}

absl::StatusOr<std::unique_ptr<ForeignFile>> ForeignFile::Open(std::unique_ptr<ReadableFile> file,
                                                               std::string name) {
  std::unique_ptr<ForeignFile> opened(new ForeignFile(std::move(file), std::move(name)));
  const uint64_t size = opened->file_->size();
  if (size < kFooterBytes) {
    return Corruption(opened->name(), 0, "table size", absl::StrCat("at least ", kFooterBytes),
                      size);
  }
  opened->footer_offset_ = size - kFooterBytes;
  char bytes[kFooterBytes];
  if (absl::Status status =
          ReadExactly(*opened->file_, opened->name(), opened->footer_offset_, kFooterBytes, bytes);
      !status.ok()) {
    return status;
  }
  const absl::StatusOr<ForeignFooter> footer = DecodeForeignFooter(
      absl::string_view(bytes, kFooterBytes), opened->name(), opened->footer_offset_);
  if (!footer.ok()) {
    return footer.status();
  }
  opened->footer_ = *footer;
  return opened;
}

absl::StatusOr<UncompressedBlock> ForeignFile::Read(const BlockHandle& handle,
                                                    std::optional<uint32_t> parent_checksum) {
  const absl::StatusOr<absl::string_view> stored = ReadStored(handle, parent_checksum, nullptr);
  return stored.ok() ? Uncompress(*stored, handle.offset) : stored.status();
}

absl::StatusOr<std::shared_ptr<const Block>> ForeignFile::ReadBlock(const BlockHandle& handle) {
  absl::StatusOr<UncompressedBlock> block = Read(handle, std::nullopt);
  if (!block.ok()) {
    return block.status();
  }
  return Block::Parse(std::move(block->bytes), block->size, name_, handle.offset);
}

absl::StatusOr<std::shared_ptr<const Block>> ForeignFile::ReadDataBlock(
    const BlockHandle& handle, std::optional<uint32_t> parent_checksum, Readahead* readahead) {
  const absl::StatusOr<absl::string_view> stored = ReadStored(handle, parent_checksum, readahead);
  if (!stored.ok()) {
    return stored.status();
  }
  absl::StatusOr<UncompressedBlock> block = Uncompress(*stored, handle.offset);
  if (!block.ok()) {
    return block.status();
  }
  if (absl::Status status = DropHashIndex(&*block, *name_, handle.offset); !status.ok()) {
    return status;
  }
  return Block::Parse(std::move(block->bytes), block->size, name_, handle.offset);
}

absl::Status ForeignFile::Verify(const BlockHandle& handle) {
  return ReadStored(handle, std::nullopt, nullptr).status();
}

absl::StatusOr<absl::string_view> ForeignFile::ReadStored(const BlockHandle& handle,
                                                          std::optional<uint32_t> parent_checksum,
                                                          Readahead* readahead) {
  if (!EndsWithin(handle, footer_offset_)) {
    return Corruption(*name_, handle.offset, "block",
                      absl::StrCat("before the footer at ", footer_offset_),
                      absl::StrCat(handle.size, " bytes and a trailer"));
  }
  absl::string_view stored;
  if (readahead != nullptr) {
    const absl::StatusOr<absl::string_view> ahead = readahead->Take(*file_, handle, footer_offset_);
    if (!ahead.ok()) {
      return ahead.status();
    }
    stored = *ahead;
  }
  if (stored.empty()) {
    stored_.resize(handle.size + kBlockTrailerBytes);
    if (absl::Status status =
            ReadExactly(*file_, *name_, handle.offset, stored_.size(), stored_.data());
        !status.ok()) {
      return status;
    }
    stored = stored_;
  }
  const uint32_t expected = DecodeFixed32(stored.data() + handle.size + 1);
  const uint32_t found = ForeignBlockChecksum(footer_.checksum, stored.substr(0, handle.size + 1));
  if (found != expected) {
    return Corruption(*name_, handle.offset, "block checksum", expected, found);
  }
  if (parent_checksum.has_value() && found != *parent_checksum) {
    return Corruption(*name_, handle.offset, "block checksum, as the block's parent has it",
                      *parent_checksum, found);
  }
  return stored;
}

absl::StatusOr<UncompressedBlock> ForeignFile::Uncompress(absl::string_view block_and_trailer,
                                                          uint64_t offset) const {
  const absl::string_view stored =
      block_and_trailer.substr(0, block_and_trailer.size() - kBlockTrailerBytes);
  const auto type = static_cast<uint8_t>(block_and_trailer[stored.size()]);
  switch (type) {
    case static_cast<uint8_t>(Compression::kNone): {
      UncompressedBlock block{TakeBlockBytes(nullptr, stored.size()), stored.size()};
      std::memcpy(block.bytes.get(), stored.data(), stored.size());
      return block;
    }
    case kSnappy:
      return DecompressSnappy(stored, *name_, offset);
    case static_cast<uint8_t>(Compression::kLz4):
    case kLz4Hc:
      return Decompress(Compression::kLz4, stored, *name_, offset);
    case static_cast<uint8_t>(Compression::kZstd):
      return Decompress(Compression::kZstd, stored, *name_, offset);
    default:
      return Unsupported(*name_, absl::StrCat("compression of the block at ", offset),
                         "0 (none), 1 (Snappy), 4 (LZ4), 5 (LZ4HC) or 7 (zstd)",
                         absl::StrCat(static_cast<int>(type), " (", NameOfCompression(type), ")"));
  }
}

}  // namespace fathom
