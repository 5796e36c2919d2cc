#include "lsm/memtable/skip_list.h"

#include <cassert>
#include <cstring>
#include <new>

#include "lsm/format/internal_key.h"

namespace fathom {

struct SkipList::Node {
  using Link = std::atomic<Node*>;

  Link next0;
  uint32_t key_size;
  uint32_t value_size;

  Link& link(int level) { return (&next0)[-level]; }
  Node* Next(int level) const { return (&next0)[-level].load(std::memory_order_acquire); }
  const char* bytes() const { return reinterpret_cast<const char*>(this + 1); }
  absl::string_view key() const { return {bytes(), key_size}; }
  absl::string_view value() const { return {bytes() + key_size, value_size}; }
};

SkipList::SkipList(Arena* arena)
    : arena_(arena), head_(NewNode(kMaxHeight, absl::string_view(), 0, absl::string_view())) {}

SkipList::Node* SkipList::NewNode(int height, absl::string_view user_key, uint64_t trailer,
                                  absl::string_view value) {
  const size_t links_before = static_cast<size_t>(height - 1) * sizeof(Node::Link);
  const size_t key_size = user_key.size() + kTrailerBytes;
  char* const memory = arena_->Allocate(links_before + sizeof(Node) + key_size + value.size());
  for (int i = 0; i < height - 1; ++i) {
    new (memory + static_cast<size_t>(i) * sizeof(Node::Link)) Node::Link(nullptr);
  }
  Node* const node = new (memory + links_before) Node;
  node->next0.store(nullptr, std::memory_order_relaxed);
  node->key_size = static_cast<uint32_t>(key_size);
  node->value_size = static_cast<uint32_t>(value.size());
  char* const bytes = reinterpret_cast<char*>(node + 1);
  // memcpy must not see the null pointer of an empty view.
  if (!user_key.empty()) {
    std::memcpy(bytes, user_key.data(), user_key.size());
  }
  EncodeFixed64(bytes + user_key.size(), trailer);
  if (!value.empty()) {
    std::memcpy(bytes + key_size, value.data(), value.size());
  }
  return node;
}

int SkipList::RandomHeight() {
  // xorshift32
  random_state_ ^= random_state_ << 13;
  random_state_ ^= random_state_ >> 17;
  random_state_ ^= random_state_ << 5;
  int height = 1;
  for (uint32_t bits = random_state_; height < kMaxHeight && (bits & 3) == 0; bits >>= 2) {
    ++height;
  }
  return height;
}

SkipList::Node* SkipList::FindGreaterOrEqual(absl::string_view target, Node** prev) const {
  Node* node = head_;
  // A node that was not before the target on the level above need not be compared again below.
  const Node* not_before = nullptr;
  for (int level = height_.load(std::memory_order_relaxed) - 1;; --level) {
    Node* next = node->Next(level);
    while (next != nullptr && next != not_before && CompareInternalKeys(next->key(), target) < 0) {
      node = next;
      next = node->Next(level);
    }
    if (prev != nullptr) {
      prev[level] = node;
    }
    if (level == 0) {
      return next;
    }
    not_before = next;
  }
}

const SkipList::Node* SkipList::FindLast(absl::string_view target) const {
  const Node* node = head_;
  for (int level = height_.load(std::memory_order_relaxed) - 1; level >= 0; --level) {
    for (const Node* next = node->Next(level);
         next != nullptr && (target.empty() || CompareInternalKeys(next->key(), target) < 0);
         next = node->Next(level)) {
      node = next;
    }
  }
  return node == head_ ? nullptr : node;
}

void SkipList::Insert(absl::string_view user_key, uint64_t trailer, absl::string_view value) {
  const int height = RandomHeight();
  Node* const node = NewNode(height, user_key, trailer, value);
  Node* prev[kMaxHeight];
  Node* const next = FindGreaterOrEqual(node->key(), prev);
  assert(next == nullptr || next->key() != node->key());
  static_cast<void>(next);
  const int old_height = height_.load(std::memory_order_relaxed);
  for (int level = old_height; level < height; ++level) {
    prev[level] = head_;
  }
  if (height > old_height) {
    // A reader that sees the new height before the links finds null below head and goes down.
    height_.store(height, std::memory_order_relaxed);
  }
  for (int level = 0; level < height; ++level) {
    node->link(level).store(prev[level]->Next(level), std::memory_order_relaxed);
    prev[level]->link(level).store(node, std::memory_order_release);
  }
}

void SkipList::Cursor::Seek(absl::string_view target) {
  node_ = list_->FindGreaterOrEqual(target, nullptr);
}
void SkipList::Cursor::SeekToFirst() { node_ = list_->head_->Next(0); }
void SkipList::Cursor::SeekToLast() { node_ = list_->FindLast(absl::string_view()); }
void SkipList::Cursor::Next() { node_ = node_->Next(0); }
void SkipList::Cursor::Prev() { node_ = list_->FindLast(node_->key()); }
absl::string_view SkipList::Cursor::key() const { return node_->key(); }
absl::string_view SkipList::Cursor::value() const { return node_->value(); }

}  // namespace fathom
