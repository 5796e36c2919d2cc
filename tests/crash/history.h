// What a store may be after a crash: the states that its writes went through, and which of them are
// promised.
//
// A state is told by the sequence number of its last write, so a recovery that gives another prefix
// than it claims does not pass for one that happens to hold the same keys.
//
// Invariants:
//   1. durable() <= handed() <= the sequence number of the latest state.
//   2. The states from durable() on are kept: a power loss may leave any of them, and none before.
#pragma once

#include <cassert>
#include <cstdint>
#include <map>
#include <utility>

#include "lsm/options.h"
#include "tests/lsm/store.h"

namespace fathom {

class History {
 public:
  History() { states_[0] = Model(); }

  const Model& latest() const { return states_.rbegin()->second; }
  uint64_t last_sequence() const { return states_.rbegin()->first; }
  // What a power loss must leave, and the death of the process, at least.
  uint64_t durable() const { return durable_; }
  uint64_t handed() const { return handed_; }

  // A write of `entries` that may or may not be there after a crash.
  void Write(uint64_t entries, Model after) {
    assert(entries > 0);
    states_.emplace_hint(states_.end(), last_sequence() + entries, std::move(after));
  }
  // All writes so far were acknowledged like this.
  void Acknowledge(Durability durability) {
    if (durability != Durability::kBuffered) {
      handed_ = last_sequence();
    }
    if (durability == Durability::kDisk) {
      durable_ = last_sequence();
      states_.erase(states_.begin(), states_.find(durable_));
    }
  }

  // Null if no write ended at `sequence`.
  const Model* At(uint64_t sequence) const {
    const auto state = states_.find(sequence);
    return state == states_.end() ? nullptr : &state->second;
  }

  // A recovery found the state at `sequence`: what came after it never was.
  void EndAt(uint64_t sequence) {
    states_.erase(states_.upper_bound(sequence), states_.end());
    assert(last_sequence() == sequence);
    handed_ = sequence;
  }

 private:
  std::map<uint64_t, Model> states_;  // by sequence number
  uint64_t durable_ = 0;
  uint64_t handed_ = 0;
};

}  // namespace fathom
