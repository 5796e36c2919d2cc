// A picture of ratios: horizontal bars around a line at 1, as SVG for a white page.
#pragma once

#include <string>
#include <vector>

namespace fathom {

struct BarChart {
  struct Row {
    std::string label;
    std::vector<double> ratios;  // one a series; 0 where there is none
  };
  std::vector<std::string> title;  // lines
  std::vector<std::string> series;
  std::vector<Row> rows;
};

// A bar that is longer than the page ends at its edge; its number tells the rest.
std::string SvgBars(const BarChart& chart);

}  // namespace fathom
