// A cursor over what could not be opened: it has no entries, and the error.
#pragma once

#include <utility>

#include "lsm/format/internal_iterator.h"

namespace fathom {

class FailedIterator final : public InternalIterator {
 public:
  explicit FailedIterator(absl::Status status) : status_(std::move(status)) {}

  void SeekToFirst() override {}
  void SeekToLast() override {}
  void Seek(absl::string_view) override {}
  void Next() override {}
  void Prev() override {}
  absl::Status status() const override { return status_; }

 private:
  const absl::Status status_;
};

}  // namespace fathom
