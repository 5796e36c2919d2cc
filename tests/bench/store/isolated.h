// Runs a piece of work in a process of its own, so that its memory and CPU are its alone. This one
// looks every 10 ms how much memory that one holds: the system keeps no such peak, and what comes
// and goes between two looks is missed.
#pragma once

#include <functional>

#include "tests/bench/store/measure.h"

namespace fathom {

// What `work` answered. The child ends without running destructors of this process; if it fails, or
// SIGINT or SIGTERM ends it, this process exits with 1. REQUIRES: this process has one thread.
Sample RunIsolated(const std::function<Sample()>& work);

}  // namespace fathom
