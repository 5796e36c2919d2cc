#include "tests/bench/store/isolated.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <type_traits>

namespace fathom {

static_assert(std::is_trivially_copyable_v<Sample>);

Sample RunIsolated(const std::function<Sample()>& work) {
  std::fflush(nullptr);  // or the child would print it again
  int fds[2];
  if (pipe(fds) != 0) {
    std::perror("pipe");
    std::exit(1);
  }
  const pid_t pid = fork();
  if (pid == 0) {
    const Sample sample = work();
    const bool sent = write(fds[1], &sample, sizeof(sample)) == sizeof(sample);
    _exit(sent ? 0 : 1);
  }
  close(fds[1]);
  Sample sample;
  const bool got = pid > 0 && read(fds[0], &sample, sizeof(sample)) == sizeof(sample);
  close(fds[0]);
  int status = 0;
  if (!got || waitpid(pid, &status, 0) != pid || status != 0) {
    std::fprintf(stderr, "store_bench: a run failed\n");
    std::exit(1);
  }
  return sample;
}

}  // namespace fathom
