#include "lsm/compaction/output_splitter.h"

#include "tests/lsm/compaction/shapes.h"

namespace fathom {
namespace {

// Feeds entries of `entry_bytes` each ("a9 a8 b3") and shows the cuts as bars.
std::string Cut(uint64_t target_bytes, uint64_t entry_bytes, const Version::Tables& below,
                absl::string_view versions) {
  OutputSplitter splitter(target_bytes, below);
  std::string shown;
  uint64_t table_bytes = 0;
  for (const absl::string_view version : absl::StrSplit(versions, ' ')) {
    if (splitter.CutBefore(ParseVersion(version), table_bytes)) {
      REQUIRE(table_bytes > 0);
      absl::StrAppend(&shown, "| ");
      table_bytes = 0;
    }
    absl::StrAppend(&shown, version, " ");
    table_bytes += entry_bytes;
  }
  return shown;
}

TEST_CASE("output splitter: a table is cut when it has reached its size") {
  CHECK(Cut(30, 10, {}, "a1 b1 c1 d1 e1 f1 g1") == "a1 b1 c1 | d1 e1 f1 | g1 ");
  CHECK(Cut(1, 10, {}, "a1 b1 c1") == "a1 | b1 | c1 ");
}

TEST_CASE("output splitter: versions of one key are never cut apart, however many they are") {
  // Crash case 34.
  CHECK(Cut(1, 10, {}, "a9 a8 a7 b6 b5 c4") == "a9 a8 a7 | b6 b5 | c4 ");
  Shapes shapes;
  const auto version = shapes.Make({{2, "a-a b-b c-c"}});
  CHECK(Cut(20, 10, version->level(2), "a9 a8 a7 b6 b5 b4 c3 c2") ==
        "a9 a8 a7 | b6 b5 b4 | c3 c2 ");
}

TEST_CASE("output splitter: past half its size a table ends where one below ends") {
  Shapes shapes;
  const auto version = shapes.Make({{2, "a-a d-e f-z"}});
  CHECK(Cut(100, 10, version->level(2), "a1 b1 c1 d1 e1 f1 g1 h1 i1") ==
        "a1 b1 c1 d1 e1 | f1 g1 h1 i1 ");
}

TEST_CASE("output splitter: a table that overlaps too much below is cut early") {
  Shapes shapes;
  const auto version = shapes.Make({{2, "b-c:6 d-e:6 g-h:6"}});
  // 10 KiB of tables below a table of 1 KiB.
  CHECK(Cut(1 << 10, 1, version->level(2), "a1 b1 c1 d1 e1 f1 g1 h1 i1") ==
        "a1 b1 c1 d1 e1 | f1 g1 h1 i1 ");
}

}  // namespace
}  // namespace fathom
