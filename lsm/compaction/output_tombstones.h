// The range tombstones that a compaction writes: those of its inputs, less what nobody can need,
// handed out table by table and cut where the tables are.
//
// Of several over one key, the newest of each stripe of time between two snapshots stays
// (version_filter.h). One in the oldest stripe goes where nothing older can lie below: whatever it
// covers in the inputs goes with it.
//
// One thread at a time.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "lsm/compaction/compaction.h"
#include "lsm/format/range_tombstones.h"

namespace fathom {

// All range tombstones of `tables`, which must outlive them. Opens the tables that have some; an
// error is that of the first that cannot be opened.
absl::StatusOr<std::vector<RangeTombstone>> RangeTombstonesOf(const Version::Tables& tables);

class OutputTombstones {
 public:
  // For the keys in [begin, end) of `compaction` (absent: no bound), the inputs of which have the
  // tombstones `inputs`. All must outlive it.
  OutputTombstones(const Compaction& compaction, const std::vector<RangeTombstone>& inputs,
                   const std::vector<SequenceNumber>& snapshots,
                   std::optional<absl::string_view> begin, std::optional<absl::string_view> end);

  // All of `inputs`, for a merge that drops nothing. Their keys must outlive it.
  explicit OutputTombstones(std::vector<RangeTombstone> inputs);

  // What covers the inputs, the newest of each stripe: also what is not written any more. Null if
  // there is nothing.
  const RangeTombstones* covering() const { return covering_.empty() ? nullptr : &covering_; }

  // The part before `end` of what was not taken yet; all of it where `end` is absent. Ends must not
  // go back.
  RangeTombstones TakeBefore(std::optional<absl::string_view> end);
  // Whether everything was taken.
  bool empty() const { return next_ == written_.size(); }

  // How many were dropped because nothing older can lie below.
  uint64_t dropped() const { return dropped_; }

 private:
  RangeTombstones covering_;
  std::vector<RangeTombstone> written_;  // as RangeTombstones::Entries
  size_t next_ = 0;                      // the first of them that was not taken whole
  std::deque<std::string> cuts_;         // ends so far, which what is left refers to
  uint64_t dropped_ = 0;
};

}  // namespace fathom
