// A cursor over entries in internal-key order: of a memtable, a block, a table, or several merged.
// One thread at a time.
#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace fathom {

class InternalIterator {
 public:
  virtual ~InternalIterator() = default;

  // At an entry? False before the first positioning, past either end, and after an error: the end
  // is only the end if `status()` is OK.
  virtual bool Valid() const = 0;
  virtual void SeekToFirst() = 0;
  virtual void SeekToLast() = 0;
  // To the first entry with key >= `target` (an internal key).
  virtual void Seek(absl::string_view target) = 0;

  // REQUIRES for the four below: Valid(). The views live until the next call that moves.
  virtual void Next() = 0;
  virtual void Prev() = 0;
  virtual absl::string_view key() const = 0;
  virtual absl::string_view value() const = 0;

  virtual absl::Status status() const = 0;
};

}  // namespace fathom
