// What keys begin with, for those who compare many keys by a few of their bytes. Stateless.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "absl/strings/string_view.h"
#include "lsm/format/coding.h"

namespace fathom {

// How many bytes both begin with.
inline size_t SharedPrefix(absl::string_view a, absl::string_view b) {
  const size_t limit = std::min(a.size(), b.size());
  size_t n = 0;
  while (n + sizeof(uint64_t) <= limit) {
    const uint64_t difference = DecodeFixed64(a.data() + n) ^ DecodeFixed64(b.data() + n);
    if (difference != 0) {
      return n + static_cast<size_t>(std::countr_zero(difference)) / 8;
    }
    n += sizeof(uint64_t);
  }
  while (n < limit && a[n] == b[n]) {
    ++n;
  }
  return n;
}

// The first 8 bytes as a number, padded with zeros: a smaller number is a smaller key, equal ones
// say nothing.
inline uint64_t LeadingBytes(absl::string_view key) {
  char bytes[sizeof(uint64_t)] = {};
  if (key.size() >= sizeof(bytes)) {
    std::memcpy(bytes, key.data(), sizeof(bytes));
  } else if (!key.empty()) {  // memcpy must not see a null pointer
    std::memcpy(bytes, key.data(), key.size());
  }
  return __builtin_bswap64(DecodeFixed64(bytes));
}

// As a.compare(b). Most keys that are compared differ within a few bytes, for which a call of
// memcmp takes longer.
inline int CompareKeys(absl::string_view a, absl::string_view b) {
  constexpr size_t kWord = sizeof(uint64_t);
  constexpr size_t kMostInline = 32;
  const size_t limit = std::min(a.size(), b.size());
  if (limit < kWord) {
    return a.compare(b);
  }
  for (size_t n = 0; n < limit; n += kWord) {
    if (n == kMostInline) {
      return a.substr(n).compare(b.substr(n));
    }
    const size_t at = std::min(n, limit - kWord);  // the last word may begin in the one before it
    const uint64_t in_a = DecodeFixed64(a.data() + at);
    const uint64_t in_b = DecodeFixed64(b.data() + at);
    if (in_a != in_b) {
      return __builtin_bswap64(in_a) < __builtin_bswap64(in_b) ? -1 : 1;
    }
  }
  return a.size() == b.size() ? 0 : (a.size() < b.size() ? -1 : 1);
}

inline bool SameKey(absl::string_view a, absl::string_view b) {
  return a.size() == b.size() && CompareKeys(a, b) == 0;
}

}  // namespace fathom
