// Fresh memory that is to be written soon: each of its pages costs the first who writes to it a
// page fault, which takes longer than all else that a write to a store does. Thread safe.
#pragma once

#include <cstddef>

namespace fathom {

// Makes the whole pages among these `n` bytes ready to be written, with one call for all; their
// contents stay. Where the system does not know how, or cannot, the faults come.
void PreparePages(char* begin, size_t n);

}  // namespace fathom
