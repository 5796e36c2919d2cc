// Fixed-width and variable-width integers as the disk formats have them: little-endian, and 7 bits
// a byte with the high bit set on all but the last (LEB128), as in LevelDB and RocksDB.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "absl/strings/string_view.h"

namespace fathom {

static_assert(std::endian::native == std::endian::little, "the disk formats are little-endian");

inline constexpr size_t kMaxVarint32Bytes = 5;
inline constexpr size_t kMaxVarint64Bytes = 10;

inline void EncodeFixed32(char* to, uint32_t v) { std::memcpy(to, &v, sizeof(v)); }
inline void EncodeFixed64(char* to, uint64_t v) { std::memcpy(to, &v, sizeof(v)); }
inline uint32_t DecodeFixed32(const char* from) {
  uint32_t v;
  std::memcpy(&v, from, sizeof(v));
  return v;
}
inline uint64_t DecodeFixed64(const char* from) {
  uint64_t v;
  std::memcpy(&v, from, sizeof(v));
  return v;
}

// Write at `to` (room for the longest form) and return one past the last byte written.
char* EncodeVarint32(char* to, uint32_t v);
char* EncodeVarint64(char* to, uint64_t v);

void PutFixed32(std::string* out, uint32_t v);
void PutFixed64(std::string* out, uint64_t v);
void PutVarint32(std::string* out, uint32_t v);
void PutVarint64(std::string* out, uint64_t v);
void PutLengthPrefixed(std::string* out, absl::string_view bytes);

size_t VarintLength(uint64_t v);

// Take a value off the front of `in`. False, with `in` unchanged, if it is cut short or (varints)
// too long for the type.
bool GetFixed32(absl::string_view* in, uint32_t* v);
bool GetFixed64(absl::string_view* in, uint64_t* v);
bool GetVarint32(absl::string_view* in, uint32_t* v);
bool GetVarint64(absl::string_view* in, uint64_t* v);
bool GetLengthPrefixed(absl::string_view* in, absl::string_view* bytes);

// As GetVarint32 over [p, limit): one past the varint, or null.
const char* DecodeVarint32(const char* p, const char* limit, uint32_t* v);

}  // namespace fathom
