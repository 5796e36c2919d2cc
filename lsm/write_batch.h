// Writes that take effect together or not at all, in the order in which they were added. Later
// writes of a key in one batch win. Not thread safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace fathom {

class WriteBatch {
 public:
  WriteBatch();

  // Keys and values are copied. Sizes are checked by DB::Write (kMaxKeyBytes, kMaxValueBytes).
  void Put(absl::string_view key, absl::string_view value);
  void Delete(absl::string_view key);
  // Deletes every key in [begin, end). Nothing if they are equal; DB::Write refuses the batch if
  // `begin` is after `end`.
  void DeleteRange(absl::string_view begin, absl::string_view end);
  void Clear();
  // Adds the writes of `other` after those here.
  void Append(const WriteBatch& other);

  uint32_t count() const { return count_; }
  // Of its encoding, in bytes.
  size_t bytes() const { return rep_.size(); }

 private:
  friend class DBImpl;

  std::string rep_;  // lsm/wal/batch.h; sequence and count are filled in when it is written
  uint32_t count_ = 0;
  size_t largest_key_ = 0;
  size_t largest_value_ = 0;
  bool has_inverted_range_ = false;  // which is not in rep_
};

}  // namespace fathom
