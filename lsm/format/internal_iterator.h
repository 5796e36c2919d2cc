// A cursor over entries in internal-key order: of a memtable, a block, a table, or several merged.
// One thread at a time.
//
// What the cursor stands at is found here, not asked of the structure below: a merge looks at it
// several times for each step. Cursors stand on cursors: the lowest one keeps the entry, the others
// point at it, so that it is not copied from one to the next.
#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace fathom {

class InternalIterator {
 public:
  virtual ~InternalIterator() = default;

  // At an entry? False before the first positioning, past either end, and after an error: the end
  // is only the end if `status()` is OK.
  bool Valid() const { return at_ != &kNowhere; }
  virtual void SeekToFirst() = 0;
  virtual void SeekToLast() = 0;
  // To the first entry with key >= `target` (an internal key).
  virtual void Seek(absl::string_view target) = 0;

  // REQUIRES for the four below: Valid(). The views live until the next call that moves.
  virtual void Next() = 0;
  virtual void Prev() = 0;
  absl::string_view key() const { return at_->key; }
  absl::string_view value() const { return at_->value; }

  virtual absl::Status status() const = 0;

 protected:
  InternalIterator() = default;
  InternalIterator(const InternalIterator&) = delete;  // others point at its entry
  InternalIterator& operator=(const InternalIterator&) = delete;

  // Every move of a cursor ends with one of these three.
  void Show(absl::string_view key, absl::string_view value) {
    own_ = {key, value};
    at_ = &own_;
  }
  // Until the child moves or is gone.
  void ShowWhere(const InternalIterator& child) { at_ = child.at_; }
  void ShowNothing() { at_ = &kNowhere; }

 private:
  struct Entry {
    absl::string_view key;
    absl::string_view value;
  };
  static constexpr Entry kNowhere = {};

  const Entry* at_ = &kNowhere;
  Entry own_;
};

}  // namespace fathom
