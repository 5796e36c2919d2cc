#include "lsm/format/key_prefix.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>

namespace fathom {
namespace {

int Sign(int order) { return (order > 0) - (order < 0); }

TEST_CASE("key prefix: keys compare as strings of bytes do, whatever their lengths") {
  std::mt19937 rng(1);
  const auto random_key = [&rng](size_t most) {
    std::string key(rng() % (most + 1), '\0');
    std::ranges::generate(key, [&rng] { return static_cast<char>(rng() % 2 == 0 ? 0 : 0xff); });
    return key;
  };
  for (int i = 0; i < 100'000; ++i) {
    const std::string a = random_key(70);
    std::string b = a.substr(0, rng() % (a.size() + 1)) + random_key(9);  // often much in common
    const absl::string_view in_a = a;
    const absl::string_view in_b = b;
    CAPTURE(a.size());
    CAPTURE(b.size());
    REQUIRE(Sign(CompareKeys(in_a, in_b)) == Sign(in_a.compare(in_b)));
    REQUIRE(SameKey(in_a, in_b) == (a == b));
    const size_t shared = static_cast<size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
    REQUIRE(SharedPrefix(in_a, in_b) == shared);
    if (const uint64_t leading = LeadingBytes(in_a); leading != LeadingBytes(in_b)) {
      REQUIRE((leading < LeadingBytes(in_b)) == (a < b));
    }
    REQUIRE(CompareKeys(in_a, std::string(a)) == 0);
  }
  CHECK(CompareKeys(absl::string_view(), absl::string_view()) == 0);
}

TEST_CASE("key prefix: the leading bytes of a key shorter than a word are those before zeros") {
  const std::string bytes = "\xf1\xe2\xd3\xc4\xb5\xa6\x97\x88\x79\x6a";
  for (size_t n = 0; n <= bytes.size(); ++n) {
    CAPTURE(n);
    uint64_t expected = 0;
    for (size_t i = 0; i < sizeof(expected); ++i) {
      expected = expected << 8 | (i < n ? static_cast<uint8_t>(bytes[i]) : 0);
    }
    CHECK(LeadingBytes(absl::string_view(bytes).substr(0, n)) == expected);
  }
  CHECK(LeadingBytes(absl::string_view()) == 0);
}

}  // namespace
}  // namespace fathom
