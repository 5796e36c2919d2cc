// Memory that is handed out in small pieces and given back all at once, to the arenas to come: each
// page of fresh memory costs a page fault, and then the work to give it back.
//
// Allocation belongs to one thread at a time; `memory_bytes` may be asked from any.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace fathom {

// Blocks that arenas no longer need, kept for others. Thread safe.
class ArenaBlocks {
 public:
  static constexpr size_t kBlockBytes = size_t{64} * 1024;
  using Block = std::unique_ptr<char[]>;

  // Keeps at most so many.
  explicit ArenaBlocks(size_t most_blocks) : most_blocks_(most_blocks) {}
  ~ArenaBlocks();
  ArenaBlocks(const ArenaBlocks&) = delete;
  ArenaBlocks& operator=(const ArenaBlocks&) = delete;

  // A block that was kept, or a new one; not zeroed.
  Block Take() ABSL_LOCKS_EXCLUDED(mutex_);
  // Nobody may use them any more.
  void Keep(std::vector<Block> blocks) ABSL_LOCKS_EXCLUDED(mutex_);
  // Kept now, in bytes.
  size_t memory_bytes() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  const size_t most_blocks_;
  mutable absl::Mutex mutex_;
  std::vector<Block> blocks_ ABSL_GUARDED_BY(mutex_);
};

class Arena {
 public:
  static constexpr size_t kBlockBytes = ArenaBlocks::kBlockBytes;
  static constexpr size_t kAlignment = alignof(void*);

  // Takes blocks from `reused` and gives them back; null if there are no other arenas.
  explicit Arena(std::shared_ptr<ArenaBlocks> reused = nullptr) : reused_(std::move(reused)) {}
  ~Arena() {
    if (reused_ != nullptr) {
      reused_->Keep(std::move(blocks_));
    }
  }
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
  const std::shared_ptr<ArenaBlocks> reused_;
  std::vector<ArenaBlocks::Block> blocks_;
  std::vector<std::unique_ptr<char[]>> large_pieces_;
  std::atomic<size_t> memory_bytes_{0};
};

}  // namespace fathom
