#include "lsm/compaction/compaction_job.h"

#include <random>
#include <set>
#include <vector>

#include "lsm/compaction/version_filter.h"
#include "lsm/io/unsynced_file_system.h"
#include "lsm/manifest/level_iterator.h"
#include "tests/lsm/compaction/shapes.h"

namespace fathom {
namespace {

Entries EntriesOf(const Version::Tables& tables) {
  Entries entries;
  for (const std::shared_ptr<LiveTable>& table : tables) {
    const auto it = NewLevelIterator({&table, 1}, /*fill_cache=*/false, nullptr);
    for (it->SeekToFirst(); it->Valid(); it->Next()) {
      CHECK(entries.emplace(it->key(), it->value()).second);
    }
    REQUIRE_MESSAGE(it->status().ok(), it->status().ToString());
  }
  return entries;
}

std::string KeyName(uint64_t i) { return absl::StrCat("k", absl::Dec(i, absl::kZeroPad3)); }

// A tree with two levels whose tables cover 200 keys: on level 0 overlapping, on level 1 not, some
// of them with many versions, and a few tables below.
std::shared_ptr<const Version> RandomTree(Shapes* shapes, std::mt19937* rng) {
  const auto entry = [&](uint64_t key, SequenceNumber sequence, Entries* entries) {
    const bool deletion = (*rng)() % 3 == 0;
    (*entries)[Versioned(KeyName(key), sequence,
                         deletion ? ValueType::kDeletion : ValueType::kValue)] =
        deletion ? "" : std::string((*rng)() % 40, 'v');
  };
  SequenceNumber sequence = 0;
  std::vector<std::pair<int, Version::Tables>> levels;
  for (const int level : {3, 1}) {
    levels.emplace_back(level, Version::Tables());
    for (uint64_t key = (*rng)() % 20; key < 200;) {
      Entries entries;
      for (uint64_t end = key + 1 + (*rng)() % 40; key < end; key += 1 + (*rng)() % 3) {
        for (uint64_t versions = 1 + (*rng)() % 4; versions > 0; --versions) {
          entry(key, ++sequence, &entries);
        }
      }
      levels.back().second.push_back(shapes->Table(entries, level, 64));
      key += (*rng)() % 40;
    }
  }
  levels.emplace_back(0, Version::Tables());
  for (int table = 0; table < 5; ++table) {
    Entries entries;
    for (int i = 0; i < 40; ++i) {
      entry((*rng)() % 200, ++sequence, &entries);
    }
    levels.back().second.push_back(shapes->Table(entries, 0, 64));
  }
  shapes->next_sequence = sequence;
  return shapes->With(levels);
}

TEST_CASE("compaction job: writes what its inputs hold, less what nobody can need") {
  std::mt19937 rng(1);
  size_t most_tables = 0;
  for (int round = 0; round < 60; ++round) {
    CAPTURE(round);
    Shapes shapes;
    const auto version = RandomTree(&shapes, &rng);
    const int target = rng() % 2 == 0 ? 1 : 3;  // by way of an empty level
    const Compaction compaction =
        MakeCompaction(version, 0, target, {version->level(0)[rng() % 5]});
    CompactionEnvironment env = Environment(&shapes);
    env.target_table_bytes = rng() % 3 == 0 ? 1 : 100 + rng() % 2000;
    env.threads = 1 + static_cast<int>(rng() % 4);
    for (uint64_t n = rng() % 4; n > 0; --n) {
      env.snapshots.push_back(rng() % (shapes.next_sequence + 1));
    }
    std::ranges::sort(env.snapshots);
    const absl::StatusOr<CompactionOutput> output = RunCompaction(compaction, env);
    REQUIRE_MESSAGE(output.ok(), output.status().ToString());

    const Entries all = EntriesOf(compaction.InputTables());
    Entries expected;
    VersionFilter filter(env.snapshots, version.get(), target);
    for (const auto& entry : all) {
      if (filter.Keep(entry.first)) {
        expected.insert(entry);
      }
    }
    CHECK(EntriesOf(output->tables) == expected);
    CHECK(output->entries_read == all.size());
    CHECK(output->entries_written == expected.size());
    CHECK(output->shadowed == filter.shadowed());
    CHECK(output->tombstones == filter.tombstones());
    CHECK(output->bytes_read == compaction.InputBytes());
    uint64_t bytes = 0;
    for (const std::shared_ptr<LiveTable>& table : output->tables) {
      bytes += table->meta().file_bytes;
      CHECK(table->meta().born_level == target);
      CHECK((*table->reader())->Check().ok());
    }
    CHECK(output->bytes_written == bytes);
    // Crash case 34: With checks that no user key is in two tables.
    shapes.With({{target, output->tables}});
    most_tables = std::max(most_tables, output->tables.size());
  }
  CHECK(most_tables > 20);
}

TEST_CASE("compaction job: many versions of one key stay in one table, however large") {
  // Crash case 34.
  Shapes shapes;
  Entries entries;
  CompactionEnvironment env = Environment(&shapes);
  env.target_table_bytes = 1;
  env.threads = 4;
  for (SequenceNumber sequence = 1; sequence <= 300; ++sequence) {
    entries[Versioned("same", sequence)] = std::string(20, 'v');
    env.snapshots.push_back(sequence);
  }
  const auto version = shapes.With({{0, {shapes.Table(entries, 0, 64)}}});
  const auto output = RunCompaction(MakeCompaction(version, 0, 1, version->level(0)), env);
  REQUIRE(output.ok());
  REQUIRE(output->tables.size() == 1);
  CHECK(EntriesOf(output->tables) == entries);
}

TEST_CASE("compaction job: where nothing is left, no table is written") {
  Shapes shapes;
  const auto version =
      shapes.With({{0, {shapes.Table({{Versioned("a", 2, ValueType::kDeletion), ""}}, 0)}},
                   {1, {shapes.Table({{Versioned("a", 1), "v"}}, 1)}}});
  const std::vector<std::string> before = shapes.Files();
  const auto output =
      RunCompaction(MakeCompaction(version, 0, 1, version->level(0)), Environment(&shapes));
  REQUIRE(output.ok());
  CHECK(output->tables.empty());
  CHECK(output->shadowed == 1);
  CHECK(output->tombstones == 1);
  CHECK(shapes.Files() == before);
}

TEST_CASE("compaction job: a read error anywhere in an input fails it, and leaves no output") {
  // Crash case 39: the first block of each input among them.
  std::mt19937 rng(2);
  Shapes shapes;
  const auto version = RandomTree(&shapes, &rng);
  const Compaction compaction = MakeCompaction(version, 0, 1, {version->level(0)[0]});
  REQUIRE(compaction.inputs[0].size() > 1);
  REQUIRE(compaction.inputs[1].size() > 1);
  const std::vector<std::string> before = shapes.Files();
  for (const int threads : {1, 4}) {
    CompactionEnvironment env = Environment(&shapes);
    env.threads = threads;
    for (const Version::Tables& inputs : compaction.inputs) {
      for (const std::shared_ptr<LiveTable>& input : inputs) {
        const std::string path = "db/" + input->meta().FileName();
        for (int failing = 1;; ++failing) {
          int reads = 0;
          shapes.fs.SetHook([&](FileOp op, const std::string& at, uint64_t) {
            return op == FileOp::kRead && at == path && ++reads == failing
                       ? absl::InternalError("I/O error")
                       : absl::OkStatus();
          });
          const absl::StatusOr<CompactionOutput> output = RunCompaction(compaction, env);
          shapes.fs.SetHook(nullptr);
          if (reads < failing) {
            REQUIRE(failing > 2);  // at least an index block and a data block
            for (const std::shared_ptr<LiveTable>& table : output.value().tables) {
              table->MarkObsolete();
            }
            break;
          }
          CAPTURE(path);
          CAPTURE(failing);
          REQUIRE(absl::IsInternal(output.status()));
          REQUIRE(shapes.Files() == before);
        }
      }
    }
  }
  REQUIRE(shapes.Files() == before);
}

TEST_CASE("compaction job: a failing write, sync or creation fails it, and leaves no output") {
  // Crash case 57, for compactions.
  std::mt19937 rng(3);
  Shapes shapes;
  const auto version = RandomTree(&shapes, &rng);
  const Compaction compaction = MakeCompaction(version, 0, 1, version->level(0));
  const std::vector<std::string> before = shapes.Files();
  CompactionEnvironment env = Environment(&shapes);
  env.target_table_bytes = 4000;
  env.threads = 2;
  for (int failing = 1;; ++failing) {
    int writes = 0;
    shapes.fs.SetHook([&](FileOp op, const std::string&, uint64_t) {
      return op != FileOp::kRead && op != FileOp::kRemove && ++writes == failing
                 ? absl::ResourceExhaustedError("disk full")
                 : absl::OkStatus();
    });
    const absl::StatusOr<CompactionOutput> output = RunCompaction(compaction, env);
    shapes.fs.SetHook(nullptr);
    if (writes < failing) {
      CHECK(output.ok());
      REQUIRE(failing > 10);
      break;
    }
    CAPTURE(failing);
    REQUIRE(absl::IsResourceExhausted(output.status()));
    REQUIRE(shapes.Files() == before);
  }
}

// Changes one byte of what is written to tables, or leaves the bytes out of it.
class BadDisk final : public UnsyncedFileSystem {
 public:
  explicit BadDisk(FileSystem* base) : UnsyncedFileSystem(base) {}

  absl::StatusOr<std::unique_ptr<WritableFile>> Create(const std::string& path) override {
    absl::StatusOr<std::unique_ptr<WritableFile>> file = UnsyncedFileSystem::Create(path);
    if (!file.ok()) {
      return file.status();
    }
    return std::make_unique<File>(*std::move(file), this);
  }

  uint64_t change_at = 0;  // counted over all bytes appended
  uint64_t appended = 0;

 private:
  class File final : public WritableFile {
   public:
    File(std::unique_ptr<WritableFile> base, BadDisk* disk) : base_(std::move(base)), disk_(disk) {}
    absl::Status Append(absl::string_view data) override {
      std::string bytes(data);
      if (disk_->change_at >= disk_->appended &&
          disk_->change_at < disk_->appended + bytes.size()) {
        bytes[disk_->change_at - disk_->appended] ^= 0x20;
      }
      disk_->appended += bytes.size();
      return base_->Append(bytes);
    }
    absl::Status Sync() override { return base_->Sync(); }
    absl::Status Preallocate(uint64_t length) override { return base_->Preallocate(length); }
    absl::Status Close() override { return base_->Close(); }

   private:
    const std::unique_ptr<WritableFile> base_;
    BadDisk* const disk_;
  };
};

TEST_CASE("compaction job: an output that the disk changed is found out before it counts") {
  // Crash case 40.
  Shapes shapes;
  const auto version =
      shapes.With({{0, {shapes.Table({{Versioned("a", 3), "1"}, {Versioned("c", 4), "2"}}, 0)}},
                   {1, {shapes.Table({{Versioned("b", 1), "3"}, {Versioned("d", 2), "4"}}, 1)}}});
  const Compaction compaction = MakeCompaction(version, 0, 1, version->level(0));
  const std::vector<std::string> before = shapes.Files();
  BadDisk disk(&shapes.fs);
  CompactionEnvironment env = Environment(&shapes);
  env.home.fs = &disk;
  for (disk.change_at = 0;; ++disk.change_at) {
    disk.appended = 0;
    const absl::StatusOr<CompactionOutput> output = RunCompaction(compaction, env);
    if (disk.change_at >= disk.appended) {
      REQUIRE(output.ok());
      REQUIRE(disk.change_at > 200);
      break;
    }
    CAPTURE(disk.change_at);
    REQUIRE(absl::IsDataLoss(output.status()));
    REQUIRE(shapes.Files() == before);
  }
}

TEST_CASE(
    "compaction job: an input that holds other than the manifest's number of entries fails it") {
  // Crash case 40: as one would that ended early without an error.
  Shapes shapes;
  const std::shared_ptr<LiveTable> table = shapes.Table("a-c", 0);
  for (const int more : {-1, 1}) {
    TableMeta meta = table->meta();
    meta.entries += static_cast<uint64_t>(more);
    const auto wrong = std::make_shared<LiveTable>(&shapes.fs, "db", meta, TableCaches());
    const auto version = shapes.With({{0, {wrong}}});
    const std::vector<std::string> before = shapes.Files();
    const absl::Status status =
        RunCompaction(MakeCompaction(version, 0, 1, version->level(0)), Environment(&shapes))
            .status();
    CHECK(absl::IsDataLoss(status));
    CHECK(status.message().find(absl::StrCat("expected ", meta.entries)) != std::string::npos);
    CHECK(shapes.Files() == before);
  }
}

TEST_CASE("compaction job: the digest tells what is missing, changed or elsewhere") {
  // Crash case 40.
  SequenceNumber sequence = 1;
  const auto digest = [&](const std::vector<std::pair<std::string, std::string>>& entries) {
    EntryDigest sum;
    for (const auto& [key, value] : entries) {
      sum.Add(Versioned(key, sequence), value);
    }
    return sum;
  };
  const EntryDigest right = digest({{"a", "1"}, {"b", "2"}, {"c", "3"}});
  CHECK(right == digest({{"a", "1"}, {"b", "2"}, {"c", "3"}}));
  CHECK_FALSE(right == digest({{"a", "1"}, {"b", "2"}}));
  CHECK_FALSE(right == digest({{"a", "1"}, {"b", "2"}, {"c", "4"}}));
  CHECK_FALSE(right == digest({{"a", "1"}, {"c", "3"}, {"b", "2"}}));
  CHECK_FALSE(right == digest({{"a", "2"}, {"b", "1"}, {"c", "3"}}));
  CHECK_FALSE(right == digest({{"1", "a"}, {"b", "2"}, {"c", "3"}}));
  CHECK_FALSE(right == digest({{"a", "1"}, {"a", "1"}, {"b", "2"}, {"c", "3"}}));
  sequence = 2;
  CHECK_FALSE(right == digest({{"a", "1"}, {"b", "2"}, {"c", "3"}}));
}

TEST_CASE("compaction job: gives up when the store closes, and leaves no output") {
  // Crash case 45.
  Shapes shapes;
  Entries entries;
  for (uint32_t i = 0; i < 5000; ++i) {
    entries[Versioned(absl::StrCat("k", absl::Dec(i, absl::kZeroPad5)), i + 1)] = "v";
  }
  const auto version = shapes.With({{0, {shapes.Table(entries, 0)}}});
  const std::vector<std::string> before = shapes.Files();
  CompactionEnvironment env = Environment(&shapes);
  const std::atomic<bool> cancelled{true};
  env.cancel = &cancelled;
  CHECK(absl::IsCancelled(
      RunCompaction(MakeCompaction(version, 0, 1, version->level(0)), env).status()));
  CHECK(shapes.Files() == before);
}

}  // namespace
}  // namespace fathom
