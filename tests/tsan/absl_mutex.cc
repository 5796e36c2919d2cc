// Debian builds Abseil without ThreadSanitizer, which therefore does not see that absl::Mutex
// orders what it guards and would report every guarded access. The linker wraps the lock's
// functions
// (--wrap, tests/CMakeLists.txt) with these, which tell it.
#include <sanitizer/tsan_interface.h>

#include "absl/synchronization/mutex.h"

// NOLINTBEGIN(bugprone-reserved-identifier): the names that --wrap prescribes.
extern "C" {

void __real__ZN4absl7debian35Mutex4LockEv(absl::Mutex* mutex);
void __wrap__ZN4absl7debian35Mutex4LockEv(absl::Mutex* mutex) {
  __real__ZN4absl7debian35Mutex4LockEv(mutex);
  __tsan_acquire(mutex);
}

void __real__ZN4absl7debian35Mutex6UnlockEv(absl::Mutex* mutex);
void __wrap__ZN4absl7debian35Mutex6UnlockEv(absl::Mutex* mutex) {
  __tsan_release(mutex);
  __real__ZN4absl7debian35Mutex6UnlockEv(mutex);
}

void __real__ZN4absl7debian37CondVar4WaitEPNS0_5MutexE(absl::CondVar* cv, absl::Mutex* mutex);
void __wrap__ZN4absl7debian37CondVar4WaitEPNS0_5MutexE(absl::CondVar* cv, absl::Mutex* mutex) {
  __tsan_release(mutex);
  __real__ZN4absl7debian37CondVar4WaitEPNS0_5MutexE(cv, mutex);
  __tsan_acquire(mutex);
}

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier)
