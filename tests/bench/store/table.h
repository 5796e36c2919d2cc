// A table of text, told to a terminal or as Markdown.
#pragma once

#include <string>
#include <vector>

namespace fathom {

struct Table {
  struct Column {
    std::string group;  // told once over neighbours that share it; may be empty
    std::string name;
  };
  std::vector<Column> columns;                 // the first names the rows
  std::vector<std::vector<std::string>> rows;  // a cell a column
};

// Columns are as wide as their widest cell. Both end with a line end.
std::string TerminalTable(const Table& table);
std::string MarkdownTable(const Table& table);

}  // namespace fathom
