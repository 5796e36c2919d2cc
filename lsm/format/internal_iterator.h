// A cursor over entries in internal-key order: of a memtable, a block, a table, or several merged.
// One thread at a time.
//
// What the cursor stands at is kept here, not asked of the structure below: a merge looks at it
// several times for each step, and cursors stand on cursors.
#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace fathom {

class InternalIterator {
 public:
  virtual ~InternalIterator() = default;

  // At an entry? False before the first positioning, past either end, and after an error: the end
  // is only the end if `status()` is OK.
  bool Valid() const { return valid_; }
  virtual void SeekToFirst() = 0;
  virtual void SeekToLast() = 0;
  // To the first entry with key >= `target` (an internal key).
  virtual void Seek(absl::string_view target) = 0;

  // REQUIRES for the four below: Valid(). The views live until the next call that moves.
  virtual void Next() = 0;
  virtual void Prev() = 0;
  absl::string_view key() const { return key_; }
  absl::string_view value() const { return value_; }

  virtual absl::Status status() const = 0;

 protected:
  // Every move of a cursor ends with one of these three.
  void Show(absl::string_view key, absl::string_view value) {
    valid_ = true;
    key_ = key;
    value_ = value;
  }
  void ShowWhere(const InternalIterator& child) {
    valid_ = child.valid_;
    key_ = child.key_;
    value_ = child.value_;
  }
  void ShowNothing() {
    valid_ = false;
    key_ = value_ = absl::string_view();
  }

 private:
  bool valid_ = false;
  absl::string_view key_;
  absl::string_view value_;
};

}  // namespace fathom
