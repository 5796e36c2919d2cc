// A histogram of durations: buckets of 1/64 of their size, so that a percentile is at most 1.6 %
// low. One thread fills one; threads merge theirs in the end.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>

namespace fathom {

class Latencies {
 public:
  void Add(std::chrono::nanoseconds duration);
  void Merge(const Latencies& other);
  // In microseconds; 0 if nothing was added.
  double Percentile(double percent) const;

 private:
  static constexpr uint64_t kSteps = 64;
  static constexpr int kMaxShift = 34;

  std::array<uint32_t, kSteps*(kMaxShift + 2)> buckets_{};
  uint64_t count_ = 0;
};

}  // namespace fathom
