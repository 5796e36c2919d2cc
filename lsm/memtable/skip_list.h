// A skip list of internal keys with their values, all bytes in an arena.
//
// Thread safety: one thread inserts; any number read beside it without a lock. Nothing is ever
// removed.
//
// Invariants:
//   1. A node's key and value never change after it was linked.
//   2. A node is linked bottom level first, each link with a release store, and a reader follows
//      links with acquire loads: whoever sees a node sees it whole.
//   3. No two nodes have equal keys.
//
// Layout of a node in the arena; the links of the upper levels lie before the node itself, so that
// its key is at a fixed place:
//
//   link[height-1] .. link[1] | link[0], u32 key size, u32 value size, key, value
//
// Source: Pugh, "Skip Lists: A Probabilistic Alternative to Balanced Trees"; branching factor 4.
#pragma once

#include <atomic>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "lsm/memtable/arena.h"

namespace fathom {

class SkipList {
 private:
  struct Node;

 public:
  // `arena` is not owned and must outlive the list.
  explicit SkipList(Arena* arena);

  SkipList(const SkipList&) = delete;
  SkipList& operator=(const SkipList&) = delete;

  // REQUIRES: no node has an internal key equal to (user_key, trailer).
  void Insert(absl::string_view user_key, uint64_t trailer, absl::string_view value);

  // A position in the list; cheap to copy. Starts at no node.
  class Cursor {
   public:
    explicit Cursor(const SkipList* list) : list_(list) {}

    bool Valid() const { return node_ != nullptr; }
    // To the first node with key >= the internal key `target`.
    void Seek(absl::string_view target);
    void SeekToFirst();
    void SeekToLast();
    // REQUIRES for the rest: Valid().
    void Next();
    void Prev();  // costs a search
    absl::string_view key() const;
    absl::string_view value() const;

   private:
    const SkipList* list_;
    const Node* node_ = nullptr;
  };

 private:
  static constexpr int kMaxHeight = 12;

  Node* NewNode(int height, absl::string_view user_key, uint64_t trailer, absl::string_view value);
  int RandomHeight();
  // The first node with key >= `target`; the last node before it on each level goes to `prev` if
  // that is not null.
  Node* FindGreaterOrEqual(absl::string_view target, Node** prev) const;
  // The last node with key < `target` (all nodes if `target` is empty), or null.
  const Node* FindLast(absl::string_view target) const;

  Arena* const arena_;
  Node* const head_;
  std::atomic<int> height_{1};
  uint32_t random_state_ = 0x9e3779b9;
};

}  // namespace fathom
