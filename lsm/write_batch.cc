#include "lsm/write_batch.h"

#include <algorithm>

#include "lsm/wal/batch.h"

namespace fathom {

WriteBatch::WriteBatch() : rep_(kBatchHeaderBytes, '\0') {}

void WriteBatch::Put(absl::string_view key, absl::string_view value) {
  AppendPut(key, value, &rep_);
  ++count_;
  largest_key_ = std::max(largest_key_, key.size());
  largest_value_ = std::max(largest_value_, value.size());
}

void WriteBatch::Delete(absl::string_view key) {
  AppendDelete(key, &rep_);
  ++count_;
  largest_key_ = std::max(largest_key_, key.size());
}

void WriteBatch::DeleteRange(absl::string_view begin, absl::string_view end) {
  has_inverted_range_ = has_inverted_range_ || begin > end;
  if (begin >= end) {
    return;
  }
  AppendDeleteRange(begin, end, &rep_);
  ++count_;
  largest_key_ = std::max({largest_key_, begin.size(), end.size()});
}

void WriteBatch::Clear() {
  rep_.resize(kBatchHeaderBytes);
  count_ = 0;
  largest_key_ = 0;
  largest_value_ = 0;
  has_inverted_range_ = false;
}

void WriteBatch::Append(const WriteBatch& other) {
  rep_.append(other.rep_, kBatchHeaderBytes);
  count_ += other.count_;
  largest_key_ = std::max(largest_key_, other.largest_key_);
  largest_value_ = std::max(largest_value_, other.largest_value_);
  has_inverted_range_ = has_inverted_range_ || other.has_inverted_range_;
}

}  // namespace fathom
