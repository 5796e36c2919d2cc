// Decides, entry by entry in internal-key order, which versions of a key anybody can still need.
//
// The live snapshots cut time into stripes. Two versions in one stripe are told apart by no reader:
// only the newer is kept. With snapshots at 3 and 7:
//
//   a#9 put   kept: the newest stripe (8 and above)
//   a#8 put   dropped: same stripe as a#9
//   a#5 del   kept: snapshot 7 sees it, and must not see a#2
//   a#2 put   kept: snapshot 3 sees it
//   a#1 put   dropped: same stripe as a#2
//
// A range tombstone drops the older versions of its own stripe likewise, of every key in its range.
//
// A tombstone in the oldest stripe is dropped, too, where no older version of its key can exist
// below: everything older in its stripe has been dropped with it.
//
// One thread at a time.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"
#include "lsm/format/internal_key.h"
#include "lsm/format/key_buffer.h"
#include "lsm/format/range_tombstones.h"
#include "lsm/manifest/version.h"

namespace fathom {

class VersionFilter {
 public:
  // `snapshots` ascending. Tombstones that hide nothing are dropped if `below` is not null: then
  // older versions can exist only in its tables on levels under `target_level`. Of
  // `range_tombstones` (null: there are none) it needs the newest of each stripe. Both must outlive
  // the filter.
  VersionFilter(std::vector<SequenceNumber> snapshots, const Version* below, int target_level,
                const RangeTombstones* range_tombstones = nullptr);

  // Whether `internal_key` must be kept. REQUIRES: keys come in order, none left out.
  bool Keep(absl::string_view internal_key);

  // What was dropped, by reason.
  uint64_t shadowed() const { return shadowed_; }
  uint64_t tombstones() const { return tombstones_; }

 private:
  size_t StripeOf(SequenceNumber sequence) const;
  bool MayExistBelow(absl::string_view user_key);
  // By a range tombstone that no snapshot tells from the version of `stripe_` with this sequence.
  bool IsCovered(absl::string_view user_key, SequenceNumber sequence);

  const std::vector<SequenceNumber> snapshots_;
  const Version* const below_;
  const int target_level_;
  const RangeTombstones* const range_tombstones_;
  size_t next_fragment_ = 0;  // the first that is not wholly before the last key
  // The first table of each level that is not wholly before the last key asked for.
  std::array<size_t, kNumLevels> next_table_ = {};
  bool any_ = false;
  KeyBuffer user_key_;  // of the last entry
  size_t stripe_ = 0;   // of its last version that was kept, or dropped as a tombstone
  uint64_t shadowed_ = 0;
  uint64_t tombstones_ = 0;
};

}  // namespace fathom
