#include "lsm/format/key_buffer.h"

#include <doctest/doctest.h>

#include <string>

namespace fathom {
namespace {

TEST_CASE("key buffer: pieces are put together, short and long") {
  KeyBuffer key;
  CHECK(key.view().empty());
  std::string expected;
  for (int i = 0; i < 40; ++i) {
    const std::string piece(static_cast<size_t>(i), static_cast<char>('a' + i % 26));
    key.Append(piece);
    expected += piece;
    REQUIRE(key.view() == expected);
  }
}

TEST_CASE("key buffer: what is left of a key gets another end, before and after it has grown") {
  KeyBuffer key;
  for (const size_t bytes : {size_t{10}, size_t{64}, size_t{65}, size_t{1000}}) {
    const std::string base(bytes, 'x');
    key.clear();
    key.Append(base);
    key.Truncate(bytes - 3);
    key.Append("end");
    CHECK(key.view() == base.substr(3) + "end");
    CHECK(key.size() == bytes);
    CHECK(key.view().data() == key.data());
  }
}

TEST_CASE("key buffer: a copy has the bytes of its key in order, and none is written behind it") {
  std::string key;
  for (int i = 0; i < 40; ++i, key.push_back(static_cast<char>(i))) {
    std::string copy(key.size() + 8, '#');
    CHECK(CopyKey(key, copy.data()) == copy.data() + key.size());
    CHECK(copy == key + "########");
  }
}

}  // namespace
}  // namespace fathom
