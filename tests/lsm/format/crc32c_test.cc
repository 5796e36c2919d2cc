#include "lsm/format/crc32c.h"

#include <doctest/doctest.h>

#include <string>

namespace fathom {
namespace {

TEST_CASE("crc32c: gives the values of RFC 3720, B.4") {
  CHECK(Crc32c("") == 0);
  CHECK(Crc32c("123456789") == 0xe3069283);
  CHECK(Crc32c(std::string(32, '\0')) == 0x8a9136aa);
  CHECK(Crc32c(std::string(32, '\xff')) == 0x62a8ab43);
  std::string ascending;
  for (int i = 0; i < 32; ++i) {
    ascending.push_back(static_cast<char>(i));
  }
  CHECK(Crc32c(ascending) == 0x46dd794e);
  CHECK(Crc32c(std::string(ascending.rbegin(), ascending.rend())) == 0x113fdb5c);
}

}  // namespace
}  // namespace fathom
