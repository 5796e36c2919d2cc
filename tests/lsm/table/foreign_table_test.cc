// Tables of other writers: those that RocksDB's SstFileWriter made (tests/lsm/table/data), and
// Fathom's own, read without a manifest.
#include "lsm/table/foreign_table.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "lsm/format/checksum.h"
#include "tests/lsm/table/data/contents.h"
#include "tests/lsm/table/data/golden.h"
#include "tests/lsm/table/table_test_util.h"
#include "tests/runs.h"

namespace fathom {
namespace {

constexpr char kPath[] = "foreign.sst";

// All that reading a table gives.
struct Reading {
  absl::Status status;
  std::vector<std::pair<std::string, std::optional<std::string>>> entries;
  std::vector<std::pair<std::string, std::string>> ranges;  // that it deletes
  std::string last_key;

  GoldenEntries AsMap() const { return {entries.begin(), entries.end()}; }
};

Reading ReadForeign(FileSystem* fs) {
  Reading reading;
  absl::StatusOr<std::unique_ptr<ReadableFile>> file = fs->OpenForRead(kPath);
  REQUIRE(file.ok());
  absl::StatusOr<std::unique_ptr<ForeignTable>> table = ForeignTable::Open(*std::move(file), kPath);
  if (!table.ok()) {
    reading.status = table.status();
    return reading;
  }
  if (const auto& list = (*table)->range_tombstones(); list != nullptr) {
    for (const RangeTombstone& tombstone : list->Entries()) {
      reading.ranges.emplace_back(tombstone.begin, tombstone.end);
    }
  }
  for (;;) {
    const absl::StatusOr<bool> more = (*table)->Next();
    if (!more.ok() || !*more) {
      reading.status = more.status();
      break;
    }
    std::optional<std::string> value;
    if ((*table)->type() == ValueType::kValue) {
      value = std::string((*table)->value());
    }
    reading.entries.emplace_back(std::string((*table)->user_key()), value);
  }
  if (reading.status.ok() && !reading.entries.empty()) {
    const absl::StatusOr<std::string> last = (*table)->ReadLastKey();
    reading.status = last.status();
    reading.last_key = last.value_or("");
  }
  return reading;
}

Reading ReadForeign(const std::string& bytes) {
  MemFileSystem fs;
  fs.SetContents(kPath, bytes);
  return ReadForeign(&fs);
}

bool Names(const absl::Status& status, absl::string_view what) {
  return absl::StrContains(status.message(), kPath) && absl::StrContains(status.message(), what);
}

// Fathom's dialect, in which index entries hold checksums.
std::string FathomTable(Compression compression, size_t partition_bytes = kOnePartition) {
  Entries entries;
  for (const auto& [key, value] : GoldenContents()) {
    const ValueType type = value.has_value() ? ValueType::kValue : ValueType::kDeletion;
    entries[Key(key, 7, type)] = value.value_or("");
    entries[Key(key, 3)] = "an older version";
  }
  MemFileSystem fs;
  Build(&fs, kPath, entries, 256, compression, {}, partition_bytes);
  return *fs.Contents(kPath);
}

TEST_CASE("foreign table: every set of options of RocksDB's reads as the same entries") {
  const GoldenEntries expected = GoldenContents();
  for (const char* const name : kGoldenTables) {
    CAPTURE(name);
    const Reading reading = ReadForeign(GoldenBytes(name));
    CHECK_MESSAGE(reading.status.ok(), reading.status.ToString());
    CHECK(reading.entries.size() == expected.size());
    CHECK(reading.AsMap() == expected);
    CHECK(reading.last_key == expected.rbegin()->first);
  }
}

TEST_CASE("foreign table: of several versions in Fathom's own tables the newest counts") {
  for (const Compression compression :
       {Compression::kNone, Compression::kLz4, Compression::kZstd}) {
    for (const size_t partition_bytes : {kOnePartition, size_t{1}, size_t{300}}) {
      const Reading reading = ReadForeign(FathomTable(compression, partition_bytes));
      CHECK_MESSAGE(reading.status.ok(), reading.status.ToString());
      CHECK(reading.AsMap() == GoldenContents());
    }
  }
}

// kGoldenRanges in order, those that touch as one.
const std::vector<std::pair<std::string, std::string>> kRanges = {
    {"user:1010", "user:1040"}, {"user:1050", "user:1061"}, {"zebra", "zoo"}};

TEST_CASE("foreign table: what RocksDB deletes in ranges is told, and takes no entry of its own") {
  Reading reading = ReadForeign(GoldenBytes("range_deletions"));
  CHECK_MESSAGE(reading.status.ok(), reading.status.ToString());
  CHECK(reading.AsMap() == GoldenContents());
  CHECK(reading.ranges == kRanges);
  reading = ReadForeign(GoldenBytes("range_deletions_alone"));
  CHECK_MESSAGE(reading.status.ok(), reading.status.ToString());
  CHECK(reading.entries.empty());
  CHECK(reading.ranges == kRanges);
}

TEST_CASE(
    "foreign table: what a newer range tombstone in Fathom's own table deletes is not there") {
  const Entries entries = {{Key("a", 5), "stays"},   {Key("b", 7), "newer"},
                           {Key("b", 3), "older"},   {Key("c", 4), "is gone"},
                           {Key("c", 3), "older"},   {Key("d", 8), "newer"},
                           {Key("e", 6), "is gone"}, {Key("f", 2), "not in the range"}};
  MemFileSystem fs;
  Build(&fs, kPath, entries, 64, Compression::kNone,
        RangeTombstones::Of({{"b", "d", 6}, {"c", "f", 7}, {"b", "c", 2}}));
  const Reading reading = ReadForeign(&fs);
  CHECK_MESSAGE(reading.status.ok(), reading.status.ToString());
  CHECK(reading.AsMap() ==
        GoldenEntries{{"a", "stays"}, {"b", "newer"}, {"d", "newer"}, {"f", "not in the range"}});
  CHECK(reading.ranges == decltype(reading.ranges){{"b", "c"}, {"c", "f"}});
}

TEST_CASE("foreign table: what is not supported is InvalidArgument that says what was found") {
  const std::pair<const char*, const char*> kRefused[] = {
      {"refused_v0", "found LevelDB's table"},
      {"refused_v1", "table format version: supported is 2 to 5, found 1"},
      {"refused_no_checksum", "found 0 (none)"},
      {"refused_zlib", "found 2 (zlib)"},
      {"refused_bzip2", "found 3 (bzip2)"},
      {"refused_dictionary", "rocksdb.compression_dict"},
      {"refused_merge", "rocksdb.merge.operands: supported is 0, found 1"},
      {"refused_comparator", "found rocksdb.ReverseBytewiseComparator"},
      {"refused_plain_table", "found RocksDB's plain table"},
      {"refused_cuckoo_table", "found RocksDB's cuckoo table"},
  };
  for (const auto& [table, what] : kRefused) {
    const std::string name = table;
    CAPTURE(name);
    const Reading reading = ReadForeign(GoldenBytes(name));
    CHECK(absl::IsInvalidArgument(reading.status));
    CHECK_MESSAGE(Names(reading.status, what), reading.status.ToString());
    CHECK(reading.entries.empty());
  }
}

// What a damaged table may do: give every entry as it was, or say that it cannot. Entries that it
// gave before it met the damage must be right, too.
void CheckHonest(const Reading& reading, const Reading& sound) {
  if (reading.status.ok()) {
    REQUIRE(reading.entries == sound.entries);
    REQUIRE(reading.ranges == sound.ranges);
    return;
  }
  REQUIRE_MESSAGE((absl::IsDataLoss(reading.status) || absl::IsInvalidArgument(reading.status)),
                  reading.status.ToString());
  REQUIRE(absl::StrContains(reading.status.message(), kPath));
  REQUIRE((reading.ranges.empty() || reading.ranges == sound.ranges));
  REQUIRE(reading.entries.size() <= sound.entries.size());
  REQUIRE(std::equal(reading.entries.begin(), reading.entries.end(), sound.entries.begin()));
}

// Flips one bit of each byte, one after another, or of some; how often that was not noticed.
size_t FlipEachByte(const std::string& bytes) {
  const Reading sound = ReadForeign(bytes);
  REQUIRE_MESSAGE(sound.status.ok(), sound.status.ToString());
  MemFileSystem fs;
  size_t passed = 0;
  for (size_t i = 0; i < bytes.size(); i += kSanitized ? 5 : 1) {
    CAPTURE(i);
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(static_cast<uint8_t>(damaged[i]) ^ (1u << (i % 8)));
    fs.SetContents(kPath, damaged);
    const Reading reading = ReadForeign(&fs);
    CheckHonest(reading, sound);
    passed += reading.status.ok() ? 1 : 0;
  }
  return passed;
}

TEST_CASE("foreign table: a wrong byte anywhere is refused, never a wrong answer") {
  // All but the footer's version, which may become another one of those that are read.
  constexpr size_t kMayPass = 1;
  for (const char* const name :
       {"default", "v2_crc32c_none", "v3_xxhash_lz4", "v4_xxhash64_zstd", "index_with_first_key",
        "range_deletions", "range_deletions_alone"}) {
    CAPTURE(name);
    CHECK(FlipEachByte(GoldenBytes(name)) <= kMayPass);
  }
  CHECK(FlipEachByte(FathomTable(Compression::kLz4)) <= kMayPass);
  // Here nothing looks at the padding, or at the partitions of the filter.
  FlipEachByte(GoldenBytes("aligned_blocks"));
  FlipEachByte(GoldenBytes("partitioned_index_and_filter"));
  FlipEachByte(GoldenBytes("hash_in_data_blocks"));
}

TEST_CASE("foreign table: a file cut short at any length is refused") {
  for (const char* const name : {"default", "partitioned_index_and_filter"}) {
    const std::string bytes = GoldenBytes(name);
    for (size_t length = 0; length < bytes.size(); ++length) {
      CAPTURE(length);
      const Reading reading = ReadForeign(bytes.substr(0, length));
      REQUIRE(absl::IsDataLoss(reading.status));
      REQUIRE(reading.entries.empty());
    }
  }
}

TEST_CASE("foreign table: any failing read is reported as it is") {
  const std::string bytes = GoldenBytes("partitioned_index_and_filter");
  for (uint64_t failing = 1;; ++failing) {
    MemFileSystem fs;
    fs.SetContents(kPath, bytes);
    uint64_t reads = 0;
    fs.SetHook([&](FileOp op, const std::string&, uint64_t) {
      return op == FileOp::kRead && ++reads == failing ? absl::InternalError("I/O error")
                                                       : absl::OkStatus();
    });
    const Reading reading = ReadForeign(&fs);
    if (reads < failing) {
      CHECK(failing > 10);
      CHECK(reading.status.ok());
      return;
    }
    CHECK(absl::IsInternal(reading.status));
  }
}

// Bytes of a table of Fathom's in which a writer made a mistake under right checksums.
std::string Forge(absl::string_view from, absl::string_view to) {
  Entries entries;
  for (const char* const key : {"key1", "key2", "key3"}) {
    entries[Key(key, 7)] = "value";
  }
  MemFileSystem fs;
  const BuiltTable built = Build(&fs, kPath, entries, 4096);
  std::string bytes = *fs.Contents(kPath);
  const size_t at = bytes.find(from.data(), 0, from.size());
  REQUIRE(at != std::string::npos);
  bytes.replace(at, to.size(), to.data(), to.size());
  const auto reseal = [&bytes](size_t offset, size_t size) {
    const std::string old = bytes.substr(offset + size + 1, sizeof(uint32_t));
    EncodeFixed32(bytes.data() + offset + size + 1,
                  BlockChecksum(absl::string_view(bytes).substr(offset, size), 0));
    return old;
  };
  const size_t data_size = built.properties.data_bytes - kBlockTrailerBytes;
  const std::string old = reseal(0, data_size);
  const size_t in_index = bytes.find(old, built.properties.data_bytes);
  REQUIRE(in_index != std::string::npos);
  bytes.replace(in_index, old.size(), bytes, data_size + 1, old.size());
  reseal(built.properties.data_bytes, built.properties.index_bytes - kBlockTrailerBytes);
  return bytes;
}

TEST_CASE("foreign table: what a writer got wrong under right checksums is found") {
  CHECK(ReadForeign(Forge(Key("2", 7), Key("2", 7))).status.ok());
  const auto refusal = [](absl::string_view from, absl::string_view to) {
    return ReadForeign(Forge(from, to)).status;
  };
  absl::Status status = refusal(Key("2", 7), Key("1", 7));
  CHECK(absl::IsDataLoss(status));
  CHECK_MESSAGE(Names(status, "order of keys"), status.ToString());
  status = refusal(Key("2", 7), Key("2", 7, ValueType::kDeletion));
  CHECK(absl::IsDataLoss(status));
  CHECK_MESSAGE(Names(status, "rocksdb.deleted.keys"), status.ToString());
  status = refusal(Key("2", 7), Key("2", 7, static_cast<ValueType>(0x7f)));
  CHECK(absl::IsDataLoss(status));
  CHECK_MESSAGE(Names(status, "internal key"), status.ToString());
  const std::pair<uint8_t, const char*> kTypes[] = {{0x02, "a merge operand"},
                                                    {0x07, "a single deletion"},
                                                    {0x11, "the index of a blob"},
                                                    {0x14, "a deletion with a timestamp"},
                                                    {0x16, "a wide-column entity"}};
  for (const auto& [type, what] : kTypes) {
    status = refusal(Key("2", 7), Key("2", 7, static_cast<ValueType>(type)));
    CHECK(absl::IsInvalidArgument(status));
    CHECK_MESSAGE(Names(status, what), status.ToString());
  }
}

}  // namespace
}  // namespace fathom
