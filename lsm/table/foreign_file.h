// The file of a foreign table (foreign_format.h): its footer, and its blocks, each verified and
// uncompressed before anybody sees it. Internal to lsm/table.
//
// One thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "lsm/io/file_system.h"
#include "lsm/table/block.h"
#include "lsm/table/compression.h"
#include "lsm/table/foreign_format.h"
#include "lsm/table/readahead.h"

namespace fathom {

class ForeignFile {
 public:
  // Reads the footer. Errors as those of DecodeForeignFooter.
  static absl::StatusOr<std::unique_ptr<ForeignFile>> Open(std::unique_ptr<ReadableFile> file,
                                                           std::string name);

  // The bytes of the block at `handle`, for one of no particular order. DataLoss if it lies outside
  // the file, is damaged, or its checksum is not `parent_checksum`, where there is one;
  // InvalidArgument for a compression that is not read here.
  absl::StatusOr<UncompressedBlock> Read(const BlockHandle& handle,
                                         std::optional<uint32_t> parent_checksum);
  // The same of one that no parent vouches for, parsed.
  absl::StatusOr<std::shared_ptr<const Block>> ReadBlock(const BlockHandle& handle);
  // The next data block: read ahead, and freed of a hash index, which only lookups need.
  absl::StatusOr<std::shared_ptr<const Block>> ReadDataBlock(
      const BlockHandle& handle, std::optional<uint32_t> parent_checksum, Readahead* readahead);
  // Only looks at the checksum.
  absl::Status Verify(const BlockHandle& handle);

  const ForeignFooter& footer() const { return footer_; }
  const std::string& name() const { return *name_; }
  uint64_t size() const { return file_->size(); }

 private:
  ForeignFile(std::unique_ptr<ReadableFile> file, std::string name);

  // A sound block with its trailer, which lives until the next call.
  absl::StatusOr<absl::string_view> ReadStored(const BlockHandle& handle,
                                               std::optional<uint32_t> parent_checksum,
                                               Readahead* readahead);
  absl::StatusOr<UncompressedBlock> Uncompress(absl::string_view block_and_trailer,
                                               uint64_t offset) const;

  const std::unique_ptr<ReadableFile> file_;
  const std::shared_ptr<const std::string> name_;
  uint64_t footer_offset_ = 0;  // where blocks end at the latest
  ForeignFooter footer_;
  std::string stored_;
};

}  // namespace fathom
