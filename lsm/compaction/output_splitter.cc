#include "lsm/compaction/output_splitter.h"

#include "lsm/format/key_prefix.h"

namespace fathom {

bool OutputSplitter::CutBefore(absl::string_view internal_key, uint64_t table_bytes) {
  const absl::string_view user_key = UserKey(internal_key);
  if (any_ && SameKey(user_key, user_key_)) {
    return false;
  }
  any_ = true;
  user_key_.assign(user_key.data(), user_key.size());
  bool at_boundary = false;
  while (next_below_ < below_.size() && EndsBefore(below_[next_below_]->meta().largest, user_key)) {
    overlap_bytes_ += below_[next_below_]->meta().file_bytes;
    at_boundary = true;
    ++next_below_;
  }
  if (table_bytes == 0) {
    overlap_bytes_ = 0;
    return false;
  }
  const bool cut = table_bytes >= target_bytes_ ||
                   (at_boundary && table_bytes >= target_bytes_ / 2) ||
                   overlap_bytes_ > kMaxOverlap * target_bytes_;
  if (cut) {
    overlap_bytes_ = 0;
  }
  return cut;
}

}  // namespace fathom
