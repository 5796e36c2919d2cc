// The fault model of MemFileSystem: what crashes and failing operations do.
#include "lsm/io/mem_file_system.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <thread>

#include "tests/lsm/io/io_test_util.h"

namespace fathom {
namespace {

constexpr size_t kSector = 512;

// A file system with a durable directory /d.
struct Mem : MemFileSystem {
  Mem() {
    REQUIRE(CreateDir("/d").ok());
    REQUIRE(SyncDir("/").ok());
  }

  // A file whose bytes and name are durable.
  void WriteDurably(const std::string& path, absl::string_view bytes) {
    MustWriteSynced(this, path, bytes);
    REQUIRE(SyncDir("/d").ok());
  }
};

std::vector<std::string> Names(FileSystem* fs, const std::string& dir) {
  absl::StatusOr<std::vector<std::string>> names = fs->List(dir);
  REQUIRE_MESSAGE(names.ok(), names.status().ToString());
  std::sort(names->begin(), names->end());
  return *names;
}

using Strings = std::vector<std::string>;

// `count` sectors, the first of 'a', the next of 'b' and so on.
std::string Sectors(int count) {
  std::string bytes;
  for (int i = 0; i < count; ++i) {
    bytes.append(kSector, static_cast<char>('a' + i));
  }
  return bytes;
}

TEST_CASE("mem: unsynced bytes are lost at 0 % and kept at 100 %") {
  Mem mem;
  const std::unique_ptr<WritableFile> file = MustCreate(&mem, "/d/f");
  CHECK(mem.SyncDir("/d").ok());
  CHECK(file->Append("synced").ok());
  CHECK(file->Sync().ok());
  CHECK(file->Append(" and not").ok());
  for (uint64_t seed = 0; seed < 20; ++seed) {
    CHECK(MustRead(mem.CrashClone(seed, 0).get(), "/d/f") == "synced");
    CHECK(MustRead(mem.CrashClone(seed, 100).get(), "/d/f") == "synced and not");
  }
  CHECK(MustRead(&mem, "/d/f") == "synced and not");
}

TEST_CASE("mem: synced bytes survive every crash") {
  Mem mem;
  const std::unique_ptr<WritableFile> file = MustCreate(&mem, "/d/f");
  CHECK(mem.SyncDir("/d").ok());
  CHECK(file->Append(std::string(700, 's')).ok());
  CHECK(file->Sync().ok());
  CHECK(file->Append(Sectors(4)).ok());
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const std::string left = MustRead(mem.CrashClone(seed, 50).get(), "/d/f");
    CHECK(left.substr(0, 700) == std::string(700, 's'));
  }
}

TEST_CASE("mem: a file can be made durable by its name, whoever wrote it and failed to") {
  for (const bool fails : {false, true}) {
    Mem mem;
    MustWrite(&mem, "/d/f", "of a dead process");
    CHECK(mem.SyncDir("/d").ok());
    const auto killed = mem.KillClone();
    killed->SetHook([fails](FileOp op, const std::string&, uint64_t) {
      return fails && op == FileOp::kSync ? absl::InternalError("I/O error") : absl::OkStatus();
    });
    CHECK(killed->SyncFile("/d/f").ok() == !fails);
    killed->SetHook(nullptr);
    if (fails) {
      CHECK(killed->SyncFile("/d/f").ok());
    }
    const std::string left = MustRead(killed->CrashClone(1, 0).get(), "/d/f");
    CHECK(left == "of a dead process");
  }
}

// Crash case 10, for names.
TEST_CASE("mem: after a failed sync of a directory its changes stay volatile, later ones do not") {
  Mem mem;
  MustWriteSynced(&mem, "/d/lost", "bytes");
  mem.SetHook([](FileOp op, const std::string&, uint64_t) {
    return op == FileOp::kSyncDir ? absl::InternalError("I/O error") : absl::OkStatus();
  });
  CHECK_FALSE(mem.SyncDir("/d").ok());
  mem.SetHook(nullptr);
  MustWriteSynced(&mem, "/d/later", "bytes");
  CHECK(mem.SyncDir("/d").ok());
  CHECK(Exists(&mem, "/d/lost"));
  CHECK_FALSE(Exists(mem.CrashClone(1, 0).get(), "/d/lost"));
  CHECK(Exists(mem.CrashClone(1, 0).get(), "/d/later"));
  CHECK(Exists(mem.CrashClone(1, 100).get(), "/d/lost"));
}

TEST_CASE("mem: a cancelled operation is not made at all, not even in part") {
  Mem mem;
  const std::unique_ptr<WritableFile> file = MustCreate(&mem, "/d/f");
  CHECK(mem.SyncDir("/d").ok());
  CHECK(file->Append("before").ok());
  mem.SetHook(
      [](FileOp, const std::string&, uint64_t) { return absl::CancelledError("it is off"); });
  CHECK(absl::IsCancelled(file->Append("after")));
  CHECK(absl::IsCancelled(file->Sync()));
  CHECK(absl::IsCancelled(mem.SyncFile("/d/f")));
  const auto killed = mem.KillClone();
  CHECK(MustRead(killed.get(), "/d/f") == "before");
  CHECK(killed->SyncFile("/d/f").ok());
  CHECK(MustRead(killed->CrashClone(1, 0).get(), "/d/f") == "before");
}

// Crash case 2: the length reached the disk and the bytes did not.
TEST_CASE("mem: each unsynced sector survives or not, and a lost one reads as zeros") {
  Mem mem;
  const std::unique_ptr<WritableFile> file = MustCreate(&mem, "/d/f");
  CHECK(mem.SyncDir("/d").ok());
  CHECK(file->Append(Sectors(3)).ok());
  std::set<std::string> outcomes;
  for (uint64_t seed = 0; seed < 1000; ++seed) {
    const std::string left = MustRead(mem.CrashClone(seed, 50).get(), "/d/f");
    REQUIRE(left.size() % kSector == 0);
    std::string outcome;
    for (size_t i = 0; i < left.size(); i += kSector) {
      const std::string sector = left.substr(i, kSector);
      REQUIRE(sector == std::string(kSector, sector[0]));
      REQUIRE((sector[0] == '\0' || sector[0] == Sectors(3)[i]));
      outcome.push_back(sector[0] == '\0' ? '.' : sector[0]);
    }
    outcomes.insert(outcome);
  }
  // Cut after the last survivor, or grown to the full length with zeros; nothing else.
  CHECK(outcomes == std::set<std::string>{"", "...", "a", "a..", ".b", ".b.", "ab", "ab.", "..c",
                                          "a.c", ".bc", "abc"});
}

TEST_CASE("mem: a file whose name alone survives is empty") {
  Mem mem;
  const std::unique_ptr<WritableFile> file = MustCreate(&mem, "/d/f");
  CHECK(mem.SyncDir("/d").ok());
  CHECK(file->Append("never synced").ok());
  CHECK(MustRead(mem.CrashClone(1, 0).get(), "/d/f").empty());
}

TEST_CASE("mem: a name is lost until its directory is synced, though the bytes are") {
  Mem mem;
  MustWriteSynced(&mem, "/d/f", "bytes");
  CHECK(Names(mem.CrashClone(1, 0).get(), "/d").empty());
  CHECK(MustRead(mem.CrashClone(1, 100).get(), "/d/f") == "bytes");
  CHECK(mem.SyncDir("/").ok());  // Another directory.
  CHECK(Names(mem.CrashClone(1, 0).get(), "/d").empty());
  CHECK(mem.SyncDir("/d").ok());
  CHECK(MustRead(mem.CrashClone(1, 0).get(), "/d/f") == "bytes");
}

TEST_CASE("mem: a removed file comes back until its directory is synced") {
  Mem mem;
  mem.WriteDurably("/d/f", "bytes");
  CHECK(mem.Remove("/d/f").ok());
  CHECK(MustRead(mem.CrashClone(1, 0).get(), "/d/f") == "bytes");
  CHECK(Names(mem.CrashClone(1, 100).get(), "/d").empty());
  CHECK(mem.SyncDir("/d").ok());
  CHECK(Names(mem.CrashClone(1, 0).get(), "/d").empty());
}

TEST_CASE("mem: names survive independently of each other and of their order") {
  Mem mem;
  MustWrite(&mem, "/d/a", "");
  MustWrite(&mem, "/d/b", "");
  std::set<Strings> outcomes;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    outcomes.insert(Names(mem.CrashClone(seed, 50).get(), "/d"));
  }
  CHECK(outcomes == std::set<Strings>{{}, {"a"}, {"b"}, {"a", "b"}});
}

// Crash case 18.
TEST_CASE("mem: a rename is all or nothing, and the name that it replaces never goes missing") {
  Mem mem;
  mem.WriteDurably("/d/CURRENT", "old");
  MustWriteSynced(&mem, "/d/temp", "new");
  CHECK(mem.Rename("/d/temp", "/d/CURRENT").ok());
  std::set<std::pair<std::string, bool>> outcomes;
  for (uint64_t seed = 0; seed < 1000; ++seed) {
    const std::unique_ptr<MemFileSystem> left = mem.CrashClone(seed, 50);
    outcomes.insert({MustRead(left.get(), "/d/CURRENT"), Exists(left.get(), "/d/temp")});
  }
  CHECK(outcomes ==
        std::set<std::pair<std::string, bool>>{{"old", false}, {"old", true}, {"new", false}});
}

TEST_CASE("mem: a durable file has exactly one name after a crash amid a chain of renames") {
  Mem mem;
  CHECK(mem.CreateDir("/d/sub").ok());
  mem.WriteDurably("/d/a", "bytes");
  CHECK(mem.Rename("/d/a", "/d/b").ok());
  CHECK(mem.Rename("/d/b", "/d/sub/c").ok());
  MustWriteSynced(&mem, "/d/a", "other");
  std::set<std::string> outcomes;
  for (uint64_t seed = 0; seed < 1000; ++seed) {
    const std::unique_ptr<MemFileSystem> left = mem.CrashClone(seed, 50);
    int names = 0;
    for (const std::string path : {"/d/a", "/d/b", "/d/sub/c"}) {
      if (Exists(left.get(), path) && MustRead(left.get(), path) == "bytes") {
        outcomes.insert(path);
        ++names;
      }
    }
    REQUIRE(names == 1);
  }
  CHECK(outcomes.size() == 3);
}

TEST_CASE("mem: syncing either directory of a rename makes the whole of it durable") {
  for (const std::string synced : {"/d", "/e"}) {
    Mem mem;
    CHECK(mem.CreateDir("/e").ok());
    CHECK(mem.SyncDir("/").ok());
    mem.WriteDurably("/d/f", "bytes");
    MustWriteSynced(&mem, "/e/f", "in the way");
    CHECK(mem.Rename("/d/f", "/e/f").ok());
    MustWrite(&mem, "/e/later", "");
    CHECK(mem.SyncDir(synced).ok());
    for (const int survival_percent : {0, 100}) {
      const std::unique_ptr<MemFileSystem> left = mem.CrashClone(1, survival_percent);
      CHECK(Names(left.get(), "/d").empty());
      CHECK(MustRead(left.get(), "/e/f") == "bytes");
      CHECK(Exists(left.get(), "/e/later") == (survival_percent == 100 || synced == "/e"));
    }
  }
}

TEST_CASE("mem: what is in a directory vanishes with the directory's own name") {
  Mem mem;
  CHECK(mem.CreateDir("/d/sub").ok());
  MustWriteSynced(&mem, "/d/sub/f", "bytes");
  CHECK(mem.SyncDir("/d/sub").ok());
  CHECK(Names(mem.CrashClone(1, 0).get(), "/d").empty());
  CHECK(mem.SyncDir("/d").ok());
  CHECK(MustRead(mem.CrashClone(1, 0).get(), "/d/sub/f") == "bytes");
}

TEST_CASE("mem: a link shares bytes and durability with the first name, after a crash too") {
  Mem mem;
  const std::unique_ptr<WritableFile> file = MustCreate(&mem, "/d/one");
  CHECK(mem.Link("/d/one", "/d/two").ok());
  CHECK(mem.SyncDir("/d").ok());
  CHECK(file->Append("bytes").ok());
  CHECK(file->Sync().ok());
  const std::unique_ptr<MemFileSystem> left = mem.CrashClone(1, 0);
  CHECK(MustRead(left.get(), "/d/two") == "bytes");
  left->SetContents("/d/one", "damaged");
  CHECK(MustRead(left.get(), "/d/two") == "damaged");
}

TEST_CASE("mem: creating over a durable file may bring the old one back") {
  Mem mem;
  mem.WriteDurably("/d/f", "old");
  MustWriteSynced(&mem, "/d/f", "new");
  CHECK(MustRead(mem.CrashClone(1, 0).get(), "/d/f") == "old");
  CHECK(mem.SyncDir("/d").ok());
  CHECK(MustRead(mem.CrashClone(1, 0).get(), "/d/f") == "new");
}

TEST_CASE("mem: a preallocated tail is durable with the bytes, its cut is not") {
  Mem mem;
  const std::unique_ptr<WritableFile> file = MustCreate(&mem, "/d/f");
  CHECK(mem.SyncDir("/d").ok());
  CHECK(file->Preallocate(1000).ok());
  CHECK(MustRead(mem.CrashClone(1, 0).get(), "/d/f").empty());
  CHECK(MustRead(mem.CrashClone(1, 100).get(), "/d/f") == std::string(1000, '\0'));
  CHECK(file->Append("abc").ok());
  CHECK(file->Sync().ok());
  const std::string with_tail = "abc" + std::string(997, '\0');
  CHECK(MustRead(mem.CrashClone(1, 0).get(), "/d/f") == with_tail);
  CHECK(file->Close().ok());
  CHECK(MustRead(mem.CrashClone(1, 0).get(), "/d/f") == with_tail);
  CHECK(MustRead(mem.CrashClone(1, 100).get(), "/d/f") == "abc");
}

// Fails the `nth` operation of a kind.
MemFileSystem::Hook FailNth(FileOp kind, int nth) {
  return [kind, nth, seen = 0](FileOp op, const std::string& path, uint64_t) mutable {
    seen += op == kind ? 1 : 0;
    return op == kind && seen == nth ? absl::ResourceExhaustedError(path) : absl::OkStatus();
  };
}

// Crash case 10.
TEST_CASE("mem: what a failed sync covered is not made durable by a later one") {
  Mem mem;
  const std::unique_ptr<WritableFile> file = MustCreate(&mem, "/d/f");
  CHECK(mem.SyncDir("/d").ok());
  CHECK(file->Append("good").ok());
  CHECK(file->Sync().ok());
  CHECK(file->Append("lost").ok());
  mem.SetHook(FailNth(FileOp::kSync, 1));
  CHECK(absl::IsResourceExhausted(file->Sync()));
  CHECK(MustRead(mem.CrashClone(1, 0).get(), "/d/f") == "good");
  CHECK(file->Append("more").ok());
  CHECK(file->Sync().ok());
  CHECK(MustRead(mem.CrashClone(1, 0).get(), "/d/f") == std::string("good\0\0\0\0more", 12));
  CHECK(MustRead(mem.CrashClone(1, 100).get(), "/d/f") == "goodlostmore");
  CHECK(MustRead(&mem, "/d/f") == "goodlostmore");
  CHECK(file->Sync().ok());
  CHECK(MustRead(mem.CrashClone(1, 0).get(), "/d/f") == std::string("good\0\0\0\0more", 12));
}

// Crash cases 57 and 59.
TEST_CASE("mem: the hook makes an operation of any kind fail, and only that one") {
  for (int failing = 0; failing < kFileOpKinds; ++failing) {
    Mem mem;
    mem.SetContents("/d/old", "old");
    mem.SetContents("/d/removed", "");
    mem.SetContents("/d/from", "");
    REQUIRE(mem.CreateDir("/d/empty").ok());
    const std::unique_ptr<ReadableFile> reader = MustOpen(&mem, "/d/old");
    const std::unique_ptr<WritableFile> writer = MustCreate(&mem, "/d/written");
    char byte;
    // In the order of FileOp.
    const std::vector<std::function<absl::Status()>> steps = {
        [&] { return mem.OpenForRead("/d/old").status(); },
        [&] { return reader->Read(0, 1, &byte).status(); },
        [&] { return mem.Create("/d/new").status(); },
        [&] { return writer->Append("1234"); },
        [&] { return writer->Sync(); },
        [&] { return writer->Preallocate(100); },
        [&] { return writer->Close(); },
        [&] { return mem.Remove("/d/removed"); },
        [&] { return mem.Rename("/d/from", "/d/to"); },
        [&] { return mem.Link("/d/old", "/d/link"); },
        [&] { return mem.List("/d").status(); },
        [&] { return mem.FileSize("/d/old").status(); },
        [&] { return mem.CreateDir("/d/dir"); },
        [&] { return mem.RemoveDir("/d/empty"); },
        [&] { return mem.SyncDir("/d"); },
        [&] { return mem.Lock("/d/LOCK").status(); },
    };
    REQUIRE(steps.size() == kFileOpKinds);

    const uint64_t before = mem.op_count();
    mem.SetHook([&](FileOp op, const std::string& path, uint64_t number) {
      CHECK(number == before + static_cast<uint64_t>(op) + 1);
      CHECK(path.substr(0, 2) == "/d");
      return static_cast<int>(op) == failing ? absl::AbortedError("hook") : absl::OkStatus();
    });
    for (int step = 0; step < kFileOpKinds; ++step) {
      CAPTURE(step);
      const absl::Status status = steps[static_cast<size_t>(step)]();
      CHECK(status == (step == failing ? absl::AbortedError("hook") : absl::OkStatus()));
    }
    mem.SetHook(nullptr);

    // What failed was not done, the rest was.
    const auto done = [&](FileOp op) { return static_cast<int>(op) != failing; };
    CHECK(Exists(&mem, "/d/new") == done(FileOp::kCreate));
    CHECK(Exists(&mem, "/d/removed") != done(FileOp::kRemove));
    CHECK(Exists(&mem, "/d/to") == done(FileOp::kRename));
    CHECK(Exists(&mem, "/d/from") != done(FileOp::kRename));
    CHECK(Exists(&mem, "/d/link") == done(FileOp::kLink));
    CHECK(mem.List("/d/dir").ok() == done(FileOp::kCreateDir));
    CHECK(mem.List("/d/empty").ok() != done(FileOp::kRemoveDir));
    CHECK(Exists(&mem, "/d/LOCK") == done(FileOp::kLock));
    const auto crashed = mem.CrashClone(1, 0);
    CHECK(Exists(crashed.get(), "/d/written") == done(FileOp::kSyncDir));
  }
}

TEST_CASE("mem: a failed append writes half of its bytes") {
  Mem mem;
  const std::unique_ptr<WritableFile> file = MustCreate(&mem, "/d/f");
  CHECK(file->Append("ok ").ok());
  mem.SetHook(FailNth(FileOp::kAppend, 1));
  CHECK(absl::IsResourceExhausted(file->Append("123456")));
  CHECK(*mem.Contents("/d/f") == "ok 123");
  CHECK(file->Append("!").ok());
  CHECK(*mem.Contents("/d/f") == "ok 123!");
}

TEST_CASE("mem: operations are counted by kind") {
  MemFileSystem mem;
  CHECK(mem.op_count() == 0);
  MustWriteSynced(&mem, "/f", "x");
  CHECK(mem.op_count(FileOp::kCreate) == 1);
  CHECK(mem.op_count(FileOp::kAppend) == 1);
  CHECK(mem.op_count(FileOp::kSync) == 1);
  CHECK(mem.op_count(FileOp::kClose) == 1);
  CHECK(mem.op_count(FileOp::kRead) == 0);
  CHECK(mem.op_count() == 4);
}

TEST_CASE("mem: a clone is independent of its original") {
  Mem mem;
  mem.WriteDurably("/d/f", "then");
  const std::unique_ptr<WritableFile> file = MustCreate(&mem, "/d/open");
  const auto lock = mem.Lock("/d/LOCK");
  REQUIRE(lock.ok());
  mem.SetHook([](FileOp, const std::string&, uint64_t) { return absl::OkStatus(); });
  for (const bool killed : {true, false}) {
    CAPTURE(killed);
    const auto clone = killed ? mem.KillClone() : mem.CrashClone(1, 100);
    mem.SetHook([](FileOp, const std::string&, uint64_t) { return absl::InternalError(""); });
    CHECK(clone->op_count() == 0);
    CHECK(clone->Lock("/d/LOCK").ok());
    mem.SetHook(nullptr);
    CHECK(file->Append("later").ok());
    CHECK(MustRead(clone.get(), "/d/open") == (killed ? "" : "later"));
    MustWrite(clone.get(), "/d/clone's", "");
    CHECK(clone->Remove("/d/f").ok());
    CHECK(MustRead(&mem, "/d/f") == "then");
    CHECK_FALSE(Exists(&mem, "/d/clone's"));
  }
}

TEST_CASE("mem: the same seed crashes in the same way") {
  Mem mem;
  for (const std::string path : {"/d/a", "/d/b", "/d/c", "/d/e"}) {
    MustWrite(&mem, path, Sectors(8));
  }
  const auto image = [&](uint64_t seed) {
    const std::unique_ptr<MemFileSystem> left = mem.CrashClone(seed, 50);
    std::string all;
    for (const std::string& name : Names(left.get(), "/d")) {
      all += name + MustRead(left.get(), "/d/" + name);
    }
    return all;
  };
  for (uint64_t seed = 0; seed < 10; ++seed) {
    CHECK((image(seed) == image(seed)));
    CHECK((image(seed) != image(seed + 1)));
  }
}

TEST_CASE("mem: a killed process loses nothing, but what it did not sync stays at risk") {
  Mem mem;
  mem.WriteDurably("/d/f", "durable");
  const std::unique_ptr<WritableFile> file = MustCreate(&mem, "/d/g");
  CHECK(file->Append("appended").ok());
  CHECK(mem.Rename("/d/f", "/d/h").ok());
  const std::unique_ptr<MemFileSystem> left = mem.KillClone();
  CHECK(Names(left.get(), "/d") == Strings{"g", "h"});
  CHECK(MustRead(left.get(), "/d/g") == "appended");
  CHECK(MustRead(left.get(), "/d/h") == "durable");
  CHECK(Names(left->CrashClone(1, 0).get(), "/d") == Strings{"f"});
}

TEST_CASE("mem: bytes that were set directly are durable, and other names are not") {
  Mem mem;
  MustWrite(&mem, "/d/other", "");
  MustWrite(&mem, "/d/f", "unsynced");
  const std::unique_ptr<ReadableFile> reader = MustOpen(&mem, "/d/f");
  mem.SetContents("/d/f", "set");
  mem.SetContents("/d/g", "made");
  char bytes[3];
  CHECK(*reader->Read(0, 3, bytes) == 3);
  CHECK(absl::string_view(bytes, 3) == "set");
  const std::unique_ptr<MemFileSystem> left = mem.CrashClone(1, 0);
  CHECK(Names(left.get(), "/d") == Strings{"f", "g"});
  CHECK(*left->Contents("/d/f") == "set");
  CHECK(*left->Contents("/d/g") == "made");
  CHECK(absl::IsNotFound(left->Contents("/d/other").status()));
}

TEST_CASE("mem: readers that live are counted") {
  Mem mem;
  mem.SetContents("/d/f", "x");
  std::unique_ptr<ReadableFile> one = MustOpen(&mem, "/d/f");
  const std::unique_ptr<ReadableFile> two = MustOpen(&mem, "/d/f");
  CHECK(mem.open_readers() == 2);
  one.reset();
  CHECK(mem.open_readers() == 1);
}

TEST_CASE("mem: paths with and without the leading '/' are the same") {
  Mem mem;
  mem.SetContents("d//f", "x");
  CHECK(*mem.Contents("/d/./f") == "x");
  CHECK(Names(&mem, "") == Strings{"d"});
  CHECK(Names(&mem, ".") == Strings{"d"});
  CHECK(mem.SyncDir(".").ok());
}

TEST_CASE("mem: threads may use it and clone it at once") {
  Mem mem;
  std::vector<std::thread> threads;
  for (int id = 0; id < 4; ++id) {
    threads.emplace_back([&mem, id] {
      const std::string path = "/d/" + std::to_string(id);
      const auto file = mem.Create(path);
      for (int i = 0; file.ok() && i < 200; ++i) {
        (*file)->Append("x").IgnoreError();
        (*file)->Sync().IgnoreError();
        mem.SyncDir("/d").IgnoreError();
        mem.FileSize(path).IgnoreError();
      }
    });
  }
  for (uint64_t seed = 0; seed < 50; ++seed) {
    CHECK(mem.CrashClone(seed, 50)->List("/d").ok());
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  for (int id = 0; id < 4; ++id) {
    CHECK(*mem.CrashClone(1, 0)->Contents("/d/" + std::to_string(id)) == std::string(200, 'x'));
  }
}

}  // namespace
}  // namespace fathom
