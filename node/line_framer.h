// Splits a stream of bytes into lines, within bounded memory.
//
//   char* room = framer.Prepare(kChunk);
//   framer.Commit(source.Read(room, kChunk));
//   while (framer.Next(&line) != LineFramer::Result::kNeedMore) { ... }
//
// A line ends with '\n', which is not part of it, nor is a '\r' before it. Lines that are then
// empty are skipped. A line of more than the greatest length is skipped too: what was held of it is
// dropped at once and the rest as it comes. Memory: at most that length and one chunk.
//
// Not thread safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/strings/string_view.h"

namespace fathom {

class LineFramer {
 public:
  enum class Result : uint8_t {
    kLine,      // `*line` is one
    kTooLong,   // one was skipped; skipped_bytes() tells its length
    kNeedMore,  // no complete line is left
  };

  // Lines of up to `max_line_bytes`, without their ends, are let through.
  explicit LineFramer(size_t max_line_bytes) : max_line_bytes_(max_line_bytes) {}

  // Room for `n` more bytes, valid until the next call. REQUIRES: Next has answered kNeedMore, or
  // this is the first call.
  char* Prepare(size_t n);
  // `n` bytes were put there.
  void Commit(size_t n);

  // The view lives until the next Prepare.
  Result Next(absl::string_view* line);
  // As Next, where the stream has ended: what is left is the last line. Call it until kNeedMore.
  Result NextAtEnd(absl::string_view* line);

  uint64_t skipped_bytes() const { return skipped_bytes_; }
  uint64_t skipped_lines() const { return skipped_lines_; }
  // Held now, used or not.
  size_t capacity() const { return capacity_; }

 private:
  // Takes the bytes up to `end`, and the line end there if there is one, as one line. False if it
  // is to be skipped without a word, because it is empty.
  bool TakeLine(size_t end, size_t line_end_bytes, absl::string_view* line, Result* result);
  void DropOverlongPart();

  const size_t max_line_bytes_;
  std::unique_ptr<char[]> buffer_;
  size_t capacity_ = 0;
  size_t begin_ = 0;      // of the bytes not handed out yet
  size_t scanned_ = 0;    // up to here there is no line end
  size_t end_ = 0;        // of the bytes committed
  uint64_t dropped_ = 0;  // bytes of the line under way that are not held any more
  uint64_t skipped_bytes_ = 0;
  uint64_t skipped_lines_ = 0;
};

}  // namespace fathom
