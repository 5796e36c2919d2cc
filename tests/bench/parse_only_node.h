// A node that parses every message and answers it, and does nothing else: what a message costs
// before the engine has done anything.
#pragma once

namespace fathom {

// Runs on standard input and output until the input ends; the exit status.
int RunParseOnlyNode();

}  // namespace fathom
