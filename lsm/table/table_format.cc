#include "lsm/table/table_format.h"

#include "absl/strings/str_cat.h"
#include "lsm/format/coding.h"
#include "lsm/format/corruption.h"

namespace fathom {
namespace {

constexpr size_t kHandlesOffset = 1;
constexpr size_t kVersionOffset = 41;
constexpr size_t kMagicOffset = 45;

}  // namespace

void IndexEntry::AppendTo(std::string* out) const {
  handle.AppendTo(out);
  PutFixed32(out, checksum);
}

bool IndexEntry::DecodeFrom(absl::string_view bytes) {
  return handle.DecodeFrom(&bytes) && GetFixed32(&bytes, &checksum) && bytes.empty();
}

std::string Footer::Encode() const {
  std::string out;
  out.push_back(static_cast<char>(kChecksumTypeXxh3));
  metaindex.AppendTo(&out);
  index.AppendTo(&out);
  out.resize(kVersionOffset, '\0');
  PutFixed32(&out, kTableFormatVersion);
  PutFixed64(&out, kTableMagic);
  return out;
}

absl::StatusOr<Footer> DecodeFooter(absl::string_view bytes, const std::string& file,
                                    uint64_t offset) {
  if (bytes.size() != kFooterBytes) {
    return Corruption(file, offset, "footer size", kFooterBytes, bytes.size());
  }
  const uint64_t magic = DecodeFixed64(bytes.data() + kMagicOffset);
  if (magic != kTableMagic) {
    return Corruption(file, offset + kMagicOffset, "table magic number", absl::Hex(kTableMagic),
                      absl::Hex(magic));
  }
  const uint32_t version = DecodeFixed32(bytes.data() + kVersionOffset);
  if (version != kTableFormatVersion) {
    return Corruption(file, offset + kVersionOffset, "table format version", kTableFormatVersion,
                      version);
  }
  const auto checksum_type = static_cast<uint8_t>(bytes[0]);
  if (checksum_type != kChecksumTypeXxh3) {
    return Corruption(file, offset, "checksum type", kChecksumTypeXxh3, checksum_type);
  }
  Footer footer;
  absl::string_view handles = bytes.substr(kHandlesOffset, kVersionOffset - kHandlesOffset);
  if (!footer.metaindex.DecodeFrom(&handles) || !footer.index.DecodeFrom(&handles)) {
    return Corruption(file, offset + kHandlesOffset, "footer", "two block handles",
                      "bytes that are none");
  }
  // Nothing in these bytes has a checksum: accept only what Encode writes.
  if (footer.Encode() != bytes) {
    return Corruption(file, offset + kHandlesOffset, "footer", "shortest handles, then zeros",
                      "other bytes");
  }
  return footer;
}

}  // namespace fathom
