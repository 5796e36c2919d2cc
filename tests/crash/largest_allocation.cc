#include "tests/crash/largest_allocation.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>

#include "tests/runs.h"

namespace {

std::atomic<size_t> largest{0};

}  // namespace

size_t fathom::TakeLargestAllocation() { return largest.exchange(0); }

#if !FATHOM_SANITIZED
void* operator new(size_t bytes) {
  for (size_t known = largest.load(std::memory_order_relaxed);
       known < bytes && !largest.compare_exchange_weak(known, bytes);) {
  }
  void* const memory = std::malloc(std::max<size_t>(bytes, 1));
  if (memory == nullptr) {
    std::abort();
  }
  return memory;
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
#endif
