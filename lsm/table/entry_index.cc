#include "lsm/table/entry_index.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "lsm/format/coding.h"
#include "lsm/format/internal_key.h"
#include "lsm/format/key_prefix.h"
#include "lsm/table/block_entry.h"

namespace fathom {
namespace {

constexpr size_t kInlineSlots = 64;  // enough for a block of 4 KiB

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
    ok_ = p != nullptr && header.shared <= key_size() &&
          header.shared + header.unshared >= kTrailerBytes;
    if (!ok_) {
      return false;
    }
    offset_ = next_;
    shared_ = header.shared;
    unshared_ = absl::string_view(p, header.unshared);
    next_ = static_cast<uint32_t>(p + header.unshared + header.value_size - block_);
    return true;
  }

  bool ok() const { return ok_; }
  uint32_t offset() const { return offset_; }
  // The internal key: bytes of the one before it, and its own.
  size_t shared() const { return shared_; }
  absl::string_view unshared() const { return unshared_; }
  size_t user_key_size() const { return key_size() - kTrailerBytes; }

 private:
  size_t key_size() const { return shared_ + unshared_.size(); }

  const char* const block_;
  const uint32_t end_;
  uint32_t next_;
  uint32_t offset_ = 0;
  bool ok_ = true;
  size_t shared_ = 0;
  absl::string_view unshared_;
};

// Keeps 8 bytes of each internal key that a walk comes to: those from `from` on, padded with zeros.
class KeyWindow {
 public:
  explicit KeyWindow(size_t from) : from_(from) {}

  void Take(const EntryWalk& walk) {
    if (walk.shared() <= from_) {
      bytes_ = LeadingBytes(
          walk.unshared().substr(std::min(from_ - walk.shared(), walk.unshared().size())));
    } else if (const size_t kept = walk.shared() - from_; kept < sizeof(bytes_)) {
      bytes_ = FirstBytes(kept) | LeadingBytes(walk.unshared()) >> (8 * kept);
    }
  }

  // The first `n` of them, with zeros in place of the others.
  uint64_t FirstBytes(size_t n) const {
    return n >= sizeof(bytes_) ? bytes_ : bytes_ & ~(~uint64_t{0} >> (8 * n));
  }

 private:
  const size_t from_;
  uint64_t bytes_ = 0;
};

}  // namespace

EntryIndex EntryIndex::Over(const char* block, uint32_t end, uint32_t num_restarts,
                            absl::Span<uint64_t> room) {
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
  const auto restart = [&](uint32_t i) {
    return DecodeFixed32(block + end + size_t{i} * sizeof(uint32_t));
  };
  std::string last;
  EntryWalk tail(block, restart(num_restarts - 1), end);
  while (tail.Next()) {
    last.resize(tail.shared());
    last.append(tail.unshared().data(), tail.unshared().size());
  }
  if (!tail.ok() || last.empty()) {
    return index;
  }
  const size_t common = SharedPrefix(first, UserKey(last));

  absl::InlinedVector<uint64_t, kInlineSlots> slots;
  KeyWindow window(common);
  EntryWalk walk(block, 0, end);
  while (walk.Next()) {
    window.Take(walk);
    const size_t in_window = walk.user_key_size() - std::min(walk.user_key_size(), common);
    slots.push_back((window.FirstBytes(in_window) & ~kOffsetMask) | walk.offset());
  }
  if (!walk.ok()) {
    return index;
  }
  uint64_t* to = room.data();
  if (slots.size() > room.size()) {
    index.owned_ = std::make_unique_for_overwrite<uint64_t[]>(slots.size());
    to = index.owned_.get();
  }
  std::copy(slots.begin(), slots.end(), to);
  index.common_prefix_ = first.data();
  index.common_ = static_cast<uint32_t>(common);
  index.size_ = static_cast<uint32_t>(slots.size());
  index.slots_ = to;
  return index;
}

EntryIndex EntryIndex::CopyInto(uint64_t* slots, char* prefix) const {
  EntryIndex copy;
  std::copy_n(common_prefix_, common_, prefix);
  copy.common_prefix_ = prefix;
  copy.common_ = common_;
  std::copy_n(slots_, size_, slots);
  copy.slots_ = slots;
  copy.size_ = size_;
  return copy;
}

EntryIndex::Range EntryIndex::Narrow(absl::string_view user_key) const {
  const int order =
      CompareKeys(user_key.substr(0, common_), absl::string_view(common_prefix_, common_));
  if (order != 0) {
    return order < 0 ? Range{0, 0} : Range{size(), size()};
  }
  const uint64_t digest = DigestOf(user_key);
  // A binary search without a branch that depends on the slots: it could not be foretold. Behind a
  // branch the processor would load ahead, so what may be next is asked for.
  const uint64_t* from = slots_;
  for (uint32_t n = size(); n > 1;) {
    const uint32_t half = n / 2;
    __builtin_prefetch(from + half / 2);
    __builtin_prefetch(from + half + half / 2);
    const uint32_t smaller = from[half - 1] < digest ? 1 : 0;
    from += half & (0 - smaller);  // a mask: of a condition the compiler would make a branch
    n -= half;
  }
  Range range;
  range.first = static_cast<uint32_t>(from - slots_) + (*from < digest ? 1 : 0);
  range.end = range.first;
  while (range.end < size() && (slots_[range.end] & ~kOffsetMask) == digest) {
    ++range.end;
  }
  return range;
}

bool EntryIndex::KeyPrefix(uint32_t i, size_t n, KeyBuffer* key) const {
  if (!KnowsPrefixes(n)) {
    return false;
  }
  char digest[sizeof(uint64_t)];
  EncodeFixed64(digest, __builtin_bswap64(slots_[i]));
  key->Assign(absl::string_view(common_prefix_, std::min(n, size_t{common_})));
  key->Append(absl::string_view(digest, sizeof(digest)));  // whole, for a copy of known length
  key->Truncate(n);
  return true;
}

uint64_t EntryIndex::DigestOf(absl::string_view user_key) const {
  user_key.remove_prefix(std::min(size_t{common_}, user_key.size()));
  return LeadingBytes(user_key) & ~kOffsetMask;
}

}  // namespace fathom
