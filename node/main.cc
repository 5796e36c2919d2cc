#include "absl/synchronization/mutex.h"
#include "node/process.h"

int main(int argc, char** argv) {
  // Debian builds Abseil with assertions, and so with a graph of all locks that each Lock consults:
  // 4 to 15 % of a fill. The tests, which have mains of their own, keep it.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  return fathom::RunProcess(argc, argv);
}
