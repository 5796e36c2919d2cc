// Which tables of a version can hold a key, told without a look at their metadata, which lies all
// over the memory: 16 bytes a table, in the order of the tables on their level.
//
// A digest is the first 8 bytes of a user key after the prefix that the bounds of all tables have
// in common, padded with zeros: a smaller digest is a smaller key, equal ones say nothing.
//
// Immutable; thread safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "lsm/manifest/version_edit.h"

namespace fathom {

class KeyRanges {
 public:
  enum class Covers : uint8_t { kNo, kYes, kPerhaps };

  struct Range {
    uint64_t smallest;
    uint64_t largest;

    // A key with this digest is in the range, or at an end of it, of which the digest says nothing.
    Covers Covering(uint64_t digest) const {
      return digest < smallest || digest > largest   ? Covers::kNo
             : digest > smallest && digest < largest ? Covers::kYes
                                                     : Covers::kPerhaps;
    }
  };

  // Of tables whose metadata is `levels`, as they stand on each level.
  using Levels = std::array<std::vector<const TableMeta*>, kNumLevels>;
  static KeyRanges Of(const Levels& levels);

  // None if no table can hold the key.
  std::optional<uint64_t> DigestOf(absl::string_view user_key) const;

  std::span<const Range> level(size_t level) const { return levels_[level]; }
  // The first table of a sorted level that does not end before all keys with this digest.
  size_t FirstFor(size_t level, uint64_t digest) const;

 private:
  uint64_t DigestWithin(absl::string_view user_key) const;

  std::string common_prefix_;
  std::array<std::vector<Range>, kNumLevels> levels_;
};

}  // namespace fathom
