// RocksDB's own sst_dump as an independent judge of the tables that we write.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "lsm/io/file_system.h"
#include "tests/lsm/table/table_test_util.h"

namespace fathom {
namespace {

constexpr char kVerified[] = "The file is ok";

// A directory that lives as long as the object.
struct TempDir {
  TempDir() {
    std::string name = (std::filesystem::temp_directory_path() / "fathom-sst-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~TempDir() { std::filesystem::remove_all(path); }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  std::string path;
};

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

// Two traps: it exits with 0 for damaged files, so that only the text says what it found; and
// without
// --verify_checksum the command "verify" calls a table with a damaged data block ok.
std::string SstDump(const std::string& file, const std::string& arguments) {
  return OutputOf(absl::StrCat("sst_dump --file=", file, " --verify_checksum ", arguments));
}

void RequireSstDump() {
  REQUIRE_MESSAGE(absl::StrContains(OutputOf("sst_dump --help"), "--command="),
                  "sst_dump is missing: install the package rocksdb-tools");
}

// 50,000 entries: three of five keys with one version, one with two, tombstones, binary keys.
Entries ManyEntries() {
  Entries entries;
  for (SequenceNumber sequence = 1; entries.size() < 50000; ++sequence) {
    std::string user_key = absl::StrCat("user:", sequence % 40000);
    if (sequence % 11 == 0) {
      user_key += std::string("\0\x80\xff", 3);
    }
    const bool deletion = sequence % 13 == 0;
    entries[Key(user_key, sequence, deletion ? ValueType::kDeletion : ValueType::kValue)] =
        deletion ? "" : absl::StrCat("value ", sequence * 7919);
  }
  return entries;
}

std::string Hex(absl::string_view bytes) {
  std::string hex = absl::BytesToHexString(bytes);
  for (char& c : hex) {
    c = static_cast<char>(toupper(c));
  }
  return hex;
}

// A line of the scan command with --output_hex.
std::string ScanLine(const std::string& key, const std::string& value) {
  return absl::StrCat("'", Hex(UserKey(key)), "' seq:", Sequence(key),
                      ", type:", static_cast<int>(Type(key)), " => ", Hex(value));
}

TEST_CASE("table: RocksDB's sst_dump verifies and lists every entry that was written") {
  RequireSstDump();
  const TempDir dir;
  const Entries entries = ManyEntries();
  const struct {
    size_t block_bytes;
    Compression compression;
    const char* name;
    size_t partition_bytes = kOnePartition;
  } shapes[] = {{300, Compression::kNone, "NoCompression", 32 << 10},
                {300, Compression::kZstd, "ZSTD", 500},
                {4096, Compression::kNone, "NoCompression"},
                {300, Compression::kNone, "NoCompression"},
                {4096, Compression::kLz4, "LZ4"},
                {300, Compression::kLz4, "LZ4"},
                {4096, Compression::kZstd, "ZSTD"},
                {300, Compression::kZstd, "ZSTD"}};
  for (const auto& shape : shapes) {
    CAPTURE(shape.name);
    const std::string path = dir.path + "/L0_001.sst";
    const BuiltTable built = Build(PosixFileSystem(), path, entries, shape.block_bytes,
                                   shape.compression, {}, shape.partition_bytes);
    CHECK((built.properties.index_partitions > 0) == (shape.partition_bytes != kOnePartition));

    const std::string verified = SstDump(path, "--command=verify");
    CHECK_MESSAGE(absl::StrContains(verified, kVerified), verified);

    const std::string listing = SstDump(path, "--command=scan --output_hex");
    std::vector<std::string> lines;
    for (const absl::string_view line : absl::StrSplit(listing, '\n')) {
      if (absl::StartsWith(line, "'")) {
        lines.emplace_back(line);
      }
    }
    REQUIRE(lines.size() == entries.size());
    size_t i = 0;
    for (const auto& [key, value] : entries) {
      REQUIRE(lines[i++] == ScanLine(key, value));
    }

    const std::string properties = SstDump(path, "--command=check --show_properties");
    for (const std::string& expected : {
             absl::StrCat("# data blocks: ", built.properties.data_blocks),
             absl::StrCat("# entries: ", entries.size()),
             absl::StrCat("# deletions: ", built.properties.deletions),
             absl::StrCat("raw key size: ", built.properties.raw_key_bytes),
             absl::StrCat("raw value size: ", built.properties.raw_value_bytes),
             absl::StrCat("data block size: ", built.properties.data_bytes),
             absl::StrCat("index block size (user-key? 0, delta-value? 0): ",
                          built.properties.index_bytes),
             absl::StrCat("filter block size: ", built.properties.filter_bytes),
             std::string("comparator name: leveldb.BytewiseComparator"),
             absl::StrCat("SST file compression algo: ", shape.name),
         }) {
      CHECK_MESSAGE(absl::StrContains(properties, absl::StrCat("  ", expected, "\n")),
                    expected << " is not in\n"
                             << properties);
    }
    if (built.properties.index_partitions > 0) {
      for (const std::string& expected :
           {absl::StrCat("# index partitions: ", built.properties.index_partitions),
            absl::StrCat("top-level index size: ", built.properties.index_root_bytes)}) {
        CHECK_MESSAGE(absl::StrContains(properties, expected), properties);
      }
    }
    CHECK(built.properties.deletions > 1000);
  }
}

TEST_CASE("table: RocksDB's sst_dump reads the range tombstones that were written") {
  RequireSstDump();
  const TempDir dir;
  const std::string path = dir.path + "/L0_001.sst";
  const RangeTombstones list =
      RangeTombstones::Of({{"user:1", "user:3", 60000}, {"user:2", "user:4", 60001}});
  for (const Entries& entries : {ManyEntries(), Entries()}) {
    const BuiltTable built =
        Build(PosixFileSystem(), path, entries, 4096, Compression::kNone, list);
    const std::string verified = SstDump(path, "--command=verify");
    CHECK_MESSAGE(absl::StrContains(verified, kVerified), verified);
    const std::string properties = SstDump(path, "--command=check --show_properties");
    for (const std::string& expected :
         {absl::StrCat("# entries: ", entries.size() + 4), std::string("# range deletions: 4"),
          absl::StrCat("# deletions: ", built.properties.deletions)}) {
      CHECK_MESSAGE(absl::StrContains(properties, absl::StrCat("  ", expected, "\n")), properties);
    }
    SstDump(path, "--command=raw");
    std::ifstream raw(dir.path + "/L0_001_dump.txt");
    std::stringstream text;
    text << raw.rdbuf();
    for (const RangeTombstone& tombstone : list.Entries()) {
      const std::string line =
          absl::StrCat("  HEX    ", Hex(tombstone.begin), ": ", Hex(tombstone.end), "\n");
      CHECK_MESSAGE(absl::StrContains(text.str(), line), line);
    }
    CHECK(absl::StrContains(text.str(), "Range deletions:\n"));
  }
}

TEST_CASE("table: RocksDB's sst_dump does not verify a damaged copy") {
  RequireSstDump();
  const TempDir dir;
  const std::string path = dir.path + "/L0_001.sst";
  const BuiltTable built = Build(PosixFileSystem(), path, ManyEntries(), 4096);
  const uint64_t tail = built.file_bytes - built.tail_bytes;
  REQUIRE(absl::StrContains(SstDump(path, "--command=verify"), kVerified));
  // In a data block, the index, the filter.
  for (const uint64_t offset : {built.properties.data_bytes / 2, tail - 100, tail + 100}) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(offset));
    const int byte = file.get();
    file.seekp(static_cast<std::streamoff>(offset));
    file.put(static_cast<char>(byte ^ 1));
    file.flush();
    CAPTURE(offset);
    const std::string verified = SstDump(path, "--command=verify");
    CHECK_MESSAGE(!absl::StrContains(verified, kVerified), verified);
    file.seekp(static_cast<std::streamoff>(offset));
    file.put(static_cast<char>(byte));
  }
  CHECK(absl::StrContains(SstDump(path, "--command=verify"), kVerified));
}

}  // namespace
}  // namespace fathom
