#include "tests/bench/store/bars.h"

#include <doctest/doctest.h>

#include <regex>

#include "absl/strings/match.h"

namespace fathom {
namespace {

// The widths of all boxes of a color, in order.
std::vector<double> Widths(const std::string& svg, const std::string& color) {
  const std::regex box("width=\"([0-9.]+)\" height=\"[0-9.]+\" fill=\"" + color + "\"");
  std::vector<double> widths;
  for (std::sregex_iterator it(svg.begin(), svg.end(), box), end; it != end; ++it) {
    widths.push_back(std::stod((*it)[1]));
  }
  return widths;
}

// Whether tags are closed in the order in which they were opened, and text has no bare & or <.
bool IsWellFormed(const std::string& svg) {
  const std::regex token("<(/?)([a-z]+)((?: [a-z-]+=\"[^\"<&]*\")*)(/?)>|[^<&]+|&(?:amp|lt|gt);");
  std::vector<std::string> open;
  size_t seen = 0;
  for (std::sregex_iterator it(svg.begin(), svg.end(), token), end; it != end; ++it) {
    seen += static_cast<size_t>(it->length());
    if ((*it)[1].length() > 0) {
      if (open.empty() || open.back() != (*it)[2]) {
        return false;
      }
      open.pop_back();
    } else if ((*it)[2].matched && (*it)[4].length() == 0) {
      open.push_back((*it)[2]);
    }
  }
  return open.empty() && seen == svg.size();
}

TEST_CASE("bars: what is drawn is well-formed, whatever the labels are") {
  const BarChart chart = {.title = {"a < b & c > d"}, .series = {"<s>"}, .rows = {{"&amp;", {1}}}};
  const std::string svg = SvgBars(chart);
  CHECK(IsWellFormed(svg));
  CHECK(absl::StrContains(svg, ">a &lt; b &amp; c &gt; d</text>"));
  CHECK_FALSE(IsWellFormed(svg + "</svg>"));
  CHECK_FALSE(IsWellFormed(svg + "&"));
}

TEST_CASE("bars: lengths are as the ratios are") {
  const std::vector<double> widths = Widths(
      SvgBars({.title = {}, .series = {"one", "two"}, .rows = {{"r", {0.5, 3}}, {"s", {1.5, 0}}}}),
      "#2f6fb3");
  REQUIRE(widths.size() == 3);  // the legend's, and two bars
  CHECK(widths[2] == doctest::Approx(3 * widths[1]).epsilon(0.01));
}

TEST_CASE("bars: a ratio of 0 has no bar, and a huge one ends at the edge and tells its number") {
  const std::string svg =
      SvgBars({.title = {}, .series = {"one"}, .rows = {{"r", {0}}, {"s", {6}}, {"t", {123}}}});
  const std::vector<double> widths = Widths(svg, "#2f6fb3");
  REQUIRE(widths.size() == 3);
  CHECK(widths[1] == widths[2]);
  CHECK(absl::StrContains(svg, ">123.00</text>"));
}

}  // namespace
}  // namespace fathom
