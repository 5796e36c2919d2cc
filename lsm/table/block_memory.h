// Where blocks lie in memory. Internal to lsm/table.
//
//   | the Block, with the count of its owners | room for its entry index | the bytes |
//   0                                         kBlockObjectBytes
//
// A large cache is read all over: with pages of 4 KiB, lookups in it wait for the translation of
// addresses, once for each part of a block that lies by itself. So its blocks lie in huge pages
// (Linux's transparent ones; ordinary pages where the system has none), in frames of one size: the
// next block fits where the last one went. The blocks of a small cache lie in the heap, laid out
// alike; those that are not cached have no room for an index.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"

namespace fathom {

class BlockMemory;

// What is free at the beginning of a block's memory, aligned for any object: two cache lines.
inline constexpr size_t kBlockObjectBytes = 128;

// Frees the memory of a block whose bytes it is given: the heap's, or a frame, which it keeps
// alive.
struct BlockBytesDeleter {
  void operator()(char* bytes) const;
  // Where that memory begins.
  char* BeginOf(char* bytes) const { return bytes - head_bytes; }

  std::shared_ptr<BlockMemory> frames;    // null: the heap
  size_t head_bytes = kBlockObjectBytes;  // before the bytes
};
using BlockBytes = std::unique_ptr<char[], BlockBytesDeleter>;

// Where the blocks of a cache lie. Thread safe.
class BlockMemory : public std::enable_shared_from_this<BlockMemory> {
 public:
  // Frames for up to `most_bytes`, `capacity_bytes` in all; none, where all memory is the heap's,
  // if that is 0 or the system refuses. Takes addresses for them, and memory when they are used;
  // keeps it until the last of the bytes and `this` are gone.
  static std::shared_ptr<BlockMemory> Make(size_t most_bytes, size_t capacity_bytes);
  ~BlockMemory();
  BlockMemory(const BlockMemory&) = delete;
  BlockMemory& operator=(const BlockMemory&) = delete;

  // Memory for `n` bytes: a frame, or of the heap if they would leave a quarter of their part of
  // one empty, if no frame is left, and at first: a store that reads little needs no huge page.
  BlockBytes Take(size_t n);

  size_t frame_bytes() const { return head_bytes_ + most_bytes_; }

 private:
  friend struct BlockBytesDeleter;

  BlockMemory(size_t head_bytes, size_t most_bytes, size_t capacity_bytes, char* mapping,
              size_t mapped_bytes);
  void Return(char* frame);

  const size_t head_bytes_;
  const size_t most_bytes_;
  char* const mapping_;  // null if there are no frames
  const size_t mapped_bytes_;

  absl::Mutex mutex_;
  size_t first_from_heap_ ABSL_GUARDED_BY(mutex_);  // bytes to come from there
  char* fresh_ ABSL_GUARDED_BY(mutex_);             // the first frame that was never taken
  size_t fresh_frames_ ABSL_GUARDED_BY(mutex_);     // from there on
  std::vector<char*> returned_ ABSL_GUARDED_BY(mutex_);
};

// Memory for `n` bytes, of `memory` if that is not null.
BlockBytes TakeBlockBytes(BlockMemory* memory, size_t n);

// The size of the memory in which `bytes`, `n` of them, lie.
size_t MemorySize(const BlockBytes& bytes, size_t n);

// The words of that memory that are for the index; may be none.
absl::Span<uint64_t> IndexRoom(const BlockBytes& bytes);

// An allocator for std::allocate_shared that lays one object, with the count of its owners, into
// the memory of its bytes, which is freed with it.
template <typename T>
class BesideBytes {
 public:
  using value_type = T;

  explicit BesideBytes(BlockBytes bytes)
      : deleter_(std::move(bytes.get_deleter())), bytes_(bytes.release()) {}
  template <typename U>
  explicit BesideBytes(const BesideBytes<U>& other)
      : deleter_(other.deleter_), bytes_(other.bytes_) {}

  T* allocate(size_t /*of one*/) {
    static_assert(sizeof(T) <= kBlockObjectBytes);
    static_assert(alignof(T) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__);
    return reinterpret_cast<T*>(deleter_.BeginOf(bytes_));
  }
  void deallocate(T* /*where it was*/, size_t /*of one*/) { deleter_(bytes_); }

  friend bool operator==(const BesideBytes& a, const BesideBytes& b) {
    return a.bytes_ == b.bytes_;
  }

 private:
  template <typename U>
  friend class BesideBytes;

  BlockBytesDeleter deleter_;
  char* bytes_;
};

}  // namespace fathom
