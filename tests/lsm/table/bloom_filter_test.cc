#include "lsm/table/bloom_filter.h"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "lsm/format/checksum.h"

namespace fathom {
namespace {

std::string FilterOf(const std::vector<std::string>& keys) {
  BloomFilterBuilder builder;
  for (const std::string& key : keys) {
    builder.Add(FilterHash(key));
  }
  return builder.Finish();
}

// Keys of all lengths from 0 to 32, of random bytes and of each byte value repeated.
std::vector<std::string> KeysOfAllKinds() {
  std::mt19937 random(46);
  std::vector<std::string> keys;
  for (size_t length = 0; length <= 32; ++length) {
    for (int i = 0; i < 100; ++i) {
      std::string key(length, '\0');
      for (char& c : key) {
        c = static_cast<char>(random());
      }
      keys.push_back(key);
    }
    for (int byte = 0; byte < 256; ++byte) {
      keys.push_back(std::string(length, static_cast<char>(byte)));
    }
  }
  return keys;
}

TEST_CASE("bloom filter: a key that was added is never denied") {
  // Crash case 46.
  const std::vector<std::string> keys = KeysOfAllKinds();
  for (const size_t count :
       {size_t{1}, size_t{2}, size_t{53}, size_t{54}, size_t{107}, keys.size()}) {
    const std::vector<std::string> some(keys.end() - static_cast<ptrdiff_t>(count), keys.end());
    const std::string block = FilterOf(some);
    const BloomFilter filter(block);
    CHECK(filter.num_bits() > 0);
    for (const std::string& key : some) {
      REQUIRE_MESSAGE(filter.MayContain(FilterHash(key)), absl::CHexEscape(key));
    }
  }
}

TEST_CASE("bloom filter: hashes of keys are those that are on disk") {
  // Crash case 46: the same whether char is signed or not, on any machine.
  CHECK(FilterHash("") == 0x2d06800538d394c2);
  CHECK(FilterHash("a") == 0xe6c632b61e964e1f);
  CHECK(FilterHash("abc") == 0x78af5f94892f3950);
  CHECK(FilterHash("\xff") == 0xd6bcec3c6b29d72e);
  CHECK(FilterHash("\x80\x81\xfe\xff") == 0xa592ebdd32b6f9a5);
  CHECK(FilterHash("user:\xc3\xa9t\xc3\xa9:0123456789abcdef") == 0xc06880d395d135f3);
}

TEST_CASE("bloom filter: its bytes are those of the layout") {
  CHECK(absl::BytesToHexString(FilterOf({"a", "\xff\x80", ""})) ==
        "000400000100002002000000008002000000400000000000000000000000000000"
        "000088008000400000000000400000800080001400000000000008000000000601");
}

TEST_CASE("bloom filter: 50,000 keys make 480,000 bits and between 0.8 and 1.5 % false positives") {
  std::vector<std::string> keys;
  for (int i = 0; i < 50000; ++i) {
    keys.push_back(absl::StrCat("user:", i));
  }
  const std::string block = FilterOf(keys);
  const BloomFilter filter(block);
  CHECK(filter.num_bits() == 480000);
  CHECK(block.size() == 60000 + kFilterTrailerBytes);
  constexpr int kAsked = 400000;
  int wrong = 0;
  for (int i = 0; i < kAsked; ++i) {
    wrong += filter.MayContain(FilterHash(absl::StrCat("other:", i))) ? 1 : 0;
  }
  CAPTURE(wrong);
  CHECK(wrong >= 0.008 * kAsked);
  CHECK(wrong <= 0.015 * kAsked);
}

TEST_CASE("bloom filter: a key given twice in a row counts once") {
  BloomFilterBuilder builder;
  for (const char* key : {"a", "a", "b", "b", "b", "c"}) {
    builder.Add(FilterHash(key));
  }
  CHECK(builder.num_keys() == 3);
  builder.Finish();
  CHECK(builder.num_keys() == 0);
}

TEST_CASE("bloom filter: a filter that is not understood answers may-contain") {
  // Crash case 47.
  const std::string good = FilterOf({"a"});
  REQUIRE_FALSE(BloomFilter(good).MayContain(FilterHash("b")));
  std::vector<std::string> unusable = {"", "x", std::string(2, '\0'), good.substr(1)};
  for (const char probes : {'\0', '\5', '\7', '\x1f', '\xff'}) {
    unusable.push_back(good);
    unusable.back()[64] = probes;
  }
  for (const char version : {'\0', '\2', '\xff'}) {
    unusable.push_back(good);
    unusable.back()[65] = version;
  }
  for (const std::string& block : unusable) {
    const BloomFilter filter(block);
    CHECK(filter.num_bits() == 0);
    CHECK(filter.MayContain(FilterHash("b")));
  }
  CHECK(BloomFilter().MayContain(FilterHash("b")));
}

TEST_CASE("bloom filter: a filter of no keys denies every key") {
  const std::string block = FilterOf({});
  const BloomFilter filter(block);
  CHECK(filter.num_bits() == 512);
  CHECK_FALSE(filter.MayContain(FilterHash("a")));
}

}  // namespace
}  // namespace fathom
