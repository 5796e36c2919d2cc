#include "lsm/format/range_tombstones.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <set>
#include <utility>

namespace fathom {
namespace {

// The same one may be given twice, cut in different ways.
using Active = std::multiset<SequenceNumber, std::greater<>>;

// Of `active`, which is not empty, the newest of each stripe (all if `snapshots` is null).
void TakeSequences(const Active& active, const std::vector<SequenceNumber>* snapshots,
                   std::vector<SequenceNumber>* taken) {
  taken->clear();
  if (snapshots == nullptr) {
    std::ranges::unique_copy(active, std::back_inserter(*taken));
    return;
  }
  for (auto newest = active.begin(); newest != active.end();) {
    taken->push_back(*newest);
    // The newest snapshot that does not see it ends the stripe.
    const auto next = std::ranges::lower_bound(*snapshots, *newest);
    if (next == snapshots->begin()) {
      return;
    }
    newest = active.lower_bound(*std::prev(next));
  }
}

}  // namespace

RangeTombstones RangeTombstones::Of(std::vector<RangeTombstone> tombstones) {
  return Build(std::move(tombstones), nullptr);
}

RangeTombstones RangeTombstones::NewestOf(std::vector<RangeTombstone> tombstones,
                                          const std::vector<SequenceNumber>& snapshots) {
  return Build(std::move(tombstones), &snapshots);
}

// Sweeps over all begins and ends in order, with the set of tombstones over the keys in between.
RangeTombstones RangeTombstones::Build(std::vector<RangeTombstone> tombstones,
                                       const std::vector<SequenceNumber>* snapshots) {
  std::vector<RangeTombstone> by_end = tombstones;
  std::ranges::sort(tombstones, {}, &RangeTombstone::begin);
  std::ranges::sort(by_end, {}, &RangeTombstone::end);
  RangeTombstones list;
  Active active;
  std::vector<SequenceNumber> taken;
  auto next_begin = tombstones.begin();
  for (auto next_end = by_end.begin(); next_end != by_end.end();) {
    const bool begins = next_begin != tombstones.end() && next_begin->begin < next_end->end;
    const absl::string_view at = begins ? next_begin->begin : next_end->end;
    for (; next_end != by_end.end() && next_end->end == at; ++next_end) {
      active.erase(active.find(next_end->sequence));
    }
    for (; next_begin != tombstones.end() && next_begin->begin == at; ++next_begin) {
      active.insert(next_begin->sequence);
    }
    if (active.empty()) {
      continue;
    }
    const absl::string_view until =
        next_begin != tombstones.end() ? std::min(next_begin->begin, next_end->end) : next_end->end;
    TakeSequences(active, snapshots, &taken);
    if (!list.empty() && list.fragments_.back().end == at &&
        std::ranges::equal(list.SequencesOf(list.fragments_.back()), taken)) {
      list.fragments_.back().end = until;
      continue;
    }
    list.fragments_.push_back({at, until, static_cast<uint32_t>(list.sequences_.size()),
                               static_cast<uint32_t>(taken.size())});
    list.sequences_.insert(list.sequences_.end(), taken.begin(), taken.end());
  }
  return list;
}

bool RangeTombstones::Append(const RangeTombstone& tombstone) {
  if (tombstone.begin >= tombstone.end) {
    return false;
  }
  if (empty() || fragments_.back().end <= tombstone.begin) {
    fragments_.push_back(
        {tombstone.begin, tombstone.end, static_cast<uint32_t>(sequences_.size()), 0});
  } else if (fragments_.back().begin != tombstone.begin || fragments_.back().end != tombstone.end ||
             sequences_.back() <= tombstone.sequence) {
    return false;
  }
  ++fragments_.back().num_sequences;
  sequences_.push_back(tombstone.sequence);
  return true;
}

std::vector<RangeTombstone> RangeTombstones::Entries() const {
  std::vector<RangeTombstone> entries;
  entries.reserve(num_entries());
  for (const Fragment& fragment : fragments_) {
    for (const SequenceNumber sequence : SequencesOf(fragment)) {
      entries.push_back({fragment.begin, fragment.end, sequence});
    }
  }
  return entries;
}

size_t RangeTombstones::FirstEndingAfter(absl::string_view user_key) const {
  const auto at = std::partition_point(fragments_.begin(), fragments_.end(),
                                       [user_key](const Fragment& f) { return f.end <= user_key; });
  return static_cast<size_t>(at - fragments_.begin());
}

SequenceNumber RangeTombstones::NewestIn(const Fragment& fragment, SequenceNumber snapshot) const {
  const std::span<const SequenceNumber> sequences = SequencesOf(fragment);
  const auto newest = std::ranges::lower_bound(sequences, snapshot, std::greater<>());
  return newest == sequences.end() ? 0 : *newest;
}

SequenceNumber RangeTombstones::Covering(absl::string_view user_key,
                                         SequenceNumber snapshot) const {
  const size_t i = FirstEndingAfter(user_key);
  return i < fragments_.size() && fragments_[i].begin <= user_key
             ? NewestIn(fragments_[i], snapshot)
             : 0;
}

std::string RangeTombstones::Smallest() const {
  std::string key;
  AppendInternalKey(fragments_.front().begin, sequences_.front(), ValueType::kRangeDeletion, &key);
  return key;
}

std::string RangeTombstones::Largest() const {
  std::string key;
  AppendInternalKey(fragments_.back().end, kMaxSequenceNumber, ValueType::kRangeDeletion, &key);
  return key;
}

size_t RangeTombstones::memory_bytes() const {
  return sizeof(*this) + fragments_.capacity() * sizeof(Fragment) +
         sequences_.capacity() * sizeof(SequenceNumber);
}

RangeTombstoneStretch StretchAt(const RangeTombstoneRun& run, absl::string_view user_key,
                                SequenceNumber snapshot) {
  const auto list = std::partition_point(
      run.begin(), run.end(),
      [user_key](const RangeTombstones* l) { return l->fragments().back().end <= user_key; });
  RangeTombstoneStretch stretch;
  if (list != run.begin()) {
    stretch.begin = (*std::prev(list))->fragments().back().end;
  }
  if (list == run.end()) {
    return stretch;
  }
  const auto fragment =
      (*list)->fragments().begin() + static_cast<ptrdiff_t>((*list)->FirstEndingAfter(user_key));
  if (fragment->begin <= user_key) {
    return {fragment->begin, fragment->end, (*list)->NewestIn(*fragment, snapshot)};
  }
  if (fragment != (*list)->fragments().begin()) {
    stretch.begin = std::prev(fragment)->end;
  }
  stretch.end = fragment->begin;
  return stretch;
}

}  // namespace fathom
