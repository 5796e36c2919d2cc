#include "lsm/format/checksum.h"

#include <xxhash.h>

namespace fathom {

uint32_t BlockChecksum(absl::string_view block, uint8_t compression_type) {
  // RocksDB's own way to mix in the one byte after the block without a streaming hash.
  constexpr uint32_t kLastByteFactor = 0x6b9083d9;
  return static_cast<uint32_t>(Hash64(block)) ^ compression_type * kLastByteFactor;
}

uint32_t LogChecksum(uint64_t file_number, uint64_t offset, absl::string_view bytes) {
  // 2^64 over the golden ratio keeps the seeds of neighbouring files far apart: no two places of
  // any realistic pair of files share one.
  constexpr uint64_t kFileStride = 0x9e3779b97f4a7c15;
  const uint64_t seed = file_number * kFileStride + offset;
  return static_cast<uint32_t>(XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed));
}

uint64_t Hash64(absl::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

}  // namespace fathom
