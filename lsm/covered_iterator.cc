#include "lsm/covered_iterator.h"

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <utility>

namespace fathom {
namespace {

using Runs = std::shared_ptr<const std::vector<RangeTombstoneRun>>;

class CoveredIterator final : public InternalIterator {
 public:
  // The last of the first `places` runs is that of the cursor's own place.
  CoveredIterator(std::unique_ptr<InternalIterator> base, Runs runs, size_t places,
                  SequenceNumber snapshot)
      : base_(std::move(base)),
        runs_(std::move(runs)),
        newer_(runs_->data(), places - 1),
        own_((*runs_)[places - 1]),
        snapshot_(snapshot) {}

  void SeekToFirst() override {
    base_->SeekToFirst();
    SkipForward();
  }
  void SeekToLast() override {
    base_->SeekToLast();
    SkipBackward();
  }
  void Seek(absl::string_view target) override {
    base_->Seek(target);
    SkipForward();
  }
  void Next() override {
    base_->Next();
    SkipForward();
  }
  void Prev() override {
    base_->Prev();
    SkipBackward();
  }
  absl::Status status() const override { return base_->status(); }

 private:
  // Keys around one key of which the same is deleted.
  struct Stretch {
    absl::string_view begin;
    std::optional<absl::string_view> end;
    bool all_deleted = false;          // by a newer place
    SequenceNumber deleted_below = 0;  // by our own
  };

  void SkipForward() {
    while (base_->Valid()) {
      FindStretch();
      if (stretch_.all_deleted) {
        base_->Seek(SeekKey(*stretch_.end, kMaxSequenceNumber).view());
      } else if (Sequence(base_->key()) < stretch_.deleted_below) {
        base_->Next();
      } else {
        break;
      }
    }
    ShowWhere(*base_);
  }
  void SkipBackward() {
    while (base_->Valid()) {
      FindStretch();
      if (stretch_.all_deleted) {
        SeekBefore(stretch_.begin);
      } else if (Sequence(base_->key()) < stretch_.deleted_below) {
        base_->Prev();
      } else {
        break;
      }
    }
    ShowWhere(*base_);
  }
  // To the last version of the last key before `user_key`.
  void SeekBefore(absl::string_view user_key) {
    base_->Seek(SeekKey(user_key, kMaxSequenceNumber).view());
    if (base_->Valid()) {
      base_->Prev();
    } else if (base_->status().ok()) {
      base_->SeekToLast();
    }
  }

  // Sees to it that stretch_ is that of the current key.
  void FindStretch() {
    const absl::string_view user_key = UserKey(base_->key());
    if (found_ && stretch_.begin <= user_key &&
        (!stretch_.end.has_value() || user_key < *stretch_.end)) {
      return;
    }
    found_ = true;
    stretch_ = Stretch();
    for (const RangeTombstoneRun& run : newer_) {
      const RangeTombstoneStretch at = StretchAt(run, user_key, snapshot_);
      if (at.covering > 0) {
        stretch_ = {at.begin, at.end, true, 0};
        return;
      }
      Narrow(at);
    }
    const RangeTombstoneStretch at = StretchAt(own_, user_key, snapshot_);
    Narrow(at);
    stretch_.deleted_below = at.covering;
  }
  void Narrow(const RangeTombstoneStretch& at) {
    stretch_.begin = std::max(stretch_.begin, at.begin);
    if (at.end.has_value()) {
      stretch_.end = std::min(stretch_.end.value_or(*at.end), *at.end);
    }
  }

  const std::unique_ptr<InternalIterator> base_;
  const Runs runs_;
  const std::span<const RangeTombstoneRun> newer_;
  const RangeTombstoneRun& own_;
  const SequenceNumber snapshot_;
  bool found_ = false;
  Stretch stretch_;
};

}  // namespace

void HideCovered(std::vector<RangeTombstoneRun> runs, SequenceNumber snapshot,
                 std::vector<std::unique_ptr<InternalIterator>>* cursors) {
  const auto shared = std::make_shared<const std::vector<RangeTombstoneRun>>(std::move(runs));
  bool any = false;
  for (size_t i = 0; i < cursors->size(); ++i) {
    any = any || !(*shared)[i].empty();
    if (any) {
      (*cursors)[i] =
          std::make_unique<CoveredIterator>(std::move((*cursors)[i]), shared, i + 1, snapshot);
    }
  }
}

}  // namespace fathom
