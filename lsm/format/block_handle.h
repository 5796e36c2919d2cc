// Where a block lies in a table file, as RocksDB's block-based format has it:
//
//   varint64 offset | varint64 size      size without the 5-byte trailer
//
// The trailer after each block:
//
//   u8 compression type (0 none, 4 LZ4, 7 zstd) | fixed32 BlockChecksum of the block as stored
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "lsm/format/coding.h"

namespace fathom {

inline constexpr size_t kBlockTrailerBytes = 5;

struct BlockHandle {
  uint64_t offset = 0;
  uint64_t size = 0;

  void AppendTo(std::string* out) const {
    PutVarint64(out, offset);
    PutVarint64(out, size);
  }
  // Takes a handle off the front of `in`; false if it is cut short.
  bool DecodeFrom(absl::string_view* in) {
    return GetVarint64(in, &offset) && GetVarint64(in, &size);
  }
};

}  // namespace fathom
