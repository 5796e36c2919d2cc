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

void WriteBatch::Clear() {
  rep_.resize(kBatchHeaderBytes);
  count_ = 0;
  largest_key_ = 0;
  largest_value_ = 0;
}

void WriteBatch::Append(const WriteBatch& other) {
  rep_.append(other.rep_, kBatchHeaderBytes);
  count_ += other.count_;
  largest_key_ = std::max(largest_key_, other.largest_key_);
  largest_value_ = std::max(largest_value_, other.largest_value_);
}

}  // namespace fathom
