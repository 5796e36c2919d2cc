// The sample records of a flush of a store that was never written (sstable_flush in README.md).
//
// Record i (from 0) has key user:n with n = (42 + i) mod 50000, so that user:42 comes first. Its
// value is "Alice"; every other value is a JSON string of 64 bytes with its quotes. All 50,000
// records charge the memtable 4,188,833 bytes, just under its default size of 4 MiB. The set never
// changes.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "lsm/db.h"

namespace fathom {

inline constexpr uint64_t kSampleRecords = 50000;

// Replaces `*key` and `*value` by those of record `i`; the value is a JSON text.
// REQUIRES: i < kSampleRecords.
void MakeSampleRecord(uint64_t i, std::string* key, std::string* value);

// Writes the records from the first on, as many as charge the memtable at most `max_bytes`, and
// returns how many those are. An error is that of DB::Write.
absl::StatusOr<uint64_t> WriteSampleSet(uint64_t max_bytes, DB* db);

}  // namespace fathom
