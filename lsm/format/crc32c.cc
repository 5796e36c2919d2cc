#include "lsm/format/crc32c.h"

#include <array>
#include <cstddef>

#include "lsm/format/coding.h"

namespace fathom {
namespace {

// tables[k][b] is what a byte b does to the checksum when k more bytes follow it, so that eight
// bytes take eight independent look-ups ("slicing-by-8": Kounavis and Berry, 2005).
using Tables = std::array<std::array<uint32_t, 256>, 8>;

constexpr Tables MakeTables() {
  constexpr uint32_t kReversedPolynomial = 0x82f63b78;
  Tables tables{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc >> 1) ^ ((crc & 1) != 0 ? kReversedPolynomial : 0);
    }
    tables[0][byte] = crc;
  }
  for (size_t k = 1; k < tables.size(); ++k) {
    for (size_t byte = 0; byte < 256; ++byte) {
      const uint32_t crc = tables[k - 1][byte];
      tables[k][byte] = (crc >> 8) ^ tables[0][crc & 0xff];
    }
  }
  return tables;
}

constexpr Tables kTables = MakeTables();

}  // namespace

uint32_t Crc32c(absl::string_view bytes) {
  uint32_t crc = ~uint32_t{0};
  while (bytes.size() >= sizeof(uint64_t)) {
    const uint64_t eight = DecodeFixed64(bytes.data()) ^ crc;
    crc = 0;
    for (size_t i = 0; i < sizeof(eight); ++i) {
      crc ^= kTables[sizeof(eight) - 1 - i][(eight >> (8 * i)) & 0xff];
    }
    bytes.remove_prefix(sizeof(eight));
  }
  for (const char c : bytes) {
    crc = (crc >> 8) ^ kTables[0][(crc ^ static_cast<uint8_t>(c)) & 0xff];
  }
  return ~crc;
}

}  // namespace fathom
