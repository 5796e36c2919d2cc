// One step from a version of the store to the next.
//
// Encoding: a sequence of fields, each `varint32 tag | payload`; described byte by byte in
// lsm/manifest/README.md. An unknown tag is an error: a newer store is refused, not misread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "lsm/manifest/table_meta.h"

namespace fathom {

inline constexpr int kNumLevels = 7;

struct VersionEdit {
  // Absent fields leave the state as it is.
  std::optional<uint64_t> next_file_number;  // for manifests and logs
  std::optional<uint64_t> next_table_number;
  // Logs below it hold nothing that the tables do not.
  std::optional<uint64_t> log_number;
  // Every sequence number in the tables is at or below it.
  std::optional<SequenceNumber> last_sequence;
  // This log's name is durable, and so is all of the logs before it: what is written to it may be
  // durable too.
  std::optional<uint64_t> durable_log;
  // Logs that will not grow any more and are durable, with the length up to which they count:
  // written by a clean close, by a recovery, and with durable_log. A log stays listed until
  // log_number passes it.
  std::vector<std::pair<uint64_t, uint64_t>> closed_logs;  // number, length
  std::vector<std::pair<int, uint64_t>> removed_tables;    // level, table number
  std::vector<std::pair<int, TableMeta>> added_tables;     // level, table

  std::string Encode() const;
  // DataLoss that says which field is bad; the caller adds the file's name and the offset.
  absl::Status Decode(absl::string_view bytes);
  // One field a line, for tools and golden tests.
  std::string DebugString() const;
};

}  // namespace fathom
