// Runs a piece of work in a process of its own, so that its memory and CPU are its alone.
#pragma once

#include <functional>

#include "tests/bench/store/measure.h"

namespace fathom {

// What `work` answered. The child ends without running destructors of this process; if it fails,
// this process ends too. REQUIRES: this process has one thread.
Sample RunIsolated(const std::function<Sample()>& work);

}  // namespace fathom
