// The largest request to operator new, by which a test sees that a length was believed before it
// was checked. Sanitizers have an allocator of their own: there it stays 0.
#pragma once

#include <cstddef>

namespace fathom {

// Since the last call, of all threads.
size_t TakeLargestAllocation();

}  // namespace fathom
