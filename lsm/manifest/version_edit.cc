#include "lsm/manifest/version_edit.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "lsm/format/coding.h"

namespace fathom {

namespace {

// Values are on disk: never renumber. README.md in this folder draws each field.
enum Tag : uint32_t {
  kNextFileNumber = 1,
  kNextTableNumber = 2,
  kLogNumber = 3,
  kLastSequence = 4,
  kClosedLog = 5,
  kRemovedTable = 6,
  kAddedTable = 7,
  kDurableLog = 8,
  kAddedTableWithRanges = 9,
};

void PutNumber(std::string* out, Tag tag, const std::optional<uint64_t>& value) {
  if (value.has_value()) {
    PutVarint32(out, tag);
    PutVarint64(out, *value);
  }
}

void PutTable(std::string* out, int level, const TableMeta& table) {
  PutVarint32(out, table.range_deletions.has_value() ? kAddedTableWithRanges : kAddedTable);
  PutVarint32(out, static_cast<uint32_t>(level));
  PutVarint64(out, table.number);
  PutVarint32(out, static_cast<uint32_t>(table.born_level));
  PutVarint64(out, table.file_bytes);
  PutVarint64(out, table.entries);
  PutVarint64(out, table.deletions);
  PutLengthPrefixed(out, table.smallest);
  PutLengthPrefixed(out, table.largest);
  PutVarint64(out, table.smallest_sequence);
  PutVarint64(out, table.largest_sequence);
  PutVarint64(out, table.tail_bytes);
  PutFixed64(out, table.tail_hash);
  if (table.range_deletions.has_value()) {
    PutVarint64(out, *table.range_deletions);
  }
}

absl::Status BadField(absl::string_view field, absl::string_view problem) {
  return absl::DataLossError(absl::StrCat("version edit: ", field, ": ", problem));
}

bool GetLevel(absl::string_view* in, int* level) {
  uint32_t value = 0;
  if (!GetVarint32(in, &value) || value >= kNumLevels) {
    return false;
  }
  *level = static_cast<int>(value);
  return true;
}

bool GetTableBound(absl::string_view* in, std::string* key) {
  absl::string_view bytes;
  if (!GetLengthPrefixed(in, &bytes) || !IsValidTableBound(bytes) ||
      bytes.size() > kMaxKeyBytes + kTrailerBytes) {
    return false;
  }
  *key = std::string(bytes);
  return true;
}

absl::Status GetNumber(absl::string_view* in, absl::string_view field, uint64_t limit,
                       std::optional<uint64_t>* value) {
  if (value->has_value()) {
    return BadField(field, "given twice");
  }
  uint64_t number = 0;
  if (!GetVarint64(in, &number)) {
    return BadField(field, "cut short or too long a number");
  }
  if (number > limit) {
    return BadField(field, absl::StrCat("expected at most ", limit, ", found ", number));
  }
  *value = number;
  return absl::OkStatus();
}

absl::Status GetTable(absl::string_view* in, std::pair<int, TableMeta>* added) {
  constexpr absl::string_view kField = "added table";
  auto& [level, table] = *added;
  if (!GetLevel(in, &level)) {
    return BadField(kField, "level");
  }
  if (!GetVarint64(in, &table.number) || table.number == 0) {
    return BadField(kField, "number");
  }
  if (!GetLevel(in, &table.born_level)) {
    return BadField(kField, "born level");
  }
  if (!GetVarint64(in, &table.file_bytes)) {
    return BadField(kField, "file bytes");
  }
  if (!GetVarint64(in, &table.entries)) {
    return BadField(kField, "entries");
  }
  if (!GetVarint64(in, &table.deletions) || table.deletions > table.entries) {
    return BadField(kField, "deletions");
  }
  if (!GetTableBound(in, &table.smallest)) {
    return BadField(kField, "smallest key");
  }
  if (!GetTableBound(in, &table.largest) ||
      CompareInternalKeys(table.smallest, table.largest) > 0) {
    return BadField(kField, "largest key");
  }
  if (!GetVarint64(in, &table.smallest_sequence)) {
    return BadField(kField, "smallest sequence");
  }
  if (!GetVarint64(in, &table.largest_sequence) ||
      table.smallest_sequence > table.largest_sequence ||
      table.largest_sequence > kMaxSequenceNumber) {
    return BadField(kField, "largest sequence");
  }
  if (!GetVarint64(in, &table.tail_bytes) || table.tail_bytes > table.file_bytes) {
    return BadField(kField, "tail bytes");
  }
  if (!GetFixed64(in, &table.tail_hash)) {
    return BadField(kField, "tail hash");
  }
  return absl::OkStatus();
}

absl::Status GetTableWithRanges(absl::string_view* in, std::pair<int, TableMeta>* added) {
  if (absl::Status status = GetTable(in, added); !status.ok()) {
    return status;
  }
  uint64_t count = 0;
  if (!GetVarint64(in, &count) || count > added->second.deletions) {
    return BadField("added table", "range deletions");
  }
  added->second.range_deletions = count;
  return absl::OkStatus();
}

absl::Status GetField(absl::string_view* in, VersionEdit* edit) {
  constexpr uint64_t kAny = ~uint64_t{0};
  uint32_t tag = 0;
  if (!GetVarint32(in, &tag)) {
    return BadField("tag", "cut short or too long a number");
  }
  switch (tag) {
    case kNextFileNumber:
      return GetNumber(in, "next file number", kAny, &edit->next_file_number);
    case kNextTableNumber:
      return GetNumber(in, "next table number", kAny, &edit->next_table_number);
    case kLogNumber:
      return GetNumber(in, "log number", kAny, &edit->log_number);
    case kLastSequence:
      return GetNumber(in, "last sequence", kMaxSequenceNumber, &edit->last_sequence);
    case kDurableLog:
      return GetNumber(in, "durable log", kAny, &edit->durable_log);
    case kClosedLog: {
      auto& [number, length] = edit->closed_logs.emplace_back();
      const bool whole = GetVarint64(in, &number) && GetVarint64(in, &length);
      return whole ? absl::OkStatus() : BadField("closed log", "cut short or too long a number");
    }
    case kRemovedTable: {
      auto& [level, number] = edit->removed_tables.emplace_back();
      const bool whole = GetLevel(in, &level) && GetVarint64(in, &number);
      return whole ? absl::OkStatus() : BadField("removed table", "level or number");
    }
    case kAddedTable:
      return GetTable(in, &edit->added_tables.emplace_back());
    case kAddedTableWithRanges:
      return GetTableWithRanges(in, &edit->added_tables.emplace_back());
    default:
      return BadField("tag",
                      absl::StrCat("expected 1 to ", static_cast<uint32_t>(kAddedTableWithRanges),
                                   ", found ", tag));
  }
}

std::string DebugKey(absl::string_view key) {
  if (!IsValidTableBound(key)) {
    return absl::StrCat("invalid \"", absl::CHexEscape(key), "\"");
  }
  if (Trailer(key) == kExclusiveTrailer) {
    return absl::StrCat("\"", absl::CHexEscape(UserKey(key)), "\" exclusive");
  }
  const absl::string_view type = Type(key) == ValueType::kValue      ? " value"
                                 : Type(key) == ValueType::kDeletion ? " deletion"
                                                                     : " range deletion";
  return absl::StrCat("\"", absl::CHexEscape(UserKey(key)), "\" @ ", Sequence(key), type);
}

std::string DebugTable(int level, const TableMeta& table) {
  const std::string ranges = table.range_deletions.has_value()
                                 ? absl::StrCat(" (", *table.range_deletions, " of ranges)")
                                 : "";
  return absl::StrCat("added table: level ", level, ", ", table.FileName(), ", ", table.file_bytes,
                      " bytes, ", table.entries, " entries, ", table.deletions, " deletions",
                      ranges, ", keys ", DebugKey(table.smallest), " to ", DebugKey(table.largest),
                      ", sequences ", table.smallest_sequence, " to ", table.largest_sequence,
                      ", tail ", table.tail_bytes, " bytes 0x",
                      absl::Hex(table.tail_hash, absl::kZeroPad16), "\n");
}

void AppendNumberLine(std::string* out, absl::string_view field,
                      const std::optional<uint64_t>& value) {
  if (value.has_value()) {
    absl::StrAppend(out, field, ": ", *value, "\n");
  }
}

}  // namespace

std::string VersionEdit::Encode() const {
  std::string out;
  PutNumber(&out, kNextFileNumber, next_file_number);
  PutNumber(&out, kNextTableNumber, next_table_number);
  PutNumber(&out, kLogNumber, log_number);
  PutNumber(&out, kLastSequence, last_sequence);
  PutNumber(&out, kDurableLog, durable_log);
  for (const auto& [number, length] : closed_logs) {
    PutVarint32(&out, kClosedLog);
    PutVarint64(&out, number);
    PutVarint64(&out, length);
  }
  for (const auto& [level, number] : removed_tables) {
    PutVarint32(&out, kRemovedTable);
    PutVarint32(&out, static_cast<uint32_t>(level));
    PutVarint64(&out, number);
  }
  for (const auto& [level, table] : added_tables) {
    PutTable(&out, level, table);
  }
  return out;
}

absl::Status VersionEdit::Decode(absl::string_view bytes) {
  VersionEdit decoded;
  while (!bytes.empty()) {
    if (absl::Status field = GetField(&bytes, &decoded); !field.ok()) {
      return field;
    }
  }
  *this = std::move(decoded);
  return absl::OkStatus();
}

std::string VersionEdit::DebugString() const {
  std::string out;
  AppendNumberLine(&out, "next file number", next_file_number);
  AppendNumberLine(&out, "next table number", next_table_number);
  AppendNumberLine(&out, "log number", log_number);
  AppendNumberLine(&out, "last sequence", last_sequence);
  AppendNumberLine(&out, "durable log", durable_log);
  for (const auto& [number, length] : closed_logs) {
    absl::StrAppend(&out, "closed log: ", LogFileName(number), ", ", length, " bytes\n");
  }
  for (const auto& [level, number] : removed_tables) {
    absl::StrAppend(&out, "removed table: level ", level, ", number ", number, "\n");
  }
  for (const auto& [level, table] : added_tables) {
    out += DebugTable(level, table);
  }
  return out;
}

}  // namespace fathom
