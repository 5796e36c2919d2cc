// A cursor over the live keys of a store as it was when the cursor was made: later writes, flushes
// and compactions do not change what it sees. Holds memory and files until it is destroyed, which
// must be before the store is closed. One thread at a time.
#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace fathom {

class Iterator {
 public:
  virtual ~Iterator() = default;

  // At a key? False before the first positioning, past either end, and after an error: an end is
  // only an end if `status()` is OK.
  bool Valid() const { return valid_; }
  virtual void SeekToFirst() = 0;
  virtual void SeekToLast() = 0;
  // To the first key >= `target`.
  virtual void Seek(absl::string_view target) = 0;
  // To the last key <= `target`.
  virtual void SeekForPrev(absl::string_view target) = 0;

  // REQUIRES for the four below: Valid(). The views live until the next call that moves.
  virtual void Next() = 0;
  virtual void Prev() = 0;
  absl::string_view key() const { return key_; }
  absl::string_view value() const { return value_; }

  virtual absl::Status status() const = 0;

 protected:
  // Every move ends with one of these two.
  void Show(absl::string_view key, absl::string_view value) {
    valid_ = true;
    key_ = key;
    value_ = value;
  }
  void ShowNothing() { valid_ = false; }

 private:
  bool valid_ = false;
  absl::string_view key_;
  absl::string_view value_;
};

}  // namespace fathom
