#include "lsm/manifest/version_edit.h"

#include <doctest/doctest.h>

#include <functional>

#include "absl/strings/str_cat.h"
#include "tests/lsm/manifest/tables.h"
#include "tests/lsm/wal/log_files.h"
#include "tests/lsm/wal/readme_hex.h"

namespace fathom {
namespace {

// The edit of README.md: every field that is written, once.
VersionEdit ReadmeEdit() {
  VersionEdit edit;
  edit.next_file_number = 9;
  edit.next_table_number = 4;
  edit.log_number = 8;
  edit.last_sequence = 1000;
  edit.durable_log = 8;
  edit.closed_logs = {{8, 5000}};
  edit.removed_tables = {{0, 2}};
  TableMeta table = Table(3, "a", "\xff", 700);
  table.born_level = 1;
  table.range_deletions = 2;
  edit.added_tables = {{1, table}};
  return edit;
}

absl::Status DecodeStatus(absl::string_view bytes) {
  VersionEdit edit;
  return edit.Decode(bytes);
}

TEST_CASE("version edit: the README's bytes are what an edit is encoded as") {
  CHECK(ToHex(ReadmeEdit().Encode()) == ToHex(ReadmeHex("lsm/manifest")));
}

TEST_CASE("version edit: every field comes back") {
  const VersionEdit edit = ReadmeEdit();
  VersionEdit decoded;
  decoded.log_number = 77;  // must not stay
  REQUIRE(decoded.Decode(edit.Encode()).ok());
  CHECK(decoded.next_file_number == edit.next_file_number);
  CHECK(decoded.next_table_number == edit.next_table_number);
  CHECK(decoded.log_number == edit.log_number);
  CHECK(decoded.last_sequence == edit.last_sequence);
  CHECK(decoded.durable_log == edit.durable_log);
  CHECK(decoded.closed_logs == edit.closed_logs);
  CHECK(decoded.removed_tables == edit.removed_tables);
  CHECK(decoded.added_tables == edit.added_tables);
}

TEST_CASE("version edit: absent fields stay absent") {
  VersionEdit decoded;
  REQUIRE(decoded.Decode("").ok());
  CHECK(VersionEdit().Encode().empty());
  CHECK_FALSE(decoded.next_file_number.has_value());
  CHECK_FALSE(decoded.next_table_number.has_value());
  CHECK_FALSE(decoded.log_number.has_value());
  CHECK_FALSE(decoded.last_sequence.has_value());
  CHECK_FALSE(decoded.durable_log.has_value());
  CHECK(decoded.DebugString().empty());
}

TEST_CASE("version edit: the text has one line a field") {
  CHECK(ReadmeEdit().DebugString() ==
        "next file number: 9\n"
        "next table number: 4\n"
        "log number: 8\n"
        "last sequence: 1000\n"
        "durable log: 8\n"
        "closed log: 000008.wal, 5000 bytes\n"
        "removed table: level 0, number 2\n"
        "added table: level 1, L1_003.sst, 4096 bytes, 100 entries, 3 deletions (2 of ranges), "
        "keys \"a\" @ 700 value to \"\\xff\" @ 695 deletion, sequences 695 to 700, "
        "tail 300 bytes 0x0123456789abcdef\n");
}

TEST_CASE("version edit: a table of before its range deletions were told is read, and kept so") {
  VersionEdit edit;
  edit.added_tables = {{1, Table(3, "a", "c")}};
  REQUIRE_FALSE(edit.added_tables[0].second.range_deletions.has_value());
  CHECK(edit.Encode()[0] == 7);
  CHECK(edit.added_tables[0].second.MayHaveRangeTombstones());
  VersionEdit decoded;
  REQUIRE(decoded.Decode(edit.Encode()).ok());
  CHECK(decoded.added_tables == edit.added_tables);
  CHECK(Says(absl::DataLossError(decoded.DebugString()), "100 entries, 3 deletions, keys"));
  edit.added_tables[0].second.deletions = 0;
  CHECK_FALSE(edit.added_tables[0].second.MayHaveRangeTombstones());
}

TEST_CASE("version edit: bounds of range tombstones come back, and are told") {
  VersionEdit edit;
  edit.added_tables.emplace_back(1, Table(3, "a", "c"));
  edit.added_tables.back().second.smallest = InternalKey("a", 7, ValueType::kRangeDeletion);
  edit.added_tables.back().second.largest =
      InternalKey("c", kMaxSequenceNumber, ValueType::kRangeDeletion);
  VersionEdit decoded;
  REQUIRE(decoded.Decode(edit.Encode()).ok());
  CHECK(decoded.Encode() == edit.Encode());
  CHECK(Says(absl::DataLossError(decoded.DebugString()),
             "keys \"a\" @ 7 range deletion to \"c\" exclusive"));
}

TEST_CASE("version edit: an edit that is cut is refused, but for a cut between fields") {
  const std::string whole = ReadmeEdit().Encode();
  VersionEdit decoded;
  for (size_t length = 0; length < whole.size(); ++length) {
    CAPTURE(length);
    const absl::Status status = decoded.Decode(whole.substr(0, length));
    if (status.ok()) {
      // Nothing but whole fields was taken: writing them again gives the same bytes.
      CHECK(decoded.Encode() == whole.substr(0, length));
    } else {
      CHECK(absl::IsDataLoss(status));
      CHECK(status.message().find("version edit: ") == 0);
    }
  }
}

TEST_CASE("version edit: each field alone is refused at every length but its own") {
  const VersionEdit all = ReadmeEdit();
  std::vector<VersionEdit> single(9);
  single[0].next_file_number = ~uint64_t{0};
  single[1].next_table_number = 1 << 20;
  single[2].log_number = 1 << 14;
  single[3].last_sequence = kMaxSequenceNumber;
  single[4].closed_logs = all.closed_logs;
  single[5].removed_tables = {{6, 1 << 14}};
  single[6].added_tables = all.added_tables;
  single[7].durable_log = 1 << 14;
  single[8].added_tables = {{6, Table(3, "a", "c")}};
  for (const VersionEdit& edit : single) {
    const std::string whole = edit.Encode();
    CAPTURE(edit.DebugString());
    CHECK(DecodeStatus(whole).ok());
    for (size_t length = 1; length < whole.size(); ++length) {
      CAPTURE(length);
      CHECK(absl::IsDataLoss(DecodeStatus(whole.substr(0, length))));
    }
  }
}

TEST_CASE("version edit: a flip of any bit is decoded or refused, never worse") {
  const std::string whole = ReadmeEdit().Encode();
  for (size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string bytes = whole;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    VersionEdit decoded;
    if (decoded.Decode(bytes).ok()) {
      CHECK_FALSE(decoded.DebugString().empty());
    }
  }
}

TEST_CASE("version edit: unknown tags and numbers given twice are refused") {
  CHECK(Says(DecodeStatus("\x0a\x01"), "tag: expected 1 to 9, found 10"));
  CHECK(Says(DecodeStatus(std::string("\0\1", 2)), "tag: expected 1 to 9, found 0"));
  CHECK(Says(DecodeStatus("\x01\x05\x01\x05"), "next file number: given twice"));
  CHECK(Says(DecodeStatus("\xff\xff\xff\xff\xff"), "tag: cut short or too long"));
}

TEST_CASE("version edit: impossible values are refused by name") {
  struct Case {
    const char* says;
    std::function<void(int*, TableMeta*)> break_it;
  };
  const std::vector<Case> cases = {
      {"added table: level", [](int* level, TableMeta*) { *level = kNumLevels; }},
      {"added table: number", [](int*, TableMeta* t) { t->number = 0; }},
      {"added table: born level", [](int*, TableMeta* t) { t->born_level = kNumLevels; }},
      {"added table: deletions", [](int*, TableMeta* t) { t->deletions = t->entries + 1; }},
      {"added table: smallest key", [](int*, TableMeta* t) { t->smallest = "short"; }},
      {"added table: smallest key", [](int*, TableMeta* t) { t->smallest[1] = 2; }},
      {"added table: smallest key",
       [](int*, TableMeta* t) {
         t->smallest = InternalKey(std::string(kMaxKeyBytes + 1, 'a'), 1);
       }},
      {"added table: largest key", [](int*, TableMeta* t) { t->largest = ""; }},
      {"added table: largest key", [](int*, TableMeta* t) { std::swap(t->smallest, t->largest); }},
      {"added table: largest sequence",
       [](int*, TableMeta* t) { t->largest_sequence = t->smallest_sequence - 1; }},
      {"added table: largest sequence",
       [](int*, TableMeta* t) { t->largest_sequence = kMaxSequenceNumber + 1; }},
      {"added table: tail bytes", [](int*, TableMeta* t) { t->tail_bytes = t->file_bytes + 1; }},
      {"added table: range deletions",
       [](int*, TableMeta* t) { t->range_deletions = t->deletions + 1; }},
  };
  for (const Case& c : cases) {
    CAPTURE(c.says);
    VersionEdit edit;
    auto& [level, table] = edit.added_tables.emplace_back(1, Table(3, "a", "b"));
    REQUIRE(DecodeStatus(edit.Encode()).ok());
    c.break_it(&level, &table);
    const absl::Status status = DecodeStatus(edit.Encode());
    CHECK(absl::IsDataLoss(status));
    CHECK(status.message() == absl::StrCat("version edit: ", c.says));
  }
  VersionEdit edit;
  edit.last_sequence = kMaxSequenceNumber + 1;
  CHECK(Says(DecodeStatus(edit.Encode()), "last sequence: expected at most 72057594037927935"));
  edit = VersionEdit();
  edit.removed_tables = {{kNumLevels, 1}};
  CHECK(Says(DecodeStatus(edit.Encode()), "removed table: level or number"));
}

TEST_CASE("version edit: a failed decode leaves the edit as it was") {
  VersionEdit edit;
  edit.log_number = 5;
  CHECK(absl::IsDataLoss(edit.Decode("\x01\x07\x63")));
  CHECK(edit.log_number == 5);
  CHECK_FALSE(edit.next_file_number.has_value());
}

}  // namespace
}  // namespace fathom
