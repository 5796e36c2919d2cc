#include "lsm/format/internal_key.h"

#include <algorithm>
#include <cassert>

namespace fathom {
namespace {

// The shortest user key after `a` that shares its first `from` bytes, if it is shorter than `a`;
// otherwise empty.
std::string ShorterKeyAfter(absl::string_view a, size_t from) {
  for (size_t i = from; i + 1 < a.size(); ++i) {
    if (static_cast<uint8_t>(a[i]) != 0xff) {
      std::string key(a.data(), i + 1);
      ++key.back();
      return key;
    }
  }
  return std::string();
}

// The shortest user key strictly between `a` and `b` (a < b) that is shorter than `a`, or empty.
std::string ShorterKeyBetween(absl::string_view a, absl::string_view b) {
  const size_t common_limit = std::min(a.size(), b.size());
  size_t diff = 0;
  while (diff < common_limit && a[diff] == b[diff]) {
    ++diff;
  }
  if (diff == common_limit) {
    return std::string();  // `a` is a prefix of `b`: whatever is between is longer than `a`.
  }
  std::string key = ShorterKeyAfter(a, diff);
  if (absl::string_view(key) < b) {
    return key;
  }
  // Raised at `diff` it reaches `b`; raised further on it stays below.
  return ShorterKeyAfter(a, diff + 1);
}

// `user_key` as the first of its versions, or `original` where nothing shorter was found.
std::string FirstVersionOr(const std::string& user_key, absl::string_view original) {
  if (user_key.empty()) {
    return std::string(original);
  }
  std::string key;
  key.reserve(user_key.size() + kTrailerBytes);
  AppendInternalKey(user_key, kMaxSequenceNumber, kSeekType, &key);
  return key;
}

}  // namespace

std::string ShortestSeparator(absl::string_view a, absl::string_view b) {
  assert(CompareInternalKeys(a, b) < 0);
  return FirstVersionOr(ShorterKeyBetween(UserKey(a), UserKey(b)), a);
}

}  // namespace fathom
