// What a store makes durable, step by step: each step syncs what it promises or names, and nothing
// else. A sync that is left out may be made good by one nearby, and then only a count shows it.
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "tests/lsm/store.h"

namespace fathom {
namespace {

// The syncs in their order, by what they are on.
class Syncs {
 public:
  explicit Syncs(MemFileSystem* fs) {
    fs->SetHook([this](FileOp op, const std::string& path, uint64_t) {
      if (op == FileOp::kSync) {
        Add(absl::StrContains(path, "MANIFEST")  ? "manifest"
            : absl::StrContains(path, "CURRENT") ? "CURRENT"
            : absl::EndsWith(path, ".wal")       ? "log"
                                                 : "table");
      } else if (op == FileOp::kSyncDir) {
        Add(path + "/");
      }
      return absl::OkStatus();
    });
  }
  // Since the last call.
  std::string Take() { return std::exchange(seen_, ""); }

 private:
  void Add(const std::string& what) { absl::StrAppend(&seen_, seen_.empty() ? "" : " ", what); }

  std::string seen_;  // under the lock of the file system
};

TEST_CASE("syncs: each step makes durable what it names, and no more") {
  // Crash cases 19 and 27.
  MemFileSystem fs;
  REQUIRE(fs.CreateDir("copies").ok());
  Syncs syncs(&fs);
  Options options = InMemory(&fs);
  options.compaction_threads = 0;
  auto db = OpenStore(options);
  CHECK(syncs.Take() == "./ manifest CURRENT db/ db/");
  Put(db.get(), "a", "1", Durability::kBuffered);
  Put(db.get(), "a", "2", Durability::kProcess);
  CHECK(syncs.Take() == "");
  Put(db.get(), "a", "3", Durability::kDisk);
  CHECK(syncs.Take() == "log");
  REQUIRE(db->SyncLog().ok());
  CHECK(syncs.Take() == "");
  FlushStore(db.get());
  CHECK(syncs.Take() == "table db/ manifest");
  // The first durable write to a log that the switch of memtables made.
  Put(db.get(), "b", "1", Durability::kDisk);
  CHECK(syncs.Take() == "db/ manifest log");
  Put(db.get(), "b", "2", Durability::kDisk);
  CHECK(syncs.Take() == "log");
  FlushStore(db.get());
  CHECK(syncs.Take() == "table db/ manifest");
  REQUIRE(db->CompactLevel(0, 1).ok());
  CHECK(syncs.Take() == "table db/ manifest");
  Put(db.get(), "c", "1");
  CloseStore(std::move(db));
  CHECK(syncs.Take() == "db/ manifest log manifest");
  // Who only reads waits for no sync.
  db = OpenStore(options);
  CHECK(Get(db.get(), "c") == "1");
  CloseStore(std::move(db));
  CHECK(syncs.Take() == "");
  db = OpenStore(options);
  Put(db.get(), "d", "1", Durability::kBuffered);
  CHECK(syncs.Take() == "manifest CURRENT db/ db/");
  REQUIRE(db->Checkpoint("copies/one").ok());
  CHECK(syncs.Take() ==
        "table db/ manifest copies/one.unfinished/ manifest CURRENT copies/one.unfinished/ "
        "copies/one.unfinished/ copies/");
}

}  // namespace
}  // namespace fathom
