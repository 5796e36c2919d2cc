// Range tombstones through a compaction: what it writes, and what readers see of it.
#include "lsm/compaction/output_tombstones.h"

#include <random>
#include <set>
#include <vector>

#include "lsm/compaction/compaction_job.h"
#include "tests/lsm/compaction/shapes.h"

namespace fathom {
namespace {

// A table of entries, which may be none, and range tombstones.
std::shared_ptr<LiveTable> TableWith(Shapes* shapes, const Entries& entries,
                                     std::vector<RangeTombstone> tombstones, int level) {
  auto writer =
      TableWriter::Create(shapes->home, {.block_bytes = 64}, level, shapes->next_number++);
  REQUIRE(writer.ok());
  for (const auto& [key, value] : entries) {
    (*writer)->Add(key, value);
  }
  (*writer)->AddRangeTombstones(RangeTombstones::Of(std::move(tombstones)));
  auto table = (*writer)->Finish();
  REQUIRE_MESSAGE(table.ok(), table.status().ToString());
  return *std::move(table);
}

// "[a,c)@5 [c,e)@9"
std::string Text(const RangeTombstones& list) {
  std::string text;
  for (const RangeTombstone& tombstone : list.Entries()) {
    absl::StrAppend(&text, text.empty() ? "" : " ", "[", tombstone.begin, ",", tombstone.end, ")@",
                    tombstone.sequence);
  }
  return text;
}

TEST_CASE("output tombstones: they are cut where tables are, and nothing between is lost") {
  // Crash case 43.
  Shapes shapes;
  const auto version =
      shapes.With({{0, {TableWith(&shapes, {}, {{"b", "p", 9}, {"d", "f", 8}, {"r", "t", 7}}, 0)}},
                   {1, {shapes.Table({{Versioned("c", 1), "v"}}, 1)}},
                   {2, {shapes.Table("a-z", 2)}}});
  const Compaction compaction = MakeCompaction(version, 0, 1, version->level(0));
  OutputTombstones tombstones(compaction, *RangeTombstonesOf(compaction.InputTables()), {8}, "c",
                              "s");
  CHECK(Text(*tombstones.covering()) == "[c,d)@9 [d,f)@9 [d,f)@8 [f,p)@9 [r,s)@7");
  CHECK(Text(tombstones.TakeBefore("c")).empty());
  CHECK(Text(tombstones.TakeBefore("e")) == "[c,d)@9 [d,e)@9 [d,e)@8");
  CHECK(Text(tombstones.TakeBefore("e0")) == "[e,e0)@9 [e,e0)@8");
  CHECK(Text(tombstones.TakeBefore("g")) == "[e0,f)@9 [e0,f)@8 [f,g)@9");
  CHECK(Text(tombstones.TakeBefore("q")) == "[g,p)@9");
  CHECK_FALSE(tombstones.empty());
  CHECK(Text(tombstones.TakeBefore(std::nullopt)) == "[r,s)@7");
  CHECK(tombstones.empty());
}

TEST_CASE(
    "output tombstones: they go where nothing older can lie below and no snapshot needs them") {
  // Crash case 37.
  Shapes shapes;
  const auto version =
      shapes.With({{0,
                    {TableWith(&shapes, {}, {{"a", "c", 3}}, 0),
                     TableWith(&shapes, {}, {{"b", "e", 5}, {"k", "m", 6}, {"x", "z", 7}}, 0)}},
                   {2, {shapes.Table("e-h", 2), shapes.Table("l-n", 2)}}});
  const Compaction compaction = MakeCompaction(version, 0, 1, version->level(0));
  const std::vector<RangeTombstone> inputs = *RangeTombstonesOf(compaction.InputTables());
  OutputTombstones none(compaction, inputs, {}, std::nullopt, std::nullopt);
  CHECK(none.dropped() == 3);
  CHECK(Text(none.TakeBefore(std::nullopt)) == "[k,m)@6");
  OutputTombstones newer(compaction, inputs, {4}, std::nullopt, std::nullopt);
  CHECK(Text(newer.TakeBefore(std::nullopt)) == "[b,e)@5 [k,m)@6 [x,z)@7");
}

TEST_CASE("compaction: the exclusive end of a range neither overlaps nor conflicts") {
  // Crash case 42.
  Shapes shapes;
  const auto version =
      shapes.With({{1, {TableWith(&shapes, {}, {{"a", "d", 9}}, 1), shapes.Table("d-f", 1)}},
                   {2, {shapes.Table("a-c", 2), shapes.Table("d-e", 2)}}});
  CHECK_FALSE(version->level(1)[0]->Covers("d"));
  const Compaction first = MakeCompaction(version, 1, 2, {version->level(1)[0]});
  const Compaction second = MakeCompaction(version, 1, 2, {version->level(1)[1]});
  CHECK(Describe(first) == "L1 a-d + L2 a-c -> L2");
  CHECK(Describe(second) == "L1 d-f + L2 d-e -> L2");
  CHECK_FALSE(first.ConflictsWith(second));
  CHECK_FALSE(second.ConflictsWith(first));
}

// What readers see in tables of which the newest come first.
std::string Visible(const Version& version, const std::string& key, SequenceNumber snapshot) {
  std::string value;
  LevelCosts costs;
  const Version::Route route = version.RouteTo(key, /*use_filters=*/true);
  const auto found = version.Get(route, key, snapshot, &value, &costs);
  REQUIRE_MESSAGE(found.ok(), found.status().ToString());
  return *found == Lookup::kFound ? value : "";
}

TEST_CASE("compaction job: with range tombstones no reader can tell what was dropped") {
  // Crash cases 37, 38, 40 and 43.
  std::mt19937 rng(1);
  size_t most_tables = 0;
  for (int round = 0; round < 150; ++round) {
    CAPTURE(round);
    Shapes shapes;
    const auto key = [](uint64_t i) { return absl::StrCat("k", absl::Dec(i, absl::kZeroPad2)); };
    std::vector<std::pair<int, Version::Tables>> levels;
    std::vector<std::string> keys;
    for (uint64_t i = 0; i < 60; ++i) {
      keys.push_back(key(i));
    }
    SequenceNumber sequence = 0;
    const auto table = [&](uint64_t from, uint64_t to, int level) {
      Entries entries;
      std::vector<RangeTombstone> tombstones;
      for (uint64_t n = 1 + rng() % 20; n > 0; --n) {
        const uint64_t i = from + rng() % (to - from);
        ++sequence;
        if (rng() % 5 == 0) {
          tombstones.push_back({keys[i], keys[std::min(to, i + 1 + rng() % 20)], sequence});
        } else {
          entries[Versioned(keys[i], sequence,
                            rng() % 4 == 0 ? ValueType::kDeletion : ValueType::kValue)] =
              absl::StrCat(sequence, std::string(rng() % 40, 'v'));
        }
      }
      return TableWith(&shapes, entries, std::move(tombstones), level);
    };
    for (const int level : {2, 1}) {
      levels.emplace_back(level, Version::Tables());
      for (uint64_t at = rng() % 10; at < 55; at += rng() % 8) {
        const uint64_t end = std::min<uint64_t>(59, at + 1 + rng() % 15);
        levels.back().second.push_back(table(at, end, level));
        at = end;
      }
    }
    levels.emplace_back(0, Version::Tables());
    for (int i = 0; i < 3; ++i) {
      levels.back().second.push_back(table(0, 59, 0));
    }
    const auto version = shapes.With(levels);

    const Compaction compaction = MakeCompaction(version, 0, 1, {version->level(0)[rng() % 3]});
    CompactionEnvironment env = Environment(&shapes);
    env.target_table_bytes = 1 + rng() % 400;
    env.threads = 1 + static_cast<int>(rng() % 4);
    for (uint64_t n = rng() % 4; n > 0; --n) {
      env.snapshots.push_back(rng() % (sequence + 1));
    }
    std::ranges::sort(env.snapshots);
    const absl::StatusOr<CompactionOutput> output = RunCompaction(compaction, env);
    REQUIRE_MESSAGE(output.ok(), output.status().ToString());
    CHECK(output->entries_read == compaction.InputEntries());
    uint64_t written = 0;
    VersionEdit edit;
    for (const int level : {0, 1}) {
      for (const std::shared_ptr<LiveTable>& input :
           compaction.inputs[static_cast<size_t>(level)]) {
        edit.removed_tables.emplace_back(level, input->meta().number);
      }
    }
    for (const std::shared_ptr<LiveTable>& made : output->tables) {
      edit.added_tables.emplace_back(1, made->meta());
      written += made->meta().entries;
      CHECK((*made->reader())->Check().ok());
    }
    CHECK(output->entries_written == written);
    const auto after = version->With(edit, output->tables);
    REQUIRE_MESSAGE(after->Check().ok(), after->Check().ToString());
    std::vector<SequenceNumber> readers = env.snapshots;
    readers.push_back(kMaxSequenceNumber);
    for (const std::string& asked : keys) {
      for (const SequenceNumber reader : readers) {
        REQUIRE(Visible(*after, asked, reader) == Visible(*version, asked, reader));
      }
    }
    most_tables = std::max(most_tables, output->tables.size());
  }
  CHECK(most_tables > 10);
}

}  // namespace
}  // namespace fathom
