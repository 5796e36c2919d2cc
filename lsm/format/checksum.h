// Checksums of what is on disk. All are XXH3 (xxHash 0.8, the stable 64-bit variant).
#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"

namespace fathom {

// Of a table block as RocksDB's ChecksumType 4 (kXXH3) defines it: the low 32 bits of XXH3 over the
// block's bytes, mixed with the compression type byte that follows them on disk.
uint32_t BlockChecksum(absl::string_view block, uint8_t compression_type);

// Of a log chunk: the low 32 bits of XXH3 over `bytes`, seeded with the file's number and the
// chunk's offset, so that a chunk is valid only in its own file at its own place.
uint32_t LogChecksum(uint64_t file_number, uint64_t offset, absl::string_view bytes);

// XXH3, 64 bits, unseeded.
uint64_t Hash64(absl::string_view bytes);

// Of a user key, for all filters: those of tables, which are on disk, and those of memtables.
inline uint64_t FilterHash(absl::string_view user_key) { return Hash64(user_key); }

}  // namespace fathom
