// A small store with every kind of file, and every way to damage one: each byte changed, the file
// cut at each length, longer, empty, missing, in place of another. The store then gives the same
// answers, or DataLoss that names the file; never another answer, not even a silent "not found".
//
// One store was closed, so nothing of it may be lost. The other was killed: what its last log holds
// behind the last sync may be lost, as by a power loss, and nothing else.
//
// Of each byte all bits are changed, and one: FATHOM_TEST_OPS=8 changes each of its bits by itself,
// FATHOM_SEED=7 others.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "lsm/format/file_names.h"
#include "lsm/table/table_builder.h"
#include "tests/crash/gated_file_system.h"
#include "tests/crash/largest_allocation.h"
#include "tests/lsm/store.h"
#include "tests/runs.h"

namespace fathom {
namespace {

// More than any honest file here asks for (a table's writer for its buffer), and less than a
// damaged length would.
constexpr size_t kMaxAllocation = TableBuilder::kBufferBytes + (size_t{64} << 10);

// Under sanitizers every so many-th byte.
constexpr size_t kStep = kSanitized ? 23 : 1;

Options SmallSizes(FileSystem* fs) {
  Options options = InMemory(fs);
  options.memtable_bytes = 1000;
  options.max_immutable_memtables = 4;
  options.block_bytes = 200;
  options.block_cache_bytes = options.index_cache_bytes = 0;
  options.compaction_threads = 0;
  return options;
}

// A store at rest, and what it may hold.
struct Specimen {
  std::unique_ptr<MemFileSystem> disk;
  std::vector<Model> states;  // in the order of the history
};

void PutSome(DB* db, Model* model, int set, Durability durability) {
  for (int i = set; i < 20; i += 3) {
    (*model)[Key(i)] = absl::StrCat("set ", set, std::string(40, '.'));
    Put(db, Key(i), (*model)[Key(i)], durability);
  }
}

// Tables on level 0 and 1, on 2 (LZ4) and on 3 (Zstandard).
void FillLevels(DB* db, Model* model) {
  for (const int deepest : {3, 2, 1, 0}) {
    PutSome(db, model, deepest, Durability::kProcess);
    Delete(db, Key(deepest));
    model->erase(Key(deepest));
    FlushStore(db);
    for (int level = 0; level < deepest; ++level) {
      REQUIRE(db->CompactLevel(level, level + 1).ok());
    }
    REQUIRE(db->Levels()[static_cast<size_t>(deepest)].tables == 1);
  }
}

Specimen ClosedStore() {
  MemFileSystem disk;
  GatedFileSystem fs(&disk);
  Model model;
  auto db = OpenStore(SmallSizes(&fs));
  FillLevels(db.get(), &model);
  PutSome(db.get(), &model, 1, Durability::kProcess);
  CloseStore(std::move(db));
  return {disk.KillClone(), {model}};
}

// With tables, two logs whose memtables were not flushed, and one that goes on.
Specimen KilledStore() {
  MemFileSystem disk;
  GatedFileSystem fs(&disk);
  Model model;
  const auto db = OpenStore(SmallSizes(&fs));
  FillLevels(db.get(), &model);
  disk.SetHook([](FileOp op, const std::string& path, uint64_t) {
    return op == FileOp::kCreate && path.ends_with(".sst") ? absl::ResourceExhaustedError("full")
                                                           : absl::OkStatus();
  });
  for (int i = 0; i < 3; ++i) {
    PutSome(db.get(), &model, i, i == 2 ? Durability::kDisk : Durability::kProcess);
    PutSome(db.get(), &model, i, i == 2 ? Durability::kDisk : Durability::kProcess);
  }
  Specimen killed;
  killed.states.push_back(model);
  for (int i = 0; i < 3; ++i) {
    model[Key(i)] = "at risk";
    Put(db.get(), Key(i), "at risk", Durability::kProcess);
    killed.states.push_back(model);
  }
  killed.disk = disk.KillClone();
  return killed;
}

struct Outcomes {
  uint64_t same = 0;     // answers
  uint64_t refused = 0;  // to open
  uint64_t partly = 0;   // right answers, and DataLoss for some
  uint64_t shorter = 0;  // without the end that was at risk

  std::string ToString() const {
    return absl::StrCat(same + refused + partly + shorter, " stores: ", same, " the same, ",
                        refused, " refused, ", partly, " readable in part, ", shorter, " shorter");
  }
};

class Examination {
 public:
  explicit Examination(Specimen specimen) : specimen_(std::move(specimen)) {
    const std::vector<std::string> names = specimen_.disk->List("db").value();
    for (const std::string& name : names) {
      files_.push_back(absl::StrCat("db/", name));
    }
  }

  const std::vector<std::string>& files() const { return files_; }
  const Outcomes& outcomes() const { return outcomes_; }
  std::string Bytes(const std::string& file) const {
    return specimen_.disk->Contents(file).value();
  }

  // With these bytes in place of the file's.
  void Replace(const std::string& file, std::string bytes) {
    const auto disk = specimen_.disk->KillClone();
    disk->SetContents(file, std::move(bytes));
    Examine(disk.get(), {file});
  }
  void Remove(const std::string& file) {
    const auto disk = specimen_.disk->KillClone();
    REQUIRE(disk->Remove(file).ok());
    Examine(disk.get(), {file});
  }
  void Swap(const std::string& a, const std::string& b) {
    const auto disk = specimen_.disk->KillClone();
    disk->SetContents(a, Bytes(b));
    disk->SetContents(b, Bytes(a));
    Examine(disk.get(), {a, b});
  }

 private:
  using Files = std::vector<std::string>;

  static void CheckDamage(const absl::Status& status, const Files& damaged) {
    REQUIRE_MESSAGE(absl::IsDataLoss(status), status.ToString());
    const bool named = std::ranges::any_of(damaged, [&status](const std::string& file) {
      // A manifest that lost its end names files that are not there any more.
      return absl::StrContains(status.message(), file) ||
             (absl::StrContains(file, "MANIFEST") &&
              absl::StrContains(status.message(), "the manifest names this"));
    });
    REQUIRE_MESSAGE(named, status.ToString());
  }

  void Examine(MemFileSystem* disk, const Files& damaged) {
    TakeLargestAllocation();
    GatedFileSystem fs(disk);
    absl::StatusOr<std::unique_ptr<DB>> db = DB::Open(SmallSizes(&fs), "db");
    if (!db.ok()) {
      CheckDamage(db.status(), damaged);
      ++outcomes_.refused;
    } else {
      Read(db->get(), damaged);
    }
    REQUIRE(TakeLargestAllocation() < kMaxAllocation);
  }

  void Read(DB* db, const Files& damaged) {
    bool whole = true;
    // What the answers so far agree with.
    std::vector<Model> states = specimen_.states;
    const auto agree = [&states](auto matches) {
      std::erase_if(states, [&matches](const Model& state) { return !matches(state); });
      REQUIRE_MESSAGE(!states.empty(), "a wrong answer");
    };
    for (int i = 0; i < 22; ++i) {
      std::string value;
      const absl::Status status = db->Get(ReadOptions(), Key(i), &value);
      if (status.ok() || absl::IsNotFound(status)) {
        agree([&](const Model& state) {
          const auto found = state.find(Key(i));
          return status.ok() ? found != state.end() && found->second == value
                             : found == state.end();
        });
      } else {
        CheckDamage(status, damaged);
        whole = false;
      }
    }
    const auto it = db->NewIterator(ReadOptions());
    Model seen;
    for (it->SeekToFirst(); it->Valid(); it->Next()) {
      seen.emplace(it->key(), it->value());
    }
    if (it->status().ok()) {
      agree([&seen](const Model& state) { return state == seen; });
    } else {
      CheckDamage(it->status(), damaged);
      whole = false;
    }
    const VerifyReport report = db->Verify().value();
    for (const std::string& problem : report.problems) {
      CheckDamage(absl::DataLossError(problem), damaged);
    }
    // What a read stumbles over, a verification finds.
    REQUIRE((whole || !report.problems.empty()));
    if (damaged.front().ends_with(".sst")) {
      REQUIRE(!report.problems.empty());
    }
    ++(!whole                                     ? outcomes_.partly
       : states.back() == specimen_.states.back() ? outcomes_.same
                                                  : outcomes_.shorter);
  }

  const Specimen specimen_;
  Files files_;
  Outcomes outcomes_;
};

void DamageAll(Examination* examination) {
  for (const std::string& file : examination->files()) {
    CAPTURE(file);
    const std::string whole = examination->Bytes(file);
    // Of the zeros that are reserved at the end of a log, the first will do.
    const size_t end = std::min(whole.find_last_not_of('\0') + 50, whole.size());
    for (size_t i = 0; i < end; i += kStep) {
      CAPTURE(i);
      std::vector<int> flips = {0xff};
      for (uint64_t bit = 0; bit < std::min<uint64_t>(NumberFrom("FATHOM_TEST_OPS", 1), 8); ++bit) {
        flips.push_back(1 << ((i + bit + NumberFrom("FATHOM_SEED", 0)) % 8));
      }
      for (const int flip : flips) {
        CAPTURE(flip);
        std::string bytes = whole;
        bytes[i] = static_cast<char>(bytes[i] ^ flip);
        examination->Replace(file, bytes);
      }
      examination->Replace(file, whole.substr(0, i));
    }
    examination->Replace(file, whole + std::string(1, 'x'));
    examination->Replace(file, whole + std::string(1000, '\xff'));
    examination->Remove(file);
    for (const std::string& other : examination->files()) {
      const auto kind = [](const std::string& path) {
        return ParseFileName(path.substr(3)).value().kind;
      };
      if (other > file && kind(other) == kind(file)) {
        CAPTURE(other);
        examination->Swap(file, other);
      }
    }
  }
}

// Crash cases 3, 4, 5, 16, 21, 22, 23, 53 and 58.
TEST_CASE("damage: a closed store with any damage gives the same answers, or DataLoss by name") {
  const Pin pin(true);
  Examination examination(ClosedStore());
  DamageAll(&examination);
  const Outcomes& outcomes = examination.outcomes();
  MESSAGE(outcomes.ToString());
  CHECK(outcomes.shorter == 0);
  CHECK(outcomes.refused * kStep > 5000);
  CHECK(outcomes.partly * kStep > 5000);
}

TEST_CASE("damage: a killed store with any damage loses nothing that was synced in silence") {
  const Pin pin(true);
  Examination examination(KilledStore());
  DamageAll(&examination);
  const Outcomes& outcomes = examination.outcomes();
  MESSAGE(outcomes.ToString());
  CHECK(outcomes.shorter > 0);
  CHECK(outcomes.refused * kStep > 10000);
  CHECK(outcomes.partly * kStep > 5000);
}

}  // namespace
}  // namespace fathom
