// What the program does besides being a node: `fathom verify DIR` and `fathom repair DIR`.
//
// Each is a verb, the first argument; its own --help tells the rest. DIR is a store, or a data
// directory with one store for each node.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace fathom {

struct Tool {
  const char* name;
  const char* summary;  // one line for fathom --help
  const char* help;
  int (*run)(const std::string& store);  // returns the exit status for one store
};

// The tool called `name`, or null.
const Tool* FindTool(absl::string_view name);

// Runs `tool` on its arguments, argv[0] being its name, and returns the exit status: the largest of
// those of the stores.
int RunTool(const Tool& tool, int argc, char* const* argv);

// One line a tool.
std::string ToolsHelp();

}  // namespace fathom
