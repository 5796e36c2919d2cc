// A store against a std::map: the bytes are operations, the death of the process and power losses
// among them.
//
//   u8            which of kSizes
//   operations    u8 which (Player::Operate), then what it takes
//
// Nothing here depends on time or on threads, so that an input does the same each time.
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "lsm/db.h"
#include "lsm/io/mem_file_system.h"
#include "tests/crash/gated_file_system.h"
#include "tests/fuzz/byte_tape.h"
#include "tests/fuzz/ensure.h"
#include "tests/fuzz/targets.h"

namespace fathom {
namespace {

constexpr int kMostOperations = 150;

using Model = std::map<std::string, std::string>;

struct Sizes {
  size_t memtable, block, cache;
  uint64_t table;
  Compression compression;
};

constexpr Sizes kSizes[] = {
    {1, 1, 0, 1, Compression::kLz4},
    {200, 64, 4096, 300, Compression::kNone},
    {1000, 256, 0, 512, Compression::kZstd},
    {4096, 64, 1000, 1, Compression::kLz4},
    {size_t{1} << 20, 4096, size_t{1} << 20, 4096, Compression::kLz4},
};

// What the store may hold after something happened to it: one of these, of which the last is what
// was written last.
class Histories {
 public:
  void Wrote(Durability durability, const Model& model) {
    if (durability != Durability::kBuffered) {
      killed_.clear();
    }
    if (durability == Durability::kDisk) {
      crashed_.clear();
    }
    killed_.push_back(model);
    crashed_.push_back(model);
  }
  void Reset(const Model& model) { Wrote(Durability::kDisk, model); }

  const std::vector<Model>& killed() const { return killed_; }
  const std::vector<Model>& crashed() const { return crashed_; }

 private:
  std::vector<Model> killed_ = {Model()};
  std::vector<Model> crashed_ = {Model()};
};

class Player {
 public:
  explicit Player(absl::string_view input)
      : tape_(input),
        sizes_(kSizes[tape_.U8() % std::size(kSizes)]),
        fs_(std::make_unique<MemFileSystem>()) {
    Open();
  }

  void Play() {
    for (int i = 0; i < kMostOperations && !tape_.empty(); ++i) {
      Operate(tape_.U8());
    }
    CheckAll();
    Close();
  }

 private:
  void Operate(uint8_t code) {
    switch (code % 19) {
      case 0:
      case 1:
      case 2:
      case 3:
        return Put();
      case 4:
        return Delete();
      case 5:
        return WriteBatchOfSome();
      case 6:
        return Sync();
      case 7:
        return Get();
      case 8:
      case 9:
        return Walk();
      case 10:
        return TakeSnapshot();
      case 11:
        return ReleaseSnapshot();
      case 12:
        return Flush();
      case 13:
        return CompactLevel();
      case 14:
        return EnsureOk(db_->CompactAll(), "everything is compacted"), histories_.Reset(model_);
      case 15:
        Close();
        return Open();
      case 16:
        return Kill();
      case 17:
        return LosePower();
      default:
        return DeleteRange();
    }
  }

  // A few keys, so that they are written again and again, and some at the ends of their range.
  std::string Key() {
    const uint8_t code = tape_.U8();
    if (code < 224) {
      return absl::StrCat("key", absl::Dec(code % 32, absl::kZeroPad2));
    }
    std::string key(code % 4, '\0');
    for (char& c : key) {
      c = "\x00k\x80\xff"[tape_.U8() % 4];
    }
    return key;
  }
  // No two are the same.
  std::string Value() {
    const uint8_t code = tape_.U8();
    const size_t size = code < 250 ? size_t{code} % 64 : size_t{code} * 16;
    return absl::StrCat(++values_, std::string(size, 'v'));
  }
  Durability SomeDurability() {
    const uint8_t code = tape_.U8();
    return code < 40    ? Durability::kDisk
           : code < 100 ? Durability::kBuffered
                        : Durability::kProcess;
  }

  void Put() {
    const std::string key = Key();
    const std::string value = Value();
    const Durability durability = SomeDurability();
    EnsureOk(db_->Put(WriteOptions{durability}, key, value), "a value is put");
    model_[key] = value;
    histories_.Wrote(durability, model_);
  }

  void Delete() {
    const std::string key = Key();
    const Durability durability = SomeDurability();
    EnsureOk(db_->Delete(WriteOptions{durability}, key), "a key is deleted");
    model_.erase(key);
    histories_.Wrote(durability, model_);
  }

  std::pair<std::string, std::string> Range() {
    std::string begin = Key();
    std::string end = Key();
    return begin <= end ? std::pair(begin, end) : std::pair(end, begin);
  }
  void EraseRange(const std::pair<std::string, std::string>& range) {
    model_.erase(model_.lower_bound(range.first), model_.lower_bound(range.second));
  }

  void DeleteRange() {
    const auto range = Range();
    const Durability durability = SomeDurability();
    EnsureOk(db_->DeleteRange(WriteOptions{durability}, range.first, range.second),
             "a range is deleted");
    EraseRange(range);
    if (range.first < range.second || durability == Durability::kDisk) {
      histories_.Wrote(durability, model_);
    }
  }

  void WriteBatchOfSome() {
    WriteBatch batch;
    for (int n = tape_.U8() % 8; n > 0; --n) {
      const uint8_t code = tape_.U8();
      if (code % 6 == 5) {
        const auto range = Range();
        batch.DeleteRange(range.first, range.second);
        EraseRange(range);
        continue;
      }
      const std::string key = Key();
      if (code % 3 == 0) {
        batch.Delete(key);
        model_.erase(key);
      } else {
        const std::string value = Value();
        batch.Put(key, value);
        model_[key] = value;
      }
    }
    const Durability durability = SomeDurability();
    EnsureOk(db_->Write(WriteOptions{durability}, batch), "a batch is written");
    // An empty one that need not be durable is no write at all.
    if (batch.count() > 0 || durability == Durability::kDisk) {
      histories_.Wrote(durability, model_);
    }
  }

  void Sync() {
    EnsureOk(db_->SyncLog(), "the log is synced");
    histories_.Reset(model_);
  }

  // Now, or one of the snapshots: what the store must show, and the options to read it with.
  const Model& SomeMoment(ReadOptions* read) {
    const uint8_t code = tape_.U8();
    read->fill_cache = code % 2 == 0;
    read->use_filters = code % 4 < 2;
    const size_t which = code / 4 % 4;
    if (which >= snapshots_.size()) {
      return model_;
    }
    read->snapshot = snapshots_[which].first.get();
    return snapshots_[which].second;
  }

  void Get() {
    ReadOptions read;
    const Model& expected = SomeMoment(&read);
    const std::string key = Key();
    std::string value;
    const absl::Status status = db_->Get(read, key, &value);
    const auto found = expected.find(key);
    if (found == expected.end()) {
      Ensure(absl::IsNotFound(status), "an absent key is not found", status.ToString());
    } else {
      EnsureOk(status, "a key is found");
      Ensure(value == found->second, "a key has its value", value);
    }
  }

  // Goes somewhere and then steps, within bounds or without.
  void Walk() {
    ReadOptions read;
    Model shown = SomeMoment(&read);
    const uint8_t bounds = tape_.U8();
    if (bounds % 4 == 1) {
      read.lower_bound = Key();
      shown.erase(shown.begin(), shown.lower_bound(*read.lower_bound));
    }
    if (bounds / 4 % 4 == 1) {
      read.upper_bound = Key();
      shown.erase(shown.lower_bound(*read.upper_bound), shown.end());
    }
    const auto it = db_->NewIterator(read);
    auto expected = Position(shown, it.get());
    for (int step = tape_.U8() % 32; IsAt(shown, expected, *it) && step > 0; --step) {
      if (tape_.U8() % 2 == 0) {
        it->Next();
        ++expected;
      } else {
        it->Prev();
        expected = Before(shown, expected);
      }
    }
  }

  static Model::const_iterator Before(const Model& shown, Model::const_iterator at) {
    return at == shown.begin() ? shown.end() : std::prev(at);
  }

  Model::const_iterator Position(const Model& shown, Iterator* it) {
    switch (tape_.U8() % 4) {
      case 0:
        it->SeekToFirst();
        return shown.begin();
      case 1:
        it->SeekToLast();
        return Before(shown, shown.end());
      case 2: {
        const std::string target = Key();
        it->Seek(target);
        return shown.lower_bound(target);
      }
      default: {
        const std::string target = Key();
        it->SeekForPrev(target);
        return Before(shown, shown.upper_bound(target));
      }
    }
  }

  static bool IsAt(const Model& shown, Model::const_iterator expected, const Iterator& it) {
    EnsureOk(it.status(), "a walk meets no error");
    Ensure(it.Valid() == (expected != shown.end()), "a walk ends where the keys end");
    if (it.Valid()) {
      Ensure(it.key() == expected->first, "a walk meets the keys in order", it.key());
      Ensure(it.value() == expected->second, "a walk meets the right values", it.value());
    }
    return it.Valid();
  }

  void TakeSnapshot() {
    if (snapshots_.size() < 3) {
      snapshots_.emplace_back(db_->GetSnapshot(), model_);
    }
  }
  void ReleaseSnapshot() {
    if (!snapshots_.empty()) {
      snapshots_.erase(snapshots_.begin() + tape_.U8() % static_cast<int>(snapshots_.size()));
    }
  }

  void Flush() {
    EnsureOk(db_->Flush().status(), "the memtable is flushed");
    histories_.Reset(model_);
  }

  void CompactLevel() {
    const uint8_t code = tape_.U8();
    const int source = code % 7;
    const absl::Status status = db_->CompactLevel(source, source + (code < 128 ? 1 : 0)).status();
    Ensure(status.ok() || absl::IsInvalidArgument(status), "a level is compacted",
           status.ToString());
  }

  void Open() {
    Options options;
    gate_ = std::make_unique<GatedFileSystem>(fs_.get());
    options.file_system = gate_.get();
    options.memtable_bytes = sizes_.memtable;
    options.block_bytes = sizes_.block;
    options.block_cache_bytes = options.index_cache_bytes = sizes_.cache;
    options.table_bytes = sizes_.table;
    options.compression = options.bottom_compression = sizes_.compression;
    options.compaction_threads = 0;
    absl::StatusOr<std::unique_ptr<DB>> db = DB::Open(options, "db");
    EnsureOk(db.status(), "a store opens");
    db_ = *std::move(db);
  }

  void Close() {
    snapshots_.clear();
    EnsureOk(db_->Close(), "a store is closed");
    db_.reset();
    Ensure(fs_->open_readers() == 0, "a closed store holds no files");
    histories_.Reset(model_);
  }

  void Kill() { Survive(fs_->KillClone(), histories_.killed(), "the death of the process"); }
  void LosePower() {
    const uint8_t seed = tape_.U8();
    const int percent = tape_.U8() % 101;
    Survive(fs_->CrashClone(seed, percent), histories_.crashed(), "a power loss");
  }

  // Opens what is left: it must hold one of the states that `moment` may leave.
  void Survive(std::unique_ptr<MemFileSystem> left, const std::vector<Model>& moments,
               absl::string_view what) {
    snapshots_.clear();
    db_.reset();
    fs_ = std::move(left);
    Open();
    const Model contents = Contents(ReadOptions());
    const auto moment = std::find(moments.rbegin(), moments.rend(), contents);
    Ensure(moment != moments.rend(), "a prefix of the history survives, with all that was durable",
           what);
    model_ = contents;
    histories_.Reset(model_);  // what a recovery found, it makes durable
  }

  Model Contents(const ReadOptions& read) {
    const auto it = db_->NewIterator(read);
    Model contents;
    for (it->SeekToFirst(); it->Valid(); it->Next()) {
      contents.emplace_hint(contents.end(), it->key(), it->value());
    }
    EnsureOk(it->status(), "everything is read");
    return contents;
  }

  void CheckAll() {
    Ensure(Contents(ReadOptions()) == model_, "the store holds what was written");
    for (const auto& [snapshot, then] : snapshots_) {
      ReadOptions read;
      read.snapshot = snapshot.get();
      Ensure(Contents(read) == then, "a snapshot shows its moment");
    }
    const absl::StatusOr<VerifyReport> report = db_->Verify();
    EnsureOk(report.status(), "a store is verified");
    Ensure(report->problems.empty(), "a store is sound",
           report->problems.empty() ? "" : report->problems.front());
  }

  ByteTape tape_;
  const Sizes& sizes_;
  std::unique_ptr<MemFileSystem> fs_;
  std::unique_ptr<GatedFileSystem> gate_;  // open: it only reserves less
  std::unique_ptr<DB> db_;
  Model model_;
  Histories histories_;
  std::vector<std::pair<std::shared_ptr<const Snapshot>, Model>> snapshots_;
  uint64_t values_ = 0;
};

}  // namespace

bool FuzzDb(absl::string_view input) {
  Player(input).Play();
  return true;
}

}  // namespace fathom
