#include "tests/bench/store/report.h"

#include <doctest/doctest.h>

#include "absl/strings/match.h"

namespace fathom {
namespace {

Sample RunOf(uint64_t operations, double seconds, double cpu_seconds) {
  Sample sample;
  sample.operations = operations;
  sample.seconds = seconds;
  sample.cpu_seconds = cpu_seconds;
  return sample;
}

// Fathom and two peers, one workload, three rounds.
Report SmallReport() {
  Report report({.command = "the command", .records = 1000, .rounds = 3, .engine = {}},
                {{"fathom", "", nullptr}, {"slow", "", nullptr}, {"quick", "", nullptr}},
                {{"fill", "seq", nullptr, false, nullptr}});
  const double seconds[3][3] = {{1, 4, 2}, {1.25, 5, 2.5}, {9, 9, 9}};
  for (const auto& round : seconds) {
    for (size_t engine = 0; engine < 3; ++engine) {
      report.Add(0, engine, RunOf(1'000'000, round[engine], engine == 1 ? 0.5 : 1));
    }
  }
  return report;
}

TEST_CASE("report: figures are medians, and ratios are to the peer that is better in each") {
  CHECK(absl::StrContains(SmallReport().Markdown(),
                          "| fill | 800 | 200 | 400 | 2.00  | 1.00 | 0.50 | 1.00 | 0.50! |\n"));
}

TEST_CASE("report: what was not measured makes no table") {
  CHECK_FALSE(absl::StrContains(SmallReport().Text(), "p99"));
}

TEST_CASE("report: the chart has the ratios of throughput and of CPU") {
  const BarChart chart = SmallReport().Chart();
  REQUIRE(chart.rows.size() == 1);
  CHECK(chart.rows[0].ratios == std::vector<double>{2, 0.5});
}

}  // namespace
}  // namespace fathom
