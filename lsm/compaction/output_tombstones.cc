#include "lsm/compaction/output_tombstones.h"

#include <algorithm>
#include <utility>

namespace fathom {
namespace {

// May a level under the target hold anything in [begin, end)?
bool MayExistBelow(const Compaction& compaction, absl::string_view begin, absl::string_view end) {
  for (int level = compaction.target_level + 1; level < kNumLevels; ++level) {
    const Version::Tables& tables = compaction.version->level(level);
    const auto first = std::partition_point(tables.begin(), tables.end(),
                                            [begin](const std::shared_ptr<LiveTable>& table) {
                                              return EndsBefore(table->meta().largest, begin);
                                            });
    if (first != tables.end() && UserKey((*first)->meta().smallest) < end) {
      return true;
    }
  }
  return false;
}

}  // namespace

absl::StatusOr<std::vector<RangeTombstone>> RangeTombstonesOf(const Version::Tables& tables) {
  std::vector<RangeTombstone> all;
  for (const std::shared_ptr<LiveTable>& table : tables) {
    if (!table->meta().MayHaveRangeTombstones()) {
      continue;
    }
    const absl::StatusOr<TableReader*> reader = table->reader();
    if (!reader.ok()) {
      return reader.status();
    }
    if (const RangeTombstones* const list = (*reader)->range_tombstones(); list != nullptr) {
      const std::vector<RangeTombstone> more = list->Entries();
      all.insert(all.end(), more.begin(), more.end());
    }
  }
  return all;
}

OutputTombstones::OutputTombstones(const Compaction& compaction,
                                   const std::vector<RangeTombstone>& inputs,
                                   const std::vector<SequenceNumber>& snapshots,
                                   std::optional<absl::string_view> begin,
                                   std::optional<absl::string_view> end) {
  std::vector<RangeTombstone> within;
  for (RangeTombstone tombstone : inputs) {
    tombstone.begin = std::max(tombstone.begin, begin.value_or(tombstone.begin));
    tombstone.end = std::min(tombstone.end, end.value_or(tombstone.end));
    if (tombstone.begin < tombstone.end) {
      within.push_back(tombstone);
    }
  }
  covering_ = RangeTombstones::NewestOf(std::move(within), snapshots);
  std::vector<RangeTombstone> needed;
  for (const RangeTombstone& tombstone : covering_.Entries()) {
    const bool in_oldest_stripe = snapshots.empty() || tombstone.sequence <= snapshots.front();
    if (in_oldest_stripe && !MayExistBelow(compaction, tombstone.begin, tombstone.end)) {
      ++dropped_;
    } else {
      needed.push_back(tombstone);
    }
  }
  written_ = RangeTombstones::Of(std::move(needed)).Entries();
}

OutputTombstones::OutputTombstones(std::vector<RangeTombstone> inputs)
    : covering_(RangeTombstones::Of(std::move(inputs))), written_(covering_.Entries()) {}

RangeTombstones OutputTombstones::TakeBefore(std::optional<absl::string_view> end) {
  RangeTombstones taken;
  if (end.has_value() && !empty()) {
    end = cuts_.emplace_back(*end);
  }
  size_t first_left = written_.size();
  for (size_t i = next_; i < written_.size(); ++i) {
    RangeTombstone& tombstone = written_[i];
    if (end.has_value() && tombstone.end > *end) {
      first_left = std::min(first_left, i);
      if (tombstone.begin >= *end) {
        break;
      }
      taken.Append({tombstone.begin, *end, tombstone.sequence});
      tombstone.begin = *end;
    } else {
      taken.Append(tombstone);
    }
  }
  next_ = first_left;
  return taken;
}

}  // namespace fathom
