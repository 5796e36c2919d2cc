// How long the randomised machines run, and which: FATHOM_TEST_OPS and FATHOM_SEED
// (tests/README.md); and on how many CPUs.
#pragma once

#include <sched.h>

#include <cstdint>
#include <cstdlib>

namespace fathom {

// Sanitizers make a run several times as long.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FATHOM_SANITIZED 1
#elif defined(__has_feature)
#define FATHOM_SANITIZED (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#else
#define FATHOM_SANITIZED 0
#endif
inline constexpr bool kSanitized = FATHOM_SANITIZED;

inline uint64_t NumberFrom(const char* variable, uint64_t otherwise) {
  const char* const text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// Keeps this thread and those that it starts on one CPU, if `pin`. Threads that only ever wait for
// each other are several times as fast on one.
class Pin {
 public:
  explicit Pin(bool pin) : pinned_(pin && ::sched_getaffinity(0, sizeof(all_), &all_) == 0) {
    if (pinned_) {
      cpu_set_t one;
      CPU_ZERO(&one);
      CPU_SET(static_cast<size_t>(::sched_getcpu()), &one);
      ::sched_setaffinity(0, sizeof(one), &one);
    }
  }
  Pin(const Pin&) = delete;
  Pin& operator=(const Pin&) = delete;
  ~Pin() {
    if (pinned_) {
      ::sched_setaffinity(0, sizeof(all_), &all_);
    }
  }

 private:
  cpu_set_t all_;
  const bool pinned_;
};

}  // namespace fathom
