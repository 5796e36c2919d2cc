// The nodes of an entry tree (entry_tree.h, which tells who may do what to them and when).
//
// A node has up to 15 slots. They are filled in the order in which their keys come and are never
// written again, but for the links to children; which of them count, and how they are sorted, is in
// one word (SlotOrder) that is replaced when a slot was filled.
//
// Invariants:
//   1. A slot is written before the order that counts it is stored (release), and a reader looks
//      only at slots that count in an order that it loaded (acquire): it sees them whole.
//   2. The slots of an order are sorted by their entries' internal keys, no two of which are equal.
//   3. Entries never change.
//   4. Where two children take the place of one, the order with the slot of the left one is stored
//      before the link to the right one takes the place of the link to the old one, which has the
//      keys of both.
//
// Layout of a node, which begins a cache line; a search reads only the first four, most often:
//
//   order | 15 x digest (16 bytes) | 15 x entry | leaf: previous, next
//                                               | inner node: height, 15 x child, last child
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "lsm/format/internal_key.h"
#include "lsm/format/key_prefix.h"

namespace fathom {

// An internal key and its value; the bytes of both follow in memory.
struct TreeEntry {
  uint32_t key_size;
  uint32_t value_size;

  const char* bytes() const { return reinterpret_cast<const char*>(this + 1); }
  absl::string_view key() const { return {bytes(), key_size}; }
  absl::string_view value() const { return {bytes() + key_size, value_size}; }
};

// The first 16 bytes of a user key after a prefix that most keys of the tree are expected to have,
// padded with zeros; the least or the greatest digest for a key without it. A smaller digest is a
// smaller key, equal ones say nothing.
struct KeyDigest {
  uint64_t high;
  uint64_t low;

  static KeyDigest Of(absl::string_view user_key, absl::string_view prefix) {
    if (!prefix.empty()) {
      const int order = user_key.substr(0, prefix.size()).compare(prefix);
      if (order != 0) {
        const uint64_t word = order < 0 ? 0 : ~uint64_t{0};
        return {word, word};
      }
      user_key.remove_prefix(prefix.size());
    }
    return {LeadingBytes(user_key),
            LeadingBytes(user_key.substr(std::min(user_key.size(), sizeof(uint64_t))))};
  }
  bool operator==(const KeyDigest& other) const = default;
  // As one number: without a branch, which could not be foretold.
  bool operator<(const KeyDigest& other) const { return AsNumber() < other.AsNumber(); }
  unsigned __int128 AsNumber() const { return static_cast<unsigned __int128>(high) << 64 | low; }
};

// What is searched for, or inserted.
struct TreeKey {
  TreeKey(absl::string_view key, absl::string_view prefix)
      : digest(KeyDigest::Of(UserKey(key), prefix)), internal(key) {}

  KeyDigest digest;
  absl::string_view internal;
};

// How many slots count, and which slot stands at which position: 4 bits each, the count lowest.
class SlotOrder {
 public:
  static constexpr int kMaxSlots = 15;

  SlotOrder() = default;
  explicit SlotOrder(uint64_t word) : word_(word) {}
  // The first `count` slots, as they stand.
  static SlotOrder Sorted(int count) {
    constexpr uint64_t kAll = 0xedcba98765432100;
    const uint64_t counted = count == kMaxSlots ? kAll : kAll & ((uint64_t{16} << 4 * count) - 1);
    return SlotOrder(counted | static_cast<uint64_t>(count));
  }

  uint64_t word() const { return word_; }
  int count() const { return static_cast<int>(word_ & 15); }
  bool full() const { return count() == kMaxSlots; }
  // REQUIRES: 0 <= at < count().
  int slot(int at) const { return static_cast<int>(word_ >> (4 * at + 4) & 15); }
  // With the first slot that does not count yet at position `at`. REQUIRES: !full().
  SlotOrder WithNext(int at) const {
    const int shift = 4 * at + 4;
    const uint64_t before = word_ & ((uint64_t{1} << shift) - 1);
    const uint64_t behind = (word_ ^ before) << 4;
    return SlotOrder((behind | (word_ & 15) << shift | before) + 1);
  }

 private:
  uint64_t word_ = 0;
};

struct TreeNode {
  static constexpr int kMaxSlots = SlotOrder::kMaxSlots;

  SlotOrder Order() const { return SlotOrder(order_word.load(std::memory_order_acquire)); }
  // How many of the slots have a key < `key`.
  int LowerBound(SlotOrder order, const TreeKey& key) const;
  void Set(int slot, const KeyDigest& digest, const TreeEntry* entry) {
    digests[slot] = digest;
    entries[slot] = entry;
  }
  // REQUIRES: `order` is that of now, and not full.
  void Add(SlotOrder order, int at, const KeyDigest& digest, const TreeEntry* entry) {
    Set(order.count(), digest, entry);
    order_word.store(order.WithNext(at).word(), std::memory_order_release);
  }

  std::atomic<uint64_t> order_word{0};
  KeyDigest digests[kMaxSlots];
  const TreeEntry* entries[kMaxSlots];
};

struct TreeLeaf : TreeNode {
  using Link = std::atomic<TreeLeaf*>;

  Link previous{nullptr};
  Link next{nullptr};
};

// The child of a slot has the keys up to the slot's own, which is one of them; the last child has
// those above all slots. Unlike the rest of a slot its child may change, see ReplaceChild.
struct TreeInner : TreeNode {
  using Link = std::atomic<TreeNode*>;
  struct Step {
    int at;
    TreeNode* child;
  };

  explicit TreeInner(int node_height) : height(node_height) {}

  Link& link(SlotOrder order, int at) {
    return at == order.count() ? last_child : children[order.slot(at)];
  }
  // The child at the position that `position` finds in an order.
  template <typename Position>
  Step StepDown(const Position& position) const;
  // `left` and `right` for the child at `at`. REQUIRES: as Add.
  void ReplaceChild(SlotOrder order, int at, const KeyDigest& digest, const TreeEntry* entry,
                    TreeNode* left, TreeNode* right) {
    Link& replaced = link(order, at);
    children[order.count()].store(left, std::memory_order_relaxed);
    Add(order, at, digest, entry);
    replaced.store(right, std::memory_order_release);
  }

  const int height;  // above the leaves
  Link children[kMaxSlots];
  Link last_child{nullptr};
};

template <typename Position>
TreeInner::Step TreeInner::StepDown(const Position& position) const {
  for (;;) {
    const SlotOrder order = Order();
    const int at = position(order);
    const Link& link = at == order.count() ? last_child : children[order.slot(at)];
    TreeNode* const child = link.load(std::memory_order_acquire);
    // By invariant 4 a link that is too new for the order shows here. Whenever the order was
    // replaced a slot was filled: this ends.
    if (order_word.load(std::memory_order_relaxed) == order.word()) {
      return {at, child};
    }
  }
}

}  // namespace fathom
