#include "handlers/sample_set.h"

#include <cassert>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "handlers/context.h"
#include "lsm/format/coding.h"

namespace fathom {
namespace {

constexpr uint64_t kFirst = 42;
constexpr size_t kValueBytes = 64;
constexpr size_t kBatchBytes = size_t{64} << 10;
constexpr size_t kKeyTrailerBytes = 8;  // of sequence number and type

constexpr const char* kNames[] = {"Ada",  "Bruno", "Clara", "David", "Edith", "Felix",
                                  "Gina", "Hugo",  "Irene", "Jonas", "Karin"};
constexpr const char* kTowns[] = {"Aarhus", "Bergen", "Cork",   "Dresden",
                                  "Evora",  "Ferrol", "Gdansk", "Haarlem"};

// What an entry adds to the memtable's size (Options::memtable_bytes).
uint64_t Charge(const std::string& key, const std::string& value) {
  const size_t key_bytes = key.size() + kKeyTrailerBytes;
  return VarintLength(key_bytes) + key_bytes + VarintLength(value.size()) + value.size();
}

}  // namespace

void MakeSampleRecord(uint64_t i, std::string* key, std::string* value) {
  assert(i < kSampleRecords);
  const uint64_t n = (kFirst + i) % kSampleRecords;
  key->clear();
  value->clear();
  absl::StrAppend(key, "user:", n);
  if (n == kFirst) {
    value->append("\"Alice\"");
    return;
  }
  // Different in every record, so that the table is no smaller than one of real data would be.
  const uint64_t token = n * 0x9e3779b97f4a7c15u;
  absl::StrAppend(value, "\"", kNames[n % std::size(kNames)], " of ", kTowns[n % std::size(kTowns)],
                  ", account ", n, ", token ", absl::Hex(token, absl::kZeroPad16));
  value->resize(kValueBytes - 1, '.');
  value->push_back('"');
}

absl::StatusOr<uint64_t> WriteSampleSet(uint64_t max_bytes, DB* db) {
  WriteBatch batch;
  std::string key;
  std::string value;
  uint64_t records = 0;
  uint64_t charged = 0;
  for (; records < kSampleRecords; ++records) {
    MakeSampleRecord(records, &key, &value);
    charged += Charge(key, value);
    if (charged > max_bytes) {
      break;
    }
    batch.Put(key, value);
    if (batch.bytes() < kBatchBytes) {
      continue;
    }
    const absl::Status status = db->Write(kBatched, batch);
    if (!status.ok()) {
      return status;
    }
    batch.Clear();
  }
  const absl::Status status = db->Write(kBatched, batch);
  if (!status.ok()) {
    return status;
  }
  return records;
}

}  // namespace fathom
