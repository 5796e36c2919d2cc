#include "lsm/compaction/compaction.h"

#include "tests/lsm/compaction/shapes.h"

namespace fathom {
namespace {

std::string Made(const std::shared_ptr<const Version>& version, int source_level,
                 Version::Tables sources) {
  return Describe(MakeCompaction(version, source_level, source_level + 1, std::move(sources)));
}

TEST_CASE("compaction: on level 0 all that overlaps comes along, until nothing more does") {
  // Crash case 35: by the hull, not by the one table, and by looking at every table.
  Shapes shapes;
  const auto version =
      shapes.Make({{0, "x-z f-g a-b b-d d-e p-q e-f"}, {1, "a-a c-d g-h i-j p-r"}});
  const Version::Tables& level0 = version->level(0);  // newest first
  CHECK(Made(version, 0, {level0[4]}) == "L0 a-b b-d d-e e-f f-g + L1 a-a c-d g-h -> L1");
  CHECK(Made(version, 0, {level0[0]}) == "L0 a-b b-d d-e e-f f-g + L1 a-a c-d g-h -> L1");
  CHECK(Made(version, 0, {level0[1]}) == "L0 p-q + L1 p-r -> L1");
  CHECK(Made(version, 0, {level0[6]}) == "L0 x-z -> L1");
}

TEST_CASE("compaction: a hull that grows over a hole takes what lies in the hole") {
  Shapes shapes;
  const auto version = shapes.Make({{0, "c-d a-z m-n"}, {1, "e-f"}});
  CHECK(Made(version, 0, {version->level(0)[0]}) == "L0 a-z c-d m-n + L1 e-f -> L1");
}

TEST_CASE("compaction: below level 0 a table takes the targets that it overlaps, bounds included") {
  Shapes shapes;
  const auto version = shapes.Make({{1, "a-c d-f g-i"}, {2, "a-b c-d f-g h-h j-k"}});
  CHECK(Made(version, 1, {version->level(1)[0]}) == "L1 a-c + L2 a-b c-d -> L2");
  CHECK(Made(version, 1, {version->level(1)[1]}) == "L1 d-f + L2 c-d f-g -> L2");
  CHECK(Made(version, 1, {version->level(1)[2]}) == "L1 g-i + L2 f-g h-h -> L2");
  const Compaction compaction = MakeCompaction(version, 1, 2, {version->level(1)[1]});
  CHECK(compaction.hull.smallest == "c");
  CHECK(UserKey(compaction.hull.largest) == "g");
  CHECK(compaction.InputEntries() == 6);
  CHECK(compaction.InputBytes() == version->level(1)[1]->meta().file_bytes +
                                       version->level(2)[1]->meta().file_bytes +
                                       version->level(2)[2]->meta().file_bytes);
}

TEST_CASE("compaction: one table that overlaps nothing can move, but not onto itself") {
  Shapes shapes;
  const auto version = shapes.Make({{0, "a-c x-y b-b"}, {1, "d-f"}, {2, "f-g"}});
  const Version::Tables& level0 = version->level(0);
  CHECK(MakeCompaction(version, 0, 1, {level0[1]}).IsMove());
  CHECK_FALSE(MakeCompaction(version, 0, 1, {level0[0]}).IsMove());
  CHECK_FALSE(MakeCompaction(version, 1, 2, version->level(1)).IsMove());
  CHECK(MakeCompaction(version, 2, 3, version->level(2)).IsMove());
  CHECK_FALSE(MakeCompaction(version, 2, 2, version->level(2)).IsMove());
}

TEST_CASE("compaction: two that share a level and overlap conflict, by their hulls") {
  // Crash case 42: the targets count, and a shared boundary key.
  Shapes shapes;
  const auto version =
      shapes.Make({{1, "a-c d-f g-g m-n"}, {2, "a-b e-h m-m"}, {3, "b-m"}, {4, "a-z"}});
  const auto one = [&version](int level, size_t i) {
    return MakeCompaction(version, level, level + 1, {version->level(level)[i]});
  };
  const auto conflict = [](const Compaction& a, const Compaction& b) {
    CHECK(a.ConflictsWith(b) == b.ConflictsWith(a));
    return a.ConflictsWith(b);
  };
  CHECK_FALSE(conflict(one(1, 0), one(1, 1)));  // a-c and d-h
  CHECK(conflict(one(1, 1), one(1, 2)));        // both need e-h
  CHECK_FALSE(conflict(one(1, 1), one(1, 3)));
  CHECK(conflict(one(1, 0), one(1, 0)));
  CHECK(conflict(one(1, 3), one(2, 0)));        // a-m with b-m pulled in meets m-n at m
  CHECK(conflict(one(1, 0), one(2, 1)));        // one writes the level that the other reads
  CHECK_FALSE(conflict(one(1, 1), one(3, 0)));  // no level is shared
  CHECK(conflict(one(2, 2), one(3, 0)));
}

}  // namespace
}  // namespace fathom
