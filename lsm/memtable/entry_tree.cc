#include "lsm/memtable/entry_tree.h"

#include <cassert>
#include <cstring>
#include <new>
#include <utility>

namespace fathom {
namespace {

constexpr int kMaxSlots = SlotOrder::kMaxSlots;
// A full node's slots and one more make two halves.
constexpr int kHalf = (kMaxSlots + 1) / 2;
// Inner nodes, but those at the right edge, have eight children or more: no tree is higher.
constexpr int kMaxHeight = 20;
constexpr size_t kCacheLine = 64;
// Of each entry, in a walk; more of a long one comes without being asked for.
constexpr size_t kPrefetchedEntryBytes = 3 * kCacheLine;

void Prefetch(const void* from, size_t bytes) {
  for (size_t at = 0; at < bytes; at += kCacheLine) {
    __builtin_prefetch(static_cast<const char*>(from) + at);
  }
}

// The leaf where `key` belongs; `on_step` is told the inner nodes and the positions of the links.
template <typename OnStep>
TreeLeaf* Descend(TreeInner* node, const TreeKey& key, const OnStep& on_step) {
  for (;;) {
    const TreeInner::Step step =
        node->StepDown([node, &key](SlotOrder order) { return node->LowerBound(order, key); });
    Prefetch(step.child, offsetof(TreeNode, entries));
    on_step(node, step.at);
    if (node->height == 1) {
      return static_cast<TreeLeaf*>(step.child);
    }
    node = static_cast<TreeInner*>(step.child);
  }
}

// The leaf at the left or at the right edge.
const TreeLeaf* Edge(const TreeInner* node, bool right) {
  for (;;) {
    const TreeNode* const child =
        node->StepDown([right](SlotOrder order) { return right ? order.count() : 0; }).child;
    if (node->height == 1) {
      return static_cast<const TreeLeaf*>(child);
    }
    node = static_cast<const TreeInner*>(child);
  }
}

// Were the last two inserts into this full node in ascending order just before `at`?
bool Ascends(SlotOrder order, int at) {
  return at >= 2 && order.slot(at - 1) == kMaxSlots - 1 && order.slot(at - 2) == kMaxSlots - 2;
}

}  // namespace

struct EntryTree::Slot {
  KeyDigest digest;
  const TreeEntry* entry;
  TreeNode* child;  // null in a leaf
};

// What takes the place of a node: the child of `left` and, for greater keys, `right`.
struct EntryTree::Halves {
  Slot left;
  TreeNode* right;
};

// The inner nodes from the root to a leaf, and the positions of the links that were taken.
struct EntryTree::Path {
  struct Step {
    TreeInner* node;
    int at;
  };
  Step steps[kMaxHeight];
  int size = 0;
};

EntryTree::EntryTree(Arena* arena, std::string prefix)
    : arena_(arena),
      prefix_(std::move(prefix)),
      last_leaf_(NewLeaf(nullptr, 0)),
      root_(NewInner(1, nullptr, 0, last_leaf_)) {}

const TreeEntry* EntryTree::NewEntry(absl::string_view user_key, uint64_t trailer,
                                     absl::string_view value) {
  const size_t key_size = user_key.size() + kTrailerBytes;
  auto* const entry = new (arena_->Allocate(sizeof(TreeEntry) + key_size + value.size())) TreeEntry;
  entry->key_size = static_cast<uint32_t>(key_size);
  entry->value_size = static_cast<uint32_t>(value.size());
  char* const bytes = reinterpret_cast<char*>(entry + 1);
  // memcpy must not see the null pointer of an empty view.
  if (!user_key.empty()) {
    std::memcpy(bytes, user_key.data(), user_key.size());
  }
  EncodeFixed64(bytes + user_key.size(), trailer);
  if (!value.empty()) {
    std::memcpy(bytes + key_size, value.data(), value.size());
  }
  return entry;
}

TreeLeaf* EntryTree::NewLeaf(const Slot* slots, int count) {
  auto* const leaf = new (arena_->AllocateAligned(sizeof(TreeLeaf), kCacheLine)) TreeLeaf;
  for (int i = 0; i < count; ++i) {
    leaf->Set(i, slots[i].digest, slots[i].entry);
  }
  leaf->order_word.store(SlotOrder::Sorted(count).word(), std::memory_order_relaxed);
  return leaf;
}

TreeInner* EntryTree::NewInner(int height, const Slot* slots, int count, TreeNode* last_child) {
  auto* const inner =
      new (arena_->AllocateAligned(sizeof(TreeInner), kCacheLine)) TreeInner(height);
  for (int i = 0; i < count; ++i) {
    inner->Set(i, slots[i].digest, slots[i].entry);
    inner->children[i].store(slots[i].child, std::memory_order_relaxed);
  }
  inner->last_child.store(last_child, std::memory_order_relaxed);
  inner->order_word.store(SlotOrder::Sorted(count).word(), std::memory_order_relaxed);
  return inner;
}

void EntryTree::Insert(absl::string_view user_key, uint64_t trailer, absl::string_view value) {
  const TreeEntry* const entry = NewEntry(user_key, trailer, value);
  const TreeKey key(entry->key(), prefix_);
  if (!Append(key.digest, entry)) {
    InsertByPath(key, entry);
  }
}

const TreeEntry* EntryTree::Find(absl::string_view target) const {
  const TreeKey key(target, prefix_);
  const TreeLeaf* const leaf =
      Descend(root_.load(std::memory_order_acquire), key, [](TreeInner*, int) {});
  const SlotOrder order = leaf->Order();
  const int at = leaf->LowerBound(order, key);
  if (at == order.count() || !(leaf->digests[order.slot(at)] == key.digest)) {
    return nullptr;
  }
  const TreeEntry* const entry = leaf->entries[order.slot(at)];
  return SameKey(UserKey(entry->key()), UserKey(target)) ? entry : nullptr;
}

absl::string_view EntryTree::CommonPrefix() const {
  Cursor first(this);
  Cursor last(this);
  first.SeekToFirst();
  last.SeekToLast();
  if (!first.Valid() || !last.Valid()) {
    return absl::string_view();
  }
  const absl::string_view a = UserKey(first.key());
  return a.substr(0, SharedPrefix(a, UserKey(last.key())));
}

bool EntryTree::Append(const KeyDigest& digest, const TreeEntry* entry) {
  if (!(greatest_ < digest)) {
    return false;
  }
  greatest_ = digest;
  const SlotOrder order = last_leaf_->Order();
  if (order.full()) {
    return false;
  }
  last_leaf_->Add(order, order.count(), digest, entry);
  return true;
}

void EntryTree::InsertByPath(const TreeKey& key, const TreeEntry* entry) {
  Path path;
  TreeLeaf* const leaf =
      Descend(root_.load(std::memory_order_relaxed), key, [&path](TreeInner* node, int at) {
        assert(path.size < kMaxHeight);
        path.steps[path.size++] = {node, at};
      });
  const SlotOrder order = leaf->Order();
  const int at = leaf->LowerBound(order, key);
  assert(at == order.count() || leaf->entries[order.slot(at)]->key() != key.internal);
  if (order.full()) {
    Replace(path, SplitLeaf(leaf, at, {key.digest, entry, nullptr}));
  } else {
    leaf->Add(order, at, key.digest, entry);
  }
}

void EntryTree::Gather(const TreeNode& node, int at, const Slot& added, Slot* all) {
  const SlotOrder order = node.Order();
  for (int i = 0; i < kMaxSlots; ++i) {
    const int slot = order.slot(i);
    all[i < at ? i : i + 1] = {node.digests[slot], node.entries[slot], nullptr};
  }
  all[at] = added;
}

EntryTree::Halves EntryTree::SplitLeaf(TreeLeaf* leaf, int at, const Slot& added) {
  Slot all[kMaxSlots + 1];
  Gather(*leaf, at, added, all);
  if (at == kMaxSlots && leaf == last_leaf_) {
    last_leaf_ = NewLeaf(&added, 1);
    last_leaf_->previous.store(leaf, std::memory_order_relaxed);
    leaf->next.store(last_leaf_, std::memory_order_release);
    all[kMaxSlots - 1].child = leaf;
    return {all[kMaxSlots - 1], last_leaf_};
  }
  // Where more of ascending keys will come, they find space, and what they leave behind is full.
  const int cut = Ascends(leaf->Order(), at) ? at + 1 : kHalf;
  TreeLeaf* const left = NewLeaf(all, cut);
  TreeLeaf* const right = NewLeaf(all + cut, kMaxSlots + 1 - cut);
  PutInPlace(leaf, left, right);
  all[cut - 1].child = left;
  return {all[cut - 1], right};
}

void EntryTree::PutInPlace(const TreeLeaf* leaf, TreeLeaf* left, TreeLeaf* right) {
  TreeLeaf* const previous = leaf->previous.load(std::memory_order_relaxed);
  TreeLeaf* const next = leaf->next.load(std::memory_order_relaxed);
  left->previous.store(previous, std::memory_order_relaxed);
  left->next.store(right, std::memory_order_relaxed);
  right->previous.store(left, std::memory_order_relaxed);
  right->next.store(next, std::memory_order_relaxed);
  if (previous != nullptr) {
    previous->next.store(left, std::memory_order_release);
  }
  if (next != nullptr) {
    next->previous.store(right, std::memory_order_release);
  } else {
    last_leaf_ = right;
  }
}

EntryTree::Halves EntryTree::SplitInner(TreeInner* inner, int at, const Halves& child) {
  const SlotOrder order = inner->Order();
  TreeNode* last_child = inner->last_child.load(std::memory_order_relaxed);
  if (at == kMaxSlots && last_child == child.left.child) {
    Slot left = child.left;
    left.child = inner;
    return {left, NewInner(inner->height, nullptr, 0, child.right)};
  }
  Slot all[kMaxSlots + 1];
  Gather(*inner, at, child.left, all);
  for (int i = 0; i < kMaxSlots; ++i) {
    all[i < at ? i : i + 1].child = inner->link(order, i).load(std::memory_order_relaxed);
  }
  (at == kMaxSlots ? last_child : all[at + 1].child) = child.right;
  Slot left = all[kHalf - 1];
  left.child = NewInner(inner->height, all, kHalf - 1, left.child);
  return {left, NewInner(inner->height, all + kHalf, kHalf, last_child)};
}

void EntryTree::Replace(const Path& path, Halves halves) {
  for (int i = path.size - 1; i >= 0; --i) {
    TreeInner* const parent = path.steps[i].node;
    const int at = path.steps[i].at;
    const SlotOrder order = parent->Order();
    if (!order.full()) {
      parent->ReplaceChild(order, at, halves.left.digest, halves.left.entry, halves.left.child,
                           halves.right);
      return;
    }
    halves = SplitInner(parent, at, halves);
  }
  const int height = root_.load(std::memory_order_relaxed)->height + 1;
  root_.store(NewInner(height, &halves.left, 1, halves.right), std::memory_order_release);
}

void EntryTree::Cursor::Show(const TreeLeaf* leaf, SlotOrder order, int at) {
  leaf_ = leaf;
  order_ = order;
  at_ = at;
  entry_ = at >= 0 && at < order.count() ? leaf->entries[order.slot(at)] : nullptr;
}

void EntryTree::Cursor::Seek(absl::string_view target) {
  const TreeKey key(target, tree_->prefix_);
  const TreeLeaf* const leaf =
      Descend(tree_->root_.load(std::memory_order_acquire), key, [](TreeInner*, int) {});
  const SlotOrder order = leaf->Order();
  // Where nothing in the leaf is >= the target, the leaf is the last one.
  Show(leaf, order, leaf->LowerBound(order, key));
}

void EntryTree::Cursor::SeekToFirst() {
  const TreeLeaf* const leaf = Edge(tree_->root_.load(std::memory_order_acquire), /*right=*/false);
  Show(leaf, leaf->Order(), 0);
}

void EntryTree::Cursor::SeekToLast() {
  const TreeLeaf* const leaf = Edge(tree_->root_.load(std::memory_order_acquire), /*right=*/true);
  const SlotOrder order = leaf->Order();
  Show(leaf, order, order.count() - 1);
}

void EntryTree::Cursor::Next() {
  if (at_ + 1 < order_.count()) {
    entry_ = leaf_->entries[order_.slot(++at_)];
    PrefetchAhead(at_);
  } else {
    WalkTo(&TreeLeaf::next);
  }
}

void EntryTree::Cursor::Prev() {
  if (at_ > 0) {
    entry_ = leaf_->entries[order_.slot(--at_)];
    PrefetchAhead(order_.count() - 1 - at_);
  } else {
    WalkTo(&TreeLeaf::previous);
  }
}

void EntryTree::Cursor::PrefetchAhead(int step) {
  if (step < entries_ahead_) {
    Prefetch(ahead_->entries[step], kPrefetchedEntryBytes);
  }
  beyond_.Step();
}

void EntryTree::Cursor::WalkTo(TreeLeaf::Link TreeLeaf::*link) {
  const TreeLeaf* const leaf = (leaf_->*link).load(std::memory_order_acquire);
  if (leaf == nullptr) {
    entry_ = nullptr;
    return;
  }
  const SlotOrder order = leaf->Order();
  Show(leaf, order, link == &TreeLeaf::next ? 0 : order.count() - 1);
  // With each of this leaf's entries one of the next leaf comes, and a part of the leaf after that.
  ahead_ = (leaf->*link).load(std::memory_order_acquire);
  entries_ahead_ = 0;
  beyond_ = PrefetchStream();
  if (ahead_ == nullptr) {
    return;
  }
  entries_ahead_ = ahead_->Order().count();
  if (const TreeLeaf* const beyond = (ahead_->*link).load(std::memory_order_relaxed)) {
    beyond_ = PrefetchStream(reinterpret_cast<const char*>(beyond), sizeof(TreeLeaf));
  }
  PrefetchAhead(0);
  for (int step = order.count(); step < entries_ahead_; ++step) {
    PrefetchAhead(step);
  }
}

}  // namespace fathom
