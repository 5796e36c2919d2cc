// Builds a block of RocksDB's block-based table: entries in ascending key order, each sharing a
// prefix with the one before it, with a full key at every restart point for binary search.
//
//   entry    varint32 shared      bytes of the previous key that this key begins with
//            varint32 unshared    bytes of key that follow
//            varint32 value size
//            unshared key bytes, value bytes
//   trailer  fixed32 * n offsets of the restart points (shared is 0 there)
//            fixed32 n
//
// One thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/strings/string_view.h"
#include "lsm/format/key_buffer.h"

namespace fathom {

class BlockBuilder {
 public:
  // A restart point every `restart_interval` entries (at least 1).
  explicit BlockBuilder(int restart_interval);

  // REQUIRES: `key` sorts after every key added since the last Reset, in the block's own order.
  void Add(absl::string_view key, absl::string_view value);

  // Appends the restart points and returns the block, which lives until Reset.
  absl::string_view Finish();
  void Reset();

  // What Finish would return, in bytes.
  size_t SizeEstimate() const { return size_ + (restarts_.size() + 1) * sizeof(uint32_t); }
  bool empty() const { return size_ == 0; }
  // The key of the last Add since the last Reset.
  absl::string_view last_key() const { return last_key_.view(); }

 private:
  // The end of the bytes, with room for `n` more.
  char* RoomFor(size_t n) {
    if (n > capacity_ - size_) {
      Grow(size_ + n);
    }
    return bytes_.get() + size_;
  }
  void Grow(size_t least);

  const int restart_interval_;
  // Not a string: an entry is written by a few stores, and each append would be a call.
  std::unique_ptr<char[]> bytes_;
  size_t size_ = 0;
  size_t capacity_ = 0;
  std::vector<uint32_t> restarts_;
  int entries_since_restart_ = 0;
  KeyBuffer last_key_;
};

}  // namespace fathom
