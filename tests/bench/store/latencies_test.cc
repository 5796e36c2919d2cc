#include "tests/bench/store/latencies.h"

#include <doctest/doctest.h>

namespace fathom {
namespace {

using std::chrono::nanoseconds;

TEST_CASE("latencies: without a duration every percentile is 0") {
  CHECK(Latencies().Percentile(50) == 0);
}

TEST_CASE("latencies: short durations are told exactly") {
  Latencies latencies;
  for (int ns = 1; ns <= 100; ++ns) {
    latencies.Add(nanoseconds(ns));
  }
  CHECK(latencies.Percentile(50) == doctest::Approx(0.050));
  CHECK(latencies.Percentile(99) == doctest::Approx(0.099));
  CHECK(latencies.Percentile(99.9) == doctest::Approx(0.100));
}

TEST_CASE("latencies: of any size, what is told is at most 1/64 below what was added") {
  for (int64_t ns = 1; ns < int64_t{1} << 40; ns += ns / 37 + 1) {
    Latencies latencies;
    latencies.Add(nanoseconds(ns));
    const double told = 1e3 * latencies.Percentile(99);
    CAPTURE(ns);
    REQUIRE(told <= static_cast<double>(ns) * (1 + 1e-9));
    REQUIRE(told >= static_cast<double>(ns) * 63 / 64);
  }
}

TEST_CASE("latencies: merged ones count as if one had taken all") {
  Latencies quick;
  Latencies slow;
  for (int i = 0; i < 98; ++i) {
    quick.Add(nanoseconds(10));
  }
  slow.Add(nanoseconds(100));
  slow.Add(nanoseconds(120));
  quick.Merge(slow);
  CHECK(quick.Percentile(98) == doctest::Approx(0.010));
  CHECK(quick.Percentile(99) == doctest::Approx(0.100));
  CHECK(quick.Percentile(100) == doctest::Approx(0.120));
}

}  // namespace
}  // namespace fathom
