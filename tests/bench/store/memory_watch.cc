#include "tests/bench/store/memory_watch.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>

namespace fathom {
namespace {

constexpr auto kBetweenLooks = std::chrono::milliseconds(5);

// See proc(5), /proc/pid/statm. 0 if it cannot be read.
uint64_t AnonymousPages(int statm) {
  std::array<char, 128> text = {};
  unsigned long long resident = 0;
  unsigned long long of_files = 0;
  if (pread(statm, text.data(), text.size() - 1, 0) <= 0 ||
      std::sscanf(text.data(), "%*u %llu %llu", &resident, &of_files) != 2) {
    return 0;
  }
  return resident - std::min(resident, of_files);
}

}  // namespace

MemoryWatch::MemoryWatch()
    : statm_(open("/proc/self/statm", O_RDONLY | O_CLOEXEC)),
      base_pages_(AnonymousPages(statm_)),
      peak_pages_(base_pages_),
      thread_([this](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
          Look();
          std::this_thread::sleep_for(kBetweenLooks);
        }
      }) {}

MemoryWatch::~MemoryWatch() {
  thread_ = std::jthread();
  close(statm_);
}

uint64_t MemoryWatch::PeakBytes() {
  Look();
  return (peak_pages_ - base_pages_) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

void MemoryWatch::Look() {
  const uint64_t now = AnonymousPages(statm_);
  uint64_t peak = peak_pages_;
  while (now > peak && !peak_pages_.compare_exchange_weak(peak, now)) {
  }
}

}  // namespace fathom
