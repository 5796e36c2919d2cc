// A child process with pipes to its standard input and output; its standard error goes to
// /dev/null. Failures end this process with a message.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace fathom {

class ChildProcess {
 public:
  // `arguments` begin with the program's path.
  explicit ChildProcess(const std::vector<std::string>& arguments);
  ~ChildProcess();

  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // One thread may write while another reads.
  void Write(absl::string_view bytes);
  void CloseInput();
  // Reads until `lines` line ends have come or the output ends; the text, if `text` is not null.
  // Returns how many lines came.
  uint64_t ReadLines(uint64_t lines, std::string* text);

  // CPU time of all its threads so far, in seconds.
  double CpuSeconds() const;
  // The most memory that it has held so far.
  uint64_t PeakMemoryBytes() const;

  // Closes the input and waits for the end; false unless the exit status is 0. Called once.
  bool Wait();

 private:
  pid_t pid_ = -1;
  int input_ = -1;
  int output_ = -1;
};

}  // namespace fathom
