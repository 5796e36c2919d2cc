#include "lsm/manifest/key_ranges.h"

#include "lsm/format/internal_key.h"
#include "lsm/format/key_prefix.h"

namespace fathom {

KeyRanges KeyRanges::Of(const Levels& levels) {
  KeyRanges ranges;
  bool first = true;
  for (const std::vector<const TableMeta*>& tables : levels) {
    for (const TableMeta* table : tables) {
      for (const std::string* bound : {&table->smallest, &table->largest}) {
        const absl::string_view key = UserKey(*bound);
        if (first) {
          ranges.common_prefix_.assign(key.data(), key.size());
          first = false;
        }
        ranges.common_prefix_.resize(SharedPrefix(ranges.common_prefix_, key));
      }
    }
  }
  for (size_t level = 0; level < levels.size(); ++level) {
    for (const TableMeta* table : levels[level]) {
      ranges.levels_[level].push_back({.smallest = ranges.DigestWithin(UserKey(table->smallest)),
                                       .largest = ranges.DigestWithin(UserKey(table->largest))});
    }
  }
  return ranges;
}

std::optional<uint64_t> KeyRanges::DigestOf(absl::string_view user_key) const {
  if (!SameKey(user_key.substr(0, common_prefix_.size()), common_prefix_)) {
    return std::nullopt;
  }
  return DigestWithin(user_key);
}

size_t KeyRanges::FirstFor(size_t level, uint64_t digest) const {
  const std::vector<Range>& ranges = levels_[level];
  // Without a branch that depends on the digests: it could not be foretold.
  size_t first = 0;
  for (size_t n = ranges.size(); n > 0;) {
    const size_t half = (n + 1) / 2;
    first += ranges[first + half - 1].largest < digest ? half : 0;
    n -= half;
  }
  return first;
}

uint64_t KeyRanges::DigestWithin(absl::string_view user_key) const {
  return LeadingBytes(user_key.substr(common_prefix_.size()));
}

}  // namespace fathom
