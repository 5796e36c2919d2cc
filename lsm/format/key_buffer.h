// A key that is put together from pieces, without the heap while it is short: an iterator that
// lives for one lookup would else allocate once more than it needs. Not thread safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>

#include "absl/strings/string_view.h"
#include "lsm/format/coding.h"

namespace fathom {

class KeyBuffer {
 public:
  KeyBuffer() = default;
  KeyBuffer(const KeyBuffer&) = delete;
  KeyBuffer& operator=(const KeyBuffer&) = delete;

  const char* data() const { return data_; }
  size_t size() const { return size_; }
  absl::string_view view() const { return {data_, size_}; }

  void clear() { size_ = 0; }
  // Keeps the first `n` bytes. REQUIRES: n <= size().
  void Truncate(size_t n) { size_ = n; }
  // `bytes` may be empty, but not null, and must not be of this buffer.
  void Append(absl::string_view bytes) {
    if (bytes.size() > capacity_ - size_) {
      Grow(size_ + bytes.size());
    }
    char* const to = data_ + size_;
    size_ += bytes.size();
    if (bytes.size() < sizeof(uint64_t) || bytes.size() > 2 * sizeof(uint64_t)) {
      std::memcpy(to, bytes.data(), bytes.size());
      return;
    }
    // As most are: two words, which may overlap, take less time than a call.
    const size_t last = bytes.size() - sizeof(uint64_t);
    const uint64_t words[2] = {DecodeFixed64(bytes.data()), DecodeFixed64(bytes.data() + last)};
    EncodeFixed64(to, words[0]);
    EncodeFixed64(to + last, words[1]);
  }

 private:
  static constexpr size_t kInlineBytes = 64;

  void Grow(size_t least);

  char* data_ = inline_;
  size_t size_ = 0;
  size_t capacity_ = kInlineBytes;
  std::unique_ptr<char[]> heap_;
  char inline_[kInlineBytes];
};

}  // namespace fathom
