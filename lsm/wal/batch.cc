#include "lsm/wal/batch.h"

#include "absl/strings/str_cat.h"
#include "lsm/format/coding.h"

namespace fathom {

BatchReader::BatchReader(absl::string_view bytes) : rest_(bytes), size_(bytes.size()) {
  malformed_ = !GetFixed64(&rest_, &sequence_) || !GetFixed32(&rest_, &count_);
}

bool BatchReader::Next(BatchEntry* entry) {
  if (malformed_ || rest_.empty()) {
    return false;
  }
  absl::string_view rest = rest_;
  const auto type = static_cast<uint8_t>(rest.front());
  rest.remove_prefix(1);
  entry->type = static_cast<ValueType>(type);
  entry->value = absl::string_view();
  const bool whole =
      type <= static_cast<uint8_t>(ValueType::kValue) && GetLengthPrefixed(&rest, &entry->key) &&
      (entry->type == ValueType::kDeletion || GetLengthPrefixed(&rest, &entry->value));
  if (!whole || taken_ == count_) {
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

}  // namespace fathom
