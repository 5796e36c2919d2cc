#include "handlers/key_codec.h"

#include <bit>
#include <cassert>
#include <charconv>
#include <cmath>
#include <cstdint>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "handlers/json_text.h"

namespace fathom {
namespace {

constexpr unsigned char kNumberMark = 0xff;
constexpr unsigned char kOtherMark = 0xfe;
constexpr size_t kNumberKeyBytes = 1 + 8 + 2;
constexpr uint64_t kSignBit = uint64_t{1} << 63;
constexpr int kRemainderBias = 1 << 15;
constexpr double kTwoTo63 = 9223372036854775808.0;
constexpr double kTwoTo64 = 18446744073709551616.0;

// A number as its key has it: `nearest` + `remainder`.
struct Number {
  double nearest;
  int remainder;
};

Number FromUint64(uint64_t v) {
  const auto nearest = static_cast<double>(v);
  // 2^64 itself has no uint64_t; modulo 2^64 it is 0, and the difference comes out right.
  const uint64_t whole = nearest == kTwoTo64 ? 0 : static_cast<uint64_t>(nearest);
  return {nearest, static_cast<int>(static_cast<int64_t>(v - whole))};
}

Number FromNegativeInt64(int64_t v) {
  const auto nearest = static_cast<double>(v);
  const uint64_t whole = static_cast<uint64_t>(static_cast<int64_t>(nearest));
  return {nearest, static_cast<int>(static_cast<int64_t>(static_cast<uint64_t>(v) - whole))};
}

Number FromJson(JsonValue key) {
  uint64_t magnitude;
  if (key.AsUint64(&magnitude)) {
    return FromUint64(magnitude);
  }
  int64_t negative;
  if (key.AsInt64(&negative)) {
    return FromNegativeInt64(negative);
  }
  double v = 0;
  const bool parsed = absl::SimpleAtod(key.text(), &v);
  assert(parsed && std::isfinite(v));
  (void)parsed;
  return {v == 0 ? 0.0 : v, 0};  // -0.0 is the key 0
}

void AppendBigEndian(uint64_t v, int bytes, std::string* out) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
    out->push_back(static_cast<char>(v >> shift));
  }
}

uint64_t BigEndian(absl::string_view bytes) {
  uint64_t v = 0;
  for (const char c : bytes) {
    v = v << 8 | static_cast<unsigned char>(c);
  }
  return v;
}

void Encode(Number number, std::string* out) {
  const auto bits = std::bit_cast<uint64_t>(number.nearest);
  out->push_back(static_cast<char>(kNumberMark));
  AppendBigEndian((bits & kSignBit) != 0 ? ~bits : bits | kSignBit, 8, out);
  AppendBigEndian(static_cast<uint16_t>(number.remainder + kRemainderBias), 2, out);
}

// REQUIRES: `key` has the length of a number's key.
Number Decode(absl::string_view key) {
  const uint64_t image = BigEndian(key.substr(1, 8));
  const uint64_t bits = (image & kSignBit) != 0 ? image & ~kSignBit : ~image;
  return {std::bit_cast<double>(bits),
          static_cast<int>(BigEndian(key.substr(9, 2))) - kRemainderBias};
}

bool IsInteger64(Number number) {
  const double v = number.nearest;
  if (v != std::trunc(v) || v < -kTwoTo63 || v > kTwoTo64) {
    return false;
  }
  return (v < kTwoTo64 || number.remainder < 0) && (v > -kTwoTo63 || number.remainder >= 0);
}

// The number's text, and its key made anew from that text's meaning.
void Respell(Number number, std::string* text, std::string* key) {
  if (!IsInteger64(number)) {
    char buffer[32];
    const std::to_chars_result end = std::to_chars(buffer, buffer + sizeof(buffer), number.nearest);
    text->append(buffer, end.ptr);
    Encode({number.nearest, 0}, key);
    return;
  }
  const auto remainder = static_cast<uint64_t>(static_cast<int64_t>(number.remainder));
  if (number.nearest < 0) {
    const auto whole = static_cast<uint64_t>(static_cast<int64_t>(number.nearest));
    const auto v = static_cast<int64_t>(whole + remainder);
    absl::StrAppend(text, v);
    Encode(FromNegativeInt64(v), key);
    return;
  }
  const uint64_t whole = number.nearest == kTwoTo64 ? 0 : static_cast<uint64_t>(number.nearest);
  absl::StrAppend(text, whole + remainder);
  Encode(FromUint64(whole + remainder), key);
}

absl::Status NotAKey(absl::string_view key) {
  return absl::DataLossError(
      absl::StrCat("the store holds a key that no message wrote: expected UTF-8 or a number's 11 "
                   "bytes, found \"",
                   absl::CHexEscape(key.substr(0, 40)), "\""));
}

// Appends the text after the mark if it is what EncodeKey makes of some value.
absl::Status AppendOtherKey(absl::string_view key, std::string* out) {
  const absl::string_view text = key.substr(1);
  JsonDocument document;
  if (!document.Parse(text).ok()) {
    return NotAKey(key);
  }
  std::string again;
  if (EncodeKey(document.root(), &again) != key) {
    return NotAKey(key);
  }
  out->append(text.data(), text.size());
  return absl::OkStatus();
}

}  // namespace

absl::string_view EncodeKey(JsonValue key, std::string* scratch) {
  if (key.is(JsonKind::kString)) {
    return key.text();
  }
  scratch->clear();
  if (key.is_number()) {
    Encode(FromJson(key), scratch);
  } else {
    scratch->push_back(static_cast<char>(kOtherMark));
    key.AppendCompact(scratch);
  }
  return *scratch;
}

absl::Status AppendKeyAsJson(absl::string_view key, std::string* out) {
  if (!key.empty() && static_cast<unsigned char>(key[0]) == kOtherMark) {
    return AppendOtherKey(key, out);
  }
  if (key.empty() || static_cast<unsigned char>(key[0]) != kNumberMark) {
    if (!IsValidUtf8(key)) {
      return NotAKey(key);
    }
    AppendQuoted(key, out);
    return absl::OkStatus();
  }
  if (key.size() != kNumberKeyBytes) {
    return NotAKey(key);
  }
  const Number number = Decode(key);
  if (!std::isfinite(number.nearest)) {
    return NotAKey(key);
  }
  std::string text;
  std::string again;
  Respell(number, &text, &again);
  if (key != again) {
    return NotAKey(key);
  }
  out->append(text);
  return absl::OkStatus();
}

}  // namespace fathom
