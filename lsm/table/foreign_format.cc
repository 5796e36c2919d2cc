#include "lsm/table/foreign_format.h"

#include <xxhash.h>

#include "lsm/format/checksum.h"
#include "lsm/format/coding.h"
#include "lsm/format/corruption.h"
#include "lsm/format/crc32c.h"
#include "lsm/table/table_format.h"

namespace fathom {
namespace {

constexpr size_t kHandlesOffset = 1;
constexpr size_t kVersionOffset = 41;
constexpr size_t kMagicOffset = 45;
constexpr uint32_t kOldestVersion = 2;
constexpr uint32_t kNewestVersion = 5;

// The kinds of tables that are told by their last bytes.
struct OtherTable {
  uint64_t magic;
  absl::string_view name;
};
constexpr OtherTable kOtherTables[] = {
    {0xdb4775248b80fb57, "LevelDB's table, which is format version 0"},
    {0x8242229663bf9564, "RocksDB's plain table"},
    {0x4f3418eb7a8f13b8, "RocksDB's plain table"},
    {0x926789d0c5f17873, "RocksDB's cuckoo table"},
};

// What LevelDB does to a CRC, so that a CRC over bytes that contain it is as good as any.
uint32_t Mask(uint32_t crc) { return ((crc >> 15) | (crc << 17)) + 0xa282ead8; }

absl::Status CheckMagic(absl::string_view footer, const std::string& file, uint64_t offset) {
  const uint64_t magic = DecodeFixed64(footer.data() + kMagicOffset);
  for (const OtherTable& other : kOtherTables) {
    if (magic == other.magic) {
      return Unsupported(file, "kind of table", "RocksDB's block-based table", other.name);
    }
  }
  if (magic != kTableMagic) {
    return Corruption(file, offset + kMagicOffset, "table magic number", absl::Hex(kTableMagic),
                      absl::Hex(magic));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ForeignFooter> DecodeForeignFooter(absl::string_view bytes, const std::string& file,
                                                  uint64_t offset) {
  if (absl::Status status = CheckMagic(bytes, file, offset); !status.ok()) {
    return status;
  }
  const uint32_t version = DecodeFixed32(bytes.data() + kVersionOffset);
  if (version < kOldestVersion || version > kNewestVersion) {
    return Unsupported(file, "table format version", "2 to 5", version);
  }
  const auto kind = static_cast<uint8_t>(bytes[0]);
  if (kind < static_cast<uint8_t>(ForeignChecksum::kCrc32c) ||
      kind > static_cast<uint8_t>(ForeignChecksum::kXxh3)) {
    return Unsupported(file, "checksum kind", "1 (crc32c), 2 (xxHash), 3 (xxHash64) or 4 (XXH3)",
                       kind == 0 ? "0 (none)" : absl::StrCat(kind));
  }
  ForeignFooter footer;
  footer.checksum = static_cast<ForeignChecksum>(kind);
  absl::string_view handles = bytes.substr(kHandlesOffset, kVersionOffset - kHandlesOffset);
  if (!footer.metaindex.DecodeFrom(&handles) || !footer.index.DecodeFrom(&handles) ||
      handles.find_first_not_of('\0') != absl::string_view::npos) {
    return Corruption(file, offset + kHandlesOffset, "footer", "two block handles, then zeros",
                      "other bytes");
  }
  return footer;
}

uint32_t ForeignBlockChecksum(ForeignChecksum kind, absl::string_view block_and_type) {
  const char* const data = block_and_type.data();
  const size_t size = block_and_type.size();
  switch (kind) {
    case ForeignChecksum::kCrc32c:
      return Mask(Crc32c(block_and_type));
    case ForeignChecksum::kXxHash:
      return XXH32(data, size, 0);
    case ForeignChecksum::kXxHash64:
      return static_cast<uint32_t>(XXH64(data, size, 0));
    case ForeignChecksum::kXxh3:
      break;
  }
  return BlockChecksum(block_and_type.substr(0, size - 1), static_cast<uint8_t>(data[size - 1]));
}

}  // namespace fathom
