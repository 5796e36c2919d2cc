#include "lsm/io/prepare_pages.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

namespace fathom {

void PreparePages([[maybe_unused]] char* begin, [[maybe_unused]] size_t n) {
#ifdef MADV_POPULATE_WRITE
  static const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  const size_t skipped = -reinterpret_cast<uintptr_t>(begin) & (page - 1);
  if (n >= skipped + page) {
    ::madvise(begin + skipped, (n - skipped) & ~(page - 1), MADV_POPULATE_WRITE);
  }
#endif
}

}  // namespace fathom
