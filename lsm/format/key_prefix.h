// What keys begin with, for those who compare many keys by a few of their bytes. Stateless.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

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
  const char* const p = key.data();
  const size_t n = key.size();
  if (n >= sizeof(uint64_t)) {
    return __builtin_bswap64(DecodeFixed64(p));
  }
  // Fewer are put together in registers, from loads that may overlap: a copy of so many would have
  // to reach the memory before it could be loaded as a number.
  if (n >= sizeof(uint32_t)) {
    const uint64_t first = __builtin_bswap32(DecodeFixed32(p));
    const uint64_t last = __builtin_bswap32(DecodeFixed32(p + n - sizeof(uint32_t)));
    return first << 32 | last << (64 - 8 * n);
  }
  if (n == 0) {
    return 0;
  }
  const auto at = [p](size_t i) { return uint64_t{static_cast<uint8_t>(p[i])} << (56 - 8 * i); };
  return at(0) | at(n / 2) | at(n - 1);
}

// Of two keys where one begins with the other.
inline int OrderOfSizes(absl::string_view a, absl::string_view b) {
  return a.size() == b.size() ? 0 : (a.size() < b.size() ? -1 : 1);
}

// As a.compare(b). Most keys that are compared differ within a few bytes, for which a call of
// memcmp takes longer.
inline int CompareKeys(absl::string_view a, absl::string_view b) {
  constexpr size_t kWord = sizeof(uint64_t);
  constexpr size_t kMostInline = 32;
  const size_t limit = std::min(a.size(), b.size());
  if (limit < kWord) {
    const uint64_t in_a = LeadingBytes(a.substr(0, limit));
    const uint64_t in_b = LeadingBytes(b.substr(0, limit));
    return in_a != in_b ? (in_a < in_b ? -1 : 1) : OrderOfSizes(a, b);
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
  return OrderOfSizes(a, b);
}

inline bool SameKey(absl::string_view a, absl::string_view b) {
  return a.size() == b.size() && CompareKeys(a, b) == 0;
}

}  // namespace fathom
