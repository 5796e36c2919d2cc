#include "lsm/wal/batch.h"

#include <doctest/doctest.h>

#include <string>

#include "lsm/format/coding.h"

namespace fathom {
namespace {

// A batch of `writes` with its header.
std::string Batch(uint32_t count, const std::string& writes) {
  std::string batch;
  PutFixed64(&batch, 7);
  PutFixed32(&batch, count);
  return batch + writes;
}

absl::Status StatusOf(const std::string& batch) {
  BatchReader reader(batch);
  BatchEntry entry;
  while (reader.Next(&entry)) {
  }
  return reader.status();
}

TEST_CASE("batch: each kind of write comes back") {
  std::string writes;
  AppendPut("k", "v", &writes);
  AppendDelete("d", &writes);
  AppendDeleteRange("", "e", &writes);
  const std::string batch = Batch(3, writes);
  BatchReader reader(batch);
  CHECK(reader.sequence() == 7);
  BatchEntry entry;
  REQUIRE(reader.Next(&entry));
  CHECK(entry.type == ValueType::kValue);
  CHECK(entry.key == "k");
  CHECK(entry.value == "v");
  REQUIRE(reader.Next(&entry));
  CHECK(entry.type == ValueType::kDeletion);
  CHECK(entry.key == "d");
  CHECK(entry.value.empty());
  REQUIRE(reader.Next(&entry));
  CHECK(entry.type == ValueType::kRangeDeletion);
  CHECK(entry.key.empty());
  CHECK(entry.value == "e");
  CHECK_FALSE(reader.Next(&entry));
  CHECK(reader.status().ok());
}

TEST_CASE("batch: one cut anywhere, or with a write too many or too few, is damage") {
  std::string writes;
  AppendDeleteRange("a", "c", &writes);
  AppendPut("k", "v", &writes);
  const std::string whole = Batch(2, writes);
  REQUIRE(StatusOf(whole).ok());
  for (size_t length = 0; length < whole.size(); ++length) {
    CAPTURE(length);
    CHECK(absl::IsDataLoss(StatusOf(whole.substr(0, length))));
  }
  CHECK(absl::IsDataLoss(StatusOf(Batch(1, writes))));
  CHECK(absl::IsDataLoss(StatusOf(Batch(3, writes))));
}

TEST_CASE("batch: a range that does not end after its begin, or an unknown type, is damage") {
  CHECK(StatusOf(Batch(1, std::string("\x0f\1a\1b", 5))).ok());
  CHECK(absl::IsDataLoss(StatusOf(Batch(1, std::string("\x0f\1a\1a", 5)))));
  CHECK(absl::IsDataLoss(StatusOf(Batch(1, std::string("\x0f\1b\1a", 5)))));
  for (const char type : {'\2', '\x0e', '\x10', '\x7f', '\xff'}) {
    CHECK(absl::IsDataLoss(StatusOf(Batch(1, type + std::string("\1a\1b", 4)))));
  }
}

}  // namespace
}  // namespace fathom
