// A moment of a store that reads can go back to: reads with it see the store as it was when it was
// taken, through all later writes, flushes and compactions. It keeps the versions that it sees from
// being dropped, so let go of it when it is no longer needed, and before the store is closed.
//
// Immutable; any thread may use it, and let go of it.
#pragma once

#include <functional>
#include <utility>

#include "lsm/format/internal_key.h"

namespace fathom {

class Snapshot {
 public:
  ~Snapshot() { release_(sequence_); }

  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

  // The last write that it sees.
  SequenceNumber sequence() const { return sequence_; }

 private:
  friend class DBImpl;
  Snapshot(SequenceNumber sequence, std::function<void(SequenceNumber)> release)
      : sequence_(sequence), release_(std::move(release)) {}

  const SequenceNumber sequence_;
  const std::function<void(SequenceNumber)> release_;
};

}  // namespace fathom
