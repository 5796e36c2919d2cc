#include "node/line_framer.h"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace fathom {
namespace {

// A buffer that one long line made larger than this is given back when it is empty.
constexpr size_t kKeepLineBytes = size_t{1} << 20;

}  // namespace

char* LineFramer::Prepare(size_t n) {
  const size_t held = end_ - begin_;
  const bool give_back = held == 0 && capacity_ > std::max(kKeepLineBytes, n);
  if (capacity_ - held < n || give_back) {
    // Doubling keeps the copying linear; a line cannot need more than its greatest length.
    const size_t doubled = give_back ? 0 : std::min(2 * capacity_, max_line_bytes_ + n);
    const size_t capacity = std::max(held + n, doubled);
    auto grown = std::make_unique_for_overwrite<char[]>(capacity);
    if (held > 0) {
      std::memcpy(grown.get(), buffer_.get() + begin_, held);
    }
    buffer_ = std::move(grown);
    capacity_ = capacity;
  } else if (begin_ > 0 && held > 0) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, held);
  }
  scanned_ -= begin_;
  end_ = held;
  begin_ = 0;
  return buffer_.get() + end_;
}

void LineFramer::Commit(size_t n) {
  assert(n <= capacity_ - end_);
  end_ += n;
}

LineFramer::Result LineFramer::Next(absl::string_view* line) {
  Result result = Result::kNeedMore;
  while (scanned_ < end_) {
    const char* from = buffer_.get() + scanned_;
    const void* found = std::memchr(from, '\n', end_ - scanned_);
    if (found == nullptr) {
      scanned_ = end_;
      break;
    }
    const auto at = static_cast<size_t>(static_cast<const char*>(found) - buffer_.get());
    if (TakeLine(at, 1, line, &result)) {
      return result;
    }
  }
  DropOverlongPart();
  return Result::kNeedMore;
}

LineFramer::Result LineFramer::NextAtEnd(absl::string_view* line) {
  Result result = Next(line);
  if (result != Result::kNeedMore) {
    return result;
  }
  return TakeLine(end_, 0, line, &result) ? result : Result::kNeedMore;
}

bool LineFramer::TakeLine(size_t end, size_t line_end_bytes, absl::string_view* line,
                          Result* result) {
  *line = absl::string_view(buffer_.get() + begin_, end - begin_);
  begin_ = end + line_end_bytes;
  scanned_ = begin_;
  if (dropped_ == 0 && !line->empty() && line->back() == '\r') {
    line->remove_suffix(1);
  }
  const uint64_t length = dropped_ + line->size();
  dropped_ = 0;
  if (length > max_line_bytes_) {
    skipped_bytes_ = length;
    ++skipped_lines_;
    *result = Result::kTooLong;
    return true;
  }
  *result = Result::kLine;
  return !line->empty();
}

// One byte more than the greatest length may be held, as it may be a '\r'.
void LineFramer::DropOverlongPart() {
  const size_t held = end_ - begin_;
  if (dropped_ > 0 || held > max_line_bytes_ + 1) {
    dropped_ += held;
    begin_ = end_;
    scanned_ = end_;
  }
}

}  // namespace fathom
