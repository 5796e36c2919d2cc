// Hides from the cursors of a scan what range tombstones delete.
//
// The places of a view, from the newest to the oldest, have a cursor and a run of range tombstones
// each. A tombstone deletes everything under it in the places that are older than its own: a cursor
// there seeks over the whole fragment. In its own place it deletes the versions with a lower
// sequence, which a cursor passes one by one.
//
//   memtable   [b, e) @ 90
//   level 1    a@11  b@12 ... d@75  e@13       from a, one seek to e
//
// No cursor is touched where there is no range tombstone, and a place above all of them keeps its
// own cursor. Elsewhere a key costs a comparison or two: the answer is looked up again only where
// a fragment begins or ends.
#pragma once

#include <memory>
#include <vector>

#include "lsm/format/internal_iterator.h"
#include "lsm/format/internal_key.h"
#include "lsm/format/range_tombstones.h"

namespace fathom {

// Wraps those of `cursors`, one for each of `runs` (newest place first, empty where a place has
// none), that could show a version which is deleted for a reader at `snapshot`. The tombstones must
// outlive the cursors. Versions above the snapshot are shown as they were.
void HideCovered(std::vector<RangeTombstoneRun> runs, SequenceNumber snapshot,
                 std::vector<std::unique_ptr<InternalIterator>>* cursors);

}  // namespace fathom
