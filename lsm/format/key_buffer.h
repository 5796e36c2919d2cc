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

// Copies a key, or a piece of one, to `to` and returns the copy's end. `key` may be empty, but not
// null. Most have 8 to 32 bytes: a few words, which may overlap, take less time than a call.
inline char* CopyKey(absl::string_view key, char* to) {
  constexpr size_t kWord = sizeof(uint64_t);
  const char* const from = key.data();
  const size_t n = key.size();
  if (n < kWord || n > 4 * kWord) {
    std::memcpy(to, from, n);
    return to + n;
  }
  const auto copy_word = [from, to](size_t at) {
    EncodeFixed64(to + at, DecodeFixed64(from + at));
  };
  if (n > 2 * kWord) {
    copy_word(kWord);
    copy_word(n - 2 * kWord);
  }
  copy_word(0);
  copy_word(n - kWord);
  return to + n;
}

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
    CopyKey(bytes, data_ + size_);
    size_ += bytes.size();
  }
  void Assign(absl::string_view bytes) {
    clear();
    Append(bytes);
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
