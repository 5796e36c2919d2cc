#include "lsm/write_throttle.h"

#include <algorithm>

namespace fathom {
namespace {

// 0 at or below `from`, 1 at or above `to`.
double Between(double value, double from, double to) {
  return value >= to ? 1 : std::max(0.0, (value - from) / (to - from));
}

constexpr absl::Duration kWorthASleep = absl::Milliseconds(1);

}  // namespace

WriteThrottle::WriteThrottle(const Options& options)
    // Never where no compaction is due yet: the wait would not end.
    : slowdown_tables_(std::max(options.level0_slowdown_tables, options.level0_compaction_tables)),
      stop_tables_(std::max(options.level0_stop_tables, slowdown_tables_ + 1)) {}

void WriteThrottle::Update(const Version& version, const LevelTargets& targets) {
  const auto level1_bytes = static_cast<double>(targets.max_bytes[1]);
  const double tables =
      Between(static_cast<double>(version.level(0).size()), slowdown_tables_ - 1, stop_tables_);
  const double debt = Between(static_cast<double>(CompactionDebt(version, targets)),
                              kSlowDebt * level1_bytes, kStopDebt * level1_bytes);
  pressure_ = std::max(tables, debt);
}

absl::Duration WriteThrottle::DelayFor(size_t bytes) {
  if (pressure_ <= 0) {
    saved_up_ = absl::ZeroDuration();
    return absl::ZeroDuration();
  }
  const double rate = kFullRate * std::max(1 - pressure_, kLeastPart);
  saved_up_ += absl::Seconds(static_cast<double>(bytes) / rate);
  if (saved_up_ < kWorthASleep) {
    return absl::ZeroDuration();
  }
  const absl::Duration delay = std::min(saved_up_, absl::Seconds(1));
  saved_up_ -= delay;
  return delay;
}

}  // namespace fathom
