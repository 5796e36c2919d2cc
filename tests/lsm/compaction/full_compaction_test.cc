#include "lsm/compaction/full_compaction.h"

#include <map>
#include <string>
#include <vector>

#include "tests/lsm/compaction/shapes.h"

namespace fathom {
namespace {

constexpr uint64_t kAll = uint64_t{1} << 40;

// What is to be done first, of all tables numbered below `first_new_table`.
std::string First(const std::shared_ptr<const Version>& version, uint64_t first_new_table = kAll,
                  Compression compression = Compression::kNone) {
  FullCompaction full(first_new_table);
  REQUIRE(full.Inspect(*version, compression).ok());
  const std::optional<FullCompaction::Step> step = full.Next(version);
  if (!step.has_value()) {
    return "nothing";
  }
  const KeyRange hull = Hull(step->compaction.InputTables());
  CHECK(step->compaction.hull.smallest == hull.smallest);
  CHECK(step->compaction.hull.largest == hull.largest);
  return absl::StrCat(step->move ? "move " : "merge ", Describe(step->compaction));
}

TEST_CASE("full compaction: shapes of the tree and what is done about them first") {
  struct Shape {
    const char* story;
    std::map<int, std::string> levels;
    const char* first;
  };
  const std::vector<Shape> shapes = {
      {"an empty tree", {}, "nothing"},
      {"all is where it should be", {{3, "a-b c-d"}}, "nothing"},
      {"level 0 is not deep enough", {{0, "a-b"}}, "move L0 a-b -> L1"},
      {"what overlaps is merged at once, by way of empty levels",
       {{0, "a-c b-d"}, {1, "b-c"}, {3, "a-b d-f"}},
       "merge L0 a-c b-d + L1 b-c + L3 a-b d-f -> L3"},
      {"what overlaps nothing moves, neighbours together",
       {{0, "e-f"}, {1, "a-b c-d"}, {2, "x-z"}},
       "move L0 e-f + L1 a-b c-d -> L2"},
      {"what stays is passed over before the first step",
       {{1, "c-d"}, {2, "a-b c-d"}},
       "merge L1 c-d + L2 c-d -> L2"},
      {"and ends it", {{1, "a-b e-f"}, {2, "a-b c-d e-f"}}, "merge L1 a-b + L2 a-b -> L2"},
      {"neighbours of which each overlaps something are merged together",
       {{1, "a-b c-d"}, {2, "a-b c-d"}},
       "merge L1 a-b c-d + L2 a-b c-d -> L2"},
      {"a move ends where a merge begins", {{1, "a-b c-d"}, {2, "d-e"}}, "move L1 a-b -> L2"},
      {"a key in common is an overlap", {{1, "a-c"}, {2, "c-d"}}, "merge L1 a-c + L2 c-d -> L2"},
      {"the range in a hole of another belongs to it",
       {{1, "c-d"}, {2, "a-z"}},
       "merge L1 c-d + L2 a-z -> L2"},
  };
  for (const Shape& shape : shapes) {
    CAPTURE(shape.story);
    Shapes made;
    CHECK(First(made.Make(shape.levels)) == shape.first);
  }
}

TEST_CASE("full compaction: a table with something to lose is rewritten where it stands") {
  Shapes shapes;
  const auto sound = shapes.Table("a-b", 2);
  const auto with = [&](const Entries& entries) {
    return First(shapes.With({{2, {sound, shapes.Table(entries, 2)}}}));
  };
  CHECK(with({{Versioned("c", 90), "v"}, {Versioned("d", 91), "v"}}) == "nothing");
  CHECK(with({{Versioned("c", 92), "v"}, {Versioned("c", 93), "v"}}) == "merge L2 c-c -> L2");
  CHECK(with({{Versioned("c", 94, ValueType::kDeletion), ""}}) == "merge L2 c-c -> L2");
  CHECK(First(shapes.With({{2, {sound}}}), kAll, Compression::kZstd) == "merge L2 a-b -> L2");
}

TEST_CASE("full compaction: what is new is as it should be, unless it overlaps what is old") {
  Shapes shapes;
  const auto version = shapes.Make({{0, "a-b x-y"}, {1, "a-c m-n"}});
  const uint64_t first_number = 1;
  CHECK(First(version, first_number) == "nothing");
  const auto table = [&version](int level, size_t i) { return version->level(level)[i]; };
  const uint64_t second_to_last = table(1, 0)->meta().number;
  CHECK(First(version, second_to_last) == "merge L0 a-b + L1 a-c -> L1");
}

TEST_CASE("full compaction: what was not looked at is rewritten") {
  Shapes shapes;
  const auto version = shapes.Make({{1, "a-b"}});
  FullCompaction full(kAll);
  const std::optional<FullCompaction::Step> step = full.Next(version);
  REQUIRE(step.has_value());
  CHECK(Describe(step->compaction) == "L1 a-b -> L1");
  CHECK_FALSE(step->move);
}

}  // namespace
}  // namespace fathom
