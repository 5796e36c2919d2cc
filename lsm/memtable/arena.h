// Memory that is handed out in small pieces and given back all at once.
//
// Allocation belongs to one thread at a time; `memory_bytes` may be asked from any.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
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

  // As Allocate, aligned to `alignment`, a power of two.
  char* AllocateAligned(size_t bytes, size_t alignment) {
    const size_t skipped = ToAligned(next_, alignment);
    if (skipped + bytes <= left_) {
      next_ += skipped;
      left_ -= skipped;
      return Allocate(bytes);
    }
    char* const piece = Allocate(bytes + alignment - kAlignment);
    return piece + ToAligned(piece, alignment);
  }

  // Taken from the system, in bytes.
  size_t memory_bytes() const { return memory_bytes_.load(std::memory_order_relaxed); }

 private:
  // Bytes from `p` to the next address with that alignment.
  static size_t ToAligned(const char* p, size_t alignment) {
    return -reinterpret_cast<uintptr_t>(p) & (alignment - 1);
  }
  char* AllocateFromNewBlock(size_t bytes);

  char* next_ = nullptr;
  size_t left_ = 0;
  std::vector<std::unique_ptr<char[]>> blocks_;
  std::atomic<size_t> memory_bytes_{0};
};

}  // namespace fathom
