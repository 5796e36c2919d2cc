#include "lsm/db_iterator.h"

#include <string>
#include <utility>

#include "lsm/format/key_buffer.h"
#include "lsm/format/key_prefix.h"

namespace fathom {
namespace {

// Moving forward, the internal cursor stands at the version that is shown, and key and value are
// its own. Moving backward, it stands before all versions of the key that is shown, because the
// newest visible version is met last: key and value were copied on the way.
class DBIterator final : public Iterator {
 public:
  DBIterator(std::shared_ptr<const View> view, std::unique_ptr<InternalIterator> internal,
             SequenceNumber sequence, std::optional<std::string> lower,
             std::optional<std::string> upper)
      : view_(std::move(view)),
        internal_(std::move(internal)),
        sequence_(sequence),
        lower_(std::move(lower)),
        upper_(std::move(upper)) {}

  void SeekToFirst() override {
    if (lower_.has_value()) {
      Seek(*lower_);
      return;
    }
    forward_ = true;
    internal_->SeekToFirst();
    FindForward(/*skip=*/false);
  }
  void SeekToLast() override {
    forward_ = false;
    if (upper_.has_value()) {
      SeekBefore(*upper_);
    } else {
      internal_->SeekToLast();
    }
    FindBackward();
  }
  void Seek(absl::string_view target) override {
    forward_ = true;
    if (lower_.has_value() && target < absl::string_view(*lower_)) {
      target = *lower_;
    }
    internal_->Seek(SeekKey(target, sequence_).view());
    FindForward(/*skip=*/false);
  }
  void SeekForPrev(absl::string_view target) override {
    if (upper_.has_value() && target >= absl::string_view(*upper_)) {
      SeekToLast();
      return;
    }
    // `target` may be our own key(): it is not looked at once the cursor has moved.
    const SeekKey oldest(target, 0);
    forward_ = false;
    internal_->Seek(oldest.view());
    if (!internal_->Valid()) {
      if (internal_->status().ok()) {
        internal_->SeekToLast();
      }
    } else if (UserKey(internal_->key()) != UserKey(oldest.view())) {
      internal_->Prev();
    }
    FindBackward();
  }

  void Next() override {
    if (forward_) {
      SaveKey(key());
      internal_->Next();
    } else {
      // Standing before the shown key's versions: step onto them; FindForward skips them.
      forward_ = true;
      if (internal_->Valid()) {
        internal_->Next();
      } else {
        internal_->SeekToFirst();
      }
    }
    FindForward(/*skip=*/true);
  }
  void Prev() override {
    if (forward_) {
      // Back over the shown key's newer versions, which are not visible.
      SaveKey(key());
      forward_ = false;
      do {
        internal_->Prev();
      } while (internal_->Valid() && UserKey(internal_->key()) == saved_key_.view());
    }
    FindBackward();
  }

  absl::Status status() const override { return internal_->status(); }

 private:
  void SaveKey(absl::string_view user_key) { saved_key_.Assign(user_key); }

  // The internal cursor goes to the last version of the last key before `user_key`.
  void SeekBefore(absl::string_view user_key) {
    internal_->Seek(SeekKey(user_key, kMaxSequenceNumber).view());
    if (internal_->Valid()) {
      internal_->Prev();
    } else if (internal_->status().ok()) {
      internal_->SeekToLast();
    }
  }

  // From the internal cursor on, to the first visible value. With `skip`, versions of saved_key_
  // are passed over.
  void FindForward(bool skip) {
    for (; internal_->Valid(); internal_->Next()) {
      const absl::string_view user_key = UserKey(internal_->key());
      if (upper_.has_value() && user_key >= absl::string_view(*upper_)) {
        break;
      }
      const uint64_t trailer = Trailer(internal_->key());
      if ((trailer >> 8) > sequence_ || (skip && SameKey(user_key, saved_key_.view()))) {
        continue;
      }
      if (static_cast<ValueType>(trailer & 0xff) == ValueType::kValue) {
        return Show(user_key, internal_->value());
      }
      SaveKey(user_key);
      skip = true;  // the tombstone hides the versions that follow
    }
    ShowNothing();
  }

  // From the internal cursor back, to the first key whose newest visible version is a value.
  void FindBackward() {
    bool found = false;
    for (; internal_->Valid(); internal_->Prev()) {
      const absl::string_view user_key = UserKey(internal_->key());
      if ((found && user_key != saved_key_.view()) ||
          (lower_.has_value() && user_key < absl::string_view(*lower_))) {
        break;
      }
      if (Sequence(internal_->key()) > sequence_) {
        continue;
      }
      // A newer version than what was met of this key so far.
      found = Type(internal_->key()) == ValueType::kValue;
      if (found) {
        SaveKey(user_key);
        saved_value_.assign(internal_->value().data(), internal_->value().size());
      }
    }
    if (found && status().ok()) {
      Show(saved_key_.view(), saved_value_);
    } else {
      ShowNothing();
    }
  }

  const std::shared_ptr<const View> view_;
  const std::unique_ptr<InternalIterator> internal_;
  const SequenceNumber sequence_;
  const std::optional<std::string> lower_;
  const std::optional<std::string> upper_;
  bool forward_ = true;
  KeyBuffer saved_key_;      // backward: the shown key; forward: the key to skip
  std::string saved_value_;  // backward: the shown value
};

}  // namespace

std::unique_ptr<Iterator> NewDBIterator(std::shared_ptr<const View> view,
                                        std::unique_ptr<InternalIterator> internal,
                                        SequenceNumber sequence, std::optional<std::string> lower,
                                        std::optional<std::string> upper) {
  return std::make_unique<DBIterator>(std::move(view), std::move(internal), sequence,
                                      std::move(lower), std::move(upper));
}

}  // namespace fathom
