// A store against a std::map: random operations over many option sets that shrink every size, so
// that a few thousand writes reach every level. FATHOM_TEST_OPS=100 does a hundred times as many,
// FATHOM_SEED=7 others.
//
// Every new version is checked by an assertion in the engine, where assertions are on.
#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "lsm/format/file_names.h"
#include "lsm/manifest/manifest.h"
#include "tests/lsm/store.h"
#include "tests/lsm/table/table_test_util.h"
#include "tests/runs.h"

namespace fathom {
namespace {

constexpr size_t kBig = size_t{1} << 20;

struct Sizes {
  size_t memtable, block, cache;
  int level0_tables;
  uint64_t level0_bytes;
  int ratio;
  uint64_t table;
  int threads;
};

// Each size at its least, at its middle and large beside others at theirs.
constexpr Sizes kSizes[] = {
    // clang-format off
    // memtable block cache  L0 tables  L0 bytes ratio table threads
    {1,      1,    0,      1,    1,    2,    1, 0},
    {1,      1,    0,      1,    1,    2,    1, 1},
    {1,      1,    0,      1,    1,    2,    1, 2},
    {1,     64, 4096,      4, 2048,    2,  256, 2},
    {1,   4096, kBig,      1, 2048,   10, 4096, 1},
    {100,   64,    0,      1, 2048,    2,  256, 1},
    {100,   64,    0,      1, 2048,    2,  256, 2},
    {100,    1, 4096,      2, 1024,    3,  300, 2},
    {256,    1,    0,      1, 2048,    2,    1, 2},
    {256,   64, kBig,      1,  512,    4,  256, 1},
    {256, 4096,    0,      2, 2048,    3, 1024, 2},
    {512,   64,    0,      1, 2048,    2,  256, 0},
    {512,   64, 4096,      1, 2048,    2,  512, 1},
    {512,  256,    0,      1, 2048,    3,  256, 2},
    {512, 4096, kBig,      4, 4096,   10,  256, 2},
    {1000,   1,    0,      1, 2048,    2,  256, 1},
    {1000,   1,    0,      2,    1,    2, 2000, 2},
    {1000,  64, kBig,      1, 2048,    2,  700, 2},
    {1000,  64,    0,      4, 2048,    4,    1, 1},
    {1000, 256, 1000,      1, 1024,    2,  512, 0},
    {1000,4096, 4096,      1, 2048,    2, 1000, 1},
    {2048,  64,    0,      1, 2048,    2,  256, 2},
    {2048,  64, 4096,      2, 2048,    5,  512, 1},
    {2048, 256, kBig,      1,  100,    2, 4096, 2},
    {2048,4096,    0,      1, 2048,    3, 1024, 1},
    {4096,   1, 4096,      1, 2048,    2,  256, 2},
    {4096,  64,    0,      1, 2048,    2,  256, 1},
    {4096,  64, kBig,      2, 4096,   10, 1024, 2},
    {4096, 256,    0,      4, 4096,    2,  256, 2},
    {4096,4096, kBig,      1, 2048,    2, 2048, 0},
    {4096,4096,    0,      1, 2048,    2,  512, 2},
    {4096,4096, 1000,     12, kBig,   10, kBig, 2},
    {kBig,  64,    0,      1, 2048,    2,  256, 1},
    {kBig,4096, kBig,      4, kBig,   10, kBig, 2},
    // clang-format on
};

Options OptionsOf(const Sizes& sizes, FileSystem* fs) {
  Options options = InMemory(fs);
  options.memtable_bytes = sizes.memtable;
  options.block_bytes = sizes.block;
  options.block_cache_bytes = sizes.cache;
  options.level0_compaction_tables = sizes.level0_tables;
  options.level0_bytes = sizes.level0_bytes;
  options.level_ratio = sizes.ratio;
  options.table_bytes = sizes.table;
  options.compaction_threads = sizes.threads;
  // Each compression beside every other.
  const auto set = static_cast<size_t>(&sizes - kSizes);
  constexpr Compression kAll[] = {Compression::kNone, Compression::kLz4, Compression::kZstd};
  options.compression = kAll[set % 3];
  options.bottom_compression = kAll[set / 3 % 3];
  options.index_cache_bytes = sizes.cache;
  return options;
}

// No file may stay that the closed store's manifest does not name.
void CheckFiles(MemFileSystem* fs) {
  const absl::StatusOr<RecoveredManifest> manifest = RecoverManifest(fs, "db");
  REQUIRE_MESSAGE(manifest.ok(), manifest.status().ToString());
  std::set<std::string> named = {kCurrentFileName, kLockFileName,
                                 ManifestFileName(manifest->manifest_number)};
  for (const auto& level : manifest->state.levels) {
    for (const TableMeta& table : level) {
      named.insert(table.FileName());
    }
  }
  const std::vector<std::string> names = fs->List("db").value();
  for (const std::string& name : names) {
    const std::optional<ParsedFileName> parsed = ParseFileName(name);
    const bool live_log = parsed.has_value() && parsed->kind == FileKind::kLog &&
                          parsed->number >= manifest->state.log_number;
    CHECK_MESSAGE((live_log || named.erase(name) == 1), "left over: " << name);
  }
  named.erase(kLockFileName);
  CHECK_MESSAGE(named.empty(), "missing: " << (named.empty() ? "" : *named.begin()));
}

// A store and the map that it must agree with.
class Pair {
 public:
  Pair(const Sizes& sizes, uint32_t seed)
      : sizes_(sizes), rng_(seed), fs_(std::make_unique<MemFileSystem>()) {
    Open();
  }

  void Operate() {
    const uint32_t dice = Random(1000);
    if (dice < 400) {
      PutOrDelete();
    } else if (dice < 480) {
      WriteSome();
    } else if (dice < 750) {
      GetOne();
    } else if (dice < 800) {
      GetMany();
    } else if (dice < 930) {
      Walk();
    } else if (dice < 960) {
      TakeOrReleaseSnapshot();
    } else if (dice < 970) {
      IngestSome();
    } else if (dice < 980) {
      FlushStore(db_.get());
    } else if (dice < 990) {
      CompactOneLevel();
    } else {
      Seldom();
    }
  }

  void CheckAll() {
    REQUIRE(Contents(db_.get()) == model_);
    for (const auto& [snapshot, then] : snapshots_) {
      ReadOptions read;
      read.snapshot = snapshot.get();
      Model seen;
      const auto it = db_->NewIterator(read);
      for (it->SeekToFirst(); it->Valid(); it->Next()) {
        seen.emplace(it->key(), it->value());
      }
      REQUIRE(it->status().ok());
      REQUIRE(seen == then);
    }
    CheckVerified(db_.get());
    deepest_ = std::max(deepest_, DeepestLevel());
  }

  // The deepest level that was seen with a table.
  int deepest() const { return deepest_; }

  void Close() {
    snapshots_.clear();
    CloseStore(std::move(db_));
    CHECK(fs_->open_readers() == 0);
    CheckFiles(fs_.get());
  }

 private:
  uint32_t Random(uint32_t n) { return static_cast<uint32_t>(rng_()) % n; }
  bool OneIn(uint32_t n) { return Random(n) == 0; }

  // Few keys, so that they are written again and again: numbered ones, and short ones of bytes at
  // the ends of their range, the empty key among them.
  std::string RandomKey() {
    if (!OneIn(4)) {
      return Key(static_cast<int>(Random(150)));
    }
    std::string key(Random(4), '\0');
    for (char& c : key) {
      c = "\x00k\x80\xff"[Random(4)];
    }
    return key;
  }
  std::string RandomValue() {
    return std::string(Random(OneIn(50) ? 3000 : 60), static_cast<char>('a' + Random(26)));
  }

  void Open() { db_ = OpenStore(OptionsOf(sizes_, fs_.get())); }

  int DeepestLevel() const {
    int deepest = 0;
    for (const LevelInfo& level : db_->Levels()) {
      deepest = level.tables > 0 ? level.level : deepest;
    }
    return deepest;
  }

  static void CheckVerified(DB* db) {
    const absl::StatusOr<VerifyReport> report = db->Verify();
    REQUIRE_MESSAGE(report.ok(), report.status().ToString());
    REQUIRE_MESSAGE(report->problems.empty(), report->problems.front());
  }

  // Mostly narrow, seldom over many tables.
  std::pair<std::string, std::string> RandomRange() {
    std::string begin = RandomKey();
    std::string end = RandomKey();
    if (!OneIn(4)) {
      const uint32_t from = Random(150);
      begin = Key(static_cast<int>(from));
      end = Key(static_cast<int>(from + Random(10)));
    } else if (begin > end) {
      std::swap(begin, end);
    }
    return {begin, end};
  }

  void PutOrDelete() {
    if (OneIn(12)) {
      const auto [begin, end] = RandomRange();
      DeleteRange(db_.get(), begin, end);
      EraseRange(&model_, begin, end);
      return;
    }
    const std::string key = RandomKey();
    if (OneIn(3)) {
      Delete(db_.get(), key);
      model_.erase(key);
      return;
    }
    const std::string value = RandomValue();
    Put(db_.get(), key, value, OneIn(10) ? Durability::kDisk : Durability::kProcess);
    model_[key] = value;
  }

  void WriteSome() {
    WriteBatch batch;
    for (uint32_t n = Random(8); n > 0; --n) {
      const std::string key = RandomKey();
      if (OneIn(8)) {
        const auto [begin, end] = RandomRange();
        batch.DeleteRange(begin, end);
        EraseRange(&model_, begin, end);
      } else if (OneIn(3)) {
        batch.Delete(key);
        model_.erase(key);
      } else {
        const std::string value = RandomValue();
        batch.Put(key, value);
        model_[key] = value;
      }
    }
    const absl::Status status = db_->Write(WriteOptions(), batch);
    REQUIRE_MESSAGE(status.ok(), status.ToString());
  }

  // Now, or one of the snapshots: what the store must show, and the options to read it with.
  const Model& SomeMoment(ReadOptions* read) {
    read->fill_cache = OneIn(2);
    if (snapshots_.empty() || OneIn(2)) {
      return model_;
    }
    const auto& [snapshot, then] = snapshots_[Random(static_cast<uint32_t>(snapshots_.size()))];
    read->snapshot = snapshot.get();
    return then;
  }

  void GetOne() {
    ReadOptions read;
    const Model& expected = SomeMoment(&read);
    const std::string key = RandomKey();
    std::string value;
    const absl::Status status = db_->Get(read, key, &value);
    CheckOne(expected, key, status, value);
  }

  void GetMany() {
    ReadOptions read;
    const Model& expected = SomeMoment(&read);
    std::vector<std::string> keys(Random(10));
    std::ranges::generate(keys, [this] { return RandomKey(); });
    std::vector<std::string> values;
    const std::vector<absl::Status> statuses =
        db_->MultiGet(read, {keys.begin(), keys.end()}, &values);
    REQUIRE(statuses.size() == keys.size());
    REQUIRE(values.size() == keys.size());
    for (size_t i = 0; i < keys.size(); ++i) {
      CheckOne(expected, keys[i], statuses[i], values[i]);
    }
  }

  static void CheckOne(const Model& expected, const std::string& key, const absl::Status& status,
                       const std::string& value) {
    const auto found = expected.find(key);
    if (found == expected.end()) {
      REQUIRE_MESSAGE(absl::IsNotFound(status), key << ": " << status.ToString());
    } else {
      REQUIRE_MESSAGE(status.ok(), key << ": " << status.ToString());
      REQUIRE(value == found->second);
    }
  }

  // Walks with turns between bounds. Writes in between must not be seen. Crash case 49.
  void Walk() {
    ReadOptions read;
    Model shown = SomeMoment(&read);
    if (OneIn(3)) {
      read.lower_bound = RandomKey();
      shown.erase(shown.begin(), shown.lower_bound(*read.lower_bound));
    }
    if (OneIn(3)) {
      read.upper_bound = RandomKey();
      shown.erase(shown.lower_bound(*read.upper_bound), shown.end());
    }
    const auto it = db_->NewIterator(read);
    for (uint32_t walk = Random(4); walk > 0; --walk) {
      auto expected = Position(shown, it.get());
      for (uint32_t step = Random(30); CheckAt(shown, expected, *it) && step > 0; --step) {
        if (OneIn(10)) {
          PutOrDelete();
        }
        if (OneIn(2)) {
          it->Next();
          ++expected;
        } else {
          it->Prev();
          expected = expected == shown.begin() ? shown.end() : std::prev(expected);
        }
      }
    }
  }

  Model::const_iterator Position(const Model& shown, Iterator* it) {
    // Now and then to the key that it stands at, by the iterator's own view of it.
    const bool here = it->Valid() && OneIn(3);
    const std::string target = here ? std::string(it->key()) : RandomKey();
    const absl::string_view given = here ? it->key() : absl::string_view(target);
    const auto before = [&shown](Model::const_iterator at) {
      return at == shown.begin() ? shown.end() : std::prev(at);
    };
    switch (Random(6)) {
      case 0:
        it->SeekToFirst();
        return shown.begin();
      case 1:
        it->SeekToLast();
        return before(shown.end());
      case 2:
      case 3:
        it->Seek(given);
        return shown.lower_bound(target);
      default:
        it->SeekForPrev(given);
        return before(shown.upper_bound(target));
    }
  }

  static bool CheckAt(const Model& shown, Model::const_iterator expected, const Iterator& it) {
    REQUIRE_MESSAGE(it.status().ok(), it.status().ToString());
    REQUIRE(it.Valid() == (expected != shown.end()));
    if (it.Valid()) {
      REQUIRE(it.key() == expected->first);
      REQUIRE(it.value() == expected->second);
    }
    return it.Valid();
  }

  void TakeOrReleaseSnapshot() {
    if (snapshots_.size() < 4 && OneIn(2)) {
      snapshots_.emplace_back(db_->GetSnapshot(), model_);
    } else if (!snapshots_.empty()) {
      snapshots_.erase(snapshots_.begin() + Random(static_cast<uint32_t>(snapshots_.size())));
    }
  }

  // Files that may overlap one another and all that is there; the later one counts.
  void IngestSome() {
    std::vector<std::string> files;
    for (uint32_t n = 1 + Random(3); n > 0; --n) {
      Entries entries;
      for (uint32_t keys = 1 + Random(OneIn(4) ? 40 : 4); keys > 0; --keys) {
        const std::string key = RandomKey();
        for (SequenceNumber version = 1 + Random(2); version > 0; --version) {
          const bool deletion = OneIn(3);
          const ValueType type = deletion ? ValueType::kDeletion : ValueType::kValue;
          entries.emplace(Key(key, version, type), deletion ? "" : RandomValue());
        }
      }
      // What a range deletes is older: other files, and entries with a lower sequence.
      std::vector<std::pair<std::string, std::string>> ranges;
      for (uint32_t left = OneIn(3) ? Random(4) : 0; left > 0; --left) {
        if (auto range = RandomRange(); range.first < range.second) {
          ranges.push_back(std::move(range));
        }
      }
      const SequenceNumber deleted_at = 1 + Random(3);
      for (SequenceNumber version = 1; version <= 3; ++version) {
        if (version == deleted_at) {
          for (const auto& [begin, end] : ranges) {
            EraseRange(&model_, begin, end);
          }
        }
        Take(entries, version);
      }
      std::vector<RangeTombstone> tombstones;
      for (const auto& [begin, end] : ranges) {
        tombstones.push_back({begin, end, deleted_at});
      }
      files.push_back(absl::StrCat("outside", n, ".sst"));
      Build(fs_.get(), files.back(), entries, 64, Compression::kNone,
            RangeTombstones::Of(std::move(tombstones)));
    }
    const absl::StatusOr<IngestResult> result = db_->Ingest(files);
    REQUIRE_MESSAGE(result.ok(), result.status().ToString());
  }

  // Those of `entries` that have this version, into the model. Of two the value comes first, and so
  // counts.
  void Take(const Entries& entries, SequenceNumber version) {
    for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
      const std::string key(UserKey(entry->first));
      if (Sequence(entry->first) != version) {
        continue;
      }
      if (Type(entry->first) == ValueType::kDeletion) {
        model_.erase(key);
      } else {
        model_[key] = entry->second;
      }
    }
  }

  void CompactOneLevel() {
    const int deepest = DeepestLevel();
    const int source = static_cast<int>(Random(static_cast<uint32_t>(deepest) + 1));
    const int target = source == deepest && source > 0 && OneIn(2) ? source : source + 1;
    const absl::Status status = db_->CompactLevel(source, target).status();
    // What runs beside it may have made another level the deepest.
    const bool refused = absl::IsInvalidArgument(status) && (sizes_.threads > 0 || target > 6);
    REQUIRE_MESSAGE((status.ok() || refused), status.ToString());
  }

  void Seldom() {
    switch (Random(6)) {
      case 0: {
        const absl::Status status = db_->CompactAll();
        REQUIRE_MESSAGE(status.ok(), status.ToString());
        break;
      }
      case 1: {
        const absl::Status status = db_->WaitForCompactions();
        REQUIRE_MESSAGE(status.ok(), status.ToString());
        break;
      }
      case 2:
      case 3:
        Close();
        Open();
        break;
      case 4:
        Kill();
        break;
      default:
        OpenCheckpoint();
        break;
    }
    CheckAll();
  }

  // The process dies: what it handed on is there.
  void Kill() {
    std::unique_ptr<MemFileSystem> next = fs_->KillClone();
    snapshots_.clear();
    db_.reset();
    fs_ = std::move(next);
    Open();
  }

  void OpenCheckpoint() {
    absl::Status status = db_->Checkpoint("beside");
    REQUIRE_MESSAGE(status.ok(), status.ToString());
    const Model then = model_;
    PutOrDelete();
    auto beside = OpenStore(OptionsOf(sizes_, fs_.get()), "beside");
    REQUIRE(Contents(beside.get()) == then);
    CheckVerified(beside.get());
    Put(beside.get(), "of the checkpoint alone", "1");
    status = beside->CompactAll();
    REQUIRE_MESSAGE(status.ok(), status.ToString());
    CHECK(Contents(beside.get()).contains("of the checkpoint alone"));
    CloseStore(std::move(beside));
    const std::vector<std::string> names = fs_->List("beside").value();
    for (const std::string& name : names) {
      REQUIRE(fs_->Remove(absl::StrCat("beside/", name)).ok());
    }
    REQUIRE(fs_->RemoveDir("beside").ok());
  }

  const Sizes& sizes_;
  std::mt19937 rng_;
  std::unique_ptr<MemFileSystem> fs_;
  std::unique_ptr<DB> db_;
  Model model_;
  std::vector<std::pair<std::shared_ptr<const Snapshot>, Model>> snapshots_;
  int deepest_ = 0;
};

TEST_CASE("model: random operations agree with a map, over option sets that shrink every size") {
  const uint64_t operations = (kSanitized ? 200 : 1500) * NumberFrom("FATHOM_TEST_OPS", 1);
  const uint64_t seed = NumberFrom("FATHOM_SEED", 0);
  CAPTURE(seed);
  int deepest = 0;
  for (size_t set = 0; set < std::size(kSizes); ++set) {
    CAPTURE(set);
    Pair pair(kSizes[set], static_cast<uint32_t>(seed * std::size(kSizes) + set));
    for (uint64_t i = 0; i < operations; ++i) {
      CAPTURE(i);
      pair.Operate();
      if (i % 200 == 199) {
        pair.CheckAll();
      }
    }
    pair.CheckAll();
    pair.Close();
    deepest = std::max(deepest, pair.deepest());
  }
  MESSAGE("seed " << seed << ": " << operations * std::size(kSizes) << " operations");
  CHECK(deepest >= 4);
}

}  // namespace
}  // namespace fathom
