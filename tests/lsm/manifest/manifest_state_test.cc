#include "lsm/manifest/manifest_state.h"

#include <doctest/doctest.h>

#include "tests/lsm/manifest/tables.h"

namespace fathom {
namespace {

VersionEdit Adding(int level, TableMeta table) {
  VersionEdit edit;
  edit.added_tables.emplace_back(level, std::move(table));
  return edit;
}

VersionEdit Removing(int level, uint64_t number) {
  VersionEdit edit;
  edit.removed_tables.emplace_back(level, number);
  return edit;
}

// Two tables on L0, three on L1, one on L2.
ManifestState SomeState() {
  VersionEdit edit;
  edit.next_file_number = 20;
  edit.next_table_number = 10;
  edit.log_number = 15;
  edit.last_sequence = 100;
  edit.durable_log = 17;
  edit.closed_logs = {{16, 5000}, {17, 0}};
  edit.added_tables = {{0, Table(1, "a", "z", 90)}, {0, Table(2, "a", "z", 80)},
                       {1, Table(3, "m", "p")},     {1, Table(4, "a", "c")},
                       {1, Table(5, "d", "k")},     {2, Table(6, "a", "z")}};
  ManifestState state;
  REQUIRE(state.Apply(edit) == absl::OkStatus());
  return state;
}

std::vector<uint64_t> Numbers(const std::vector<TableMeta>& tables) {
  std::vector<uint64_t> numbers;
  for (const TableMeta& table : tables) {
    numbers.push_back(table.number);
  }
  return numbers;
}

void CheckRefused(const VersionEdit& edit, absl::string_view why) {
  ManifestState state = SomeState();
  const absl::Status status = state.Apply(edit);
  INFO(status);
  CHECK(absl::IsFailedPrecondition(status));
  CHECK(status.message().find(why) != absl::string_view::npos);
  CHECK(SameState(state, SomeState()));

  // Nor in the midst of others.
  ManifestReplay replay(SomeState());
  CHECK(replay.Apply(edit) == status);
  REQUIRE(replay.Apply(Adding(5, Table(9, "a", "z"))).ok());
  REQUIRE(state.Apply(Adding(5, Table(9, "a", "z"))).ok());
  CHECK(SameState(std::move(replay).Finish(), state));
}

TEST_CASE("manifest state: L0 stands by recency, the levels below by key") {
  const ManifestState state = SomeState();
  CHECK(Numbers(state.levels[0]) == std::vector<uint64_t>{2, 1});
  CHECK(Numbers(state.levels[1]) == std::vector<uint64_t>{4, 5, 3});
  CHECK(state.CheckLevels().ok());
}

TEST_CASE("manifest state: absent fields leave the state as it is") {
  ManifestState state = SomeState();
  REQUIRE(state.Apply(VersionEdit()).ok());
  CHECK(SameState(state, SomeState()));
}

TEST_CASE("manifest state: a compaction replaces its inputs in one edit") {
  ManifestState state = SomeState();
  VersionEdit edit;
  edit.removed_tables = {{0, 1}, {0, 2}, {1, 5}};
  edit.added_tables = {{1, Table(7, "d", "e")}, {1, Table(8, "f", "l")}};
  REQUIRE(state.Apply(edit) == absl::OkStatus());
  CHECK(state.levels[0].empty());
  CHECK(Numbers(state.levels[1]) == std::vector<uint64_t>{4, 7, 8, 3});
}

TEST_CASE("manifest state: a table moves down under its own number") {
  ManifestState state = SomeState();
  VersionEdit edit = Removing(1, 4);
  edit.added_tables = {{3, Table(4, "a", "c")}};
  REQUIRE(state.Apply(edit) == absl::OkStatus());
  CHECK(Numbers(state.levels[1]) == std::vector<uint64_t>{5, 3});
  CHECK(Numbers(state.levels[3]) == std::vector<uint64_t>{4});
}

TEST_CASE("manifest state: a closed log stays until the log number passes it") {
  ManifestState state = SomeState();
  VersionEdit edit;
  edit.closed_logs = {{17, 0}, {18, 7}};
  edit.log_number = 17;
  REQUIRE(state.Apply(edit) == absl::OkStatus());
  CHECK(state.closed_logs == std::map<uint64_t, uint64_t>{{17, 0}, {18, 7}});
}

TEST_CASE("manifest state: what goes back is refused") {
  // Crash cases 23 and 29.
  VersionEdit edit;
  edit.next_file_number = 19;
  CheckRefused(edit, "next file number goes back from 20 to 19");
  edit = VersionEdit();
  edit.next_table_number = 9;
  CheckRefused(edit, "next table number goes back from 10 to 9");
  edit = VersionEdit();
  edit.log_number = 14;
  CheckRefused(edit, "log number goes back from 15 to 14");
  edit = VersionEdit();
  edit.last_sequence = 99;
  CheckRefused(edit, "last sequence goes back from 100 to 99");
  edit = VersionEdit();
  edit.durable_log = 16;
  CheckRefused(edit, "durable log goes back from 17 to 16");
  edit = VersionEdit();
  edit.closed_logs = {{16, 4999}};
  CheckRefused(edit, "000016.wal was closed at 5000 bytes, now at 4999");
  edit.closed_logs = {{18, 1}, {18, 2}};
  CheckRefused(edit, "000018.wal was closed at 1 bytes, now at 2");
}

TEST_CASE("manifest state: a removal of an absent table is refused") {
  // Crash case 23.
  CheckRefused(Removing(1, 99), "table 99 to be removed is not on level 1");
  CheckRefused(Removing(2, 3), "table 3 to be removed is not on level 2");
  CheckRefused(Removing(kNumLevels, 3), "no level 7");
  CheckRefused(Removing(-1, 3), "no level -1");
  VersionEdit twice = Removing(1, 3);
  twice.removed_tables.push_back(twice.removed_tables[0]);
  CheckRefused(twice, "removed twice");
}

TEST_CASE("manifest state: a table number twice is refused") {
  CheckRefused(Adding(3, Table(6, "a", "z")), "two tables of number 6");
  VersionEdit twice = Adding(3, Table(7, "a", "b"));
  twice.added_tables.emplace_back(4, Table(7, "a", "b"));
  CheckRefused(twice, "two tables of number 7");
}

TEST_CASE("manifest state: a level that does not exist is refused") {
  CheckRefused(Adding(kNumLevels, Table(7, "a", "b")), "no level 7");
  CheckRefused(Adding(-1, Table(7, "a", "b")), "no level -1");
}

TEST_CASE("manifest state: overlap below L0 is refused, also where only the user key is shared") {
  // Crash cases 23 and 34.
  CheckRefused(Adding(1, Table(7, "b", "b")), "overlaps");
  CheckRefused(Adding(1, Table(7, "l", "n")), "overlaps");
  CheckRefused(Adding(1, Table(7, "a", "z")), "overlaps");
  CheckRefused(Adding(1, Table(7, "k", "l", 5)), "L1: L0_005.sst up to key \"k\" overlaps");
  CheckRefused(Adding(1, Table(7, "l", "m", 50)), "L1: L0_007.sst up to key \"m\" overlaps");
  VersionEdit both = Adding(4, Table(7, "a", "c"));
  both.added_tables.emplace_back(4, Table(8, "b", "d"));
  CheckRefused(both, "overlaps");
  ManifestState state = SomeState();
  CHECK(state.Apply(Adding(1, Table(7, "l", "l"))).ok());
  CHECK(state.Apply(Adding(0, Table(8, "a", "z"))).ok());
}

TEST_CASE("manifest state: a table may begin where a range tombstone of the one before it ends") {
  TableMeta before = Table(1, "a", "c");
  const TableMeta after = Table(2, "c", "e");
  ManifestState state;
  VersionEdit edit;
  edit.added_tables = {{1, before}, {1, after}};
  CHECK_FALSE(state.Apply(edit).ok());
  before.largest = InternalKey("c", kMaxSequenceNumber, ValueType::kRangeDeletion);
  edit.added_tables = {{1, before}, {1, after}};
  CHECK(state.Apply(edit).ok());
  CHECK(state.CheckLevels().ok());
}

TEST_CASE("manifest state: a key range that is none is refused") {
  TableMeta table = Table(7, "x", "y");
  std::swap(table.smallest, table.largest);
  CheckRefused(Adding(3, table), "key range of L0_007.sst");
  table.smallest = "short";
  CheckRefused(Adding(3, table), "key range of L0_007.sst");
}

TEST_CASE("manifest state: the snapshot makes the same state from nothing") {
  const ManifestState state = SomeState();
  VersionEdit edit;
  REQUIRE(edit.Decode(state.Snapshot().Encode()).ok());
  ManifestState again;
  REQUIRE(again.Apply(edit) == absl::OkStatus());
  CHECK(again.next_file_number == state.next_file_number);
  CHECK(again.next_table_number == state.next_table_number);
  CHECK(again.log_number == state.log_number);
  CHECK(again.last_sequence == state.last_sequence);
  CHECK(again.durable_log == state.durable_log);
  CHECK(again.closed_logs == state.closed_logs);
  CHECK(again.levels == state.levels);
}

TEST_CASE("manifest state: CheckLevels sees wrong order and overlap") {
  ManifestState state = SomeState();
  std::swap(state.levels[0][0], state.levels[0][1]);
  CHECK_FALSE(state.CheckLevels().ok());
  state = SomeState();
  std::swap(state.levels[1][0], state.levels[1][1]);
  CHECK_FALSE(state.CheckLevels().ok());
  state = SomeState();
  state.levels[1][0].largest = InternalKey("d", 1);
  CHECK_FALSE(state.CheckLevels().ok());
  state = SomeState();
  state.levels[2][0].smallest.clear();
  CHECK_FALSE(state.CheckLevels().ok());
}

}  // namespace
}  // namespace fathom
