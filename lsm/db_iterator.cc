#include "lsm/db_iterator.h"

#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace fathom {
namespace {

// Moving forward, the internal cursor stands at the version that is shown, and key and value are
// its own. Moving backward, it stands before all versions of the key that is shown, because the
// newest visible version is met last: key and value were copied on the way.
class DBIterator final : public Iterator {
 public:
  DBIterator(std::unique_ptr<InternalIterator> internal, SequenceNumber sequence,
             std::optional<std::string> lower, std::optional<std::string> upper)
      : internal_(std::move(internal)),
        sequence_(sequence),
        lower_(std::move(lower)),
        upper_(std::move(upper)) {}

  bool Valid() const override { return valid_; }

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
    } else if (CheckKey() && UserKey(internal_->key()) != UserKey(oldest.view())) {
      internal_->Prev();
    }
    FindBackward();
  }

  void Next() override {
    if (forward_) {
      saved_key_.assign(key().data(), key().size());
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
      saved_key_.assign(key().data(), key().size());
      forward_ = false;
      do {
        internal_->Prev();
      } while (internal_->Valid() && CheckKey() && UserKey(internal_->key()) == saved_key_);
    }
    FindBackward();
  }

  absl::string_view key() const override {
    return forward_ ? UserKey(internal_->key()) : absl::string_view(saved_key_);
  }
  absl::string_view value() const override {
    return forward_ ? internal_->value() : absl::string_view(saved_value_);
  }
  absl::Status status() const override { return status_.ok() ? internal_->status() : status_; }

 private:
  bool CheckKey() {
    if (IsValidInternalKey(internal_->key())) {
      return true;
    }
    status_ = absl::DataLossError(absl::StrCat("iterator: expected an internal key, found \"",
                                               absl::CHexEscape(internal_->key()), "\""));
    return false;
  }

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
    valid_ = false;
    for (; internal_->Valid() && CheckKey(); internal_->Next()) {
      const absl::string_view user_key = UserKey(internal_->key());
      if (upper_.has_value() && user_key >= absl::string_view(*upper_)) {
        return;
      }
      if (Sequence(internal_->key()) > sequence_ || (skip && user_key == saved_key_)) {
        continue;
      }
      if (Type(internal_->key()) == ValueType::kValue) {
        valid_ = true;
        return;
      }
      saved_key_.assign(user_key.data(), user_key.size());
      skip = true;  // the tombstone hides the versions that follow
    }
  }

  // From the internal cursor back, to the first key whose newest visible version is a value.
  void FindBackward() {
    valid_ = false;
    for (; internal_->Valid() && CheckKey(); internal_->Prev()) {
      const absl::string_view user_key = UserKey(internal_->key());
      if (valid_ && user_key != saved_key_) {
        return;
      }
      if (lower_.has_value() && user_key < absl::string_view(*lower_)) {
        return;
      }
      if (Sequence(internal_->key()) > sequence_) {
        continue;
      }
      // A newer version than what was met of this key so far.
      valid_ = Type(internal_->key()) == ValueType::kValue;
      if (valid_) {
        saved_key_.assign(user_key.data(), user_key.size());
        saved_value_.assign(internal_->value().data(), internal_->value().size());
      }
    }
    valid_ = valid_ && status().ok();
  }

  const std::unique_ptr<InternalIterator> internal_;
  const SequenceNumber sequence_;
  const std::optional<std::string> lower_;
  const std::optional<std::string> upper_;
  bool valid_ = false;
  bool forward_ = true;
  std::string saved_key_;    // backward: the shown key; forward: the key to skip
  std::string saved_value_;  // backward: the shown value
  absl::Status status_;
};

}  // namespace

std::unique_ptr<Iterator> NewDBIterator(std::unique_ptr<InternalIterator> internal,
                                        SequenceNumber sequence, std::optional<std::string> lower,
                                        std::optional<std::string> upper) {
  return std::make_unique<DBIterator>(std::move(internal), sequence, std::move(lower),
                                      std::move(upper));
}

}  // namespace fathom
