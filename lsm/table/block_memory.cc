#include "lsm/table/block_memory.h"

#include <sanitizer/asan_interface.h>
#include <sys/mman.h>

namespace fathom {
namespace {

constexpr size_t kHugePageBytes = size_t{2} << 20;
constexpr size_t kFirstFromHeapBytes = size_t{4} << 20;

BlockBytes FromHeap(size_t n) { return std::make_unique_for_overwrite<char[]>(n); }

}  // namespace

void BlockBytesDeleter::operator()(char* bytes) const {
  if (frames == nullptr) {
    delete[] bytes;
  } else {
    frames->Return(bytes);
  }
}

std::shared_ptr<BlockFrames> BlockFrames::Make(size_t frame_bytes, size_t capacity_bytes) {
  const size_t mapped_bytes = capacity_bytes + kHugePageBytes;  // the beginning is rounded up
  void* const mapping = ::mmap(nullptr, mapped_bytes, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping == MAP_FAILED) {
    return nullptr;
  }
#ifdef MADV_HUGEPAGE
  ::madvise(mapping, mapped_bytes, MADV_HUGEPAGE);
#endif
  return std::shared_ptr<BlockFrames>(
      new BlockFrames(frame_bytes, capacity_bytes, static_cast<char*>(mapping), mapped_bytes));
}

BlockFrames::BlockFrames(size_t frame_bytes, size_t capacity_bytes, char* mapping,
                         size_t mapped_bytes)
    : frame_bytes_(frame_bytes),
      mapping_(mapping),
      mapped_bytes_(mapped_bytes),
      first_from_heap_(kFirstFromHeapBytes),
      fresh_frames_(capacity_bytes / frame_bytes) {
  void* begin = mapping;
  fresh_ = static_cast<char*>(std::align(kHugePageBytes, capacity_bytes, begin, mapped_bytes));
}

BlockFrames::~BlockFrames() {
  ASAN_UNPOISON_MEMORY_REGION(mapping_, static_cast<size_t>(fresh_ - mapping_));
  ::munmap(mapping_, mapped_bytes_);
}

BlockBytes BlockFrames::Take(size_t n) {
  if (n > frame_bytes_ || n < frame_bytes_ / 4 * 3) {
    return FromHeap(n);
  }
  absl::MutexLock lock(&mutex_);
  if (first_from_heap_ >= n) {
    first_from_heap_ -= n;
    return FromHeap(n);
  }
  char* frame = fresh_;
  if (!returned_.empty()) {
    frame = returned_.back();
    returned_.pop_back();
  } else if (fresh_frames_ > 0) {
    --fresh_frames_;
    fresh_ += frame_bytes_;
  } else {
    return FromHeap(n);
  }
  ASAN_UNPOISON_MEMORY_REGION(frame, n);
  return BlockBytes(frame, BlockBytesDeleter(shared_from_this()));
}

void BlockFrames::Return(char* frame) {
  // Who still reads it is found out, as with memory of the heap.
  ASAN_POISON_MEMORY_REGION(frame, frame_bytes_);
  absl::MutexLock lock(&mutex_);
  returned_.push_back(frame);
}

BlockBytes TakeBlockBytes(BlockFrames* frames, size_t n) {
  // Not with ?:, in which the static analyzer takes the heap's bytes for leaked.
  if (frames == nullptr) {
    return FromHeap(n);
  }
  return frames->Take(n);
}

}  // namespace fathom
