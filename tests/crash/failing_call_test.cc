// Each call to the file system (with sanitizers each second one) fails once, in each thing that a
// store does: it says so, stays readable, promises nothing that it cannot keep, and is whole when
// it is opened again.
//
// The workloads run without threads for compaction, so that call k is the same call in each run,
// but for what a flush does beside writes.
//
// What a power loss leaves is drawn, once for each failure: FATHOM_TEST_OPS=100 draws a hundred
// times, FATHOM_SEED=7 draws otherwise.
#include <algorithm>
#include <atomic>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/match.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "lsm/format/checksum.h"
#include "tests/crash/gated_file_system.h"
#include "tests/lsm/store.h"
#include "tests/runs.h"

namespace fathom {
namespace {

constexpr uint64_t kStep = kSanitized ? 7 : 1;
constexpr char kInjected[] = "injected failure";

// What fails, from call k on: one call, or all.
struct Fault {
  const char* name;
  absl::StatusCode code;
  bool stays;       // until somebody makes room
  bool short_read;  // instead of an error
};
constexpr Fault kFaults[] = {
    {"EIO", absl::StatusCode::kInternal, false, false},
    {"ENOSPC", absl::StatusCode::kResourceExhausted, false, false},
    {"ENOSPC from then on", absl::StatusCode::kResourceExhausted, true, false},
    {"a short read", absl::StatusCode::kOk, false, true},
};

bool Fits(const Fault& fault, FileOp op) {
  if (fault.short_read) {
    return op == FileOp::kRead;
  }
  if (fault.code == absl::StatusCode::kInternal) {
    return true;
  }
  switch (op) {
    case FileOp::kCreate:  // ENOSPC, and EMFILE is ResourceExhausted too
    case FileOp::kOpenForRead:
    case FileOp::kAppend:
    case FileOp::kSync:
    case FileOp::kPreallocate:
    case FileOp::kRename:
    case FileOp::kLink:
    case FileOp::kCreateDir:
    case FileOp::kSyncDir:
    case FileOp::kLock:
      return true;
    default:
      return false;
  }
}

// Makes call k fail, counted over the calls that the fault fits, and watches what follows.
class Saboteur {
 public:
  Saboteur(MemFileSystem* disk, const Fault& fault, uint64_t k)
      : disk_(disk), fault_(fault), k_(k) {
    disk->SetHook([this](FileOp op, const std::string& path, uint64_t) { return Ask(op, path); });
  }
  ~Saboteur() { disk_->SetHook(nullptr); }

  // Everything works from now on, and what has happened is settled.
  void Stop() {
    const absl::MutexLock lock(&mutex_);
    stopped_ = true;
  }

  bool struck() const {
    const absl::MutexLock lock(&mutex_);
    return calls_ >= k_;
  }
  FileOp op() const {
    const absl::MutexLock lock(&mutex_);
    return op_;
  }
  std::string path() const {
    const absl::MutexLock lock(&mutex_);
    return path_;
  }
  // A sync failed and was made again.
  bool retried() const {
    const absl::MutexLock lock(&mutex_);
    return retried_;
  }
  // Whether the read that is being made is the one to come out short.
  bool TakeShortRead() { return short_read_.exchange(false); }

 private:
  absl::Status Ask(FileOp op, const std::string& path) {
    const absl::MutexLock lock(&mutex_);
    const bool sync = op == FileOp::kSync || op == FileOp::kSyncDir;
    retried_ = retried_ || (sync && path == lost_);
    if (stopped_ || !Fits(fault_, op) || ++calls_ < k_ || (calls_ > k_ && !fault_.stays)) {
      return absl::OkStatus();
    }
    if (calls_ == k_) {
      op_ = op;
      path_ = path;
    }
    if (fault_.short_read) {
      short_read_ = true;
      return absl::OkStatus();
    }
    if (sync && lost_.empty()) {
      lost_ = path;
    }
    return absl::Status(fault_.code, absl::StrCat(path, ": ", kInjected));
  }

  MemFileSystem* const disk_;
  const Fault fault_;
  const uint64_t k_;
  std::atomic<bool> short_read_{false};
  mutable absl::Mutex mutex_;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t calls_ ABSL_GUARDED_BY(mutex_) = 0;
  FileOp op_ ABSL_GUARDED_BY(mutex_){};
  std::string path_ ABSL_GUARDED_BY(mutex_);
  std::string lost_ ABSL_GUARDED_BY(mutex_);
  bool retried_ ABSL_GUARDED_BY(mutex_) = false;
};

// Hands reads out, but for the one that is to be short.
class ShortReads final : public GatedFileSystem {
 public:
  explicit ShortReads(FileSystem* base) : GatedFileSystem(base) {}
  void Watch(Saboteur* saboteur) { saboteur_ = saboteur; }

  absl::StatusOr<std::unique_ptr<ReadableFile>> OpenForRead(const std::string& path) override {
    absl::StatusOr<std::unique_ptr<ReadableFile>> file = GatedFileSystem::OpenForRead(path);
    if (!file.ok()) {
      return file;
    }
    return std::make_unique<File>(*std::move(file), this);
  }

 private:
  class File final : public ReadableFile {
   public:
    File(std::unique_ptr<ReadableFile> base, ShortReads* fs) : base_(std::move(base)), fs_(fs) {}
    absl::StatusOr<size_t> Read(uint64_t offset, size_t n, char* scratch) const override {
      absl::StatusOr<size_t> got = base_->Read(offset, n, scratch);
      Saboteur* const saboteur = fs_->saboteur_;
      return saboteur != nullptr && saboteur->TakeShortRead() && got.ok() ? *got / 2 : got;
    }
    uint64_t size() const override { return base_->size(); }

   private:
    const std::unique_ptr<ReadableFile> base_;
    ShortReads* const fs_;
  };

  std::atomic<Saboteur*> saboteur_{nullptr};
};

// A store, what was promised of it, and what it said.
class Subject {
 public:
  explicit Subject(MemFileSystem* disk) : fs_(disk) {
    options_.file_system = &fs_;
    options_.memtable_bytes = 500;
    options_.max_immutable_memtables = 2;
    options_.block_bytes = 128;
    options_.block_cache_bytes = options_.index_cache_bytes = 0;
    options_.table_bytes = 400;
    options_.compaction_threads = 0;
    options_.log = [this](absl::string_view line) {
      if (absl::StrContains(line, kInjected) || absl::StrContains(line, "DATA_LOSS")) {
        told_ = true;
      }
    };
  }

  // The same promises, over another disk.
  void Adopt(const Subject& other) { promised_ = other.promised_; }

  ShortReads* fs() { return &fs_; }
  DB* db() { return db_.get(); }
  const Model& latest() const { return promised_.back(); }
  bool told() const { return told_; }
  // The same, with some patience for the thread that flushes, where it has met the failure.
  bool IsTold() const {
    for (int i = 0; i < 10'000 && !told_; ++i) {
      absl::SleepFor(absl::Milliseconds(1));
    }
    return told_;
  }

  // Takes note of what a call answered.
  bool Note(const absl::Status& status) {
    if (absl::StrContains(status.message(), kInjected) || absl::IsDataLoss(status)) {
      told_ = true;  // and never false: the thread that flushes may have set it meanwhile
    }
    return status.ok();
  }

  bool Open() {
    absl::StatusOr<std::unique_ptr<DB>> db = DB::Open(options_, "db");
    if (!Note(db.status())) {
      return false;
    }
    db_ = *std::move(db);
    AllDurable();
    return true;
  }

  bool Close() {
    const bool closed = Note(db_->Close());
    db_.reset();
    return closed;
  }

  void Destroy() { db_.reset(); }

  bool Write(const std::string& key, const std::string& value, Durability durability) {
    Model after = latest();
    after[key] = value;
    const absl::Status status = db_->Put(WriteOptions{durability}, key, value);
    if (!Note(status)) {
      if (!absl::IsFailedPrecondition(status)) {  // which says that it was not tried
        uncertain_ = after;
      }
      return false;
    }
    // Whatever failed before it was refused, not half done.
    uncertain_.reset();
    promised_.push_back(after);
    if (durability == Durability::kDisk) {
      AllDurable();
    }
    return true;
  }

  void AllDurable() { promised_.erase(promised_.begin(), promised_.end() - 1); }

  // After a power loss: something between what is durable and the latest.
  void MightHold(const Model& found) const {
    const bool promised = std::ranges::find(promised_, found) != promised_.end();
    REQUIRE((promised || (uncertain_.has_value() && found == *uncertain_)));
  }
  // What the process sees: all that was acknowledged.
  void MustHold(const Model& found) {
    REQUIRE((found == latest() || (uncertain_.has_value() && found == *uncertain_)));
    promised_.back() = found;
    uncertain_.reset();
  }

 private:
  ShortReads fs_;
  Options options_;
  std::vector<Model> promised_ = {Model()};  // from the last durable state on
  std::optional<Model> uncertain_;           // if the write that failed is there after all
  std::atomic<bool> told_{false};
  std::unique_ptr<DB> db_;
};

// Each workload goes on after an error as long as that makes sense, as a program might.
void Fill(Subject* subject) {
  for (int i = 0; i < 40; ++i) {
    subject->Write(Key(i % 15), absl::StrCat("filled ", i, std::string(30, '.')),
                   static_cast<Durability>(1 + i % 2));
    if (i % 16 == 9 && subject->Note(subject->db()->Flush().status())) {
      subject->AllDurable();
    }
  }
  subject->Note(subject->db()->SyncLog());
}

void WriteAndClose(Subject* subject) {
  for (int i = 0; i < 8; ++i) {
    subject->Write(Key(i), absl::StrCat("closed ", i), static_cast<Durability>(1 + i % 2));
  }
  if (subject->Close()) {
    subject->AllDurable();
  }
}

void Compact(Subject* subject) {
  subject->Note(subject->db()->CompactLevel(0, 1).status());
  subject->Write("while compacting", "v", Durability::kDisk);
  subject->Note(subject->db()->CompactAll());
}

void Checkpoint(Subject* subject) {
  const bool made = subject->Note(subject->db()->Checkpoint("copy"));
  Options options = InMemory(subject->fs());
  options.create_if_missing = false;
  const bool there = subject->fs()->List("copy").ok();
  absl::StatusOr<std::unique_ptr<DB>> copy = DB::Open(options, "copy");
  if (subject->Note(copy.status())) {
    // Reading may be what fails.
    const std::unique_ptr<Iterator> it = (*copy)->NewIterator(ReadOptions());
    Model found;
    for (it->SeekToFirst(); it->Valid(); it->Next()) {
      found.emplace(it->key(), it->value());
    }
    if (subject->Note(it->status())) {
      REQUIRE(found == subject->latest());
    }
    subject->Note((*copy)->Close());
  } else {
    REQUIRE((!made || !there || subject->told()));
  }
}

void Verify(Subject* subject) {
  const absl::StatusOr<VerifyReport> report = subject->db()->Verify();
  if (subject->Note(report.status())) {
    for (const std::string& problem : report->problems) {
      subject->Note(absl::DataLossError(problem));
    }
    REQUIRE((report->problems.empty() || subject->told()));
  }
}

// A read gives the right answer, or an error that is not taken for one.
void CheckRead(Subject* subject, const std::string& key, const absl::Status& status,
               const std::string& value) {
  const auto expected = subject->latest().find(key);
  if (expected == subject->latest().end()) {
    REQUIRE((absl::IsNotFound(status) || !subject->Note(status)));
    return;
  }
  REQUIRE_FALSE(absl::IsNotFound(status));
  if (subject->Note(status)) {
    REQUIRE(value == expected->second);
  }
}

void ReadKeys(Subject* subject) {
  std::vector<std::string> keys;
  for (int i = 0; i < 20; ++i) {
    keys.push_back(Key(i));
  }
  std::vector<std::string> values;
  const std::vector<absl::Status> statuses =
      subject->db()->MultiGet(ReadOptions(), {keys.begin(), keys.end()}, &values);
  for (size_t i = 0; i < keys.size(); ++i) {
    CheckRead(subject, keys[i], statuses[i], values[i]);
    std::string value;
    const absl::Status status = subject->db()->Get(ReadOptions(), keys[i], &value);
    CheckRead(subject, keys[i], status, value);
  }
}

void Iterate(Subject* subject) {
  const std::unique_ptr<Iterator> it = subject->db()->NewIterator(ReadOptions());
  Model found;
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    found.emplace(it->key(), it->value());
  }
  if (subject->Note(it->status())) {
    REQUIRE(found == subject->latest());
  }
  found.clear();
  for (it->SeekToLast(); it->Valid(); it->Prev()) {
    found.emplace(it->key(), it->value());
  }
  if (subject->Note(it->status())) {
    REQUIRE(found == subject->latest());
  }
  for (int i = 0; i < 20; ++i) {
    it->Seek(Key(i));
    const auto expected = subject->latest().lower_bound(Key(i));
    if (subject->Note(it->status())) {
      REQUIRE(it->Valid() == (expected != subject->latest().end()));
      REQUIRE((!it->Valid() || it->key() == expected->first));
    }
  }
}

void OpenOnly(Subject* subject) { subject->Open(); }

struct Workload {
  const char* name;
  void (*run)(Subject*);
  enum { kNothing, kKilled, kClosed } on;  // the store that it finds; kNothing: there is none
  bool opens;                              // itself
  uint64_t calls;                          // that it makes at least
};
constexpr Workload kWorkloads[] = {
    {"create", OpenOnly, Workload::kNothing, true, 15},
    {"fill and flush", Fill, Workload::kKilled, false, 100},
    {"open", OpenOnly, Workload::kKilled, true, 25},
    {"open what was closed", OpenOnly, Workload::kClosed, true, 10},
    {"write and close", WriteAndClose, Workload::kKilled, false, 15},
    {"begin to write", WriteAndClose, Workload::kClosed, false, 25},
    {"compact", Compact, Workload::kKilled, false, 60},
    {"begin with compacting", Compact, Workload::kClosed, false, 60},
    {"checkpoint", Checkpoint, Workload::kKilled, false, 40},
    {"verify", Verify, Workload::kKilled, false, 10},
    {"read keys", ReadKeys, Workload::kClosed, false, 20},
    {"iterate", Iterate, Workload::kKilled, false, 20},
};

// A killed store: tables on two levels, several logs, writes that were not synced.
std::unique_ptr<MemFileSystem> Prepared(Subject* subject, MemFileSystem* disk) {
  REQUIRE(subject->Open());
  for (int i = 0; i < 30; ++i) {
    REQUIRE(subject->Write(Key(i % 20), absl::StrCat("prepared ", i, std::string(20, '.')),
                           Durability::kProcess));
    if (i % 10 == 5) {
      REQUIRE(subject->db()->Flush().ok());
      subject->AllDurable();
    }
    if (i == 15) {
      REQUIRE(subject->db()->CompactLevel(0, 1).ok());
    }
  }
  return disk->KillClone();
}

// What may fail without a word: it costs nothing but space, and the next opening makes up for it.
bool MayBeSilent(FileOp op) {
  return op == FileOp::kRemove || op == FileOp::kRemoveDir || op == FileOp::kList ||
         op == FileOp::kFileSize;
}

bool EndsTheWriting(FileOp op, const std::string& path) {
  const bool writes = op == FileOp::kAppend || op == FileOp::kSync || op == FileOp::kPreallocate;
  const bool promise = path.starts_with("db/") && !path.ends_with(".sst");
  return (writes && promise) || (op == FileOp::kSyncDir && path == "db");
}

// Returns false if the workload makes fewer than k calls that the fault fits.
bool FailOnce(const Workload& workload, const Fault& fault, uint64_t k) {
  MemFileSystem first;
  Subject before(&first);
  const std::unique_ptr<MemFileSystem> disk =
      workload.on == Workload::kNothing ? first.KillClone() : Prepared(&before, &first);
  before.Destroy();
  Subject subject(disk.get());
  if (workload.on != Workload::kNothing) {
    subject.Adopt(before);
  }
  if (workload.on == Workload::kClosed) {
    REQUIRE(subject.Open());
    REQUIRE(subject.Close());
  }
  if (!workload.opens) {
    REQUIRE(subject.Open());
  }
  Saboteur saboteur(disk.get(), fault, k);
  subject.fs()->Watch(&saboteur);
  workload.run(&subject);
  saboteur.Stop();
  if (!saboteur.struck()) {
    subject.Destroy();  // whose threads ask the saboteur
    return false;
  }
  INFO(absl::StrCat(workload.name, ": call ", k, ", ", fault.name, " at operation ",
                    static_cast<int>(saboteur.op()), " of ", saboteur.path()));
  // What was read ahead may be read again: answers count, and each was checked.
  const bool silent = MayBeSilent(saboteur.op()) || fault.short_read;
  REQUIRE_MESSAGE((silent || subject.IsTold()), "nobody was told");
  subject.MightHold(Contents(OpenStore(disk->CrashClone(k, 0).get()).get()));
  for (uint64_t draw = 0; draw < NumberFrom("FATHOM_TEST_OPS", 1); ++draw) {
    const uint64_t luck = Hash64(absl::StrCat(NumberFrom("FATHOM_SEED", 0), " ", k, " ", draw));
    subject.MightHold(Contents(OpenStore(disk->CrashClone(luck, 50).get()).get()));
  }
  if (subject.db() != nullptr) {
    subject.MightHold(Contents(subject.db()));
    const bool accepted = subject.Write("probe", "v", Durability::kDisk);
    REQUIRE((accepted == false || !EndsTheWriting(saboteur.op(), saboteur.path())));
    REQUIRE((accepted || subject.told()));
    subject.MightHold(Contents(OpenStore(disk->CrashClone(k, 0).get()).get()));
    subject.Close();
  }
  REQUIRE_FALSE(saboteur.retried());
  REQUIRE(subject.Open());
  subject.MustHold(Contents(subject.db()));
  REQUIRE(subject.Write("afterwards", "v", Durability::kDisk));
  REQUIRE(subject.db()->CompactAll().ok());
  REQUIRE(subject.db()->Verify().value().problems.empty());
  subject.MustHold(Contents(subject.db()));
  REQUIRE(subject.Close());
  REQUIRE(disk->open_readers() == 0);
  return true;
}

// Crash cases 8, 10, 11, 54, 57, 58 and 59.
TEST_CASE(
    "failing calls: whichever fails, in whatever the store does, nothing is lost or made up") {
  const Pin pin(true);
  uint64_t failures = 0;
  for (const Workload& workload : kWorkloads) {
    for (const Fault& fault : kFaults) {
      uint64_t k = 1;
      for (; FailOnce(workload, fault, k); k += kStep) {
        ++failures;
      }
      if (fault.code == absl::StatusCode::kInternal) {
        CHECK(k > workload.calls);
      }
    }
  }
  MESSAGE(failures << " failures");
}

}  // namespace
}  // namespace fathom
