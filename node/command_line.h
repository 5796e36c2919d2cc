// What the process was asked for on its command line.
#pragma once

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "node/message_loop.h"
#include "node/node.h"

namespace fathom {

struct CommandLine {
  enum class Action : uint8_t { kRunNode, kPrintHelp, kPrintVersion };

  Action action = Action::kRunNode;
  NodeOptions node;
  LoopOptions loop;
};

// InvalidArgument says what is wrong with which argument. Not thread safe: getopt is not.
absl::StatusOr<CommandLine> ParseCommandLine(int argc, char* const* argv);

// What --help and --version print.
std::string HelpText();
std::string VersionText();

}  // namespace fathom
