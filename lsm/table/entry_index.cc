#include "lsm/table/entry_index.h"

#include <algorithm>
#include <utility>

#include "lsm/format/internal_key.h"
#include "lsm/format/key_prefix.h"
#include "lsm/table/block_entry.h"

namespace fathom {
namespace {

// Walks over entries from one at a restart point on; ends where one does not parse.
class EntryWalk {
 public:
  EntryWalk(const char* block, uint32_t from, uint32_t end)
      : block_(block), end_(end), next_(from) {}

  // To the next entry. False at the end, or where an entry does not parse: see ok().
  bool Next() {
    if (next_ >= end_) {
      return false;
    }
    EntryHeader header;
    const char* const p = DecodeEntryHeader(block_ + next_, block_ + end_, &header);
    ok_ = p != nullptr && header.shared <= key_.size() &&
          header.shared + header.unshared >= kTrailerBytes;
    if (!ok_) {
      return false;
    }
    offset_ = next_;
    if (header.shared == 0) {
      key_ = absl::string_view(p, header.unshared);
    } else {
      if (key_.data() == buffer_.data()) {
        buffer_.resize(header.shared);
      } else {
        buffer_.assign(key_.data(), header.shared);
      }
      buffer_.append(p, header.unshared);
      key_ = buffer_;
    }
    next_ = static_cast<uint32_t>(p + header.unshared + header.value_size - block_);
    return true;
  }

  bool ok() const { return ok_; }
  uint32_t offset() const { return offset_; }
  absl::string_view user_key() const { return UserKey(key_); }

 private:
  const char* const block_;
  const uint32_t end_;
  uint32_t next_;
  uint32_t offset_ = 0;
  bool ok_ = true;
  absl::string_view key_;  // in the block, or in buffer_
  std::string buffer_;
};

}  // namespace

EntryIndex EntryIndex::Over(const char* block, uint32_t last_restart, uint32_t end,
                            size_t expected) {
  EntryIndex index;
  if (end > kOffsetMask) {
    return index;
  }
  // Keys ascend: what the first and the last have in common, all have. The first is a view of the
  // block itself, because nothing comes before it that it could share.
  EntryHeader header;
  const char* const key = DecodeEntryHeader(block, block + end, &header);
  if (key == nullptr || header.unshared < kTrailerBytes) {
    return index;
  }
  const absl::string_view first = UserKey(absl::string_view(key, header.unshared));
  EntryWalk tail(block, last_restart, end);
  while (tail.Next()) {
  }
  if (!tail.ok()) {
    return index;
  }
  const absl::string_view last = tail.user_key();
  index.common_prefix_ = first.substr(0, SharedPrefix(first, last));

  index.slots_.reserve(expected);
  EntryWalk walk(block, 0, end);
  while (walk.Next()) {
    index.slots_.push_back(index.DigestOf(walk.user_key()) | walk.offset());
  }
  return walk.ok() ? std::move(index) : EntryIndex();
}

EntryIndex::Range EntryIndex::Narrow(absl::string_view user_key) const {
  const int order = user_key.substr(0, common_prefix_.size()).compare(common_prefix_);
  if (order != 0) {
    return order < 0 ? Range{0, 0} : Range{size(), size()};
  }
  const uint64_t digest = DigestOf(user_key);
  // A binary search without a branch that depends on the slots: it could not be foretold.
  const uint64_t* from = slots_.data();
  for (uint32_t n = size(); n > 1;) {
    const uint32_t half = n / 2;
    from += from[half - 1] < digest ? half : 0;
    n -= half;
  }
  Range range;
  range.first = static_cast<uint32_t>(from - slots_.data()) + (*from < digest ? 1 : 0);
  range.end = range.first;
  while (range.end < size() && (slots_[range.end] & ~kOffsetMask) == digest) {
    ++range.end;
  }
  return range;
}

bool EntryIndex::KeyPrefix(uint32_t i, size_t n, std::string* key) const {
  if (n > common_prefix_.size() + kDigestBytes) {
    return false;
  }
  key->assign(common_prefix_.data(), std::min(n, common_prefix_.size()));
  for (int shift = 56; key->size() < n; shift -= 8) {
    key->push_back(static_cast<char>(slots_[i] >> shift));
  }
  return true;
}

uint64_t EntryIndex::DigestOf(absl::string_view user_key) const {
  user_key.remove_prefix(std::min(common_prefix_.size(), user_key.size()));
  return LeadingBytes(user_key) & ~kOffsetMask;
}

}  // namespace fathom
