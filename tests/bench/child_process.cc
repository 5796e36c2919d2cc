#include "tests/bench/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>

extern char** environ;

namespace fathom {
namespace {

void Require(bool condition, const char* what) {
  if (!condition) {
    std::perror(what);
    std::exit(1);
  }
}

}  // namespace

ChildProcess::ChildProcess(const std::vector<std::string>& arguments) {
  int to_child[2];
  int from_child[2];
  Require(pipe2(to_child, O_CLOEXEC) == 0 && pipe2(from_child, O_CLOEXEC) == 0, "pipe");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, to_child[0], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, from_child[1], STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  std::vector<char*> argv;
  for (const std::string& argument : arguments) {
    argv.push_back(const_cast<char*>(argument.c_str()));
  }
  argv.push_back(nullptr);
  Require(posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), environ) == 0, argv[0]);
  posix_spawn_file_actions_destroy(&actions);
  close(to_child[0]);
  close(from_child[1]);
  input_ = to_child[1];
  output_ = from_child[0];
}

ChildProcess::~ChildProcess() {
  if (pid_ != -1) {
    Wait();
  }
  close(output_);
}

void ChildProcess::Write(absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(input_, bytes.data(), bytes.size());
    Require(written > 0, "write to the node");
    bytes.remove_prefix(static_cast<size_t>(written));
  }
}

void ChildProcess::CloseInput() {
  if (input_ != -1) {
    close(input_);
    input_ = -1;
  }
}

uint64_t ChildProcess::ReadLines(uint64_t lines, std::string* text) {
  char buffer[64 * 1024];
  uint64_t seen = 0;
  while (seen < lines) {
    const ssize_t got = read(output_, buffer, sizeof(buffer));
    Require(got >= 0, "read from the node");
    if (got == 0) {
      break;
    }
    seen += static_cast<uint64_t>(std::count(buffer, buffer + got, '\n'));
    if (text != nullptr) {
      text->append(buffer, static_cast<size_t>(got));
    }
  }
  return seen;
}

double ChildProcess::CpuSeconds() const {
  clockid_t clock;
  timespec time;
  Require(clock_getcpuclockid(pid_, &clock) == 0 && clock_gettime(clock, &time) == 0,
          "CPU clock of the node");
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

uint64_t ChildProcess::PeakMemoryBytes() const {
  // Not from wait4: what that tells begins with the memory of the parent.
  std::ifstream status("/proc/" + std::to_string(pid_) + "/status");
  for (std::string word; status >> word;) {
    uint64_t kib = 0;
    if (word == "VmHWM:" && status >> kib) {
      return kib * 1024;
    }
  }
  return 0;
}

bool ChildProcess::Wait() {
  CloseInput();
  int status = 0;
  Require(waitpid(pid_, &status, 0) == pid_, "wait for the node");
  pid_ = -1;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace fathom
