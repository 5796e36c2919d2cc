#include "handlers/key_codec.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace fathom {
namespace {

std::string Key(const std::string& json) {
  JsonDocument document;
  REQUIRE(document.Parse(json).ok());
  std::string scratch;
  return std::string(EncodeKey(document.root(), &scratch));
}

std::string Json(absl::string_view key) {
  std::string out;
  const absl::Status status = AppendKeyAsJson(key, &out);
  return status.ok() ? out : std::string(status.message());
}

TEST_CASE("key_codec: a string is stored as its UTF-8 bytes") {
  CHECK(Key("\"\"").empty());
  CHECK(Key("\"user:42\"") == "user:42");
  CHECK(Key(R"("\u20ac\u0000")") == std::string("\xe2\x82\xac\0", 4));
}

TEST_CASE("key_codec: the bytes of numbers are pinned") {
  CHECK(Key("0") == std::string("\xff\x80\0\0\0\0\0\0\0\x80\0", 11));
  CHECK(Key("1") == std::string("\xff\xbf\xf0\0\0\0\0\0\0\x80\0", 11));
  CHECK(Key("-1") == std::string("\xff\x40\x0f\xff\xff\xff\xff\xff\xff\x80\0", 11));
  // 2^53 + 1 lies between two doubles; the nearest (to even) is 2^53.
  CHECK(Key("9007199254740993") == std::string("\xff\xc3\x40\0\0\0\0\0\0\x80\x01", 11));
}

TEST_CASE("key_codec: keys come back as JSON") {
  for (const char* json :
       {"\"\"", "\"a b\"", "\"\\\"\\\\\\n\"", "\"\xe2\x82\xac\"", "0", "1", "-1", "0.1", "-2.5",
        "9007199254740993", "9223372036854775807", "-9223372036854775808", "18446744073709551615",
        "18446744073709551614", "1e+300", "5e-324", "-1.7976931348623157e+308"}) {
    CHECK(Json(Key(json)) == json);
  }
}

TEST_CASE("key_codec: spellings of one number are one key") {
  for (const char* one : {"1.0", "1e0", "10E-1", "1.00000000000000000000001"}) {
    CHECK(Key(one) == Key("1"));
  }
  CHECK(Key("-0") == Key("0"));
  CHECK(Key("-0.0") == Key("0"));
  CHECK(Key("1e-400") == Key("0"));
  CHECK(Key("1e18") == Key("1000000000000000000"));
  CHECK(Key("0.10") == Key("1e-1"));
  CHECK(Key("18446744073709551616") == Key("1.8446744073709551616e19"));
}

TEST_CASE("key_codec: different numbers are different keys, and no number is a string") {
  CHECK(Key("1") != Key("\"1\""));
  CHECK(Key("9007199254740992") != Key("9007199254740993"));
  CHECK(Key("18446744073709551615") != Key("18446744073709551616"));
  CHECK(Key("9223372036854775807") != Key("9223372036854775808"));
}

TEST_CASE("key_codec: strings come before numbers") {
  CHECK(Key("\"\xf4\x8f\xbf\xbf\"") < Key("-1e308"));
  CHECK(Key("\"\"") < Key("\"a\""));
}

// A number of 64 bits, or a double of any size, as JSON text and as what it should be ordered by.
struct Sample {
  std::string json;
  long double value;  // holds 64 bits exactly
};

Sample RandomNumber(std::mt19937_64* random) {
  const uint64_t bits = (*random)() >> ((*random)() % 64);
  switch ((*random)() % 4) {
    case 0:
      return {absl::StrCat(bits), static_cast<long double>(bits)};
    case 1: {
      const auto v = static_cast<int64_t>((*random)()) >> ((*random)() % 64);
      return {absl::StrCat(v), static_cast<long double>(v)};
    }
    case 2: {
      // Near a power of two, where doubles and integers part.
      const uint64_t v = (uint64_t{1} << (52 + (*random)() % 12)) + (*random)() % 4097 - 2048;
      return {absl::StrCat(v), static_cast<long double>(v)};
    }
    default: {
      double v = std::bit_cast<double>((*random)());
      if (!std::isfinite(v)) {
        v = 0.5;
      }
      char text[40];
      snprintf(text, sizeof(text), "%.17e", v);
      return {text, static_cast<long double>(v)};
    }
  }
}

TEST_CASE("key_codec: random numbers keep their order and come back") {
  std::mt19937_64 random(11);
  std::vector<Sample> samples;
  for (int i = 0; i < 5000; ++i) {
    samples.push_back(RandomNumber(&random));
  }
  for (size_t i = 0; i + 1 < samples.size(); ++i) {
    const Sample& a = samples[i];
    const Sample& b = samples[i + 1];
    const std::string key = Key(a.json);
    CAPTURE(a.json);
    CAPTURE(b.json);
    CHECK((a.value < b.value) == (key < Key(b.json)));
    CHECK((a.value == b.value) == (key == Key(b.json)));
    CHECK(Key(Json(key)) == key);
  }
}

TEST_CASE("key_codec: neighbouring integers keep their order around every power of two") {
  for (int bit = 40; bit < 64; ++bit) {
    std::string last;
    std::string last_negative = "\xff\xff";
    int wrong = 0;
    for (int delta = -1100; delta <= 1100; delta += bit > 52 ? 1 : 50) {
      const uint64_t v = (uint64_t{1} << bit) + static_cast<uint64_t>(delta);
      const std::string key = Key(absl::StrCat(v));
      wrong += last < key && Json(key) == absl::StrCat(v) ? 0 : 1;
      last = key;
      if (v < uint64_t{1} << 63) {
        const std::string negative = absl::StrCat("-", v);
        const std::string negative_key = Key(negative);
        wrong += negative_key < last_negative && Json(negative_key) == negative ? 0 : 1;
        last_negative = negative_key;
      }
    }
    CAPTURE(bit);
    CHECK(wrong == 0);
  }
}

TEST_CASE("key_codec: stored bytes that no message wrote are an error") {
  const auto is_error = [](absl::string_view key) {
    std::string out;
    return absl::IsDataLoss(AppendKeyAsJson(key, &out)) && out.empty();
  };
  CHECK(is_error("\xfe"));
  CHECK(is_error("caf\xe9"));
  CHECK(is_error("\xff"));
  CHECK(is_error(std::string("\xff\x80\0\0\0\0\0\0\0\x80", 10)));
  CHECK(is_error(std::string("\xff\x80\0\0\0\0\0\0\0\x80\0\0", 12)));
  // Infinity, not a number, -0.0, a remainder where there can be none, a remainder too large.
  CHECK(is_error(std::string("\xff\xff\xf0\0\0\0\0\0\0\x80\0", 11)));
  CHECK(is_error(std::string("\xff\xff\xf8\0\0\0\0\0\0\x80\0", 11)));
  CHECK(is_error(std::string("\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x80\0", 11)));
  CHECK(is_error(std::string("\xff\xbf\xe0\0\0\0\0\0\0\x80\x01", 11)));
  CHECK(is_error(std::string("\xff\xbf\xf0\0\0\0\0\0\0\x80\x01", 11)));
  CHECK(absl::StrContains(Json("caf\xe9"), "caf\\xe9"));
}

}  // namespace
}  // namespace fathom
