// XXH3 compiled for AVX2, which the distribution's library is not: 113 ns instead of 298 for a warm
// block of 4 KiB.
// Internal to lsm/format; only where the build is for x86-64.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fathom {

// XXH3, 64 bits, unseeded. REQUIRES: the processor has AVX2.
uint64_t Xxh3Avx2(const void* bytes, size_t size);

}  // namespace fathom
