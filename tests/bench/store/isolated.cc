#include "tests/bench/store/isolated.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <type_traits>

namespace fathom {
namespace {

constexpr int kMillisBetweenLooks = 10;

volatile pid_t child = 0;

void EndChild(int signal) { kill(child, signal); }

// SIGINT and SIGTERM end the child; that its run failed then ends this process, in good order.
void PassSignalsOn(pid_t to) {
  child = to;
  for (const int number : {SIGINT, SIGTERM}) {
    signal(number, to == 0 ? SIG_DFL : EndChild);
  }
}

// The most memory that `pid` was seen to hold until there is something to read from `fd`.
uint64_t WatchMemory(pid_t pid, int fd) {
  uint64_t most = 0;
  pollfd sample = {.fd = fd, .events = POLLIN, .revents = 0};
  while (poll(&sample, 1, kMillisBetweenLooks) == 0) {
    most = std::max(most, MemoryBytes(pid));
  }
  return most;
}

}  // namespace

static_assert(std::is_trivially_copyable_v<Sample>);

Sample RunIsolated(const std::function<Sample()>& work) {
  std::fflush(nullptr);  // or the child would print it again
  int fds[2];
  if (pipe(fds) != 0) {
    std::perror("pipe");
    std::exit(1);
  }
  const pid_t pid = fork();
  PassSignalsOn(std::max(pid, 0));
  if (pid == 0) {
    const Sample sample = work();
    const bool sent = write(fds[1], &sample, sizeof(sample)) == sizeof(sample);
    _exit(sent ? 0 : 1);
  }
  close(fds[1]);
  const uint64_t most_seen = pid > 0 ? WatchMemory(pid, fds[0]) : 0;
  Sample sample;
  const bool got = pid > 0 && read(fds[0], &sample, sizeof(sample)) == sizeof(sample);
  close(fds[0]);
  int status = 0;
  if (!got || waitpid(pid, &status, 0) != pid || status != 0) {
    std::fprintf(stderr, "store_bench: a run failed\n");
    std::exit(1);
  }
  PassSignalsOn(0);
  sample.peak_bytes =
      std::max(sample.peak_bytes, most_seen - std::min(most_seen, sample.base_bytes));
  return sample;
}

}  // namespace fathom
