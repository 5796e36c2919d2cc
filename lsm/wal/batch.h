// The bytes of a batch of writes, as a log record holds them and as a memtable takes them:
//
//   fixed64 sequence of the first write | fixed32 number of writes
//   each write: u8 ValueType | varint32 key size, key | varint32 value size, value
//
// A deletion has no value and no size of one. The value of a range deletion is the key at which it
// ends, exclusive; it is after `key`.
//
// The i-th write has sequence + i.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "lsm/format/internal_key.h"

namespace fathom {

inline constexpr size_t kBatchHeaderBytes = 8 + 4;

struct BatchEntry {
  ValueType type = ValueType::kValue;
  absl::string_view key;
  absl::string_view value;
};

// Walks the writes of a batch. One thread at a time.
class BatchReader {
 public:
  // `bytes` must outlive the reader.
  explicit BatchReader(absl::string_view bytes);

  SequenceNumber sequence() const { return sequence_; }
  uint32_t count() const { return count_; }

  // Takes the next write; false at the end or where the bytes do not parse.
  bool Next(BatchEntry* entry);

  // After Next gave false: OK if all of the bytes were `count()` whole writes, else DataLoss that
  // says what did not parse and where in the batch.
  absl::Status status() const;

 private:
  absl::string_view rest_;
  const size_t size_;
  SequenceNumber sequence_ = 0;
  uint32_t count_ = 0;
  uint32_t taken_ = 0;
  bool malformed_ = false;
};

void AppendPut(absl::string_view key, absl::string_view value, std::string* batch);
void AppendDelete(absl::string_view key, std::string* batch);
// REQUIRES: begin < end.
void AppendDeleteRange(absl::string_view begin, absl::string_view end, std::string* batch);

}  // namespace fathom
