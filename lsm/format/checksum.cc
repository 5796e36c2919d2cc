#include "lsm/format/checksum.h"

// Most inputs are keys: a call through the library costs as much as the hash.
#define XXH_INLINE_ALL
#include <xxhash.h>

#ifdef FATHOM_XXH3_AVX2
#include "lsm/format/xxh3_avx2.h"
#endif

namespace fathom {
namespace {

#ifdef FATHOM_XXH3_AVX2
// XXH3 takes shorter inputs in words, which vectors cannot make faster.
constexpr size_t kMinVectorBytes = 256;

const bool has_avx2 = __builtin_cpu_supports("avx2") != 0;
#endif

}  // namespace

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

uint64_t Hash64(absl::string_view bytes) {
#ifdef FATHOM_XXH3_AVX2
  if (bytes.size() >= kMinVectorBytes && has_avx2) {
    return Xxh3Avx2(bytes.data(), bytes.size());
  }
#endif
  return XXH3_64bits(bytes.data(), bytes.size());
}

}  // namespace fathom
