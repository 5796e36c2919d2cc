// Where the bytes of cached blocks lie. Internal to lsm/table.
//
// A large cache is read all over: with pages of 4 KiB, lookups in it wait for the translation of
// addresses. So its blocks lie in huge pages (Linux's transparent ones; ordinary pages where the
// system has none), in frames of one size: the next block fits where the last one went.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace fathom {

class BlockFrames;

// Frees the bytes of a block: those of the heap, or a frame, the memory of which it keeps alive.
struct BlockBytesDeleter {
  BlockBytesDeleter() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): memory from the heap is meant to convert
  BlockBytesDeleter(std::default_delete<char[]> /*of_heap*/) {}
  explicit BlockBytesDeleter(std::shared_ptr<BlockFrames> of) : frames(std::move(of)) {}

  void operator()(char* bytes) const;

  std::shared_ptr<BlockFrames> frames;  // null: the heap
};
using BlockBytes = std::unique_ptr<char[], BlockBytesDeleter>;

// Thread safe.
class BlockFrames : public std::enable_shared_from_this<BlockFrames> {
 public:
  // Frames of `frame_bytes`, `capacity_bytes` in all. Takes addresses for them, and memory when
  // they are used; keeps it until the last of the bytes and `this` are gone. Null if the system
  // refuses.
  static std::shared_ptr<BlockFrames> Make(size_t frame_bytes, size_t capacity_bytes);
  ~BlockFrames();
  BlockFrames(const BlockFrames&) = delete;
  BlockFrames& operator=(const BlockFrames&) = delete;

  // Memory for `n` bytes: a frame, or of the heap if they would leave a quarter of one empty, if no
  // frame is left, and at first: a store that reads little needs no huge page.
  BlockBytes Take(size_t n);

  size_t frame_bytes() const { return frame_bytes_; }

 private:
  friend struct BlockBytesDeleter;

  BlockFrames(size_t frame_bytes, size_t capacity_bytes, char* mapping, size_t mapped_bytes);
  void Return(char* frame);

  const size_t frame_bytes_;
  char* const mapping_;
  const size_t mapped_bytes_;

  absl::Mutex mutex_;
  size_t first_from_heap_ ABSL_GUARDED_BY(mutex_);  // bytes to come from there
  char* fresh_ ABSL_GUARDED_BY(mutex_);             // the first frame that was never taken
  size_t fresh_frames_ ABSL_GUARDED_BY(mutex_);     // from there on
  std::vector<char*> returned_ ABSL_GUARDED_BY(mutex_);
};

// Memory for `n` bytes, of `frames` if that is not null.
BlockBytes TakeBlockBytes(BlockFrames* frames, size_t n);

}  // namespace fathom
