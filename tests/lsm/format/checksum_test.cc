#include "lsm/format/checksum.h"

#include <doctest/doctest.h>

#include <set>
#include <string>

namespace fathom {
namespace {

// Literals with NULs inside.
template <size_t N>
std::string Bytes(const char (&literal)[N]) {
  return std::string(literal, N - 1);
}

TEST_CASE("checksum: Hash64 is XXH3 with its published values") {
  CHECK(Hash64("") == 0x2d06800538d394c2);
  // Crash case 46: bytes >= 0x80 must not depend on the sign of char.
  std::string high;
  for (int byte = 0x80; byte <= 0xff; ++byte) {
    high.push_back(static_cast<char>(byte));
  }
  CHECK(Hash64(high) == 0xd10867798c0f7774);
  CHECK(Hash64(high + high + high) == 0x0c53bfc2bfb3d3a1);
  // Longer than a stripe of the algorithm, as blocks are.
  std::string block;
  while (block.size() < 4101) {
    block += high;
  }
  CHECK(Hash64(block) == 0xb574317ffbdeae7b);
}

TEST_CASE("checksum: of a block is what RocksDB wrote after it") {
  // A data block of two entries, keys and values with bytes >= 0x80, as RocksDB 7.8 wrote it.
  const std::string plain = Bytes(
      "\x00\x0a\x02\x6b\x80\x01\x00\x00\x00\x00\x00\x00\x00\x76\xff\x01\x09\x03\xfe"
      "\x01\x00\x00\x00\x00\x00\x00\x00\x00\x7f\x90\x00\x00\x00\x00\x01\x00\x00\x00");
  CHECK(BlockChecksum(plain, 0) == 0xfb1d3f0e);
  // A block that RocksDB compressed with Snappy, type 1.
  const std::string snappy = Bytes(
      "\xdf\x01\x20\x00\x0b\xc8\x01\x6b\x65\x79\x01\x00\x09\x01\x00\xc3\xfe\x01"
      "\x00\xfe\x01\x00\xfe\x01\x00\x0d\x01\x1c\x00\x00\x00\x00\x01\x00\x00\x00");
  CHECK(BlockChecksum(snappy, 1) == 0xf651612d);
  CHECK(BlockChecksum(snappy, 0) != 0xf651612d);
}

TEST_CASE("checksum: of a log chunk has these values on disk") {
  CHECK(LogChecksum(1, 0, "") == 0xd6662c8b);
  CHECK(LogChecksum(1, 0, "abc") == 0xb3de2336);
  CHECK(LogChecksum(7, 32768, Bytes("\x80\xff\x00\x7f")) == 0xbd522192);
  CHECK(LogChecksum(~uint64_t{0}, ~uint64_t{0}, std::string(1000, '\xee')) == 0x8e79bebb);
}

TEST_CASE("checksum: the same bytes at another place or in another file have another one") {
  std::set<uint32_t> seen;
  size_t places = 0;
  for (uint64_t file = 0; file < 8; ++file) {
    for (uint64_t offset = 0; offset < 64; ++offset) {
      seen.insert(LogChecksum(file, offset, Bytes("\x00\x00\x01")));
      ++places;
    }
  }
  CHECK(seen.size() == places);
}

}  // namespace
}  // namespace fathom
