// LevelDB asks a library "crc32c", which Debian does not have, for checksums in hardware. RocksDB,
// which store_bench links too, has them: this header of that library's name leads there.
#pragma once

#include <cstddef>
#include <cstdint>

namespace rocksdb::crc32c {
uint32_t Extend(uint32_t crc, const char* data, size_t n);
}

namespace crc32c {

inline uint32_t Extend(uint32_t crc, const uint8_t* data, size_t n) {
  return rocksdb::crc32c::Extend(crc, reinterpret_cast<const char*>(data), n);
}

}  // namespace crc32c
