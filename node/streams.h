// Where a node's messages come from and where its replies go. The message loop knows only these two
// interfaces, so that tests drive it in memory. One thread at a time.
#pragma once

#include <cstddef>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace fathom {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // Waits for bytes and reads up to `n` of them into `to`. 0 means that the stream has ended;
  // Cancelled, that the process was asked to stop.
  virtual absl::StatusOr<size_t> Read(char* to, size_t n) = 0;
};

class ByteSink {
 public:
  virtual ~ByteSink() = default;
  // Writes all of `bytes`. On error any part of them may have been written.
  virtual absl::Status Write(absl::string_view bytes) = 0;
};

// A file descriptor, which is not owned.
class FdSource : public ByteSource {
 public:
  // Read answers Cancelled once `stop_fd` is readable; -1 for none.
  explicit FdSource(int fd, int stop_fd = -1) : fd_(fd), stop_fd_(stop_fd) {}
  absl::StatusOr<size_t> Read(char* to, size_t n) override;

 private:
  const int fd_;
  const int stop_fd_;
};

// A file descriptor, which is not owned.
class FdSink : public ByteSink {
 public:
  explicit FdSink(int fd) : fd_(fd) {}
  absl::Status Write(absl::string_view bytes) override;

 private:
  const int fd_;
};

}  // namespace fathom
