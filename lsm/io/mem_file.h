// The bytes of one file in a MemFileSystem: what a process sees of them, and which of them a power
// loss would leave. Not thread safe.
//
//   0            settled      appended     data().size()
//   |  settled   |  unsynced  |  preallocated |
//
// Invariants:
//   1. settled <= appended <= data().size().
//   2. The bytes below `settled` were covered by a Sync. Those that a failed one covered are in
//      `lost_`: no later Sync makes them durable, but SyncAgain does.
//   3. Without luck a power loss leaves `durable_size_` bytes: those of data() below `settled`, and
//      zeros for the lost and the preallocated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace fathom {

// What a power loss spares, drawn from a seed.
class Luck {
 public:
  Luck(uint64_t seed, int survival_percent)
      : random_(seed), percent_(static_cast<uint64_t>(survival_percent)) {}

  bool Survives() { return random_() % 100 < percent_; }

 private:
  std::mt19937_64 random_;
  const uint64_t percent_;
};

class MemFile {
 public:
  const std::string& data() const { return data_; }

  void Append(absl::string_view bytes);
  void Sync();
  // Writes all bytes once more, then Sync.
  void SyncAgain();
  // A Sync that fails: what was appended since the last one stays volatile for ever.
  void LoseUnsynced();
  void Preallocate(size_t length);
  // Cuts the preallocated tail off. As any change of length it is durable only by luck.
  void Cut() { data_.resize(appended_); }

  // Replaces all bytes, durably.
  void Assign(std::string bytes);
  // Turns the file into what a power loss leaves of it, by sectors of 512 bytes.
  void Crash(Luck* luck);

 private:
  struct Range {
    size_t begin;
    size_t end;
  };

  std::string data_;
  size_t appended_ = 0;
  size_t settled_ = 0;
  size_t durable_size_ = 0;
  std::vector<Range> lost_;  // Ascending, disjoint, not empty.
};

}  // namespace fathom
