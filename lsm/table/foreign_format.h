// The tables of other writers that can be read: RocksDB's block-based table in the format versions
// 2 to 5, of which Fathom's own table (table_format.h) is one dialect. Internal to lsm/table.
//
//   footer  u8 checksum kind | metaindex handle | index handle | zeros to 41 bytes
//           | fixed32 format version | fixed64 magic
//
// The kind of checksum in the footer is that of every block's trailer (lsm/format/block_handle.h).
// Stateless; thread safe.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "lsm/format/block_handle.h"

namespace fathom {

// RocksDB's numbers, as footers have them.
enum class ForeignChecksum : uint8_t { kCrc32c = 1, kXxHash = 2, kXxHash64 = 3, kXxh3 = 4 };

struct ForeignFooter {
  ForeignChecksum checksum = ForeignChecksum::kXxh3;
  BlockHandle metaindex;
  BlockHandle index;
};

// `bytes` are the last kFooterBytes of `file`, which begin at `offset`. InvalidArgument for a table
// of a kind or version that is not read here, DataLoss for bytes that are no footer.
absl::StatusOr<ForeignFooter> DecodeForeignFooter(absl::string_view bytes, const std::string& file,
                                                  uint64_t offset);

// Of a block as stored and the byte after it, its compression type.
uint32_t ForeignBlockChecksum(ForeignChecksum kind, absl::string_view block_and_type);

// InvalidArgument: `file` is sound as far as one can tell, but uses what is not read here.
inline absl::Status Unsupported(absl::string_view file, absl::string_view what,
                                const absl::AlphaNum& supported, const absl::AlphaNum& found) {
  return absl::InvalidArgumentError(
      absl::StrCat(file, ": ", what, ": supported is ", supported, ", found ", found));
}

}  // namespace fathom
