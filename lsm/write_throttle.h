// How much writers must be held back so that compaction keeps up: not at all, then more and more,
// then a stop, as level 0 and the debt of compaction grow. Pressure is 0 where the slow-down begins
// and 1 at the stop; in between, the rate of writes falls in even steps from kFullRate to a small
// part of it.
//
// Not thread safe: the store's mutex guards it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"
#include "lsm/compaction/picker.h"
#include "lsm/options.h"

namespace fathom {

class WriteThrottle {
 public:
  explicit WriteThrottle(const Options& options);

  // Takes notice of a new version of the tree.
  void Update(const Version& version, const LevelTargets& targets);

  double pressure() const { return pressure_; }
  bool stopped() const { return pressure_ >= 1; }

  // For how long a writer of `bytes` must be held back now; 0 for most: delays are saved up until
  // they are worth a sleep.
  absl::Duration DelayFor(size_t bytes);

 private:
  // Bytes a second where the slow-down begins.
  static constexpr double kFullRate = 64 << 20;
  // The part of it that is left just before the stop.
  static constexpr double kLeastPart = 1.0 / 32;
  // Debt where the slow-down begins and where it stops, in times the size that level 1 may have.
  static constexpr double kSlowDebt = 4;
  static constexpr double kStopDebt = 16;

  const int slowdown_tables_;
  const int stop_tables_;
  double pressure_ = 0;
  absl::Duration saved_up_;
};

}  // namespace fathom
