#include "handlers/json_text.h"

#include <array>
#include <cstdint>
#include <cstring>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace fathom {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

// What stands after the backslash for each byte: 0 for a byte that is not escaped, 'u' for \u00NN.
constexpr std::array<char, 256> MakeEscapes() {
  std::array<char, 256> escapes{};
  for (size_t c = 0; c < 0x20; ++c) {
    escapes[c] = 'u';
  }
  escapes['"'] = '"';
  escapes['\\'] = '\\';
  escapes['\b'] = 'b';
  escapes['\f'] = 'f';
  escapes['\n'] = 'n';
  escapes['\r'] = 'r';
  escapes['\t'] = 't';
  return escapes;
}

constexpr std::array<char, 256> kEscapes = MakeEscapes();

void AppendEscape(unsigned char c, char escape, std::string* out) {
  out->push_back('\\');
  out->push_back(escape);
  if (escape == 'u') {
    out->append("00");
    out->push_back(kHexDigits[c >> 4]);
    out->push_back(kHexDigits[c & 0xf]);
  }
}

// Bytes that a UTF-8 sequence starting with `lead` has, 0 if none starts so.
size_t SequenceLength(unsigned char lead) {
  if (lead < 0x80) {
    return 1;
  }
  if (lead >= 0xc2 && lead < 0xe0) {
    return 2;
  }
  if (lead >= 0xe0 && lead < 0xf0) {
    return 3;
  }
  return lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
}

bool IsContinuation(unsigned char c) { return (c & 0xc0) == 0x80; }

// The second byte carries what the lead alone cannot rule out: overlong forms, surrogates and code
// points above U+10FFFF.
bool IsSecondByte(unsigned char lead, unsigned char c) {
  switch (lead) {
    case 0xe0:
      return c >= 0xa0 && c < 0xc0;
    case 0xed:
      return c >= 0x80 && c < 0xa0;
    case 0xf0:
      return c >= 0x90 && c < 0xc0;
    case 0xf4:
      return c >= 0x80 && c < 0x90;
    default:
      return IsContinuation(c);
  }
}

}  // namespace

void AppendQuoted(absl::string_view utf8, std::string* out) {
  out->push_back('"');
  size_t copied = 0;
  for (size_t i = 0; i < utf8.size(); ++i) {
    const auto c = static_cast<unsigned char>(utf8[i]);
    const char escape = kEscapes[c];
    if (escape == 0) {
      continue;
    }
    out->append(utf8.data() + copied, i - copied);
    AppendEscape(c, escape, out);
    copied = i + 1;
  }
  out->append(utf8.data() + copied, utf8.size() - copied);
  out->push_back('"');
}

void AppendSpaced(absl::string_view compact, std::string* out) {
  if (compact.empty() || (compact[0] != '{' && compact[0] != '[')) {
    out->append(compact.data(), compact.size());
    return;
  }
  bool in_string = false;
  size_t copied = 0;
  for (size_t i = 0; i < compact.size(); ++i) {
    const char c = compact[i];
    if (c == '"') {
      in_string = !in_string;
    } else if (c == '\\') {
      ++i;  // whatever it escapes, it is not the string's end
    } else if (!in_string && (c == ',' || c == ':')) {
      out->append(compact.data() + copied, i + 1 - copied);
      out->push_back(' ');
      copied = i + 1;
    }
  }
  out->append(compact.data() + copied, compact.size() - copied);
}

bool IsValidUtf8(absl::string_view bytes) {
  size_t i = 0;
  while (i < bytes.size()) {
    uint64_t word;
    if (bytes.size() - i >= sizeof(word)) {
      std::memcpy(&word, bytes.data() + i, sizeof(word));
      if ((word & 0x8080808080808080u) == 0) {
        i += sizeof(word);
        continue;
      }
    }
    const auto lead = static_cast<unsigned char>(bytes[i]);
    const size_t length = SequenceLength(lead);
    if (length == 0 || length > bytes.size() - i) {
      return false;
    }
    for (size_t k = 1; k < length; ++k) {
      const auto c = static_cast<unsigned char>(bytes[i + k]);
      if (k == 1 ? !IsSecondByte(lead, c) : !IsContinuation(c)) {
        return false;
      }
    }
    i += length;
  }
  return true;
}

std::string ToUtf8(absl::string_view text) {
  return IsValidUtf8(text) ? std::string(text) : absl::CHexEscape(text);
}

std::string Excerpt(absl::string_view utf8, size_t max_bytes) {
  if (utf8.size() <= max_bytes) {
    return std::string(utf8);
  }
  size_t end = max_bytes;
  while (end > 0 && IsContinuation(static_cast<unsigned char>(utf8[end]))) {
    --end;
  }
  return absl::StrCat(utf8.substr(0, end), "...");
}

}  // namespace fathom
