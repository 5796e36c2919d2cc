#include "tests/bench/store/latencies.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>

namespace fathom {

void Latencies::Add(std::chrono::nanoseconds duration) {
  const auto ns = static_cast<uint64_t>(std::max<int64_t>(duration.count(), 0));
  // Below 2 * kSteps a bucket a nanosecond; above, kSteps buckets for each power of two.
  const int excess =
      static_cast<int>(std::bit_width(ns)) - static_cast<int>(std::bit_width(kSteps));
  const int shift = std::clamp(excess, 0, kMaxShift);
  const uint64_t bucket = static_cast<uint64_t>(shift) * kSteps + (ns >> shift);
  ++buckets_[std::min<uint64_t>(bucket, buckets_.size() - 1)];
  ++count_;
}

void Latencies::Merge(const Latencies& other) {
  for (size_t bucket = 0; bucket < buckets_.size(); ++bucket) {
    buckets_[bucket] += other.buckets_[bucket];
  }
  count_ += other.count_;
}

double Latencies::Percentile(double percent) const {
  const double rank = std::ceil(percent / 100 * static_cast<double>(count_));
  double seen = 0;
  for (uint64_t bucket = 0; bucket < buckets_.size(); ++bucket) {
    seen += buckets_[bucket];
    if (seen >= rank && seen > 0) {
      const uint64_t shift = bucket < 2 * kSteps ? 0 : bucket / kSteps - 1;
      return 1e-3 * static_cast<double>((bucket - shift * kSteps) << shift);
    }
  }
  return 0;
}

}  // namespace fathom
