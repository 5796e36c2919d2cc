#include "node/streams.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>

namespace fathom {
namespace {

bool IsPassing(int error) { return error == EINTR || error == EAGAIN || error == EWOULDBLOCK; }

// Waits until `fd` can be read or written, whatever its blocking mode is.
absl::Status WaitFor(int fd, short events) {
  pollfd polled = {.fd = fd, .events = events, .revents = 0};
  if (poll(&polled, 1, -1) < 0 && errno != EINTR) {
    return absl::ErrnoToStatus(errno, "poll");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<size_t> FdSource::Read(char* to, size_t n) {
  for (;;) {
    pollfd polled[2] = {{.fd = fd_, .events = POLLIN, .revents = 0},
                        {.fd = stop_fd_, .events = POLLIN, .revents = 0}};
    if (poll(polled, 2, -1) < 0 && errno != EINTR) {
      return absl::ErrnoToStatus(errno, "poll");
    }
    if (polled[1].revents != 0) {
      return absl::CancelledError("asked to stop");
    }
    if (polled[0].revents == 0) {
      continue;
    }
    const ssize_t got = read(fd_, to, n);
    if (got >= 0) {
      return static_cast<size_t>(got);
    }
    if (!IsPassing(errno)) {
      return absl::ErrnoToStatus(errno, "read");
    }
  }
}

absl::Status FdSink::Write(absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd_, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes.remove_prefix(static_cast<size_t>(written));
      continue;
    }
    if (!IsPassing(errno)) {
      return absl::ErrnoToStatus(errno, "write");
    }
    absl::Status ready = WaitFor(fd_, POLLOUT);
    if (!ready.ok()) {
      return ready;
    }
  }
  return absl::OkStatus();
}

}  // namespace fathom
