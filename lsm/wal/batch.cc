#include "lsm/wal/batch.h"

#include <cassert>

#include "absl/strings/str_cat.h"
#include "lsm/format/coding.h"

namespace fathom {
namespace {

bool GetEntry(absl::string_view* in, BatchEntry* entry) {
  entry->type = static_cast<ValueType>(in->front());
  entry->value = absl::string_view();
  in->remove_prefix(1);
  if (!GetLengthPrefixed(in, &entry->key)) {
    return false;
  }
  switch (entry->type) {
    case ValueType::kValue:
      return GetLengthPrefixed(in, &entry->value);
    case ValueType::kDeletion:
      return true;
    case ValueType::kRangeDeletion:
      return GetLengthPrefixed(in, &entry->value) && entry->key < entry->value;
  }
  return false;
}

}  // namespace

BatchReader::BatchReader(absl::string_view bytes) : rest_(bytes), size_(bytes.size()) {
  malformed_ = !GetFixed64(&rest_, &sequence_) || !GetFixed32(&rest_, &count_);
}

bool BatchReader::Next(BatchEntry* entry) {
  if (malformed_ || rest_.empty()) {
    return false;
  }
  absl::string_view rest = rest_;
  if (!GetEntry(&rest, entry) || taken_ == count_) {
    malformed_ = true;
    return false;
  }
  rest_ = rest;
  ++taken_;
  return true;
}

absl::Status BatchReader::status() const {
  if (malformed_) {
    return absl::DataLossError(absl::StrCat("batch of ", size_, " bytes: write ", taken_, " of ",
                                            count_, " does not parse at byte ",
                                            size_ - rest_.size()));
  }
  if (taken_ != count_) {
    return absl::DataLossError(
        absl::StrCat("batch of ", size_, " bytes: expected ", count_, " writes, found ", taken_));
  }
  return absl::OkStatus();
}

void AppendPut(absl::string_view key, absl::string_view value, std::string* batch) {
  batch->push_back(static_cast<char>(ValueType::kValue));
  PutLengthPrefixed(batch, key);
  PutLengthPrefixed(batch, value);
}

void AppendDelete(absl::string_view key, std::string* batch) {
  batch->push_back(static_cast<char>(ValueType::kDeletion));
  PutLengthPrefixed(batch, key);
}

void AppendDeleteRange(absl::string_view begin, absl::string_view end, std::string* batch) {
  assert(begin < end);
  batch->push_back(static_cast<char>(ValueType::kRangeDeletion));
  PutLengthPrefixed(batch, begin);
  PutLengthPrefixed(batch, end);
}

}  // namespace fathom
