#include "lsm/memtable/arena.h"

namespace fathom {

char* Arena::AllocateFromNewBlock(size_t bytes) {
  // A large piece gets a block of its own, so that the rest of the current one is not wasted.
  const bool own_block = bytes > kBlockBytes / 4;
  const size_t block_bytes = own_block ? bytes : kBlockBytes;
  blocks_.push_back(std::unique_ptr<char[]>(new char[block_bytes]));  // not zeroed
  memory_bytes_.fetch_add(block_bytes + sizeof(blocks_.back()), std::memory_order_relaxed);
  char* const block = blocks_.back().get();
  if (!own_block) {
    next_ = block + bytes;
    left_ = block_bytes - bytes;
  }
  return block;
}

}  // namespace fathom
