// Tables are opened by the first who reads them: what that costs an opening of the store, and who
// is told of a table that cannot be opened.
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/synchronization/notification.h"
#include "lsm/manifest/manifest.h"
#include "lsm/verify.h"
#include "tests/lsm/io/handle_limit.h"
#include "tests/lsm/io/temp_dir.h"
#include "tests/lsm/store.h"

namespace fathom {
namespace {

Options ByHand(FileSystem* fs) {
  Options options = InMemory(fs);
  options.compaction_threads = 0;
  options.block_bytes = 64;
  options.table_bytes = 150;
  return options;
}

// Keys 0 to 39: the first ten on level 2, the last ten in the one table of level 0, the others on
// level 1, where a range of the first is deleted.
struct ThreeLevels {
  MemFileSystem fs;
  Model model;
  std::vector<std::string> paths;

  ThreeLevels() {
    auto db = OpenStore(ByHand(&fs));
    PutAndFlush(db.get(), 0, 10);
    REQUIRE(db->CompactLevel(0, 1).ok());
    REQUIRE(db->CompactLevel(1, 2).ok());
    DeleteRange(db.get(), Key(3), Key(6));
    EraseRange(&model, Key(3), Key(6));
    PutAndFlush(db.get(), 10, 30);
    REQUIRE(db->CompactLevel(0, 1).ok());
    PutAndFlush(db.get(), 30, 40);
    REQUIRE(db->Levels()[0].tables == 1);
    REQUIRE(db->Levels()[1].tables > 1);
    REQUIRE(db->Levels()[2].tables > 1);
    REQUIRE(Contents(db.get()) == model);
    CloseStore(std::move(db));
    const std::vector<std::string> names = fs.List("db").value();
    for (const std::string& name : names) {
      if (name.ends_with(".sst")) {
        paths.push_back("db/" + name);
      }
    }
  }

  void PutAndFlush(DB* db, int first, int end) {
    for (int i = first; i < end; ++i) {
      Put(db, Key(i), "value");
      model[Key(i)] = "value";
    }
    FlushStore(db);
  }

  // The file of the table that holds `key`.
  std::string PathOf(const std::string& key) {
    const auto db = OpenStore(ByHand(&fs));
    std::string value;
    for (const std::string& path : paths) {
      const auto read = db->ReadTable(ReadOptions(), path.substr(3), key, &value);
      if (read.ok() && read->lookup == Lookup::kFound) {
        return path;
      }
    }
    FAIL("no table has " << key);
    return "";
  }

  void DamageTail(const std::string& path) {
    std::string bytes = *fs.Contents(path);
    bytes[bytes.size() - 60] = static_cast<char>(bytes[bytes.size() - 60] ^ 1);
    fs.SetContents(path, bytes);
  }
};

// Counts the openings of tables.
class Openings {
 public:
  explicit Openings(MemFileSystem* fs) : fs_(fs) {
    fs->SetHook([this](FileOp op, const std::string& path, uint64_t) {
      opened_ += op == FileOp::kOpenForRead && path.ends_with(".sst") ? 1 : 0;
      return absl::OkStatus();
    });
  }
  ~Openings() { fs_->SetHook(nullptr); }
  Openings(const Openings&) = delete;
  Openings& operator=(const Openings&) = delete;

  int count() const { return opened_; }

 private:
  MemFileSystem* const fs_;
  std::atomic<int> opened_{0};
};

TEST_CASE("first use: opening a store opens no table, and a get those that it asks") {
  ThreeLevels store;
  const Openings openings(&store.fs);
  const auto db = OpenStore(ByHand(&store.fs));
  const Stats fresh = db->GetStats();
  CHECK(openings.count() == 0);
  CHECK(fresh.tables == store.paths.size());
  CHECK(fresh.table_bytes > 0);
  CHECK(fresh.table_memory_bytes == 0);
  CHECK(db->Levels()[1].tables > 1);
  CHECK(Get(db.get(), Key(35)) == "value");
  CHECK(openings.count() == 1);
  const uint64_t one = db->GetStats().table_memory_bytes;
  CHECK(one > 0);
  CHECK(Get(db.get(), Key(36)) == "value");
  CHECK(openings.count() == 1);
  CHECK(Contents(db.get()) == store.model);
  CHECK(openings.count() == static_cast<int>(fresh.tables));
  CHECK(db->GetStats().table_memory_bytes > one);
}

TEST_CASE("first use: a scan of a store just opened hides what is deleted in ranges") {
  for (const bool told : {true, false}) {
    CAPTURE(told);
    ThreeLevels store;
    if (!told) {
      // As it was written before the manifest told of range deletions.
      RecoveredManifest old = *RecoverManifest(&store.fs, "db");
      for (std::vector<TableMeta>& level : old.state.levels) {
        for (TableMeta& meta : level) {
          REQUIRE(meta.range_deletions.has_value());
          meta.range_deletions.reset();
        }
      }
      REQUIRE(ManifestWriter::Create(&store.fs, "db", old.manifest_number + 10, old.state).ok());
    }
    CHECK(VerifyStore(ByHand(&store.fs), "db", nullptr)->damage.empty());
    auto db = OpenStore(ByHand(&store.fs));
    CHECK(Contents(db.get()) == store.model);
    REQUIRE(db->CompactAll().ok());
    CHECK(Contents(db.get()) == store.model);
    CloseStore(std::move(db));
    db = OpenStore(ByHand(&store.fs));
    CHECK(Contents(db.get()) == store.model);
  }
}

TEST_CASE("first use: without range tombstones a scan opens only the tables that it comes to") {
  MemFileSystem fs;
  auto db = OpenStore(ByHand(&fs));
  for (const int deepest : {2, 1}) {
    for (int i = 0; i < 40; ++i) {
      if (deepest == 2) {
        Put(db.get(), Key(i), "value");
      } else if (i % 3 == 0) {
        Delete(db.get(), Key(i));
      }
    }
    FlushStore(db.get());
    for (int level = 0; level < deepest; ++level) {
      REQUIRE(db->CompactLevel(level, level + 1).ok());
    }
  }
  REQUIRE(db->Levels()[1].tables > 1);
  REQUIRE(db->Levels()[2].tables > 1);
  CloseStore(std::move(db));
  const Openings openings(&fs);
  db = OpenStore(ByHand(&fs));
  const auto it = db->NewIterator(ReadOptions());
  CHECK(openings.count() == 0);
  it->Seek(Key(1));
  REQUIRE(it->Valid());
  CHECK(openings.count() == 2);
}

TEST_CASE("first use: a damaged tail is DataLoss to who reads that table, others are right") {
  // Crash case 22.
  const std::vector<int> first_keys = {0, 10, 20, 30};
  for (const int first : first_keys) {
    CAPTURE(first);
    ThreeLevels store;
    const std::string damaged = store.PathOf(Key(first));
    store.DamageTail(damaged);
    const auto db = OpenStore(ByHand(&store.fs));
    int lost = 0;
    for (int round = 0; round < 2; ++round) {
      for (int i = 0; i < 40; ++i) {
        std::string value;
        const absl::Status status = db->Get(ReadOptions(), Key(i), &value);
        const auto expected = store.model.find(Key(i));
        if (absl::IsDataLoss(status)) {
          CHECK(absl::StrContains(status.message(), damaged));
          ++lost;
        } else if (status.ok()) {
          REQUIRE(expected != store.model.end());
          CHECK(value == expected->second);
        } else {
          CHECK(absl::IsNotFound(status));
          CHECK(expected == store.model.end());
        }
      }
    }
    CHECK(lost >= 2);
    CHECK(lost < 2 * 25);
    const VerifyReport report = *db->Verify();
    REQUIRE(report.problems.size() == 1);
    CHECK(absl::StrContains(report.problems.front(), damaged));
    // Writes go on.
    Put(db.get(), Key(first), "new");
    CHECK(Get(db.get(), Key(first)) == "new");
  }
}

TEST_CASE("first use: a scan ends with the error of a damaged table, from either side") {
  for (const int first : {0, 10, 20, 30}) {
    CAPTURE(first);
    ThreeLevels store;
    const std::string damaged = store.PathOf(Key(first));
    store.DamageTail(damaged);
    const auto db = OpenStore(ByHand(&store.fs));
    const auto it = db->NewIterator(ReadOptions());
    Model seen;
    for (it->SeekToFirst(); it->Valid(); it->Next()) {
      seen.emplace(it->key(), it->value());
    }
    CHECK(absl::IsDataLoss(it->status()));
    CHECK(absl::StrContains(it->status().message(), damaged));
    for (it->SeekToLast(); it->Valid(); it->Prev()) {
      seen.emplace(it->key(), it->value());
    }
    CHECK(absl::IsDataLoss(it->status()));
    for (const auto& [key, value] : seen) {
      CHECK(store.model.contains(key));
    }
  }
}

TEST_CASE("first use: a compaction of a damaged table fails by name and takes nothing away") {
  for (const int first : {0, 10, 20, 30}) {
    CAPTURE(first);
    ThreeLevels store;
    const std::string damaged = store.PathOf(Key(first));
    const std::string bytes = *store.fs.Contents(damaged);
    store.DamageTail(damaged);
    auto db = OpenStore(ByHand(&store.fs));
    const absl::Status status = db->CompactAll();
    CHECK(absl::IsDataLoss(status));
    CHECK(absl::StrContains(status.message(), damaged));
    CloseStore(std::move(db));
    store.fs.SetContents(damaged, bytes);
    CHECK(Contents(OpenStore(ByHand(&store.fs)).get()) == store.model);
  }
}

TEST_CASE("first use: what fails for want of files is tried again, and hides nothing meanwhile") {
  // Crash case 58.
  ThreeLevels store;
  bool failed = true;
  int opening = 0;  // the one that fails, each in turn
  for (; failed; ++opening) {
    CAPTURE(opening);
    std::atomic<int> openings{0};
    const auto db = OpenStore(ByHand(&store.fs));
    store.fs.SetHook([&](FileOp op, const std::string& path, uint64_t) {
      const bool fails =
          op == FileOp::kOpenForRead && path.ends_with(".sst") && openings++ == opening;
      return fails ? absl::ResourceExhaustedError("too many open files") : absl::OkStatus();
    });
    const auto it = db->NewIterator(ReadOptions());
    Model seen;
    for (it->SeekToFirst(); it->Valid(); it->Next()) {
      REQUIRE(store.model.contains(std::string(it->key())));
      seen.emplace(it->key(), it->value());
    }
    failed = !it->status().ok();
    CHECK((failed ? absl::IsResourceExhausted(it->status()) : seen == store.model));
    CHECK(Contents(db.get()) == store.model);
    store.fs.SetHook(nullptr);
  }
  CHECK(opening == static_cast<int>(store.paths.size()) + 1);
}

TEST_CASE("first use: a manifest with another number of range deletions is damage, by the table") {
  ThreeLevels store;
  RecoveredManifest wrong = *RecoverManifest(&store.fs, "db");
  TableMeta* with_range = nullptr;
  for (TableMeta& meta : wrong.state.levels[1]) {
    with_range = meta.MayHaveRangeTombstones() ? &meta : with_range;
  }
  REQUIRE(with_range != nullptr);
  const std::string path = "db/" + with_range->FileName();
  with_range->range_deletions = 0;
  REQUIRE(ManifestWriter::Create(&store.fs, "db", wrong.manifest_number + 10, wrong.state).ok());
  const auto check = VerifyStore(ByHand(&store.fs), "db", nullptr);
  REQUIRE(check.ok());
  REQUIRE(check->damage.size() == 1);
  CHECK(absl::StrContains(check->damage.front(), path));
  // No scan shows what the table deletes: it does not come past the table.
  const auto db = OpenStore(ByHand(&store.fs));
  const auto it = db->NewIterator(ReadOptions());
  it->SeekToFirst();
  while (it->Valid()) {
    CHECK(store.model.contains(std::string(it->key())));
    it->Next();
  }
  CHECK(absl::IsDataLoss(it->status()));
}

TEST_CASE("first use: many threads read first at once, and each table is opened once") {
  ThreeLevels store;
  for (int round = 0; round < 10; ++round) {
    const Openings openings(&store.fs);
    const auto db = OpenStore(ByHand(&store.fs));
    absl::Notification start;
    std::atomic<int> wrong{0};
    std::vector<std::thread> readers;
    for (int reader = 0; reader < 6; ++reader) {
      readers.emplace_back([&, reader] {
        start.WaitForNotification();
        if (reader % 3 == 2) {
          const auto it = db->NewIterator(ReadOptions());
          size_t seen = 0;
          for (it->SeekToFirst(); it->Valid(); it->Next()) {
            ++seen;
          }
          wrong += it->status().ok() && seen == store.model.size() ? 0 : 1;
        }
        std::string value;
        for (int i = 0; i < 40; ++i) {
          const absl::Status status = db->Get(ReadOptions(), Key(i), &value);
          const bool right = store.model.contains(Key(i)) ? status.ok() : absl::IsNotFound(status);
          wrong += right ? 0 : 1;
        }
      });
    }
    start.Notify();
    for (std::thread& reader : readers) {
      reader.join();
    }
    CHECK(wrong == 0);
    CHECK(openings.count() == static_cast<int>(store.paths.size()));
  }
}

TEST_CASE("first use: readers find tables that a compaction makes obsolete at that moment") {
  MemFileSystem fs;
  Model model;
  for (int round = 0; round < 5; ++round) {
    {
      const auto db = OpenStore(ByHand(&fs));
      for (int table = 0; table < 12; ++table) {
        for (int i = table; i < 200; i += 7) {
          model[Key(i)] = absl::StrCat(round, " ", table);
          Put(db.get(), Key(i), model[Key(i)]);
        }
        FlushStore(db.get());
      }
    }
    const auto db = OpenStore(ByHand(&fs));
    absl::Notification start;
    std::atomic<int> wrong{0};
    std::vector<std::thread> readers;
    for (int reader = 0; reader < 4; ++reader) {
      readers.emplace_back([&, reader] {
        start.WaitForNotification();
        std::string value;
        for (int n = 0; n < 400; ++n) {
          const auto& expected = *std::next(model.begin(), (n * 13 + reader) % 200);
          wrong += db->Get(ReadOptions(), expected.first, &value).ok() && value == expected.second
                       ? 0
                       : 1;
        }
        const auto it = db->NewIterator(ReadOptions());
        size_t seen = 0;
        for (it->SeekToFirst(); it->Valid(); it->Next()) {
          ++seen;
        }
        wrong += it->status().ok() && seen == model.size() ? 0 : 1;
      });
    }
    start.Notify();
    CHECK(db->CompactAll().ok());
    for (std::thread& reader : readers) {
      reader.join();
    }
    CHECK(wrong == 0);
    CHECK(db->GetStats().table_memory_bytes > 0);
  }
}

TEST_CASE("first use: a store of more tables than file handles is written, read and compacted") {
  const TempDir dir;
  Options options = ByHand(PosixFileSystem());
  const HandleLimit limit(64);
  auto db = OpenStore(options, dir.path());
  Model model;
  for (int i = 0; i < 1000; ++i) {
    Put(db.get(), Key(i), "value");
    model[Key(i)] = "value";
  }
  FlushStore(db.get());
  REQUIRE(db->CompactLevel(0, 1).ok());
  REQUIRE(db->Levels()[1].tables > 100);
  CHECK(Contents(db.get()) == model);
  for (int i = 0; i < 1000; i += 7) {
    Put(db.get(), Key(i), "again");
    model[Key(i)] = "again";
  }
  FlushStore(db.get());
  REQUIRE(db->CompactLevel(0, 1).ok());
  CHECK(Contents(db.get()) == model);
  CloseStore(std::move(db));

  db = OpenStore(options, dir.path());
  CHECK(Get(db.get(), Key(7)) == "again");
  CHECK(Get(db.get(), Key(999)) == "value");
  CHECK(Contents(db.get()) == model);
  CHECK(db->CompactAll().ok());
  CHECK(Contents(db.get()) == model);
}

}  // namespace
}  // namespace fathom
