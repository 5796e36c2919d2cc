// A B+-tree of internal keys with their values, all bytes in an arena. Its nodes: tree_node.h.
//
// Thread safety: one thread inserts; any number read beside it without a lock. A reader never
// begins anew: at most, it looks at a node again into which a slot came meanwhile
// (TreeInner::StepDown). Nothing is ever removed.
//
// An insert adds a slot to a leaf. A full node does not change again: two new ones share its slots
// and the new one, its parent gets a slot for the left one, and the link that led to it then leads
// to the right one. It stays in the arena for readers that are in it: it is *replaced*, the others
// are *live*. Only at the right edge, where ascending keys come, a full node stays, and a new one
// with what comes follows it: so nodes are left full.
//
// What was inserted before a read began is seen by the read, whenever it loads what it loads
// (before: in the order of release and acquire; who reads a memtable first takes the last published
// sequence number). For:
//
//   1. The links of a live node name live nodes: an inner node's its children, a leaf's the leaves
//      beside it. Those of a replaced node are as they were when it was replaced. A link is stored
//      (release) once the node that it names is complete.
//   2. So every node that a read comes to, down the tree or along the leaves, was live when the
//      read began, or later: the root was, and what such a node names was.
//   3. Such a node has all that was inserted into its range before the read began. A range stays as
//      it is, but for that of the last node of a level, which ends when another follows: all keys
//      in that are newer than a read to which the first is still the last.
//   4. The leaves that a leaf names have the ranges before and behind its own: a walk leaves out
//      nothing and comes to nothing twice. A leaf is empty only if the tree is.
//
// Source: Mao, Kohler, Morris, "Cache Craftiness for Fast Multicore Key-Value Storage" (Masstree),
// for nodes whose order is one word.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "lsm/io/prefetch_stream.h"
#include "lsm/memtable/arena.h"
#include "lsm/memtable/tree_node.h"

namespace fathom {

class EntryTree {
 public:
  // `arena` is not owned and must outlive the tree. Most keys are expected to begin with `prefix`:
  // a tree of long keys is fast only if that is so.
  explicit EntryTree(Arena* arena, std::string prefix = "");

  EntryTree(const EntryTree&) = delete;
  EntryTree& operator=(const EntryTree&) = delete;

  // REQUIRES: no entry has an internal key equal to (user_key, trailer).
  void Insert(absl::string_view user_key, uint64_t trailer, absl::string_view value);

  // The first entry at or after the internal key `target` if both have the same user key, else
  // null. Most keys that are not there cost no look at an entry.
  const TreeEntry* Find(absl::string_view target) const;

  // What all user keys begin with; of the thread that inserts.
  absl::string_view CommonPrefix() const;

  // A position in the tree; cheap to copy. Starts at no entry. Each step may or may not see what
  // was inserted after the last seek.
  class Cursor {
   public:
    explicit Cursor(const EntryTree* tree) : tree_(tree) {}

    bool Valid() const { return entry_ != nullptr; }
    // To the first entry with key >= the internal key `target`.
    void Seek(absl::string_view target);
    void SeekToFirst();
    void SeekToLast();
    // REQUIRES for the rest: Valid().
    void Next();
    void Prev();
    absl::string_view key() const { return entry_->key(); }
    absl::string_view value() const { return entry_->value(); }

   private:
    void Show(const TreeLeaf* leaf, SlotOrder order, int at);
    // To the leaf beside this one, by its link `next` or `previous`.
    void WalkTo(TreeLeaf::Link TreeLeaf::*link);
    // Asks for a part of what the walk will come to after this leaf; with `step` 0 up to 14, all.
    void PrefetchAhead(int step);

    const EntryTree* tree_;
    const TreeLeaf* leaf_ = nullptr;
    SlotOrder order_;  // of the leaf, when the cursor came to it
    int at_ = 0;
    const TreeEntry* entry_ = nullptr;
    const TreeLeaf* ahead_ = nullptr;  // where the walk goes from here; may be null
    int entries_ahead_ = 0;            // in that leaf
    PrefetchStream beyond_;            // the leaf after it
  };

 private:
  struct Path;
  struct Slot;
  struct Halves;

  const TreeEntry* NewEntry(absl::string_view user_key, uint64_t trailer, absl::string_view value);
  TreeLeaf* NewLeaf(const Slot* slots, int count);
  TreeInner* NewInner(int height, const Slot* slots, int count, TreeNode* last_child);

  // At the right edge, as ascending keys come. False if the key is not known to be the greatest, or
  // the last leaf is full.
  bool Append(const KeyDigest& digest, const TreeEntry* entry);
  void InsertByPath(const TreeKey& key, const TreeEntry* entry);

  // What the full `node` has, and `added` at position `at`; without the children.
  static void Gather(const TreeNode& node, int at, const Slot& added, Slot* all);
  // A full node with one slot more.
  Halves SplitLeaf(TreeLeaf* leaf, int at, const Slot& added);
  Halves SplitInner(TreeInner* inner, int at, const Halves& child);
  // Among the leaves, `left` and `right` for `leaf`.
  void PutInPlace(const TreeLeaf* leaf, TreeLeaf* left, TreeLeaf* right);
  // Among the inner nodes, `halves` for the node to which `path` leads.
  void Replace(const Path& path, Halves halves);

  Arena* const arena_;
  const std::string prefix_;
  // Of the thread that inserts: the leaf at the right edge, and the greatest digest in the tree.
  TreeLeaf* last_leaf_;
  KeyDigest greatest_ = {0, 0};
  std::atomic<TreeInner*> root_;
};

}  // namespace fathom
