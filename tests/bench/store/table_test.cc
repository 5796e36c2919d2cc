#include "tests/bench/store/table.h"

#include <doctest/doctest.h>

namespace fathom {
namespace {

Table SmallTable() {
  return {.columns = {{"", "workload"}, {"op/s", "a"}, {"op/s", "long"}, {"a long group", "b"}},
          .rows = {{"fill", "12", "3.5", "1"}, {"readmissing", "1", "-", "123"}}};
}

TEST_CASE("table: on a terminal columns are aligned, and groups stand above theirs") {
  CHECK(TerminalTable(SmallTable()) ==
        "                   op/s    a long group\n"
        "workload        a  long               b\n"
        "fill           12   3.5               1\n"
        "readmissing     1     -             123\n");
}

TEST_CASE("table: as Markdown each head cell has its group, and numbers are to the right") {
  CHECK(MarkdownTable(SmallTable()) ==
        "| workload | op/s<br>a | op/s<br>long | a long group<br>b |\n"
        "|---|--:|--:|--:|\n"
        "| fill | 12 | 3.5 | 1 |\n"
        "| readmissing | 1 | - | 123 |\n");
}

}  // namespace
}  // namespace fathom
