// How a version of a key is named inside the engine, as LevelDB and RocksDB write it:
//
//   internal key = user key bytes | fixed64 little-endian (sequence << 8 | type)
//
// Order: user keys ascending by bytes (unsigned), then sequence descending, then type descending:
// the newest version of a key comes first.
//
// Invariants:
//   1. A sequence number is used once in the life of a store and is below 2^56.
//   2. No two entries of a store have equal internal keys.
//
// A range tombstone (range_tombstones.h) has the internal key of its first user key, and the user
// key at which it ends as its value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "lsm/format/coding.h"
#include "lsm/format/key_prefix.h"

namespace fathom {

using SequenceNumber = uint64_t;
inline constexpr SequenceNumber kMaxSequenceNumber = (uint64_t{1} << 56) - 1;

// Values are on disk: never renumber.
enum class ValueType : uint8_t { kDeletion = 0, kValue = 1, kRangeDeletion = 15 };

// Sorts before every entry of the same user key with a sequence <= its own: for seeks.
inline constexpr ValueType kSeekType = ValueType::kValue;

inline constexpr size_t kTrailerBytes = 8;

// Longest user key and longest value, in bytes.
inline constexpr size_t kMaxKeyBytes = size_t{1} << 20;
inline constexpr size_t kMaxValueBytes = size_t{1} << 30;

constexpr uint64_t PackTrailer(SequenceNumber sequence, ValueType type) {
  return sequence << 8 | static_cast<uint8_t>(type);
}

inline void AppendInternalKey(absl::string_view user_key, SequenceNumber sequence, ValueType type,
                              std::string* out) {
  out->append(user_key.data(), user_key.size());
  PutFixed64(out, PackTrailer(sequence, type));
}

// REQUIRES for the four below: internal_key.size() >= kTrailerBytes.
inline absl::string_view UserKey(absl::string_view internal_key) {
  return internal_key.substr(0, internal_key.size() - kTrailerBytes);
}
inline uint64_t Trailer(absl::string_view internal_key) {
  return DecodeFixed64(internal_key.data() + internal_key.size() - kTrailerBytes);
}
inline SequenceNumber Sequence(absl::string_view internal_key) {
  return Trailer(internal_key) >> 8;
}
inline ValueType Type(absl::string_view internal_key) {
  return static_cast<ValueType>(Trailer(internal_key) & 0xff);
}

// Long enough for a trailer, and of a type that an entry of this version can have. Range tombstones
// are kept apart from entries.
inline bool IsValidInternalKey(absl::string_view key) {
  return key.size() >= kTrailerBytes &&
         (Trailer(key) & 0xff) <= static_cast<uint8_t>(ValueType::kValue);
}

// < 0, 0, > 0 as `a` sorts before, equals or sorts after `b`.
inline int CompareInternalKeys(absl::string_view a, absl::string_view b) {
  const int by_user_key = CompareKeys(UserKey(a), UserKey(b));
  if (by_user_key != 0) {
    return by_user_key;
  }
  const uint64_t ta = Trailer(a);
  const uint64_t tb = Trailer(b);
  return ta > tb ? -1 : (ta < tb ? 1 : 0);
}

// The greatest key of a table, where that is the end of a range tombstone and so does not belong to
// it: sorts before every version of that user key.
constexpr uint64_t kExclusiveTrailer = PackTrailer(kMaxSequenceNumber, ValueType::kRangeDeletion);

// As IsValidInternalKey, for the least or greatest key of a table.
inline bool IsValidTableBound(absl::string_view key) {
  return IsValidInternalKey(key) ||
         (key.size() >= kTrailerBytes && Type(key) == ValueType::kRangeDeletion);
}

// Does a table whose greatest key is `largest` end before `user_key`?
inline bool EndsBefore(absl::string_view largest, absl::string_view user_key) {
  const int order = CompareKeys(UserKey(largest), user_key);
  return order < 0 || (order == 0 && Trailer(largest) == kExclusiveTrailer);
}

// The internal key that sorts just before every version of `user_key` with a sequence <=
// `snapshot`, built without allocating where the key is short.
class SeekKey {
 public:
  SeekKey(absl::string_view user_key, SequenceNumber snapshot)
      : size_(user_key.size() + kTrailerBytes) {
    if (size_ > sizeof(inline_)) {
      long_ = std::make_unique<char[]>(size_);
    }
    char* const to = long_ == nullptr ? inline_ : long_.get();
    if (!user_key.empty()) {
      std::memcpy(to, user_key.data(), user_key.size());
    }
    EncodeFixed64(to + user_key.size(), PackTrailer(snapshot, kSeekType));
  }

  absl::string_view view() const { return {long_ == nullptr ? inline_ : long_.get(), size_}; }

 private:
  const size_t size_;
  char inline_[200];
  std::unique_ptr<char[]> long_;
};

// A shortest internal key k with a <= k < b (a < b), for an index entry between two blocks.
std::string ShortestSeparator(absl::string_view a, absl::string_view b);

}  // namespace fathom
