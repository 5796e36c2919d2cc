#include "lsm/compaction/merging_iterator.h"

#include <algorithm>
#include <utility>

#include "lsm/format/internal_key.h"

namespace fathom {
namespace {

// A binary heap of the valid children, smallest key on top when moving forward, largest when moving
// backward. The direction changes only in Next and Prev, which then reposition the other children.
class MergingIterator final : public InternalIterator {
 public:
  explicit MergingIterator(std::vector<std::unique_ptr<InternalIterator>> children)
      : children_(std::move(children)) {
    heap_.reserve(children_.size());
  }

  bool Valid() const override { return !heap_.empty() && status_.ok(); }

  void SeekToFirst() override {
    for (const auto& child : children_) {
      child->SeekToFirst();
    }
    Rebuild(/*forward=*/true);
  }
  void SeekToLast() override {
    for (const auto& child : children_) {
      child->SeekToLast();
    }
    Rebuild(/*forward=*/false);
  }
  void Seek(absl::string_view target) override {
    for (const auto& child : children_) {
      child->Seek(target);
    }
    Rebuild(/*forward=*/true);
  }

  void Next() override {
    if (!forward_) {
      TurnForward();
    }
    heap_.front()->Next();
    RestoreTop();
  }
  void Prev() override {
    if (forward_) {
      TurnBackward();
    }
    heap_.front()->Prev();
    RestoreTop();
  }

  absl::string_view key() const override { return heap_.front()->key(); }
  absl::string_view value() const override { return heap_.front()->value(); }
  absl::Status status() const override { return status_; }

 private:
  // True if `a` belongs below `b` in the heap.
  bool After(const InternalIterator* a, const InternalIterator* b) const {
    const int order = CompareInternalKeys(a->key(), b->key());
    return forward_ ? order > 0 : order < 0;
  }

  void Rebuild(bool forward) {
    forward_ = forward;
    status_ = absl::OkStatus();
    heap_.clear();
    for (const auto& child : children_) {
      if (child->Valid()) {
        heap_.push_back(child.get());
      } else {
        status_.Update(child->status());
      }
    }
    std::ranges::make_heap(heap_, [this](auto* a, auto* b) { return After(a, b); });
  }

  // The top has moved: drops it if it is at its end, else sifts it down to its place.
  void RestoreTop() {
    if (!heap_.front()->Valid()) {
      status_.Update(heap_.front()->status());
      heap_.front() = heap_.back();
      heap_.pop_back();
      if (heap_.empty()) {
        return;
      }
    }
    size_t at = 0;
    InternalIterator* const moved = heap_[0];
    for (size_t child = 1; child < heap_.size(); child = 2 * at + 1) {
      if (child + 1 < heap_.size() && After(heap_[child], heap_[child + 1])) {
        ++child;
      }
      if (!After(moved, heap_[child])) {
        break;
      }
      heap_[at] = heap_[child];
      at = child;
    }
    heap_[at] = moved;
  }

  // Every other child goes to its first entry after the current key.
  void TurnForward() {
    InternalIterator* const current = heap_.front();
    for (const auto& child : children_) {
      if (child.get() != current) {
        child->Seek(current->key());
      }
    }
    Rebuild(/*forward=*/true);
  }

  // Every other child goes to its last entry before the current key.
  void TurnBackward() {
    InternalIterator* const current = heap_.front();
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
    Rebuild(/*forward=*/false);
  }

  const std::vector<std::unique_ptr<InternalIterator>> children_;
  std::vector<InternalIterator*> heap_;
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
