// Which levels are compressed, and how.
#include <doctest/doctest.h>

#include <map>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "lsm/table/table_reader.h"
#include "tests/lsm/store.h"

namespace fathom {
namespace {

// Of each level, by the names of the files, the compression of its newest table.
std::map<std::string, Compression> CompressionOfLevels(FileSystem* fs) {
  std::map<std::string, Compression> found;
  auto names = fs->List("db");
  REQUIRE(names.ok());
  for (const std::string& name : *names) {
    if (!absl::EndsWith(name, ".sst")) {
      continue;
    }
    auto file = fs->OpenForRead("db/" + name);
    REQUIRE(file.ok());
    auto table = TableReader::OpenUnknown(*std::move(file), name, 1, TableCaches());
    REQUIRE_MESSAGE(table.ok(), table.status().ToString());
    found[name.substr(0, 2)] = (*table)->properties().compression;
  }
  return found;
}

void PutMany(DB* db, const std::string& value) {
  for (int i = 0; i < 500; ++i) {
    Put(db, Key(i), value + std::string(50, 'x'));
  }
  FlushStore(db);
}

void CompactOnce(DB* db, int level) {
  const auto result = db->CompactLevel(level, level + 1);
  REQUIRE_MESSAGE(result.ok(), result.status().ToString());
}

TEST_CASE("store: levels 0 and 1 are not compressed, the deepest is with zstd, others with LZ4") {
  using Found = std::map<std::string, Compression>;
  MemFileSystem fs;
  Options options = InMemory(&fs);
  options.compaction_threads = 0;
  const auto db = OpenStore(options);

  PutMany(db.get(), "first");
  CHECK(CompressionOfLevels(&fs) == Found{{"L0", Compression::kNone}});
  CompactOnce(db.get(), 0);
  CHECK(CompressionOfLevels(&fs) == Found{{"L1", Compression::kNone}});
  CompactOnce(db.get(), 1);
  CHECK(CompressionOfLevels(&fs) == Found{{"L2", Compression::kZstd}});
  CompactOnce(db.get(), 2);
  CHECK(CompressionOfLevels(&fs) == Found{{"L3", Compression::kZstd}});

  PutMany(db.get(), "second");
  CompactOnce(db.get(), 0);
  CompactOnce(db.get(), 1);
  CHECK(CompressionOfLevels(&fs) == Found{{"L2", Compression::kLz4}, {"L3", Compression::kZstd}});
  CHECK(Get(db.get(), Key(77)) == "second" + std::string(50, 'x'));
  CompactOnce(db.get(), 2);
  CHECK(CompressionOfLevels(&fs) == Found{{"L3", Compression::kZstd}});
  CHECK(Get(db.get(), Key(77)) == "second" + std::string(50, 'x'));
}

TEST_CASE("store: what the options say of compression is what is done") {
  MemFileSystem fs;
  Options options = InMemory(&fs);
  options.compaction_threads = 0;
  options.bottom_compression = Compression::kNone;
  const auto db = OpenStore(options);
  PutMany(db.get(), "value");
  CompactOnce(db.get(), 0);
  CompactOnce(db.get(), 1);
  CHECK(CompressionOfLevels(&fs) == std::map<std::string, Compression>{{"L2", Compression::kNone}});
}

}  // namespace
}  // namespace fathom
