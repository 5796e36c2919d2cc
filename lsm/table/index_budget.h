// The memory that open tables may hold in index blocks. Thread safe.
#pragma once

#include <atomic>
#include <cstddef>

namespace fathom {

class IndexBudget {
 public:
  explicit IndexBudget(size_t capacity_bytes) : capacity_(capacity_bytes) {}

  // False, and nothing taken, if fewer are left.
  bool TryTake(size_t bytes) {
    size_t taken = taken_.load(std::memory_order_relaxed);
    do {
      if (bytes > capacity_ - taken) {
        return false;
      }
    } while (!taken_.compare_exchange_weak(taken, taken + bytes, std::memory_order_relaxed));
    return true;
  }
  void Return(size_t bytes) { taken_.fetch_sub(bytes, std::memory_order_relaxed); }

  size_t taken() const { return taken_.load(std::memory_order_relaxed); }

 private:
  const size_t capacity_;
  std::atomic<size_t> taken_{0};  // at most capacity_
};

}  // namespace fathom
