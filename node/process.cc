#include "node/process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "absl/strings/str_cat.h"
#include "node/command_line.h"
#include "node/message_loop.h"
#include "node/node.h"
#include "node/streams.h"
#include "node/tools.h"

namespace fathom {
namespace {

constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;

// One write, so that the lines of several threads do not mix.
void Note(absl::string_view line) {
  const std::string text = absl::StrCat("fathom: ", line, "\n");
  (void)FdSink(STDERR_FILENO).Write(text);  // there is nowhere else to tell
}

int Failed(absl::string_view what, const absl::Status& status) {
  Note(absl::StrCat(what, ": ", status.message()));
  return kExitFailed;
}

bool IsOpen(int fd) { return fcntl(fd, F_GETFD) != -1; }

// A standard stream that is closed would lend its number to the first file that the store opens,
// and messages would be written into that.
absl::Status CheckStandardStreams() {
  if (!IsOpen(STDIN_FILENO) || !IsOpen(STDOUT_FILENO)) {
    return absl::FailedPreconditionError("standard input or output is closed");
  }
  if (!IsOpen(STDERR_FILENO) && open("/dev/null", O_WRONLY) < 0) {
    return absl::ErrnoToStatus(errno, "open /dev/null");
  }
  return absl::OkStatus();
}

// A descriptor that is readable once one of the signals to stop has come. Lives as long as the
// process.
absl::StatusOr<int> CatchStopSignals() {
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);  // a file at its greatest size is an error like a full disk
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGHUP);
  const int blocked = pthread_sigmask(SIG_BLOCK, &stop, nullptr);
  if (blocked != 0) {
    return absl::ErrnoToStatus(blocked, "pthread_sigmask");
  }
  const int fd = signalfd(-1, &stop, SFD_CLOEXEC);
  if (fd < 0) {
    return absl::ErrnoToStatus(errno, "signalfd");
  }
  return fd;
}

int RunNode(CommandLine line) {
  const absl::StatusOr<int> stop_fd = CatchStopSignals();
  if (!stop_fd.ok()) {
    return Failed("cannot catch signals", stop_fd.status());
  }
  line.node.store.log = Note;
  Node node(line.node, Note);
  FdSource source(STDIN_FILENO, *stop_fd);
  FdSink sink(STDOUT_FILENO);
  const absl::Status run = MessageLoop(line.loop, &node, &source, &sink, Note).Run();
  const absl::Status closed = node.Close();
  if (!run.ok()) {
    return Failed("stopped, as standard input or output failed", run);
  }
  return closed.ok() ? 0 : Failed("cannot close the store", closed);
}

int Print(const std::string& text) {
  const absl::Status written = FdSink(STDOUT_FILENO).Write(text);
  return written.ok() ? 0 : Failed("cannot print", written);
}

}  // namespace

int RunProcess(int argc, char* const* argv) {
  const absl::Status streams = CheckStandardStreams();
  if (!streams.ok()) {
    return Failed("cannot start", streams);
  }
  if (const Tool* const tool = argc > 1 ? FindTool(argv[1]) : nullptr; tool != nullptr) {
    return RunTool(*tool, argc - 1, argv + 1);
  }
  const absl::StatusOr<CommandLine> line = ParseCommandLine(argc, argv);
  if (!line.ok()) {
    Note(absl::StrCat(line.status().message(), "; see fathom --help"));
    return kExitUsage;
  }
  switch (line->action) {
    case CommandLine::Action::kPrintHelp:
      return Print(HelpText());
    case CommandLine::Action::kPrintVersion:
      return Print(VersionText());
    case CommandLine::Action::kRunNode:
      break;
  }
  return RunNode(*line);
}

}  // namespace fathom
