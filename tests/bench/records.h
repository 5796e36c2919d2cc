// The records that all programs here use: keys of 16 decimal digits, values that compress to half.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace fathom {

inline constexpr size_t kRecordKeyBytes = 16;

// The key of a number, in a buffer of its own: numbers sort as their keys do.
class RecordKey {
 public:
  explicit RecordKey(uint64_t number) { Set(number); }
  RecordKey() : RecordKey(0) {}

  void Set(uint64_t number) {
    for (size_t i = kRecordKeyBytes; i-- > 0; number /= 10) {
      digits_[i] = static_cast<char>('0' + number % 10);
    }
  }
  absl::string_view view() const { return {digits_, kRecordKeyBytes}; }

 private:
  char digits_[kRecordKeyBytes];
};

// Values: slices of one buffer, each random in its first half and a repetition in its second.
class RecordValues {
 public:
  explicit RecordValues(size_t value_bytes);

  // A value; the next call gives another one.
  absl::string_view Next() {
    if (next_ + value_bytes_ > bytes_.size()) {
      next_ = 0;
    }
    const absl::string_view value(bytes_.data() + next_, value_bytes_);
    next_ += value_bytes_;
    return value;
  }
  size_t value_bytes() const { return value_bytes_; }

 private:
  const size_t value_bytes_;
  std::string bytes_;
  size_t next_ = 0;
};

// The numbers below `n`, each once, in an order that depends on the seed alone.
std::vector<uint32_t> ShuffledNumbers(uint64_t n, uint64_t seed);

}  // namespace fathom
