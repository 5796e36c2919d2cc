// What a store is after a crash, over a file system that knows what a crash
// leaves.
#include <algorithm>
#include <atomic>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "lsm/format/file_names.h"
#include "lsm/manifest/manifest.h"
#include "lsm/wal/batch.h"
#include "lsm/wal/log_format.h"
#include "lsm/wal/log_writer.h"
#include "tests/lsm/store.h"
#include "tests/runs.h"

namespace fathom {
namespace {

// The states that a history of writes goes through; state i is what the first i
// writes made.
class History {
 public:
  History() : states_(1) {}

  void Acknowledge(const WriteBatch&, const Model& after) { states_.push_back(after); }
  const Model& latest() const { return states_.back(); }
  size_t length() const { return states_.size() - 1; }

  // The greatest i <= length with state i == `found`; -1 if there is none.
  int Find(const Model& found) const {
    for (size_t i = states_.size(); i-- > 0;) {
      if (states_[i] == found) {
        return static_cast<int>(i);
      }
    }
    return -1;
  }

 private:
  std::vector<Model> states_;
};

// One step of the workload below: a batch over few keys, each step making a new
// state.
WriteBatch Step(int i, std::mt19937* rng, Model* model) {
  WriteBatch batch;
  batch.Put("step", absl::StrCat(i));
  (*model)["step"] = absl::StrCat(i);
  for (uint32_t n = static_cast<uint32_t>((*rng)() % 4); n > 0; --n) {
    const std::string key = Key(static_cast<int>((*rng)() % 20));
    if ((*rng)() % 4 == 0) {
      batch.Delete(key);
      model->erase(key);
    } else {
      const std::string value = absl::StrCat("value ", i, std::string((*rng)() % 200, '.'));
      batch.Put(key, value);
      (*model)[key] = value;
    }
  }
  return batch;
}

struct Run {
  History history;
  size_t durable = 0;  // writes that must survive a power loss
  size_t handed = 0;   // writes that must survive the death of the process
};

Options FlushesOnly(FileSystem* fs) {
  Options options = InMemory(fs);
  options.memtable_bytes = 1500;
  options.block_bytes = 256;
  return options;
}

// Levels so small that compactions run all the time, down to the fourth.
Options Compactions(FileSystem* fs) {
  Options options = FlushesOnly(fs);
  options.memtable_bytes = 400;
  options.level0_compaction_tables = 1;
  options.level0_bytes = 1000;
  options.level_ratio = 2;
  options.table_bytes = 500;
  return options;
}

// Opens a store and writes to it until the file system fails, as if the process died there: writes
// of each durability, flushes, background flushes and compactions, a clean close and a second
// opening in the middle.
Run RunUntilItFails(const Options& options, uint64_t seed, int steps) {
  Run run;
  std::mt19937 rng(static_cast<uint32_t>(seed));
  Model model;
  int step = 0;
  for (int life = 0; life < 2; ++life) {
    absl::StatusOr<std::unique_ptr<DB>> db = DB::Open(options, "db");
    if (!db.ok()) {
      return run;
    }
    for (; step < (life + 1) * steps / 2; ++step) {
      Model after = model;
      const WriteBatch batch = Step(step, &rng, &after);
      const auto durability = static_cast<Durability>(rng() % 3);
      // What fails may be there after the crash all the same: it ends the
      // history.
      const absl::Status status = (*db)->Write(WriteOptions{durability}, batch);
      model = after;
      run.history.Acknowledge(batch, after);
      if (!status.ok()) {
        return run;
      }
      if (durability == Durability::kDisk) {
        run.durable = run.history.length();
      }
      if (durability != Durability::kBuffered) {
        run.handed = run.history.length();
      }
      const uint32_t dice = static_cast<uint32_t>(rng() % 20);
      if (dice == 0) {
        if (!(*db)->Flush().ok()) {
          return run;
        }
        run.durable = run.handed = run.history.length();
      } else if (dice == 1) {
        if (!(*db)->SyncLog().ok()) {
          return run;
        }
        run.durable = run.handed = run.history.length();
      }
    }
    if (!(*db)->Close().ok()) {
      return run;
    }
    run.durable = run.handed = run.history.length();
  }
  return run;
}

void CheckRecovered(MemFileSystem* fs, const Run& run, size_t at_least, const std::string& story) {
  INFO(story);
  const Options options = InMemory(fs);
  absl::StatusOr<std::unique_ptr<DB>> db = DB::Open(options, "db");
  REQUIRE_MESSAGE(db.ok(), db.status().ToString());
  const int state = run.history.Find(Contents(db->get()));
  REQUIRE_MESSAGE(state >= 0, "the recovered state is no prefix of the history");
  CHECK(static_cast<size_t>(state) >= at_least);
  // The store goes on from there: a write after the recovery hides what was
  // there, and lasts.
  Put(db->get(), "step", "after the crash");
  CHECK(Get(db->get(), "step") == "after the crash");
  CHECK((*db)->Verify().value().problems.empty());
  FlushStore(db->get());
  CHECK((*db)->WaitForCompactions().ok());
  CHECK(FilesOfKind(fs, FileKind::kTable).size() == (*db)->GetStats().tables);  // no orphans
  CloseStore(*std::move(db));
  const auto again = OpenStore(options);
  CHECK(Get(again.get(), "step") == "after the crash");
}

// Crash cases 1, 2, 12, 13, 15, 16, 18, 19, 21, 25 and 41, wherever the crash falls.
void CheckPowerLosses(Options (*options)(FileSystem*)) {
  constexpr int kSteps = 60;
  MemFileSystem whole;
  REQUIRE(RunUntilItFails(options(&whole), 1, kSteps).history.length() == kSteps);
  const uint64_t operations = whole.op_count();
  REQUIRE(operations > 200);
  const uint64_t stride = std::max<uint64_t>(3, operations / (kSanitized ? 15 : 200));
  for (uint64_t last = 1; last <= operations; last += stride) {
    for (const int survival : {0, 50, 100}) {
      const uint64_t seed = last * 3 + static_cast<uint64_t>(survival);
      MemFileSystem fs;
      fs.SetHook([last](FileOp, const std::string&, uint64_t number) {
        return number <= last ? absl::OkStatus() : absl::InternalError("the machine is off");
      });
      const Run run = RunUntilItFails(options(&fs), 1, kSteps);
      const std::unique_ptr<MemFileSystem> crashed = fs.CrashClone(seed, survival);
      CheckRecovered(crashed.get(), run, run.durable,
                     absl::StrCat("off after operation ", last, ", survival ", survival, " %"));
    }
  }
}

TEST_CASE("recovery: a power loss at any operation leaves a prefix with every durable write") {
  CheckPowerLosses(FlushesOnly);
}

TEST_CASE("recovery: a power loss at any operation of a compaction loses nothing either") {
  // Crash case 41: the inputs stay until the manifest has done without them.
  MemFileSystem fs;
  RunUntilItFails(Compactions(&fs), 1, 60);
  {
    const auto db = OpenStore(Compactions(&fs));
    REQUIRE(db->WaitForCompactions().ok());
    REQUIRE(db->Levels()[2].tables > 0);
  }
  CheckPowerLosses(Compactions);
}

void CheckDeaths(Options (*options)(FileSystem*)) {
  constexpr int kSteps = 60;
  for (uint64_t last = 1; last <= 600; last += kSanitized ? 17 : 4) {
    MemFileSystem fs;
    fs.SetHook([last](FileOp, const std::string&, uint64_t number) {
      return number <= last ? absl::OkStatus() : absl::InternalError("the process is dead");
    });
    const Run run = RunUntilItFails(options(&fs), 2, kSteps);
    const std::unique_ptr<MemFileSystem> killed = fs.KillClone();
    CheckRecovered(killed.get(), run, run.handed, absl::StrCat("dead after operation ", last));
  }
}

TEST_CASE("recovery: the death of the process at any operation keeps what was handed on") {
  CheckDeaths(FlushesOnly);
  CheckDeaths(Compactions);
}

TEST_CASE("recovery: what a dead process had not synced is durable once it was recovered") {
  MemFileSystem fs;
  auto db = OpenStore(&fs);
  Put(db.get(), "a", "1", Durability::kProcess);
  const auto killed = fs.KillClone();
  db.reset();
  const auto again = OpenStore(killed.get());
  REQUIRE(Get(again.get(), "a") == "1");
  Put(again.get(), "b", "2", Durability::kDisk);
  const auto crashed = killed->CrashClone(1, 0);
  CHECK(Contents(OpenStore(crashed.get()).get()) == Model{{"a", "1"}, {"b", "2"}});
}

TEST_CASE("recovery: a crash during recovery loses nothing either, time and again") {
  // Crash case 25.
  MemFileSystem fs;
  const Run run = [&fs] {
    fs.SetHook([](FileOp, const std::string&, uint64_t number) {
      return number <= 150 ? absl::OkStatus() : absl::InternalError("the machine is off");
    });
    return RunUntilItFails(FlushesOnly(&fs), 3, 60);
  }();
  std::unique_ptr<MemFileSystem> disk = fs.CrashClone(1, 50);
  for (uint64_t i = 0; i < 100; ++i) {
    disk->SetHook([i](FileOp, const std::string&, uint64_t number) {
      return number <= i % 40 ? absl::OkStatus() : absl::InternalError("the machine is off");
    });
    DB::Open(InMemory(disk.get()), "db").status().IgnoreError();
    disk = disk->CrashClone(i, 50);
  }
  CheckRecovered(disk.get(), run, run.durable, "after a hundred crashes");
}

std::string OpenError(MemFileSystem* fs) {
  absl::StatusOr<std::unique_ptr<DB>> db = DB::Open(InMemory(fs), "db");
  if (db.ok()) {
    return "";
  }
  CHECK_MESSAGE(absl::IsDataLoss(db.status()), db.status().ToString());
  return std::string(db.status().message());
}

void WriteManifest(MemFileSystem* fs, const ManifestState& state) {
  REQUIRE(fs->CreateDir("db").ok());
  REQUIRE(ManifestWriter::Create(fs, "db", 7, state).ok());
}

// A next number of 2^64 - 1 wrapped around: the store opened once, and never again.
TEST_CASE("recovery: file and table numbers that leave no room for more are refused") {
  for (const uint64_t next : {(uint64_t{1} << 60) + 1, ~uint64_t{0}}) {
    CAPTURE(next);
    ManifestState state;
    state.next_file_number = next;
    MemFileSystem files;
    WriteManifest(&files, state);
    CHECK(OpenError(&files).find("next file number") != std::string::npos);
    state = ManifestState();
    state.next_table_number = next;
    MemFileSystem tables;
    WriteManifest(&tables, state);
    CHECK(OpenError(&tables).find("next table number") != std::string::npos);
    MemFileSystem logs;
    WriteManifest(&logs, ManifestState());
    logs.SetContents(absl::StrCat("db/", LogFileName(next)), "");
    CHECK(OpenError(&logs).find(absl::StrCat(LogFileName(next), ": the log's number")) !=
          std::string::npos);
  }
}

// The number after the last one took the store's next manifest with it.
TEST_CASE("recovery: the last sequence number is used, and no write is taken after it") {
  ManifestState state;
  state.last_sequence = kMaxSequenceNumber - 1;
  MemFileSystem fs;
  WriteManifest(&fs, state);
  auto db = OpenStore(&fs);
  WriteBatch two;
  two.Put("a", "1");
  two.Put("b", "1");
  CHECK(absl::IsResourceExhausted(db->Write(WriteOptions(), two)));
  Put(db.get(), "last", "1");
  CHECK(absl::IsResourceExhausted(db->Put(WriteOptions(), "more", "1")));
  FlushStore(db.get());
  CHECK(Contents(db.get()) == Model{{"last", "1"}});
  CloseStore(std::move(db));
  db = OpenStore(&fs);
  CHECK(Contents(db.get()) == Model{{"last", "1"}});
  CloseStore(std::move(db));
}

TEST_CASE("recovery: a batch in the log whose sequence numbers pass the last one is damage") {
  for (const SequenceNumber sequence : {kMaxSequenceNumber, kMaxSequenceNumber + 1}) {
    MemFileSystem fs;
    WriteManifest(&fs, ManifestState());
    std::string batch;
    PutFixed64(&batch, sequence);
    PutFixed32(&batch, 2);
    AppendPut("a", "1", &batch);
    AppendPut("b", "1", &batch);
    LogWriter log(*fs.Create("db/000001.wal"), LogHeader{.number = 1}, /*preallocate=*/false);
    REQUIRE(log.Append(batch).ok());
    REQUIRE(log.Close().ok());
    CHECK(OpenError(&fs).find("batch: expected sequence numbers up to") != std::string::npos);
  }
}

TEST_CASE(
    "recovery: a batch in the log that does not parse to its end is damage, not half a batch") {
  // Crash case 12.
  for (const size_t cut : {size_t{1}, size_t{3}, size_t{7}}) {
    MemFileSystem fs;
    WriteManifest(&fs, ManifestState());
    std::string batch;
    PutFixed64(&batch, 1);
    PutFixed32(&batch, 2);
    AppendPut("a", "1", &batch);
    AppendPut("b", "123", &batch);
    batch.resize(batch.size() - cut);
    LogWriter log(*fs.Create("db/000001.wal"), LogHeader{.number = 1}, /*preallocate=*/false);
    REQUIRE(log.Append(batch).ok());
    REQUIRE(log.Close().ok());
    CHECK(OpenError(&fs).find("db/000001.wal: damaged at offset") != std::string::npos);
  }
}

TEST_CASE("recovery: a table that is missing, empty or short is refused by name") {
  // Crash case 22.
  for (const char* damage : {"missing", "empty", "short"}) {
    MemFileSystem fs;
    auto db = OpenStore(&fs);
    Put(db.get(), "a", "1");
    FlushStore(db.get());
    Put(db.get(), "b", "1");
    FlushStore(db.get());
    CloseStore(std::move(db));
    const std::string table = "db/L0_001.sst";
    const std::string bytes = fs.Contents(table).value();
    if (damage == std::string("missing")) {
      REQUIRE(fs.Remove(table).ok());
    } else if (damage == std::string("empty")) {
      fs.SetContents(table, "");
    } else {
      fs.SetContents(table, bytes.substr(0, bytes.size() - 1));
    }
    CAPTURE(damage);
    CHECK(OpenError(&fs).find("L0_001.sst") != std::string::npos);
  }
}

TEST_CASE("recovery: a table that is another's is refused by name when it is first read") {
  // Crash case 22.
  MemFileSystem fs;
  auto db = OpenStore(&fs);
  Put(db.get(), "a", "1");
  FlushStore(db.get());
  Put(db.get(), "b", "1");
  FlushStore(db.get());
  CloseStore(std::move(db));
  fs.SetContents("db/L0_001.sst", fs.Contents("db/L0_002.sst").value());
  db = OpenStore(&fs);
  CHECK(Get(db.get(), "b") == "1");
  const std::string error = Get(db.get(), "a");
  CHECK(error.find("DATA_LOSS") != std::string::npos);
  CHECK(error.find("L0_001.sst") != std::string::npos);
}

TEST_CASE("recovery: a log that is missing is refused by name") {
  // Crash case 16.
  MemFileSystem fs;
  auto db = OpenStore(&fs);
  Put(db.get(), "a", "1");
  CloseStore(std::move(db));
  const std::vector<std::string> logs = FilesOfKind(&fs, FileKind::kLog);
  REQUIRE(logs.size() == 1);
  REQUIRE(fs.Remove(logs[0]).ok());
  CHECK(OpenError(&fs).find(logs[0]) != std::string::npos);
}

std::string Value(int i) { return std::string(i < 3 ? 200 : 1, 'v'); }

// What is left where the process dies after writes to four logs, none of them flushed: one to each
// but the last, which has two.
std::unique_ptr<MemFileSystem> FourLogs(Durability last) {
  MemFileSystem fs;
  fs.SetHook([](FileOp op, const std::string& path, uint64_t) {
    return op == FileOp::kCreate && path.ends_with(".sst") ? absl::ResourceExhaustedError("full")
                                                           : absl::OkStatus();
  });
  Options options = InMemory(&fs);
  options.memtable_bytes = 200;
  options.max_immutable_memtables = 4;
  const auto db = OpenStore(options);
  for (int i = 0; i < 5; ++i) {
    Put(db.get(), Key(i), Value(i), i >= 3 ? last : Durability::kProcess);
  }
  return fs.KillClone();
}

TEST_CASE("recovery: a power loss that takes the name of a log ends the history there") {
  // Crash cases 13 and 16: logs are created without a sync of their directory.
  for (const Durability last : {Durability::kProcess, Durability::kDisk}) {
    for (size_t lost = 1; lost < 4; ++lost) {
      CAPTURE(lost);
      const auto disk = FourLogs(last);
      const std::vector<std::string> logs = FilesOfKind(disk.get(), FileKind::kLog);
      REQUIRE(logs.size() == 4);
      REQUIRE(disk->Remove(logs[lost]).ok());
      if (last == Durability::kDisk) {
        // No power loss takes it: the manifest knows that it was durable, with all before it.
        CHECK(OpenError(disk.get()).find(logs[lost]) != std::string::npos);
        continue;
      }
      Model expected;
      for (size_t i = 0; i < lost; ++i) {
        expected.emplace(Key(static_cast<int>(i)), Value(static_cast<int>(i)));
      }
      for (int life = 0; life < 3; ++life) {
        const auto db = OpenStore(disk.get());
        REQUIRE(Contents(db.get()) == expected);
        Put(db.get(), absl::StrCat("life", life), "v", static_cast<Durability>(life % 3));
        expected.emplace(absl::StrCat("life", life), "v");
      }
    }
  }
}

TEST_CASE("recovery: a log that lost its end ends the history, or is damage if it was durable") {
  for (const Durability last : {Durability::kProcess, Durability::kDisk}) {
    for (size_t cut = 0; cut < 3; ++cut) {
      CAPTURE(cut);
      const auto disk = FourLogs(last);
      const std::string log = FilesOfKind(disk.get(), FileKind::kLog).at(cut);
      disk->SetContents(log, disk->Contents(log).value().substr(0, 100));
      if (last == Durability::kDisk) {
        CHECK(OpenError(disk.get()).find(log) != std::string::npos);
        continue;
      }
      Model expected;
      for (int i = 0; i < static_cast<int>(cut); ++i) {
        expected.emplace(Key(i), Value(i));
      }
      CHECK(Contents(OpenStore(disk.get()).get()) == expected);
    }
  }
}

TEST_CASE("recovery: a damaged byte of what was synced in a log with a successor is damage") {
  // Crash case 3.
  MemFileSystem fs;
  Options options = InMemory(&fs);
  options.memtable_bytes = 100;
  fs.SetHook([](FileOp op, const std::string& path, uint64_t) {
    return op == FileOp::kCreate && path.ends_with(".sst") ? absl::ResourceExhaustedError("full")
                                                           : absl::OkStatus();
  });
  const auto db = OpenStore(options);
  Put(db.get(), "synced", std::string(200, 'v'), Durability::kDisk);
  Put(db.get(), "in the next log", "v");
  const auto killed = fs.KillClone();
  const std::string log = FilesOfKind(killed.get(), FileKind::kLog).front();
  std::string bytes = *killed->Contents(log);
  bytes[bytes.find("vvvv")] = 'x';
  killed->SetContents(log, bytes);
  CHECK(OpenError(killed.get()).find(log) != std::string::npos);
}

TEST_CASE("recovery: after a clean close, damage at the very end of the log is damage") {
  MemFileSystem fs;
  auto db = OpenStore(&fs);
  Put(db.get(), "a", "1");
  Put(db.get(), "b", "2");
  CloseStore(std::move(db));
  const std::string log = FilesOfKind(&fs, FileKind::kLog).at(0);
  const std::string bytes = fs.Contents(log).value();
  // The sync mark at the end holds no write: the manifest knows where the last
  // one ends.
  const size_t worth = bytes.size() - kChunkHeaderBytes - sizeof(uint64_t);
  for (size_t length = 0; length < worth; ++length) {
    const auto copy = fs.KillClone();
    copy->SetContents(log, bytes.substr(0, length));
    CAPTURE(length);
    CHECK(OpenError(copy.get()).find(log) != std::string::npos);
  }
  for (size_t i = 0; i < worth; ++i) {
    const auto copy = fs.KillClone();
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    copy->SetContents(log, damaged);
    CAPTURE(i);
    CHECK(OpenError(copy.get()).find(log) != std::string::npos);
  }
}

TEST_CASE("recovery: a store without CURRENT is not taken for an empty one") {
  // Crash case 21: only what a creation can leave behind is created over.
  MemFileSystem fs;
  auto db = OpenStore(&fs);
  Put(db.get(), "a", "1");
  FlushStore(db.get());
  CloseStore(std::move(db));
  REQUIRE(fs.Remove("db/CURRENT").ok());
  CHECK(OpenError(&fs).find("db/CURRENT") != std::string::npos);
}

TEST_CASE("recovery: a directory that a dead process had made is durable before what is in it") {
  // Crash case 21.
  for (const char* dir : {"db", "db/", "/db"}) {
    CAPTURE(std::string(dir));
    MemFileSystem fs;
    REQUIRE(fs.CreateDir("db").ok());
    const auto db = OpenStore(InMemory(&fs), dir);
    Put(db.get(), "a", "1", Durability::kDisk);
    const auto crashed = fs.CrashClone(1, 0);
    CHECK(Get(OpenStore(crashed.get()).get(), "a") == "1");
  }
}

TEST_CASE("recovery: files that nothing names are removed, files of others are left alone") {
  MemFileSystem fs;
  auto db = OpenStore(&fs);
  Put(db.get(), "a", "1");
  FlushStore(db.get());
  CloseStore(std::move(db));
  for (const char* name : {"L0_009.sst", "000001.wal", "MANIFEST-000099", "CURRENT.tmp"}) {
    fs.SetContents(absl::StrCat("db/", name), "left over");
  }
  fs.SetContents("db/notes.txt", "mine");
  db = OpenStore(&fs);
  CHECK(db->recovery().files_removed >= 4);
  CHECK(FilesOfKind(&fs, FileKind::kTable) == std::vector<std::string>{"db/L0_001.sst"});
  CHECK(FilesOfKind(&fs, FileKind::kManifest).size() == 1);
  CHECK(FilesOfKind(&fs, FileKind::kCurrentTemp).empty());
  CHECK(fs.Contents("db/notes.txt").value() == "mine");
  CHECK(Get(db.get(), "a") == "1");
}

TEST_CASE("recovery: a store that was closed well and is only read stays as it is") {
  MemFileSystem fs;
  const auto files = [&fs] {
    std::map<std::string, std::string> contents;
    const std::vector<std::string> names = fs.List("db").value();
    for (const std::string& name : names) {
      contents[name] = fs.Contents(absl::StrCat("db/", name)).value();
    }
    return contents;
  };
  auto db = OpenStore(&fs);
  Put(db.get(), "a", "1");
  FlushStore(db.get());
  Put(db.get(), "b", "2");
  CloseStore(std::move(db));
  const auto closed = files();
  for (int i = 0; i < 3; ++i) {
    db = OpenStore(&fs);
    CHECK(Contents(db.get()) == Model{{"a", "1"}, {"b", "2"}});
    REQUIRE(db->Verify().ok());
    CHECK(db->recovery().batches_replayed == 1);
    CloseStore(std::move(db));
    CHECK(files() == closed);
  }
  // What then begins to write takes the place of what was there, and nothing else stays.
  db = OpenStore(&fs);
  Delete(db.get(), "a");
  CHECK(FilesOfKind(&fs, FileKind::kManifest).size() == 1);
  CHECK(files() != closed);
  const auto killed = fs.KillClone();
  CHECK(Contents(OpenStore(killed.get()).get()) == Model{{"b", "2"}});
}

// A store with a table, closed well and opened again.
std::unique_ptr<DB> WellClosedAndReopened(MemFileSystem* fs) {
  auto db = OpenStore(fs);
  Put(db.get(), "a", "1");
  FlushStore(db.get());
  CloseStore(std::move(db));
  return OpenStore(fs);
}

TEST_CASE("recovery: a store that was closed before its first write takes none any more") {
  MemFileSystem fs;
  const auto db = WellClosedAndReopened(&fs);
  REQUIRE(db->Close().ok());
  const uint64_t created = fs.op_count(FileOp::kCreate);
  CHECK(absl::IsFailedPrecondition(db->Put(WriteOptions(), "b", "2")));
  CHECK(absl::IsFailedPrecondition(db->CompactLevel(0, 1).status()));
  CHECK(fs.op_count(FileOp::kCreate) == created);
}

TEST_CASE("recovery: who waits while the first write removes the old log goes on after it") {
  MemFileSystem fs;
  const auto db = WellClosedAndReopened(&fs);
  std::atomic<bool> removing{false};
  std::thread waiter([&] {
    while (!removing) {
      std::this_thread::yield();
    }
    CHECK(db->WaitForCompactions().ok());
  });
  fs.SetHook([&removing](FileOp op, const std::string& path, uint64_t) {
    if (op == FileOp::kRemove && path.ends_with(".wal")) {
      removing = true;
      absl::SleepFor(absl::Milliseconds(50));  // for the other to begin to wait
    }
    return absl::OkStatus();
  });
  Put(db.get(), "b", "2");
  CHECK(removing);
  waiter.join();
}

TEST_CASE(
    "recovery: where no log can be begun the write is refused, and the next one tries again") {
  MemFileSystem fs;
  auto db = OpenStore(&fs);
  Put(db.get(), "a", "1");
  CloseStore(std::move(db));
  db = OpenStore(&fs);
  fs.SetHook([](FileOp op, const std::string& path, uint64_t) {
    return op == FileOp::kCreate && path.ends_with(".wal") ? absl::ResourceExhaustedError(path)
                                                           : absl::OkStatus();
  });
  CHECK(absl::IsResourceExhausted(db->Put(WriteOptions(), "b", "2")));
  CHECK(Get(db.get(), "a") == "1");
  fs.SetHook(nullptr);
  Put(db.get(), "b", "2", Durability::kDisk);
  CHECK(Contents(OpenStore(fs.CrashClone(1, 0).get()).get()) == Model{{"a", "1"}, {"b", "2"}});
}

TEST_CASE("recovery: many openings with few writes do not collect logs for ever") {
  MemFileSystem fs;
  Model model;
  for (int i = 0; i < 100; ++i) {
    auto db = OpenStore(&fs);
    Put(db.get(), Key(i), "v");
    model.emplace(Key(i), "v");
    CloseStore(std::move(db));
  }
  const auto db = OpenStore(&fs);
  CHECK(Contents(db.get()) == model);
  CHECK(FilesOfKind(&fs, FileKind::kLog).size() < 25);
}

TEST_CASE("recovery: many deaths while nobody writes do not collect empty logs for ever") {
  auto fs = std::make_unique<MemFileSystem>();
  auto db = OpenStore(fs.get());
  Put(db.get(), "a", "1");
  for (int i = 0; i < 100; ++i) {
    auto killed = fs->KillClone();
    CloseStore(std::move(db));
    fs = std::move(killed);
    db = OpenStore(fs.get());
    REQUIRE(db->WaitForCompactions().ok());
    CHECK(Contents(db.get()) == Model{{"a", "1"}});
    CHECK(FilesOfKind(fs.get(), FileKind::kLog).size() < 12);
  }
}

TEST_CASE("recovery: a quarter of a memtable becomes a table, less is kept in memory") {
  for (const size_t value_bytes : {size_t{900}, size_t{1100}}) {
    MemFileSystem fs;
    Options options = InMemory(&fs);
    options.memtable_bytes = 4000;
    auto db = OpenStore(options);
    Put(db.get(), "a", std::string(value_bytes, 'v'));
    CloseStore(std::move(db));
    db = OpenStore(options);
    REQUIRE(db->WaitForCompactions().ok());
    const bool flushed = value_bytes > 1000;
    CHECK(db->GetStats().tables == (flushed ? 1 : 0));
    CHECK(FilesOfKind(&fs, FileKind::kLog).size() == 1);
    CHECK(Get(db.get(), "a") == std::string(value_bytes, 'v'));
    CloseStore(std::move(db));
    db = OpenStore(options);
    CHECK(db->recovery().batches_replayed == (flushed ? 0 : 1));
  }
}

TEST_CASE("recovery: sequence numbers go on where they were") {
  // Crash case 29.
  MemFileSystem fs;
  auto db = OpenStore(&fs);
  Put(db.get(), "a", "1");
  FlushStore(db.get());
  Put(db.get(), "a", "2");
  CloseStore(std::move(db));
  db = OpenStore(&fs);
  CHECK(db->GetStats().last_sequence == 2);
  CHECK_FALSE(db->NeverWritten());
  Put(db.get(), "a", "3");
  CHECK(db->GetStats().last_sequence == 3);
  CHECK(Get(db.get(), "a") == "3");
}

TEST_CASE("recovery: what follows a torn end goes into a log of its own") {
  // Crash case 7: nothing is ever written behind what a crash left.
  MemFileSystem fs;
  const auto db = OpenStore(&fs);
  Put(db.get(), "a", "1", Durability::kDisk);
  Put(db.get(), "b", "torn");
  const auto crashed = fs.KillClone();
  const std::string log = FilesOfKind(crashed.get(), FileKind::kLog).back();
  std::string bytes = *crashed->Contents(log);
  bytes.resize(bytes.find_last_not_of('\0') - 1);
  crashed->SetContents(log, bytes);
  const auto recovered = OpenStore(crashed.get());
  Put(recovered.get(), "c", "3", Durability::kDisk);
  CHECK(*crashed->Contents(log) == bytes);
  const auto again = crashed->CrashClone(1, 0);
  CHECK(Contents(OpenStore(again.get()).get()) == Model{{"a", "1"}, {"c", "3"}});
}

TEST_CASE("recovery: create_if_missing decides about a missing store") {
  MemFileSystem fs;
  Options options = InMemory(&fs);
  options.create_if_missing = false;
  CHECK(absl::IsNotFound(DB::Open(options, "db").status()));
  REQUIRE(fs.CreateDir("db").ok());
  CHECK(absl::IsNotFound(DB::Open(options, "db").status()));
  CHECK(absl::IsNotFound(DB::Open(InMemory(&fs), "no/parent").status()));
}

}  // namespace
}  // namespace fathom
