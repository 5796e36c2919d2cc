// Range tombstones: deletions of all keys in [begin, end) at once.
//
// A tombstone with sequence t deletes a version with sequence s of a key in its range, for a reader
// at snapshot r, if s < t <= r. Tombstones may overlap in any way, so they are kept in fragments:
//
//   written      fragments
//   [a, e) @ 5   [a, c): 5
//   [c, g) @ 9   [c, e): 9, 5
//                [e, g): 9
//
// Invariants of a list:
//   1. Fragments are in key order and disjoint, none is empty.
//   2. The sequences of a fragment descend; there is at least one.
//
// Thread safety: immutable once built. A list holds views of keys, which must outlive it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "lsm/format/internal_key.h"

namespace fathom {

struct RangeTombstone {
  absl::string_view begin;
  absl::string_view end;  // exclusive
  SequenceNumber sequence = 0;
};

class RangeTombstones {
 public:
  struct Fragment {
    absl::string_view begin;
    absl::string_view end;
    // In sequences_.
    uint32_t first_sequence = 0;
    uint32_t num_sequences = 0;

    bool Contains(absl::string_view user_key) const { return begin <= user_key && user_key < end; }
  };

  // `tombstones` in any order, overlapping in any way; none empty, and given
  // twice they count once. Neighbours with the same sequences become one fragment. Costs n log n,
  // and one step for each sequence of each fragment.
  static RangeTombstones Of(std::vector<RangeTombstone> tombstones);
  // The same, but of each fragment's sequences only those are kept that a reader at one of
  // `snapshots` (ascending), or one newer than all of them, can tell from older ones: the newest
  // of each stripe between two snapshots.
  static RangeTombstones NewestOf(std::vector<RangeTombstone> tombstones,
                                  const std::vector<SequenceNumber>& snapshots);

  // Adds what stands behind all there is: a later range, or the last one with a lower sequence.
  // False, with nothing changed, if it does not stand there or is empty.
  bool Append(const RangeTombstone& tombstone);

  bool empty() const { return fragments_.empty(); }
  const std::vector<Fragment>& fragments() const { return fragments_; }
  std::span<const SequenceNumber> SequencesOf(const Fragment& fragment) const {
    return {sequences_.data() + fragment.first_sequence, fragment.num_sequences};
  }
  // How many (fragment, sequence) there are: the entries that a table has for the list.
  size_t num_entries() const { return sequences_.size(); }
  // All entries, in the order in which Append takes them.
  std::vector<RangeTombstone> Entries() const;

  // The first fragment that ends after `user_key`; fragments().size() if there is none.
  size_t FirstEndingAfter(absl::string_view user_key) const;
  // The newest sequence of `fragment` at or below `snapshot`; 0 if there is none.
  SequenceNumber NewestIn(const Fragment& fragment, SequenceNumber snapshot) const;
  // The newest tombstone at or below `snapshot` over `user_key`: versions below it are deleted. 0
  // if there is none.
  SequenceNumber Covering(absl::string_view user_key, SequenceNumber snapshot) const;

  // The bounds of a table that has nothing but this list, which is not empty: internal keys, the
  // second one exclusive (kExclusiveTrailer).
  std::string Smallest() const;
  std::string Largest() const;

  // What it costs in memory, without the keys.
  size_t memory_bytes() const;

 private:
  static RangeTombstones Build(std::vector<RangeTombstone> tombstones,
                               const std::vector<SequenceNumber>* snapshots);

  std::vector<Fragment> fragments_;
  std::vector<SequenceNumber> sequences_;
};

// The lists of one place, a memtable, a table or a sorted level, which follow one another in key
// order. None is empty.
using RangeTombstoneRun = std::vector<const RangeTombstones*>;

// The keys around one key for which a run says the same.
struct RangeTombstoneStretch {
  absl::string_view begin;
  std::optional<absl::string_view> end;  // exclusive; absent: no end
  SequenceNumber covering = 0;           // as RangeTombstones::Covering
};
RangeTombstoneStretch StretchAt(const RangeTombstoneRun& run, absl::string_view user_key,
                                SequenceNumber snapshot);

}  // namespace fathom
