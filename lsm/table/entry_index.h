// Leads a seek to an entry of a block without a walk over those before it: of a block that is in
// memory for long, each step of a walk, and of a search among the restart points, is a cache miss.
// Internal to lsm/table; made when a block is parsed, never stored.
//
// One 64-bit slot an entry, in the order of the entries:
//
//   digest (40 bits) | offset of the entry in the block (24 bits)
//
// The digest is the first 5 bytes of the user key after the prefix that all indexed user keys have
// in common, padded with zeros: a smaller digest is a smaller key, equal ones say nothing. A block
// whose offsets take more than 24 bits is not indexed.
//
// Immutable; thread safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "lsm/format/key_buffer.h"

namespace fathom {

class EntryIndex {
 public:
  static constexpr size_t kBytesAnEntry = sizeof(uint64_t);

  EntryIndex() = default;

  // Over the entries of `block`, which end at `end`, where its `num_restarts` (at least 1) restart
  // points follow. Empty where an entry does not parse, which is for a seek to report. The index is
  // laid into `room`, if that is large enough. `block` and `room` must outlive it.
  static EntryIndex Over(const char* block, uint32_t end, uint32_t num_restarts,
                         absl::Span<uint64_t> room);

  // The same index with its slots in `slots` and what its keys have in common in `prefix`, which
  // have room for size() of them and common_bytes() and must outlive it: it needs no block any
  // more.
  EntryIndex CopyInto(uint64_t* slots, char* prefix) const;

  uint32_t size() const { return size_; }
  // What all indexed user keys have in common, in bytes.
  uint32_t common_bytes() const { return common_; }
  // Of the heap, in bytes.
  size_t memory_bytes() const { return owned_ == nullptr ? 0 : size_ * kBytesAnEntry; }

  uint32_t offset(uint32_t i) const { return static_cast<uint32_t>(slots_[i] & kOffsetMask); }

  // Which entries can be versions of `user_key`: those before `first` have smaller user keys, those
  // from `end` on greater ones.
  struct Range {
    uint32_t first;
    uint32_t end;
  };
  Range Narrow(absl::string_view user_key) const;

  // Replaces `*key` by the first `n` bytes of the user key of entry `i`, which has as many. False
  // if the index does not know them.
  bool KeyPrefix(uint32_t i, size_t n, KeyBuffer* key) const;
  // Does it know the first `n` bytes of each user key that has as many?
  bool KnowsPrefixes(size_t n) const { return n <= common_ + kDigestBytes; }

 private:
  static constexpr int kOffsetBits = 24;
  static constexpr uint64_t kOffsetMask = (uint64_t{1} << kOffsetBits) - 1;
  static constexpr size_t kDigestBytes = 5;

  // In its place in a slot.
  uint64_t DigestOf(absl::string_view user_key) const;

  const char* common_prefix_ = nullptr;  // in the block
  uint32_t common_ = 0;                  // its size
  uint32_t size_ = 0;
  const uint64_t* slots_ = nullptr;
  std::unique_ptr<uint64_t[]> owned_;  // where the slots are, if there was no room for them
};

}  // namespace fathom
