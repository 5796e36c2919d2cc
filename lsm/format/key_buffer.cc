#include "lsm/format/key_buffer.h"

#include <cstring>
#include <utility>

namespace fathom {

void KeyBuffer::Grow(size_t least) {
  const size_t capacity = 2 * least;
  auto grown = std::make_unique_for_overwrite<char[]>(capacity);
  std::memcpy(grown.get(), data_, size_);
  heap_ = std::move(grown);
  data_ = heap_.get();
  capacity_ = capacity;
}

}  // namespace fathom
