#include "lsm/memtable/arena.h"

#include <sanitizer/asan_interface.h>

#include <algorithm>

#include "lsm/io/prepare_pages.h"

namespace fathom {
namespace {

ArenaBlocks::Block NewBlock() {
  ArenaBlocks::Block block(new char[ArenaBlocks::kBlockBytes]);  // not zeroed
  PreparePages(block.get(), ArenaBlocks::kBlockBytes);
  return block;
}

}  // namespace

ArenaBlocks::~ArenaBlocks() {
  absl::MutexLock lock(&mutex_);
  for (const Block& block : blocks_) {
    ASAN_UNPOISON_MEMORY_REGION(block.get(), kBlockBytes);
  }
}

ArenaBlocks::Block ArenaBlocks::Take() {
  {
    absl::MutexLock lock(&mutex_);
    if (!blocks_.empty()) {
      Block block = std::move(blocks_.back());
      blocks_.pop_back();
      ASAN_UNPOISON_MEMORY_REGION(block.get(), kBlockBytes);
      return block;
    }
  }
  return NewBlock();
}

void ArenaBlocks::Keep(std::vector<Block> blocks) {
  absl::MutexLock lock(&mutex_);
  const size_t kept = std::min(blocks.size(), most_blocks_ - blocks_.size());
  for (size_t i = 0; i < kept; ++i) {
    // Who still reads it is found out, as if it had gone.
    ASAN_POISON_MEMORY_REGION(blocks[i].get(), kBlockBytes);
    blocks_.push_back(std::move(blocks[i]));
  }
}

size_t ArenaBlocks::memory_bytes() const {
  absl::MutexLock lock(&mutex_);
  return blocks_.size() * kBlockBytes;
}

char* Arena::AllocateFromNewBlock(size_t bytes) {
  // A large piece gets memory of its own, so that the rest of the current block is not wasted.
  if (bytes > kBlockBytes / 4) {
    large_pieces_.push_back(std::unique_ptr<char[]>(new char[bytes]));  // not zeroed
    memory_bytes_.fetch_add(bytes + sizeof(large_pieces_.back()), std::memory_order_relaxed);
    return large_pieces_.back().get();
  }
  blocks_.push_back(reused_ != nullptr ? reused_->Take() : NewBlock());
  memory_bytes_.fetch_add(kBlockBytes + sizeof(blocks_.back()), std::memory_order_relaxed);
  char* const block = blocks_.back().get();
  next_ = block + bytes;
  left_ = kBlockBytes - bytes;
  return block;
}

}  // namespace fathom
