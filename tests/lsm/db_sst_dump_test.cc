// RocksDB's sst_dump reads every table of a store with four levels and each compression.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "tests/lsm/io/temp_dir.h"
#include "tests/lsm/store.h"

namespace fathom {
namespace {

// What a command prints on both streams.
std::string OutputOf(const std::string& command) {
  FILE* const pipe = popen((command + " 2>&1").c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string output;
  std::array<char, 65536> piece;
  for (size_t n; (n = fread(piece.data(), 1, piece.size(), pipe)) > 0;) {
    output.append(piece.data(), n);
  }
  pclose(pipe);
  return output;
}

uint64_t EntriesListedIn(const std::string& listing) {
  uint64_t lines = 0;
  for (size_t at = 0; at < listing.size(); at = listing.find('\n', at) + 1) {
    lines += listing[at] == '\'' ? 1 : 0;
    if (listing.find('\n', at) == std::string::npos) {
      break;
    }
  }
  return lines;
}

uint64_t NumberAfter(const std::string& text, const std::string& name) {
  const size_t at = text.find(name);
  REQUIRE_MESSAGE(at != std::string::npos, text);
  return std::strtoull(text.c_str() + at + name.size(), nullptr, 10);
}

void FillAndSink(DB* db, int level) {
  for (int i = 0; i < 3000; ++i) {
    if (i % 10 == level) {
      Delete(db, Key(i));
    } else {
      Put(db, Key(i), absl::StrCat("value ", level, " of ", i, std::string(60, 'x')));
    }
  }
  DeleteRange(db, Key(300 * level), Key(300 * level + 200));
  DeleteRange(db, Key(300 * level + 100), Key(300 * level + 250));
  Put(db, Key(300 * level + 150), "again");
  FlushStore(db);
  for (int source = 0; source < level; ++source) {
    REQUIRE(db->CompactLevel(source, source + 1).ok());
  }
}

TEST_CASE("sst_dump: verifies and lists every table of a store, of every level and compression") {
  REQUIRE_MESSAGE(absl::StrContains(OutputOf("sst_dump --help"), "--command="),
                  "sst_dump is missing: install the package rocksdb-tools");
  const TempDir parent;
  const std::string dir = parent.path() + "/db";
  Options options;
  options.compaction_threads = 0;
  options.table_bytes = 64 << 10;
  const auto db = OpenStore(options, dir);
  for (const int level : {3, 2, 1, 0}) {
    FillAndSink(db.get(), level);
  }
  for (int level = 0; level < 4; ++level) {
    REQUIRE(db->Levels()[static_cast<size_t>(level)].tables > 0);
  }
  uint64_t entries = 0;
  uint64_t tables = 0;
  std::string compressions;
  const std::vector<std::string> names = PosixFileSystem()->List(dir).value();
  for (const std::string& name : names) {
    if (!name.ends_with(".sst")) {
      continue;
    }
    CAPTURE(name);
    ++tables;
    const std::string dump =
        absl::StrCat("sst_dump --file=", dir, "/", name, " --verify_checksum --command=");
    const std::string verified = OutputOf(dump + "verify");
    CHECK_MESSAGE(absl::StrContains(verified, "The file is ok"), verified);
    entries += EntriesListedIn(OutputOf(dump + "scan"));
    const std::string properties = OutputOf(dump + "check --show_properties");
    entries += NumberAfter(properties, "# range deletions: ");  // which are not listed
    absl::StrAppend(&compressions, properties);
  }
  CHECK(tables == db->GetStats().tables);
  CHECK(entries == db->Verify().value().entries);
  for (const char* compression : {"NoCompression", "LZ4", "ZSTD"}) {
    CHECK(absl::StrContains(compressions,
                            absl::StrCat("SST file compression algo: ", compression, "\n")));
  }
}

}  // namespace
}  // namespace fathom
