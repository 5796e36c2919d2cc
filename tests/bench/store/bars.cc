#include "tests/bench/store/bars.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"

namespace fathom {
namespace {

// In pixels.
constexpr double kLabelWidth = 150;
constexpr double kBarsWidth = 520;
constexpr double kNumberWidth = 50;
constexpr double kBarHeight = 12;
constexpr double kRowGap = 8;
constexpr double kLineHeight = 17;

constexpr double kMostRatio = 6;
constexpr const char* kColors[] = {"#2f6fb3", "#e08a2e", "#5b9a5b"};

std::string Escaped(absl::string_view text) {
  return absl::StrReplaceAll(text, {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}});
}

std::string Text(double x, double y, absl::string_view anchor, absl::string_view text) {
  return absl::StrFormat("<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n", x, y, anchor,
                         Escaped(text));
}

std::string Box(double x, double y, double width, double height, absl::string_view color) {
  return absl::StrFormat(
      "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"/>\n", x, y, width,
      height, color);
}

// Where the scale ends: a whole number that leaves room for the line at 1.
double ScaleEnd(const BarChart& chart) {
  double most = 2;
  for (const BarChart::Row& row : chart.rows) {
    for (const double ratio : row.ratios) {
      most = std::max(most, std::ceil(ratio));
    }
  }
  return std::min(most, kMostRatio);
}

}  // namespace

std::string SvgBars(const BarChart& chart) {
  const double row_height = static_cast<double>(chart.series.size()) * kBarHeight + kRowGap;
  const double top = static_cast<double>(chart.title.size() + 2) * kLineHeight + 8;
  const double bottom = top + static_cast<double>(chart.rows.size()) * row_height;
  const double width = kLabelWidth + kBarsWidth + kNumberWidth;
  const double pixels = kBarsWidth / ScaleEnd(chart);  // a ratio of 1

  std::string svg = absl::StrFormat(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" "
      "font-family=\"sans-serif\" font-size=\"11\" fill=\"#333\">\n",
      width, bottom + 10);
  svg += Box(0, 0, width, bottom + 10, "#fff");
  double y = kLineHeight;
  for (const std::string& line : chart.title) {
    svg += Text(10, y, "start", line);
    y += kLineHeight;
  }
  for (size_t i = 0; i < chart.series.size(); ++i) {
    const double x = kLabelWidth + 130 * static_cast<double>(i);
    svg += Box(x, y - kBarHeight, kBarHeight, kBarHeight, kColors[i]);
    svg += Text(x + 1.5 * kBarHeight, y, "start", chart.series[i]);
  }
  for (int ratio = 0; ratio <= static_cast<int>(ScaleEnd(chart)); ++ratio) {
    const double x = kLabelWidth + ratio * pixels;
    svg += Box(x, top, 1, bottom - top, ratio == 1 ? "#333" : "#ddd");
    svg += Text(x, top - 5, "middle", absl::StrCat(ratio));
  }
  y = top + kRowGap / 2;
  for (const BarChart::Row& row : chart.rows) {
    svg += Text(kLabelWidth - 8, y + (row_height - kRowGap) / 2 + 4, "end", row.label);
    for (size_t i = 0; i < row.ratios.size(); ++i) {
      const double length = std::min(row.ratios[i] * pixels, kBarsWidth);
      if (length > 0) {
        const double bar_y = y + static_cast<double>(i) * kBarHeight;
        svg += Box(kLabelWidth, bar_y, length, kBarHeight - 1, kColors[i]);
        svg += Text(kLabelWidth + length + 4, bar_y + kBarHeight - 2, "start",
                    absl::StrFormat("%.2f", row.ratios[i]));
      }
    }
    y += row_height;
  }
  return svg + "</svg>\n";
}

}  // namespace fathom
