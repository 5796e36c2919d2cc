#include "lsm/format/coding.h"

#include <cassert>
#include <limits>

namespace fathom {
namespace {

// The loop behind both widths: one past the varint at `p`, or null if it is cut short or has bits
// that T has no room for.
template <typename T>
const char* DecodeVarint(const char* p, const char* limit, T* v) {
  constexpr int kBits = std::numeric_limits<T>::digits;
  T result = 0;
  for (int shift = 0; shift < kBits && p < limit; shift += 7) {
    const auto byte = static_cast<uint8_t>(*p++);
    const T bits = byte & 0x7f;
    if (shift + 7 > kBits && (bits >> (kBits - shift)) != 0) {
      return nullptr;
    }
    result |= bits << shift;
    if (byte < 0x80) {
      *v = result;
      return p;
    }
  }
  return nullptr;
}

template <typename T>
char* EncodeVarint(char* to, T v) {
  while (v >= 0x80) {
    *to++ = static_cast<char>(v | 0x80);
    v >>= 7;
  }
  *to++ = static_cast<char>(v);
  return to;
}

template <typename T>
bool GetVarint(absl::string_view* in, T* v) {
  const char* limit = in->data() + in->size();
  const char* end = DecodeVarint(in->data(), limit, v);
  if (end == nullptr) {
    return false;
  }
  *in = absl::string_view(end, static_cast<size_t>(limit - end));
  return true;
}

}  // namespace

char* EncodeVarint32(char* to, uint32_t v) { return EncodeVarint(to, v); }

char* EncodeVarint64(char* to, uint64_t v) { return EncodeVarint(to, v); }

void PutFixed32(std::string* out, uint32_t v) {
  char bytes[sizeof(v)];
  EncodeFixed32(bytes, v);
  out->append(bytes, sizeof(bytes));
}

void PutFixed64(std::string* out, uint64_t v) {
  char bytes[sizeof(v)];
  EncodeFixed64(bytes, v);
  out->append(bytes, sizeof(bytes));
}

void PutVarint32(std::string* out, uint32_t v) {
  if (v < 128) {
    out->push_back(static_cast<char>(v));  // as most are, without a call
    return;
  }
  char bytes[kMaxVarint32Bytes];
  out->append(bytes, static_cast<size_t>(EncodeVarint32(bytes, v) - bytes));
}

void PutVarint64(std::string* out, uint64_t v) {
  char bytes[kMaxVarint64Bytes];
  out->append(bytes, static_cast<size_t>(EncodeVarint64(bytes, v) - bytes));
}

void PutLengthPrefixed(std::string* out, absl::string_view bytes) {
  assert(bytes.size() <= std::numeric_limits<uint32_t>::max());
  PutVarint32(out, static_cast<uint32_t>(bytes.size()));
  out->append(bytes.data(), bytes.size());
}

size_t VarintLength(uint64_t v) {
  return v == 0 ? 1 : (static_cast<size_t>(std::bit_width(v)) + 6) / 7;
}

bool GetFixed32(absl::string_view* in, uint32_t* v) {
  if (in->size() < sizeof(*v)) {
    return false;
  }
  *v = DecodeFixed32(in->data());
  in->remove_prefix(sizeof(*v));
  return true;
}

bool GetFixed64(absl::string_view* in, uint64_t* v) {
  if (in->size() < sizeof(*v)) {
    return false;
  }
  *v = DecodeFixed64(in->data());
  in->remove_prefix(sizeof(*v));
  return true;
}

bool GetVarint32(absl::string_view* in, uint32_t* v) { return GetVarint(in, v); }

bool GetVarint64(absl::string_view* in, uint64_t* v) { return GetVarint(in, v); }

bool GetLengthPrefixed(absl::string_view* in, absl::string_view* bytes) {
  absl::string_view rest = *in;
  uint32_t length;
  if (!GetVarint32(&rest, &length) || rest.size() < length) {
    return false;
  }
  *bytes = rest.substr(0, length);
  rest.remove_prefix(length);
  *in = rest;
  return true;
}

const char* DecodeVarint32(const char* p, const char* limit, uint32_t* v) {
  // Nearly all varints in a block are lengths below 128.
  if (p < limit && static_cast<uint8_t>(*p) < 0x80) {
    *v = static_cast<uint8_t>(*p);
    return p + 1;
  }
  return DecodeVarint(p, limit, v);
}

}  // namespace fathom
