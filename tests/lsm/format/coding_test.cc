#include "lsm/format/coding.h"

#include <doctest/doctest.h>

#include <limits>
#include <utility>
#include <vector>

namespace fathom {
namespace {

// Around each power of two, where a varint grows by a byte.
std::vector<uint64_t> InterestingValues() {
  std::vector<uint64_t> values = {0, std::numeric_limits<uint64_t>::max()};
  for (int bit = 0; bit < 64; ++bit) {
    const uint64_t power = uint64_t{1} << bit;
    values.insert(values.end(), {power - 1, power, power + 1});
  }
  return values;
}

// Gives each proper prefix of `whole` to `get`, which must refuse it and leave the view alone.
template <typename Get>
void CheckRefusesEveryCut(const std::string& whole, Get get) {
  for (size_t length = 0; length < whole.size(); ++length) {
    const absl::string_view cut = absl::string_view(whole).substr(0, length);
    absl::string_view in = cut;
    CAPTURE(length);
    CHECK_FALSE(get(&in));
    CHECK(in.data() == cut.data());
    CHECK(in.size() == cut.size());
  }
}

TEST_CASE("coding: fixed-width integers are little-endian") {
  std::string out;
  PutFixed32(&out, 0x04030201);
  PutFixed64(&out, 0x0c0b0a0908070605);
  CHECK(out == std::string("\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c"));

  absl::string_view in = out;
  uint32_t v32 = 0;
  uint64_t v64 = 0;
  CHECK(GetFixed32(&in, &v32));
  CHECK(GetFixed64(&in, &v64));
  CHECK(v32 == 0x04030201);
  CHECK(v64 == 0x0c0b0a0908070605);
  CHECK(in.empty());
}

TEST_CASE("coding: varints have the bytes of LEB128") {
  const std::vector<std::pair<uint64_t, std::string>> golden = {
      {0, std::string(1, '\0')},
      {127, "\x7f"},
      {128, "\x80\x01"},
      {300, "\xac\x02"},
      {16384, "\x80\x80\x01"},
      {0xffffffff, "\xff\xff\xff\xff\x0f"},
      {std::numeric_limits<uint64_t>::max(), "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"},
  };
  for (const auto& [value, bytes] : golden) {
    std::string out;
    PutVarint64(&out, value);
    CHECK(out == bytes);
  }
}

TEST_CASE("coding: every varint comes back and has the length that was foretold") {
  for (const uint64_t value : InterestingValues()) {
    CAPTURE(value);
    std::string out;
    PutVarint64(&out, value);
    CHECK(out.size() == VarintLength(value));
    CHECK(out.size() <= kMaxVarint64Bytes);
    absl::string_view in = out;
    uint64_t v64 = ~value;
    CHECK(GetVarint64(&in, &v64));
    CHECK(v64 == value);
    CHECK(in.empty());

    uint32_t v32 = 0;
    in = out;
    const char* end = DecodeVarint32(out.data(), out.data() + out.size(), &v32);
    if (value > std::numeric_limits<uint32_t>::max()) {
      CHECK_FALSE(GetVarint32(&in, &v32));
      CHECK(in == out);
      CHECK(end == nullptr);
      continue;
    }
    CHECK(end == out.data() + out.size());
    CHECK(v32 == value);
    v32 = ~v32;
    CHECK(GetVarint32(&in, &v32));
    CHECK(v32 == value);
    CHECK(in.empty());
    std::string out32;
    PutVarint32(&out32, v32);
    CHECK(out32 == out);
  }
}

TEST_CASE("coding: an integer that is cut short is refused and the view is unchanged") {
  uint32_t v32 = 0;
  uint64_t v64 = 0;
  std::string fixed;
  PutFixed64(&fixed, 1);
  CheckRefusesEveryCut(fixed, [&](absl::string_view* in) { return GetFixed64(in, &v64); });
  CheckRefusesEveryCut(fixed.substr(0, 4),
                       [&](absl::string_view* in) { return GetFixed32(in, &v32); });
  for (const uint64_t value : InterestingValues()) {
    std::string varint;
    PutVarint64(&varint, value);
    CheckRefusesEveryCut(varint, [&](absl::string_view* in) { return GetVarint64(in, &v64); });
    CheckRefusesEveryCut(varint, [&](absl::string_view* in) { return GetVarint32(in, &v32); });
  }
}

TEST_CASE("coding: a varint too long for its type is refused and the view is unchanged") {
  const std::vector<std::string> too_long_32 = {
      "\xff\xff\xff\xff\x10", std::string("\x80\x80\x80\x80\x80\x00", 6), "\xff\xff\xff\xff\x7f"};
  for (const std::string& bytes : too_long_32) {
    absl::string_view in = bytes;
    uint32_t v = 0;
    CHECK_FALSE(GetVarint32(&in, &v));
    CHECK(in == bytes);
  }
  const std::string nine(9, '\xff');
  const std::vector<std::string> too_long_64 = {nine + "\x02", nine + "\x7f",
                                                nine + std::string("\x80\x00", 2)};
  for (const std::string& bytes : too_long_64) {
    absl::string_view in = bytes;
    uint64_t v = 0;
    CHECK_FALSE(GetVarint64(&in, &v));
    CHECK(in == bytes);
  }
}

TEST_CASE("coding: a length-prefixed string comes back, one after another") {
  const std::vector<std::string> strings = {"", "a", std::string(127, 'x'), std::string(128, 'y'),
                                            std::string("\0\xff", 2)};
  std::string out;
  for (const std::string& s : strings) {
    PutLengthPrefixed(&out, s);
  }
  absl::string_view in = out;
  for (const std::string& s : strings) {
    absl::string_view bytes;
    CHECK(GetLengthPrefixed(&in, &bytes));
    CHECK(bytes == s);
  }
  CHECK(in.empty());
}

TEST_CASE("coding: a length-prefixed string that is cut short is refused, the view unchanged") {
  std::string out;
  PutLengthPrefixed(&out, std::string(200, 'z'));
  absl::string_view bytes = "as it was";
  CheckRefusesEveryCut(out, [&](absl::string_view* in) { return GetLengthPrefixed(in, &bytes); });
  CHECK(bytes == "as it was");
}

}  // namespace
}  // namespace fathom
