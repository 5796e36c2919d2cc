// Fewer, larger reads for a cursor that takes a table's data blocks in order. Internal to
// lsm/table.
//
// One thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "lsm/format/block_handle.h"
#include "lsm/io/file_system.h"

namespace fathom {

class Readahead {
 public:
  // Reads 16 KiB ahead at first and twice as much each time, up to `max_bytes`: a short scan reads
  // little that it does not need.
  explicit Readahead(size_t max_bytes) : max_bytes_(max_bytes) {}

  // The block at `handle` with its trailer, unverified; it lives until the next call. Reads ahead,
  // but not past `limit`, from the third block on that was taken in order. Empty where the caller
  // should read the block alone: there is no such order, or the block is larger than what would be
  // read ahead. Errors of the file as they come.
  absl::StatusOr<absl::string_view> Take(const ReadableFile& file, const BlockHandle& handle,
                                         uint64_t limit);

 private:
  static constexpr size_t kFirstBytes = size_t{16} << 10;
  static constexpr int kBlocksBefore = 2;

  const size_t max_bytes_;
  size_t next_bytes_ = kFirstBytes;  // to read ahead the next time
  uint64_t next_offset_ = 0;         // where the next block in order begins
  int in_order_ = 0;                 // blocks in order since the last jump
  uint64_t offset_ = 0;              // of the buffer, in the file
  size_t size_ = 0;
  size_t capacity_ = 0;
  std::unique_ptr<char[]> buffer_;
};

}  // namespace fathom
