// A cursor over tables that follow one another, as those of a sorted level do, or over a single one
// of level 0: only one of them is open at a time. One thread at a time.
#pragma once

#include <memory>
#include <span>

#include "lsm/format/internal_iterator.h"
#include "lsm/format/lookup.h"
#include "lsm/manifest/version.h"

namespace fathom {

// `tables` in key order, disjoint; they and the list must outlive the cursor. `cost` as in
// TableReader::NewIterator.
std::unique_ptr<InternalIterator> NewLevelIterator(
    std::span<const std::shared_ptr<LiveTable>> tables, bool fill_cache, ReadCost* cost);

}  // namespace fathom
