#include "lsm/compaction/version_filter.h"

#include <algorithm>
#include <utility>

#include "lsm/format/key_prefix.h"

namespace fathom {

VersionFilter::VersionFilter(std::vector<SequenceNumber> snapshots, const Version* below,
                             int target_level, const RangeTombstones* range_tombstones)
    : snapshots_(std::move(snapshots)),
      below_(below),
      target_level_(target_level),
      range_tombstones_(range_tombstones) {}

bool VersionFilter::Keep(absl::string_view internal_key) {
  const absl::string_view user_key = UserKey(internal_key);
  const size_t stripe = StripeOf(Sequence(internal_key));
  if (any_ && SameKey(user_key, user_key_.view())) {
    if (stripe == stripe_) {
      ++shadowed_;
      return false;
    }
  } else {
    any_ = true;
    user_key_.Assign(user_key);
  }
  stripe_ = stripe;
  if (range_tombstones_ != nullptr && IsCovered(user_key, Sequence(internal_key))) {
    ++shadowed_;
    return false;
  }
  if (stripe == 0 && below_ != nullptr && Type(internal_key) == ValueType::kDeletion &&
      !MayExistBelow(user_key)) {
    ++tombstones_;
    return false;
  }
  return true;
}

size_t VersionFilter::StripeOf(SequenceNumber sequence) const {
  if (snapshots_.empty()) {
    return 0;
  }
  return static_cast<size_t>(std::ranges::lower_bound(snapshots_, sequence) - snapshots_.begin());
}

bool VersionFilter::IsCovered(absl::string_view user_key, SequenceNumber sequence) {
  const std::vector<RangeTombstones::Fragment>& fragments = range_tombstones_->fragments();
  while (next_fragment_ < fragments.size() && fragments[next_fragment_].end <= user_key) {
    ++next_fragment_;
  }
  if (next_fragment_ == fragments.size() || user_key < fragments[next_fragment_].begin) {
    return false;
  }
  const SequenceNumber end_of_stripe =
      stripe_ < snapshots_.size() ? snapshots_[stripe_] : kMaxSequenceNumber;
  return range_tombstones_->NewestIn(fragments[next_fragment_], end_of_stripe) > sequence;
}

bool VersionFilter::MayExistBelow(absl::string_view user_key) {
  for (int level = target_level_ + 1; level < kNumLevels; ++level) {
    const Version::Tables& tables = below_->level(level);
    size_t& next = next_table_[static_cast<size_t>(level)];
    while (next < tables.size() && EndsBefore(tables[next]->meta().largest, user_key)) {
      ++next;
    }
    if (next < tables.size() && tables[next]->Covers(user_key)) {
      return true;
    }
  }
  return false;
}

}  // namespace fathom
