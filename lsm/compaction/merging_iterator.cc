#include "lsm/compaction/merging_iterator.h"

#include <algorithm>
#include <utility>

#include "lsm/format/internal_key.h"
#include "lsm/format/key_prefix.h"

namespace fathom {
namespace {

// The valid children in the order of their keys, the one to be shown first. A step moves the first
// one: often it stays first, which one comparison tells; else a binary search finds its new place.
// With the handful of children that a store has this costs less than a heap. The direction changes
// only in Next and Prev, which then reposition the other children.
class MergingIterator final : public InternalIterator {
 public:
  explicit MergingIterator(std::vector<std::unique_ptr<InternalIterator>> children)
      : children_(std::move(children)) {
    order_.reserve(children_.size());
  }

  void SeekToFirst() override {
    for (const auto& child : children_) {
      child->SeekToFirst();
    }
    Rebuild</*forward=*/true>();
  }
  void SeekToLast() override {
    for (const auto& child : children_) {
      child->SeekToLast();
    }
    Rebuild</*forward=*/false>();
  }
  void Seek(absl::string_view target) override {
    for (const auto& child : children_) {
      child->Seek(target);
    }
    Rebuild</*forward=*/true>();
  }

  void Next() override {
    if (!forward_) {
      TurnForward();
      if (!status_.ok()) {
        return;
      }
    }
    InternalIterator* const first = order_.front();
    first->Next();
    ShowMoved</*forward=*/true>(first);
  }
  void Prev() override {
    if (forward_) {
      TurnBackward();
      if (!status_.ok()) {
        return;
      }
    }
    InternalIterator* const first = order_.front();
    first->Prev();
    ShowMoved</*forward=*/false>(first);
  }

  absl::Status status() const override { return status_; }

 private:
  template <bool forward>
  static bool Before(const InternalIterator* a, const InternalIterator* b) {
    const int order = CompareInternalKeys(a->key(), b->key());
    return forward ? order < 0 : order > 0;
  }

  template <bool forward>
  void Rebuild() {
    forward_ = forward;
    status_ = absl::OkStatus();
    order_.clear();
    for (const auto& child : children_) {
      if (child->Valid()) {
        order_.push_back(child.get());
      } else {
        status_.Update(child->status());
      }
    }
    std::ranges::sort(order_, Before<forward>);
    ShowFirst();
  }

  // As Before, of the first child and the second. In line, with a call only for the user keys: this
  // is asked for each entry.
  template <bool forward>
  bool StaysFirst(const InternalIterator& first) const {
    const absl::string_view moved = first.key();
    const absl::string_view second = order_[1]->key();
    const int order = CompareKeys(UserKey(moved), UserKey(second));
    if (order != 0) {
      return forward ? order < 0 : order > 0;
    }
    return (Trailer(moved) > Trailer(second)) == forward;
  }

  // The first child has moved.
  template <bool forward>
  void ShowMoved(const InternalIterator* first) {
    if (first->Valid() && (order_.size() == 1 || StaysFirst<forward>(*first))) {
      ShowWhere(*first);
    } else {
      PlaceFirst<forward>();
    }
  }

  // The first child is not first any more: drops it if it is at its end, else brings it to its
  // place.
  template <bool forward>
  void PlaceFirst() {
    InternalIterator* const moved = order_.front();
    if (!moved->Valid()) {
      status_.Update(moved->status());
      order_.erase(order_.begin());
    } else {
      const auto place = std::partition_point(order_.begin() + 2, order_.end(), [&](auto* child) {
        return Before<forward>(child, moved);
      });
      std::rotate(order_.begin(), order_.begin() + 1, place);
    }
    ShowFirst();
  }

  void ShowFirst() {
    if (!order_.empty() && status_.ok()) {
      ShowWhere(*order_.front());
    } else {
      ShowNothing();
    }
  }

  // Every other child goes to its first entry after the current key.
  void TurnForward() {
    InternalIterator* const current = order_.front();
    for (const auto& child : children_) {
      if (child.get() != current) {
        child->Seek(current->key());
      }
    }
    Rebuild</*forward=*/true>();
  }

  // Every other child goes to its last entry before the current key.
  void TurnBackward() {
    InternalIterator* const current = order_.front();
    for (const auto& child : children_) {
      if (child.get() == current) {
        continue;
      }
      child->Seek(current->key());
      if (child->Valid()) {
        child->Prev();
      } else if (child->status().ok()) {
        child->SeekToLast();
      }
    }
    Rebuild</*forward=*/false>();
  }

  const std::vector<std::unique_ptr<InternalIterator>> children_;
  std::vector<InternalIterator*> order_;
  bool forward_ = true;
  absl::Status status_;
};

}  // namespace

std::unique_ptr<InternalIterator> NewMergingIterator(
    std::vector<std::unique_ptr<InternalIterator>> children) {
  if (children.size() == 1) {
    return std::move(children.front());
  }
  return std::make_unique<MergingIterator>(std::move(children));
}

}  // namespace fathom
