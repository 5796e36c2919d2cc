#include "lsm/table/block_memory.h"

#include <sanitizer/asan_interface.h>
#include <sys/mman.h>

#include <new>

#include "absl/base/optimization.h"

namespace fathom {
namespace {

constexpr size_t kHugePageBytes = size_t{2} << 20;
constexpr size_t kFirstFromHeapBytes = size_t{4} << 20;

// A block of as large entries or larger has its whole index beside its bytes.
constexpr size_t kBytesAnEntry = 100;

size_t WholeLines(size_t bytes) {
  constexpr size_t kLine = ABSL_CACHELINE_SIZE;
  return (bytes + kLine - 1) / kLine * kLine;
}

// Room for a Block of `n` bytes and for its index.
size_t HeadBytes(size_t n) {
  return WholeLines(kBlockObjectBytes + n / kBytesAnEntry * sizeof(uint64_t));
}

BlockBytes FromHeap(size_t head_bytes, size_t n) {
  char* const begin = static_cast<char*>(::operator new(head_bytes + n));
  return BlockBytes(begin + head_bytes, BlockBytesDeleter{nullptr, head_bytes});
}

// Null if the system refuses.
char* MapHugePages(size_t bytes) {
  void* const mapping = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping == MAP_FAILED) {
    return nullptr;
  }
#ifdef MADV_HUGEPAGE
  ::madvise(mapping, bytes, MADV_HUGEPAGE);
#endif
  return static_cast<char*>(mapping);
}

}  // namespace

void BlockBytesDeleter::operator()(char* bytes) const {
  if (frames == nullptr) {
    ::operator delete(BeginOf(bytes));
  } else {
    frames->Return(BeginOf(bytes));
  }
}

std::shared_ptr<BlockMemory> BlockMemory::Make(size_t most_bytes, size_t capacity_bytes) {
  const size_t mapped_bytes = capacity_bytes + kHugePageBytes;  // the beginning is rounded up
  char* const mapping = capacity_bytes == 0 ? nullptr : MapHugePages(mapped_bytes);
  return std::shared_ptr<BlockMemory>(new BlockMemory(HeadBytes(most_bytes), WholeLines(most_bytes),
                                                      capacity_bytes, mapping, mapped_bytes));
}

BlockMemory::BlockMemory(size_t head_bytes, size_t most_bytes, size_t capacity_bytes, char* mapping,
                         size_t mapped_bytes)
    : head_bytes_(head_bytes),
      most_bytes_(most_bytes),
      mapping_(mapping),
      mapped_bytes_(mapped_bytes),
      first_from_heap_(kFirstFromHeapBytes),
      fresh_(mapping),
      fresh_frames_(mapping == nullptr ? 0 : capacity_bytes / frame_bytes()) {
  if (mapping != nullptr) {
    void* begin = mapping;
    fresh_ = static_cast<char*>(std::align(kHugePageBytes, capacity_bytes, begin, mapped_bytes));
  }
}

BlockMemory::~BlockMemory() {
  if (mapping_ != nullptr) {
    ASAN_UNPOISON_MEMORY_REGION(mapping_, static_cast<size_t>(fresh_ - mapping_));
    ::munmap(mapping_, mapped_bytes_);
  }
}

BlockBytes BlockMemory::Take(size_t n) {
  if (mapping_ == nullptr || n > most_bytes_ || n < most_bytes_ / 4 * 3) {
    return FromHeap(HeadBytes(n), n);
  }
  absl::MutexLock lock(&mutex_);
  if (first_from_heap_ >= n) {
    first_from_heap_ -= n;
    return FromHeap(HeadBytes(n), n);
  }
  char* frame = fresh_;
  if (!returned_.empty()) {
    frame = returned_.back();
    returned_.pop_back();
  } else if (fresh_frames_ > 0) {
    --fresh_frames_;
    fresh_ += frame_bytes();
  } else {
    return FromHeap(HeadBytes(n), n);
  }
  ASAN_UNPOISON_MEMORY_REGION(frame, frame_bytes());
  return BlockBytes(frame + head_bytes_, BlockBytesDeleter{shared_from_this(), head_bytes_});
}

void BlockMemory::Return(char* frame) {
  // Who still reads it is found out, as with memory of the heap.
  ASAN_POISON_MEMORY_REGION(frame, frame_bytes());
  absl::MutexLock lock(&mutex_);
  returned_.push_back(frame);
}

BlockBytes TakeBlockBytes(BlockMemory* memory, size_t n) {
  // Not with ?:, in which the static analyzer takes the heap's bytes for leaked.
  if (memory == nullptr) {
    return FromHeap(kBlockObjectBytes, n);
  }
  return memory->Take(n);
}

size_t MemorySize(const BlockBytes& bytes, size_t n) {
  const BlockBytesDeleter& deleter = bytes.get_deleter();
  return deleter.frames == nullptr ? deleter.head_bytes + n : deleter.frames->frame_bytes();
}

absl::Span<uint64_t> IndexRoom(const BlockBytes& bytes) {
  char* const begin = bytes.get_deleter().BeginOf(bytes.get()) + kBlockObjectBytes;
  return absl::MakeSpan(reinterpret_cast<uint64_t*>(begin),
                        static_cast<size_t>(bytes.get() - begin) / sizeof(uint64_t));
}

}  // namespace fathom
