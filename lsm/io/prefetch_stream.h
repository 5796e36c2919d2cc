// Memory that will be read soon, brought into the processor's caches a few lines at a time, beside
// other work. Asked for all at once most lines would be waited for: a core has some twenty
// requests under way at most.
//
// Nothing is read through it, so the memory need not be there any more: a prefetch of an address
// without memory does nothing.
#pragma once

#include <cstddef>

namespace fathom {

class PrefetchStream {
 public:
  PrefetchStream() = default;  // of nothing
  PrefetchStream(const char* begin, size_t n) : at_(begin), end_(begin + n) {}

  bool empty() const { return at_ >= end_; }

  // To be called for each entry that is read before the memory is needed: with entries of a hundred
  // bytes it is all there when two thirds of as much have been read.
  void Step() {
    if (!empty()) {
      for (size_t line = 0; line < kLinesAStep; ++line) {
        __builtin_prefetch(at_ + line * kLineBytes);
      }
      at_ += kLinesAStep * kLineBytes;
    }
  }

 private:
  static constexpr size_t kLineBytes = 64;
  static constexpr size_t kLinesAStep = 3;

  const char* at_ = nullptr;
  const char* end_ = nullptr;
};

}  // namespace fathom
