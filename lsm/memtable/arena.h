// Memory that is handed out in small pieces and given back all at once.
//
// Allocation belongs to one thread at a time; `memory_bytes` may be asked from any.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <vector>

namespace fathom {

class Arena {
 public:
  static constexpr size_t kBlockBytes = size_t{64} * 1024;
  static constexpr size_t kAlignment = alignof(void*);

  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // `bytes` (at least 1) aligned for a pointer; lives as long as the arena.
  char* Allocate(size_t bytes) {
    bytes = (bytes + kAlignment - 1) & ~(kAlignment - 1);
    if (bytes > left_) {
      return AllocateFromNewBlock(bytes);
    }
    char* piece = next_;
    next_ += bytes;
    left_ -= bytes;
    return piece;
  }

  // Taken from the system, in bytes.
  size_t memory_bytes() const { return memory_bytes_.load(std::memory_order_relaxed); }

 private:
  char* AllocateFromNewBlock(size_t bytes);

  char* next_ = nullptr;
  size_t left_ = 0;
  std::vector<std::unique_ptr<char[]>> blocks_;
  std::atomic<size_t> memory_bytes_{0};
};

}  // namespace fathom
