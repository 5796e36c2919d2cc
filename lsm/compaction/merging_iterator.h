// One cursor over several, in internal-key order. Used by scans, flushes and compactions.
#pragma once

#include <memory>
#include <vector>

#include "lsm/format/internal_iterator.h"

namespace fathom {

// REQUIRES: no two of `children` hold an equal internal key. An error of any child ends the merged
// cursor with that error: a part of the data must never pass for the whole.
std::unique_ptr<InternalIterator> NewMergingIterator(
    std::vector<std::unique_ptr<InternalIterator>> children);

}  // namespace fathom
