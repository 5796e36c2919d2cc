#include "lsm/table/block_reader.h"

#include <utility>

#include "lsm/format/checksum.h"
#include "lsm/format/coding.h"
#include "lsm/format/corruption.h"

namespace fathom {

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

absl::StatusOr<uint32_t> VerifyBlock(absl::string_view block_and_trailer, const std::string& name,
                                     uint64_t offset) {
  const size_t size = block_and_trailer.size() - kBlockTrailerBytes;
  const char* const trailer = block_and_trailer.data() + size;
  const auto compression = static_cast<uint8_t>(trailer[0]);
  if (compression != kNoCompression) {
    return Corruption(name, offset, "compression type of a block", kNoCompression, compression);
  }
  const uint32_t computed = BlockChecksum(block_and_trailer.substr(0, size), compression);
  const uint32_t stored = DecodeFixed32(trailer + 1);
  if (computed != stored) {
    return Corruption(name, offset, "block checksum", stored, computed);
  }
  return computed;
}

absl::StatusOr<std::shared_ptr<const Block>> ReadBlock(const ReadableFile& file,
                                                       std::shared_ptr<const std::string> name,
                                                       const BlockHandle& handle,
                                                       std::optional<uint32_t> parent_checksum) {
  if (!EndsWithin(handle, file.size())) {
    return Corruption(*name, handle.offset, "block",
                      absl::StrCat("within the file's ", file.size(), " bytes"),
                      absl::StrCat(handle.size, " bytes and a trailer"));
  }
  const size_t n = handle.size + kBlockTrailerBytes;
  auto bytes = std::make_unique_for_overwrite<char[]>(n);
  if (absl::Status status = ReadExactly(file, *name, handle.offset, n, bytes.get()); !status.ok()) {
    return status;
  }
  const absl::StatusOr<uint32_t> checksum =
      VerifyBlock(absl::string_view(bytes.get(), n), *name, handle.offset);
  if (!checksum.ok()) {
    return checksum.status();
  }
  if (parent_checksum.has_value() && *checksum != *parent_checksum) {
    return Corruption(*name, handle.offset, "block checksum, as the block's parent has it",
                      *parent_checksum, *checksum);
  }
  return Block::Parse(std::move(bytes), handle.size, std::move(name), handle.offset);
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
