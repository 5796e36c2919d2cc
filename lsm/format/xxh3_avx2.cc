// Compiled with -mavx2: includes nothing whose inline functions others share, or the linker might
// give them this file's.
#include "lsm/format/xxh3_avx2.h"

#define XXH_INLINE_ALL
#define XXH_VECTOR XXH_AVX2
#include <xxhash.h>

namespace fathom {

uint64_t Xxh3Avx2(const void* bytes, size_t size) { return XXH3_64bits(bytes, size); }

}  // namespace fathom
