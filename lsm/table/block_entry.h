// How an entry of a block begins (layout: block_builder.h). Internal to lsm/table.
#pragma once

#include <cstdint>

#include "lsm/format/coding.h"

namespace fathom {

// Entries from one restart point to the next in the data and index blocks that Fathom writes.
inline constexpr int kRestartInterval = 16;

struct EntryHeader {
  uint32_t shared;
  uint32_t unshared;
  uint32_t value_size;
};

// Decodes the header of the entry at `p`. One past it, where the key bytes begin; null if the
// header or the bytes that it announces pass `limit`.
inline const char* DecodeEntryHeader(const char* p, const char* limit, EntryHeader* header) {
  if (limit - p < 3) {
    return nullptr;
  }
  header->shared = static_cast<uint8_t>(p[0]);
  header->unshared = static_cast<uint8_t>(p[1]);
  header->value_size = static_cast<uint8_t>(p[2]);
  if ((header->shared | header->unshared | header->value_size) < 128) {
    p += 3;
  } else {
    if ((p = DecodeVarint32(p, limit, &header->shared)) == nullptr ||
        (p = DecodeVarint32(p, limit, &header->unshared)) == nullptr ||
        (p = DecodeVarint32(p, limit, &header->value_size)) == nullptr) {
      return nullptr;
    }
  }
  const uint64_t announced = uint64_t{header->unshared} + header->value_size;
  return static_cast<uint64_t>(limit - p) < announced ? nullptr : p;
}

}  // namespace fathom
