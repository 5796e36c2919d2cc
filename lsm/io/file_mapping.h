// Part of a file in memory, for copies that need no system call.
//
// A page that the disk cannot give or take (an I/O error, a file that somebody cut short, a full
// disk) raises SIGBUS where it is touched. So the only access, but for prefetches, which raise
// nothing, is by copies that catch it: they fail, and the caller asks again with a call that
// returns an error. The first mapping installs the process's handler of SIGBUS; faults that are not
// of such a copy go to the handler before it.
//
// Reads of one mapping are thread safe; a writable one belongs to one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/strings/string_view.h"
#include "lsm/io/prefetch_stream.h"

namespace fathom {

class FileMapping {
 public:
  enum class Access { kRead, kReadWrite };

  // Maps the bytes of `fd` from `begin` up to `end`, which must exist. Nothing is mapped, and every
  // copy fails, where the system refuses, or where all mappings would take more than half of the
  // machine's memory: of files that do not fit there, a read touches only what it needs.
  static FileMapping Map(int fd, uint64_t begin, uint64_t end, Access access);

  FileMapping() = default;  // of nothing
  FileMapping(FileMapping&& other) noexcept { *this = std::move(other); }
  FileMapping& operator=(FileMapping&& other) noexcept;
  ~FileMapping() { Unmap(); }

  // Copies `n` bytes from `offset` of the file on. False if they are not mapped, or if a page could
  // not be read: part of `to` may have been written then.
  bool CopyOut(uint64_t offset, size_t n, char* to) const {
    return Holds(offset, n) && Copy(memory_ + (offset - begin_), n, to);
  }

  // Those bytes, for who will copy them out soon; of nothing if they are not mapped.
  PrefetchStream Ahead(uint64_t offset, size_t n) const {
    return Holds(offset, n) ? PrefetchStream(memory_ + (offset - begin_), n) : PrefetchStream();
  }

  // Makes the whole pages among those bytes, as far as they are mapped, ready for copies into them
  // (prepare_pages.h).
  void PrepareToWrite(uint64_t offset, size_t n);

  // The other way. What was copied is in the operating system's hands, as after write(2). False if
  // the place is not mapped, or not writable: part of it may have been written then.
  bool CopyIn(uint64_t offset, absl::string_view bytes) {
    return Holds(offset, bytes.size()) &&
           Copy(bytes.data(), bytes.size(), memory_ + (offset - begin_));
  }

 private:
  bool Holds(uint64_t offset, size_t n) const {
    return offset >= begin_ && offset <= end_ && n <= end_ - offset;
  }
  static bool Copy(const char* from, size_t n, char* to);
  void Unmap();

  char* memory_ = nullptr;  // of the file's byte begin_
  uint64_t begin_ = 0;      // a multiple of the page size
  uint64_t end_ = 0;
};

}  // namespace fathom
