// Takes numbers and pieces off the front of a fuzzer's input. Past the end everything is zero or
// empty, so that any input means something.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"

namespace fathom {

class ByteTape {
 public:
  explicit ByteTape(absl::string_view bytes) : rest_(bytes) {}

  bool empty() const { return rest_.empty(); }
  absl::string_view rest() const { return rest_; }

  // At most `n` bytes.
  absl::string_view Take(size_t n) {
    const absl::string_view taken = rest_.substr(0, n);
    rest_.remove_prefix(taken.size());
    return taken;
  }
  uint8_t U8() {
    const absl::string_view byte = Take(1);
    return byte.empty() ? uint8_t{0} : static_cast<uint8_t>(byte[0]);
  }
  uint16_t U16() {
    const uint16_t low = U8();
    return static_cast<uint16_t>(low | U8() << 8);
  }

 private:
  absl::string_view rest_;
};

}  // namespace fathom
