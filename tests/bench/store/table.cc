#include "tests/bench/store/table.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/str_cat.h"

namespace fathom {
namespace {

std::string Spaces(size_t n) { return std::string(n, ' '); }

std::string AlignRight(const std::string& text, size_t width) {
  return Spaces(width - std::min(width, text.size())) + text;
}

// The index after the last column of the group that `first` begins.
size_t GroupEnd(const Table& table, size_t first) {
  size_t end = first + 1;
  while (end < table.columns.size() && table.columns[end].group == table.columns[first].group) {
    ++end;
  }
  return end;
}

// Includes the space to the left.
std::vector<size_t> Widths(const Table& table) {
  std::vector<size_t> widths;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    size_t width = table.columns[i].name.size();
    for (const std::vector<std::string>& row : table.rows) {
      width = std::max(width, row[i].size());
    }
    widths.push_back(i == 0 ? width : width + 2);
  }
  for (size_t first = 1; first < widths.size(); first = GroupEnd(table, first)) {
    widths[first] += 2;  // groups stand apart, and have room for their name
    size_t total = 0;
    for (size_t i = first; i < GroupEnd(table, first); ++i) {
      total += widths[i];
    }
    const size_t least = table.columns[first].group.size() + 4;
    widths[first] += least - std::min(least, total);
  }
  return widths;
}

std::string TerminalRow(const std::vector<std::string>& cells, const std::vector<size_t>& widths) {
  std::string line = cells[0] + Spaces(widths[0] - cells[0].size());
  for (size_t i = 1; i < cells.size(); ++i) {
    line += AlignRight(cells[i], widths[i]);
  }
  return line + "\n";
}

}  // namespace

std::string TerminalTable(const Table& table) {
  const std::vector<size_t> widths = Widths(table);
  std::string groups = Spaces(widths[0]);
  for (size_t first = 1; first < widths.size(); first = GroupEnd(table, first)) {
    size_t total = 0;
    for (size_t i = first; i < GroupEnd(table, first); ++i) {
      total += widths[i];
    }
    groups += AlignRight(table.columns[first].group, total);
  }
  std::vector<std::string> names;
  for (const Table::Column& column : table.columns) {
    names.push_back(column.name);
  }
  std::string text = groups + "\n" + TerminalRow(names, widths);
  for (const std::vector<std::string>& row : table.rows) {
    text += TerminalRow(row, widths);
  }
  return text;
}

std::string MarkdownTable(const Table& table) {
  std::string head = "|";
  std::string rule = "|";
  for (size_t i = 0; i < table.columns.size(); ++i) {
    const Table::Column& column = table.columns[i];
    absl::StrAppend(&head, " ", column.group, column.group.empty() ? "" : "<br>", column.name,
                    " |");
    rule += i == 0 ? "---|" : "--:|";
  }
  std::string text = absl::StrCat(head, "\n", rule, "\n");
  for (const std::vector<std::string>& row : table.rows) {
    text += "|";
    for (const std::string& cell : row) {
      absl::StrAppend(&text, " ", cell, " |");
    }
    text += "\n";
  }
  return text;
}

}  // namespace fathom
