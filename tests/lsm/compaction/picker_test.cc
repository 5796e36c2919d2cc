#include "lsm/compaction/picker.h"

#include <algorithm>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/lsm/compaction/shapes.h"

namespace fathom {
namespace {

// Four tables on level 0, eight of them as urgent as a full level; 10 KiB on level 1, 20 on level
// 2, and so on.
LevelTargets Targets() {
  LevelTargets targets;
  targets.level0_tables = 4;
  targets.level0_slowdown_tables = 8;
  uint64_t max_bytes = uint64_t{1} << 20;
  for (uint64_t& bytes : targets.max_bytes) {
    bytes = max_bytes;
    max_bytes = max_bytes > 1000000 ? 10 << 10 : 2 * max_bytes;
  }
  return targets;
}

struct Shape {
  const char* story;
  std::map<int, std::string> levels;
  const char* picked;
};

TEST_CASE("picker: shapes of the tree and what is done about them") {
  const std::vector<Shape> shapes = {
      {"an empty tree", {}, "nothing"},
      {"too few tables on level 0, the others within their size",
       {{0, "a-b a-b a-b"}, {1, "a-c:4 d-e:4"}, {2, "a-z:15"}},
       "nothing"},
      {"tables of level 0 that overlap go together",
       {{0, "a-c b-d c-e d-f"}, {1, "a-a e-g h-i"}},
       "L0 a-c b-d c-e d-f + L1 a-a e-g -> L1"},
      {"the oldest goes first, and what it does not touch stays",
       {{0, "c-d a-b d-e x-y e-f"}, {1, "a-b f-g"}},
       "L0 c-d d-e e-f + L1 f-g -> L1"},
      {"an oldest table that overlaps nothing goes alone",
       {{0, "c-d a-b x-y e-f"}, {1, "a-b"}},
       "L0 c-d -> L1"},
      {"level 0 is over its bytes with a single table", {{0, "a-b:1100"}}, "L0 a-b -> L1"},
      {"the table with the least overlap for its size goes down",
       {{1, "a-c:5 d-f:5 g-i:5"}, {2, "a-b:6 d-f:3 g-g:6"}},
       "L1 d-f + L2 d-f -> L2"},
      {"a larger overlap under a larger table can be the lesser one",
       {{1, "a-c:2 d-f:9"}, {2, "a-b:3 d-f:7"}},
       "L1 d-f + L2 d-f -> L2"},
      {"a table over a gap moves", {{1, "a-c:6 d-f:6"}, {2, "a-b:1"}}, "L1 d-f -> L2"},
      {"the level that is most over its size goes first",
       {{1, "a-c:11"}, {2, "a-c:30 x-z:10"}, {3, "a-c:50"}},
       "L2 x-z -> L3"},
      {"level 0 waits until level 1 has its size",
       {{0, "a-b a-b a-b a-b"}, {1, "a-c:11"}},
       "L1 a-c -> L2"},
      {"but not with so many tables that it is further over",
       {{0, "a-b a-b a-b a-b a-b a-b a-b a-b a-b a-b"}, {1, "a-c:11"}},
       "L0 a-b a-b a-b a-b a-b a-b a-b a-b a-b a-b + L1 a-c -> L1"},
      {"the last level takes what comes", {{6, "a-c:2000"}}, "nothing"},
  };
  for (const Shape& shape : shapes) {
    CAPTURE(shape.story);
    Shapes made;
    const std::optional<Compaction> picked = PickCompaction(made.Make(shape.levels), Targets(), {});
    CHECK((picked.has_value() ? Describe(*picked) : "nothing") == shape.picked);
  }
}

// Tables of one to four KiB over up to four letters each, with gaps here and there.
std::string RandomLevel(std::mt19937* random) {
  const auto below = [random](unsigned n) { return static_cast<char>((*random)() % n); };
  std::string text;
  for (char from = 'a';;) {
    from = static_cast<char>(from + below(2));
    const auto to = static_cast<char>(from + below(4));
    if (to > 'z') {
      return text;
    }
    absl::StrAppend(&text, text.empty() ? "" : " ", std::string(1, from), "-", std::string(1, to),
                    ":", 1 + below(4));
    from = static_cast<char>(to + 1);
  }
}

TEST_CASE("picker: no table of the level would go down for less than the one that is picked") {
  std::mt19937 random(28);
  for (int tree = 0; tree < 50; ++tree) {
    Shapes shapes;
    const std::map<int, std::string> levels = {{1, RandomLevel(&random)},
                                               {2, RandomLevel(&random)}};
    CAPTURE(levels.at(1));
    CAPTURE(levels.at(2));
    const auto version = shapes.Make(levels);
    const std::optional<Compaction> picked = PickCompaction(version, Targets(), {});
    REQUIRE(picked.has_value());
    const int level = picked->source_level;
    const auto cost = [](const Compaction& compaction) {
      return static_cast<double>(compaction.InputBytes()) /
             static_cast<double>(compaction.inputs.front().front()->meta().file_bytes);
    };
    double least = std::numeric_limits<double>::max();
    for (const std::shared_ptr<LiveTable>& table : version->level(level)) {
      least = std::min(least, cost(MakeCompaction(version, level, level + 1, {table})));
    }
    CHECK(cost(*picked) == least);
  }
}

TEST_CASE("picker: what runs is not picked again, and neither is what touches it") {
  // Crash case 42.
  Shapes shapes;
  const auto version = shapes.Make(
      {{0, "a-c a-c a-c a-c"}, {1, "a-c:9 d-f:9 g-i:9"}, {2, "a-a:7 d-g:5 h-h:1"}, {3, "a-z:41"}});
  std::vector<std::string> picks;
  std::vector<Compaction> kept;
  kept.reserve(10);
  std::vector<const Compaction*> running;
  for (;;) {
    std::optional<Compaction> picked = PickCompaction(version, Targets(), running);
    if (!picked.has_value()) {
      break;
    }
    for (const Compaction* other : running) {
      CHECK_FALSE(picked->ConflictsWith(*other));
    }
    picks.push_back(Describe(*picked));
    REQUIRE(kept.size() < 10);
    kept.push_back(*std::move(picked));
    running.push_back(&kept.back());
  }
  // Level 1 is most over its size; its last table shares a target with the one in the middle. Level
  // 0 must wait for the first one.
  CHECK(picks ==
        std::vector<std::string>{"L1 d-f + L2 d-g -> L2", "L1 a-c + L2 a-a -> L2", "L3 a-z -> L4"});
}

TEST_CASE("picker: every tree with a debt wants a compaction, and one without wants none") {
  // Else a writer that waits for the debt to go would wait for ever.
  for (const auto& levels : std::vector<std::map<int, std::string>>{{},
                                                                    {{0, "a-b a-b a-b"}},
                                                                    {{0, "a-b a-b a-b a-b"}},
                                                                    {{1, "a-b:9"}, {2, "a-b:19"}},
                                                                    {{1, "a-b:11"}},
                                                                    {{1, "a-b:9"}, {2, "a-b:21"}},
                                                                    {{5, "a-b:161"}},
                                                                    {{6, "a-b:1000"}}}) {
    Shapes shapes;
    const auto version = shapes.Make(levels);
    const bool wanted = PickCompaction(version, Targets(), {}).has_value();
    CHECK(wanted == (CompactionDebt(*version, Targets()) > 0));
    bool over = false;
    for (const double score : LevelScores(*version, Targets())) {
      over = over || score >= 1;
    }
    CHECK(wanted == over);
  }
}

TEST_CASE("picker: each level may hold more than the one above, up to what can be told") {
  CHECK(LevelBytes(40, 10)[2] == 4000);
  for (const uint64_t level0 : {uint64_t{1} << 40, uint64_t{1} << 63, ~uint64_t{0}}) {
    CAPTURE(level0);
    LevelTargets targets;
    targets.max_bytes = LevelBytes(level0, 10);
    CHECK(std::ranges::is_sorted(targets.max_bytes));
    Shapes shapes;
    const auto version = shapes.Make({{1, "a-b:30"}, {3, "a-b:70"}});
    CHECK(BalancedBytes(*version, targets)[1] == level0);
    CHECK(LevelScores(*version, targets)[1] < 1);
    CHECK(CompactionDebt(*version, targets) == 0);
  }
}

TEST_CASE("picker: levels above the deepest grow by equal factors, within what they may hold") {
  LevelTargets targets;
  targets.max_bytes = {4 << 10, 40 << 10, 400 << 10, 4000 << 10};
  Shapes shapes;
  const auto level1 = [&](const std::map<int, std::string>& levels) {
    return BalancedBytes(*shapes.Make(levels), targets)[1];
  };
  CHECK(level1({}) == 40 << 10);
  CHECK(level1({{1, "a-b:50"}}) == 40 << 10);  // the deepest has what it may have
  CHECK(level1({{1, "a-b:1"}, {2, "a-b:1"}}) == 4 << 10);
  const auto version = shapes.Make({{1, "a-b:30"}, {2, "a-b:70"}});
  const auto total = static_cast<double>(version->LevelBytes(1) + version->LevelBytes(2));
  const auto balanced = static_cast<double>(BalancedBytes(*version, targets)[1]);
  CHECK(balanced / (4 << 10) == doctest::Approx(total / balanced).epsilon(0.001));
  CHECK(LevelScores(*version, targets)[1] > 1);
  CHECK(LevelScores(*version, targets)[2] < 1);
  CHECK(level1({{1, "a-b:30"}, {2, "a-b:470"}}) == 40 << 10);
  const auto three = BalancedBytes(*shapes.Make({{3, "a-b:496"}}), targets);
  CHECK(static_cast<double>(three[1]) == doctest::Approx(20 << 10).epsilon(0.1));
  CHECK(static_cast<double>(three[2]) == doctest::Approx(100 << 10).epsilon(0.1));
  CHECK(three[3] == 4000 << 10);
}

TEST_CASE("picker: debt counts every byte once for each level that it still has to pass") {
  Shapes shapes;
  const auto version = shapes.Make({{1, "a-b:15"}, {2, "a-b:18"}});
  const uint64_t from_1 = version->LevelBytes(1) - (10 << 10);
  const uint64_t from_2 = version->LevelBytes(2) + from_1 - (20 << 10);
  CHECK(from_1 > 4096);
  CHECK(CompactionDebt(*version, Targets()) == from_1 + from_2);
}

}  // namespace
}  // namespace fathom
