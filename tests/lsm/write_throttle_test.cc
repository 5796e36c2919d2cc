#include "lsm/write_throttle.h"

#include "tests/lsm/compaction/shapes.h"

namespace fathom {
namespace {

LevelTargets Targets(uint64_t level1_bytes) {
  LevelTargets targets;
  targets.max_bytes.fill(uint64_t{1} << 40);
  targets.max_bytes[1] = level1_bytes;
  return targets;
}

std::string Repeat(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) {
    absl::StrAppend(&all, text, " ");
  }
  return all;
}

TEST_CASE("write throttle: pressure grows in even steps with level 0, from none to a stop") {
  Options options;
  options.level0_slowdown_tables = 6;
  options.level0_stop_tables = 10;
  WriteThrottle throttle(options);
  LevelTargets targets = Targets(uint64_t{1} << 40);
  targets.level0_tables = 100;  // no debt
  for (int tables = 0; tables <= 12; ++tables) {
    Shapes shapes;
    throttle.Update(*shapes.Make({{0, Repeat("a-b", tables)}}), targets);
    CAPTURE(tables);
    CHECK(throttle.pressure() ==
          doctest::Approx(tables < 6 ? 0 : (tables < 10 ? 0.2 * (tables - 5) : 1)));
    CHECK(throttle.stopped() == (tables >= 10));
  }
}

TEST_CASE("write throttle: pressure grows with the debt of compaction, and goes with it") {
  WriteThrottle throttle{Options()};
  double last = 0;
  for (const int kib : {1, 3, 6, 9, 12, 15, 20}) {
    Shapes shapes;
    throttle.Update(*shapes.Make({{1, absl::StrCat("a-b:", kib)}}), Targets(1 << 10));
    CHECK(throttle.pressure() >= last);
    CHECK((throttle.pressure() > 0) == (kib > 4));
    CHECK(throttle.stopped() == (kib >= 17));
    last = throttle.pressure();
  }
  throttle.Update(Version(), Targets(1 << 10));
  CHECK(throttle.pressure() == 0);
  CHECK(throttle.DelayFor(1 << 20) == absl::ZeroDuration());
}

TEST_CASE(
    "write throttle: a stop is never below the number of tables that makes a compaction due") {
  // Else the wait for it would not end.
  Options options;
  options.level0_compaction_tables = 8;
  options.level0_slowdown_tables = 1;
  options.level0_stop_tables = 2;
  WriteThrottle throttle(options);
  LevelTargets targets = Targets(uint64_t{1} << 40);
  targets.level0_tables = options.level0_compaction_tables;
  for (int tables = 1; tables <= 9; ++tables) {
    Shapes shapes;
    const auto version = shapes.Make({{0, Repeat("a-b", tables)}});
    throttle.Update(*version, targets);
    CAPTURE(tables);
    if (throttle.stopped()) {
      CHECK(PickCompaction(version, targets, {}).has_value());
    }
    CHECK(throttle.stopped() == (tables == 9));
  }
}

TEST_CASE("write throttle: a stop is one table past the slow-down at the least") {
  Options options;
  options.level0_slowdown_tables = 5;
  options.level0_stop_tables = 5;
  Shapes shapes;
  WriteThrottle throttle(options);
  LevelTargets targets = Targets(uint64_t{1} << 40);
  targets.level0_tables = 100;
  throttle.Update(*shapes.Make({{0, Repeat("a-b", 5)}}), targets);
  CHECK(throttle.pressure() == doctest::Approx(0.5));
}

TEST_CASE("write throttle: delays are saved up until they are worth a sleep, and bounded") {
  Options options;
  options.level0_compaction_tables = 1;
  options.level0_slowdown_tables = 2;
  options.level0_stop_tables = 4;
  WriteThrottle throttle(options);
  Shapes shapes;
  throttle.Update(*shapes.Make({{0, "a-b a-b a-b"}}), Targets(uint64_t{1} << 40));
  REQUIRE(throttle.pressure() == doctest::Approx(2.0 / 3));
  // A third of 64 MiB a second is left.
  absl::Duration all;
  for (int i = 0; i < 10000; ++i) {
    const absl::Duration delay = throttle.DelayFor(1000);
    CHECK((delay == absl::ZeroDuration() || delay >= absl::Milliseconds(1)));
    all += delay;
  }
  CHECK(absl::ToDoubleSeconds(all) == doctest::Approx(3e7 / (64 << 20)).epsilon(0.02));
  CHECK(throttle.DelayFor(size_t{1} << 30) <= absl::Seconds(1));
}

}  // namespace
}  // namespace fathom
