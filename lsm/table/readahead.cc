#include "lsm/table/readahead.h"

#include <algorithm>

#include "lsm/table/block_reader.h"

namespace fathom {

absl::StatusOr<absl::string_view> Readahead::Take(const ReadableFile& file,
                                                  const BlockHandle& handle, uint64_t limit) {
  if (!EndsWithin(handle, limit)) {
    return absl::string_view();
  }
  const bool in_order = handle.offset == next_offset_ && handle.offset != 0;
  in_order_ = in_order ? in_order_ + 1 : 0;
  next_offset_ = EndOf(handle);
  const size_t n = handle.size + kBlockTrailerBytes;
  if (handle.offset >= offset_ && next_offset_ <= offset_ + size_) {
    return absl::string_view(buffer_.get() + (handle.offset - offset_), n);
  }
  if (in_order_ < kBlocksBefore) {
    next_bytes_ = std::min(kFirstBytes, max_bytes_);
    return absl::string_view();
  }
  if (n > next_bytes_) {
    return absl::string_view();
  }
  if (capacity_ < next_bytes_) {
    capacity_ = next_bytes_;
    buffer_ = std::make_unique_for_overwrite<char[]>(capacity_);
  }
  const size_t wanted = std::min<uint64_t>(next_bytes_, limit - handle.offset);
  size_ = 0;
  const absl::StatusOr<size_t> read = file.Read(handle.offset, wanted, buffer_.get());
  if (!read.ok()) {
    return read.status();
  }
  offset_ = handle.offset;
  size_ = *read;
  next_bytes_ = std::min(2 * next_bytes_, max_bytes_);
  return size_ < n ? absl::string_view() : absl::string_view(buffer_.get(), n);
}

}  // namespace fathom
