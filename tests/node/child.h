// The real program as a child process, spoken to through pipes. A test fails, rather than hangs, if
// it does not answer within 30 seconds.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

// Only test programs are linked so that ThreadSanitizer understands absl::Mutex
// (tests/CMakeLists.txt); in the program itself it would report every guarded access.
#if defined(__SANITIZE_THREAD__)
#define FATHOM_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define FATHOM_THREAD_SANITIZER 1
#endif
#endif

namespace fathom {

constexpr char kInitLine[] =
    R"({"src":"c0","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1"]}})"
    "\n";
constexpr char kInitReply[] =
    R"({"src": "n1", "dest": "c0", "body": {"type": "init_ok", "in_reply_to": 1, "msg_id": 0}})"
    "\n";

class Child {
 public:
  // Runs FATHOM_BINARY with these arguments; `stdout_path` names a file to write to instead of a
  // pipe.
  explicit Child(const std::vector<std::string>& arguments = {},
                 const char* stdout_path = nullptr) {
    signal(SIGPIPE, SIG_IGN);
#ifdef FATHOM_THREAD_SANITIZER
    setenv("TSAN_OPTIONS", "report_bugs=0", 1);
#endif
    int in[2];
    int out[2];
    REQUIRE(pipe2(in, O_CLOEXEC) == 0);
    REQUIRE(pipe2(out, O_CLOEXEC) == 0);
    errors_ = tmpfile();
    REQUIRE(errors_ != nullptr);
    std::vector<char*> argv = {const_cast<char*>(FATHOM_BINARY)};
    for (const std::string& argument : arguments) {
      argv.push_back(const_cast<char*>(argument.c_str()));
    }
    argv.push_back(nullptr);
    pid_ = fork();
    REQUIRE(pid_ >= 0);
    if (pid_ == 0) {
      signal(SIGPIPE, SIG_DFL);
      dup2(in[0], STDIN_FILENO);
      dup2(stdout_path != nullptr ? open(stdout_path, O_WRONLY) : out[1], STDOUT_FILENO);
      dup2(fileno(errors_), STDERR_FILENO);
      execv(argv[0], argv.data());
      _exit(127);
    }
    close(in[0]);
    close(out[1]);
    in_ = in[1];
    out_ = out[0];
  }

  ~Child() {
    CloseInput();
    CloseOutput();
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
    fclose(errors_);
  }

  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // False if the child reads no more. REQUIRES: the child has room for it, or is being read from.
  bool Write(absl::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = write(in_, bytes.data(), bytes.size());
      if (n < 0) {
        return false;
      }
      bytes.remove_prefix(static_cast<size_t>(n));
    }
    return true;
  }
  void CloseInput() { Close(&in_); }
  void CloseOutput() { Close(&out_); }
  void Signal(int number) { kill(pid_, number); }

  // The next line with its newline; what there is of it at the end of the output.
  std::string ReadLine() {
    size_t end;
    while ((end = unread_.find('\n')) == std::string::npos && ReadMore()) {
    }
    const size_t n = end == std::string::npos ? unread_.size() : end + 1;
    std::string line = unread_.substr(0, n);
    unread_.erase(0, n);
    return line;
  }
  // All that is left until the child closes its output.
  std::string ReadAll() {
    while (ReadMore()) {
    }
    return std::move(unread_);
  }
  // Writes a line, without its newline, and reads the reply.
  std::string Ask(const std::string& line) {
    REQUIRE(Write(line + "\n"));
    return ReadLine();
  }

  // The exit status; 128 and the number of the signal that ended it.
  int Wait() {
    int status = 0;
    REQUIRE(waitpid(pid_, &status, 0) == pid_);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  // Ends the input and returns what the child printed until its end, which must be a clean one.
  std::string Finish() {
    CloseInput();
    std::string rest = ReadAll();
    CHECK(Wait() == 0);
    return rest;
  }

  // What it wrote to its standard error so far.
  std::string Errors() {
    std::string text(1 << 20, '\0');
    const ssize_t n = pread(fileno(errors_), text.data(), text.size(), 0);
    text.resize(n < 0 ? 0 : static_cast<size_t>(n));
    return text;
  }

 private:
  static void Close(int* fd) {
    if (*fd >= 0) {
      close(*fd);
      *fd = -1;
    }
  }

  bool ReadMore() {
    pollfd polled = {.fd = out_, .events = POLLIN, .revents = 0};
    const int ready = poll(&polled, 1, 30000);
    REQUIRE_MESSAGE(ready == 1, "the program does not answer");
    char buffer[1 << 16];
    const ssize_t n = read(out_, buffer, sizeof(buffer));
    if (n > 0) {
      unread_.append(buffer, static_cast<size_t>(n));
    }
    return n > 0;
  }

  pid_t pid_ = -1;
  int in_ = -1;
  int out_ = -1;
  FILE* errors_ = nullptr;
  std::string unread_;
};

}  // namespace fathom
