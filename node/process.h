// The process around the message loop: command line, signals, exit status.
#pragma once

namespace fathom {

// Runs the program and returns its exit status. Blocks SIGTERM, SIGINT and SIGHUP, which stop the
// loop cleanly, and ignores SIGPIPE and SIGXFSZ, so that a closed output and a file at its greatest
// size are errors like any other. Called once, before any thread is started.
int RunProcess(int argc, char* const* argv);

}  // namespace fathom
