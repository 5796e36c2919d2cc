// What a store does when the file system refuses: it says so, loses nothing,
// and promises nothing that it cannot keep. tests/crash/failing_call_test.cc makes each call fail.
#include <atomic>
#include <string>

#include "tests/lsm/store.h"

namespace fathom {
namespace {

TEST_CASE(
    "faults: after a failed log write the store is read-only, and "
    "readable, until reopened") {
  // Crash case 8: space that is free again does not bring the promise back.
  for (const FileOp op : {FileOp::kAppend, FileOp::kSync}) {
    MemFileSystem fs;
    auto db = OpenStore(&fs);
    Put(db.get(), "kept", "1", Durability::kDisk);
    fs.SetHook([op](FileOp now, const std::string& path, uint64_t) {
      return now == op && path.ends_with(".wal") ? absl::ResourceExhaustedError("disk full")
                                                 : absl::OkStatus();
    });
    CHECK(absl::IsResourceExhausted(db->Put(WriteOptions{Durability::kDisk}, "uncertain", "2")));
    fs.SetHook(nullptr);
    const absl::Status status = db->Put(WriteOptions(), "refused", "3");
    CHECK(absl::IsFailedPrecondition(status));
    CHECK(status.message().find("disk full") != std::string::npos);
    CHECK(absl::IsFailedPrecondition(db->SyncLog()));
    CHECK(absl::IsFailedPrecondition(db->Flush().status()));
    CHECK(Get(db.get(), "kept") == "1");
    CHECK(Get(db.get(), "uncertain") == "(none)");
    CHECK_FALSE(db->Close().ok());
    db.reset();
    // Crash case 10: what a failed fsync left is not durable, and was never
    // acknowledged.
    const auto crashed = fs.CrashClone(1, 0);
    db = OpenStore(crashed.get());
    CHECK(Contents(db.get()) == Model{{"kept", "1"}});
    Put(db.get(), "works", "again");
    db.reset();  // before its file system
  }
}

TEST_CASE(
    "faults: a log whose sync failed is durable once it is opened again and more is promised") {
  // Crash case 10: its bytes can still be read, but a sync that follows would not write them.
  MemFileSystem fs;
  auto db = OpenStore(&fs);
  Put(db.get(), "kept", "1", Durability::kDisk);
  fs.SetHook([](FileOp op, const std::string& path, uint64_t) {
    return op == FileOp::kSync && path.ends_with(".wal") ? absl::InternalError("I/O error")
                                                         : absl::OkStatus();
  });
  CHECK_FALSE(db->Put(WriteOptions{Durability::kDisk}, "uncertain", "2").ok());
  fs.SetHook(nullptr);
  db.reset();
  db = OpenStore(&fs);
  Model model = Contents(db.get());
  Put(db.get(), "promised", "3", Durability::kDisk);
  model["promised"] = "3";
  db.reset();
  const auto crashed = fs.CrashClone(1, 0);
  CHECK(Contents(OpenStore(crashed.get()).get()) == model);
}

TEST_CASE("faults: the log is synced also where no memtable has room for a write") {
  MemFileSystem fs;
  Options options = InMemory(&fs);
  options.memtable_bytes = 1000;
  auto db = OpenStore(options);
  fs.SetHook([](FileOp op, const std::string& path, uint64_t) {
    return op == FileOp::kAppend && path.ends_with(".sst") ? absl::ResourceExhaustedError("full")
                                                           : absl::OkStatus();
  });
  Model model;
  for (int i = 0; db->Put(WriteOptions(), Key(i), "value").ok(); ++i) {
    model[Key(i)] = "value";
    REQUIRE(i < 1000);
  }
  CHECK(db->SyncLog() == absl::OkStatus());
  CHECK(db->Write(WriteOptions{Durability::kDisk}, WriteBatch()) == absl::OkStatus());
  CHECK(absl::IsResourceExhausted(db->Put(WriteOptions{Durability::kDisk}, "refused", "value")));
  db.reset();
  const auto crashed = fs.CrashClone(1, 0);
  options.file_system = crashed.get();
  CHECK(Contents(OpenStore(options).get()) == model);
}

TEST_CASE(
    "faults: a failed manifest write makes the store read-only, and "
    "nothing is lost") {
  MemFileSystem fs;
  auto db = OpenStore(&fs);
  Put(db.get(), "k", "v");
  fs.SetHook([](FileOp op, const std::string& path, uint64_t) {
    return op == FileOp::kSync && path.find("MANIFEST") != std::string::npos
               ? absl::InternalError("I/O error")
               : absl::OkStatus();
  });
  CHECK_FALSE(db->Flush().ok());
  fs.SetHook(nullptr);
  CHECK(absl::IsFailedPrecondition(db->Put(WriteOptions(), "k", "refused")));
  CHECK(Get(db.get(), "k") == "v");
  db.reset();
  db = OpenStore(&fs);
  CHECK(Contents(db.get()) == Model{{"k", "v"}});
}

TEST_CASE("faults: after a failed sync of the directory no later write is promised") {
  // Crash case 10: the log's name may be among what the failed sync lost, and the next sync, which
  // succeeds, would say nothing of it.
  MemFileSystem fs;
  auto db = OpenStore(&fs);
  Put(db.get(), "a", "1");
  FlushStore(db.get());
  Put(db.get(), "b", "2");
  fs.SetHook([](FileOp op, const std::string& path, uint64_t) {
    return op == FileOp::kSyncDir && path == "db" ? absl::InternalError("I/O error")
                                                  : absl::OkStatus();
  });
  CHECK_FALSE(db->Flush().ok());
  fs.SetHook(nullptr);
  CHECK(absl::IsFailedPrecondition(db->Put(WriteOptions{Durability::kDisk}, "c", "3")));
  CHECK(Contents(db.get()) == Model{{"a", "1"}, {"b", "2"}});
  const auto crashed = fs.CrashClone(1, 0);
  CHECK(Contents(OpenStore(crashed.get()).get()) == Model{{"a", "1"}});
  db.reset();
  CHECK(Contents(OpenStore(&fs).get()) == Model{{"a", "1"}, {"b", "2"}});
}

TEST_CASE(
    "faults: a flush that finds the disk full keeps the memtable and "
    "works when there is room") {
  MemFileSystem fs;
  Options options = InMemory(&fs);
  options.memtable_bytes = 1000;
  std::atomic<bool> full{true};
  auto db = OpenStore(options);
  fs.SetHook([&full](FileOp op, const std::string& path, uint64_t) {
    return full && op == FileOp::kAppend && path.ends_with(".sst")
               ? absl::ResourceExhaustedError("disk full")
               : absl::OkStatus();
  });
  Model model;
  absl::Status status;
  for (int i = 0; i < 1000 && status.ok(); ++i) {
    status = db->Put(WriteOptions(), Key(i), "value");
    if (status.ok()) {
      model[Key(i)] = "value";
    }
  }
  // The log takes writes until the memtables that wait are too many; then they
  // are refused, not lost.
  CHECK(absl::IsResourceExhausted(status));
  CHECK(absl::IsResourceExhausted(db->Flush().status()));
  CHECK(Contents(db.get()) == model);
  full = false;
  Put(db.get(), "room", "again");
  model["room"] = "again";
  FlushStore(db.get());
  CHECK(Contents(db.get()) == model);
  CloseStore(std::move(db));
  db = OpenStore(options);
  CHECK(Contents(db.get()) == model);
}

TEST_CASE(
    "faults: a read error is reported, never taken for an absent key or "
    "an end") {
  // Crash cases 54 and 58.
  MemFileSystem fs;
  Options options = InMemory(&fs);
  options.block_cache_bytes = 0;
  auto db = OpenStore(options);
  for (int i = 0; i < 500; ++i) {
    Put(db.get(), Key(i), "value");
  }
  FlushStore(db.get());
  const auto it = db->NewIterator(ReadOptions());
  it->SeekToFirst();
  REQUIRE(it->Valid());
  fs.SetHook([](FileOp op, const std::string&, uint64_t) {
    return op == FileOp::kRead ? absl::InternalError("I/O error") : absl::OkStatus();
  });
  CHECK(Get(db.get(), Key(3)).find("I/O error") != std::string::npos);
  int seen = 0;
  for (; it->Valid(); it->Next()) {
    ++seen;
  }
  CHECK(seen < 500);
  CHECK(it->status().message().find("I/O error") != std::string::npos);
  CHECK_FALSE(db->Verify().ok());
  fs.SetHook(nullptr);
  CHECK(Get(db.get(), Key(3)) == "value");
}

}  // namespace
}  // namespace fathom
