// The bytes of a table: footer, properties, and a whole file as lsm/table/README.md prints it.
#include "lsm/table/table_format.h"

#include <doctest/doctest.h>

#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "lsm/table/range_tombstone_block.h"
#include "lsm/table/table_properties.h"
#include "tests/lsm/table/table_test_util.h"

namespace fathom {
namespace {

std::shared_ptr<const Block> ParseBlock(absl::string_view bytes) {
  BlockBytes copy = TakeBlockBytes(nullptr, bytes.size());
  std::memcpy(copy.get(), bytes.data(), bytes.size());
  auto block =
      Block::Parse(std::move(copy), bytes.size(), std::make_shared<std::string>("a.sst"), 77);
  REQUIRE(block.ok());
  return *block;
}

// The bytes that the README's dump prints: lines of "offset  hex bytes | meaning".
std::string BytesOfReadme(absl::string_view mark) {
  std::ifstream in(FATHOM_SOURCE_DIR "/lsm/table/README.md");
  std::stringstream text;
  text << in.rdbuf();
  const std::vector<std::string> parts = absl::StrSplit(text.str(), "```");
  for (const std::string& part : parts) {
    if (!absl::StartsWith(part, absl::StrCat(mark, "\n"))) {
      continue;
    }
    std::string bytes;
    const std::vector<std::string> lines =
        absl::StrSplit(part.substr(mark.size()), '\n', absl::SkipWhitespace());
    for (const std::string& line : lines) {
      const std::vector<std::string> columns = absl::StrSplit(line, '|');
      std::vector<std::string> words = absl::StrSplit(columns[0], ' ', absl::SkipEmpty());
      uint32_t offset = 0;
      REQUIRE(absl::SimpleHexAtoi(words[0], &offset));
      REQUIRE_MESSAGE(offset == bytes.size(), line);
      for (size_t i = 1; i < words.size(); ++i) {
        bytes += absl::HexStringToBytes(words[i]);
      }
    }
    return bytes;
  }
  FAIL("lsm/table/README.md has no block that is marked " << mark);
  return "";
}

TEST_CASE("table: the file that the README dumps is, byte for byte, what the builder writes") {
  const Entries entries = {{Key("apple", 7), "red"},
                           {Key("apple", 3, ValueType::kDeletion), ""},
                           {Key("pear", 5), "green"}};
  MemFileSystem fs;
  Build(&fs, "a.sst", entries, 4096);
  const std::string built = *fs.Contents("a.sst");
  const std::string dumped = BytesOfReadme("hexdump");
  CHECK(absl::BytesToHexString(built) == absl::BytesToHexString(dumped));

  fs.SetContents("b.sst", dumped);
  auto file = fs.OpenForRead("b.sst");
  const auto table = TableReader::OpenUnknown(*std::move(file), "b.sst", 1, nullptr);
  REQUIRE_MESSAGE(table.ok(), table.status().ToString());
  CHECK((*table)->Check()->entries == 3);
}

TEST_CASE("table: the block of range tombstones that the README dumps is what the builder writes") {
  const RangeTombstones list = RangeTombstones::Of({{"a", "e", 5}, {"c", "g", 9}});
  const std::string dumped = BytesOfReadme("hexdump of range tombstones");
  CHECK(absl::BytesToHexString(EncodeRangeTombstones(list)) == absl::BytesToHexString(dumped));
  const auto decoded = DecodeRangeTombstones(ParseBlock(dumped));
  REQUIRE_MESSAGE(decoded.ok(), decoded.status().ToString());
  CHECK((*decoded)->num_entries() == 4);
  CHECK((*decoded)->Covering("d", 8) == 5);
}

TEST_CASE("table: a block of range tombstones that overlap, or are none, is refused") {
  const auto decode = [](const std::vector<std::pair<std::string, std::string>>& entries) {
    BlockBuilder block(1);
    for (const auto& [key, end] : entries) {
      block.Add(key, end);
    }
    return DecodeRangeTombstones(ParseBlock(block.Finish())).status();
  };
  const auto key = [](absl::string_view begin, SequenceNumber sequence) {
    return Key(begin, sequence, ValueType::kRangeDeletion);
  };
  CHECK(decode({{key("a", 9), "c"}, {key("a", 5), "c"}, {key("c", 7), "d"}}).ok());
  for (const auto& wrong : std::vector<std::vector<std::pair<std::string, std::string>>>{
           {},
           {{key("a", 9), "a"}},
           {{key("b", 9), "a"}},
           {{key("a", 9), "c"}, {key("a", 9), "c"}},
           {{key("a", 9), "c"}, {key("a", 5), "d"}},
           {{key("a", 9), "c"}, {key("b", 5), "d"}},
           {{Key("a", 9), "c"}},
           {{"a", "c"}},
       }) {
    CHECK(absl::IsDataLoss(decode(wrong)));
  }
}

TEST_CASE("footer: comes back, and nothing else than it is accepted") {
  const Footer footer{.metaindex = {.offset = 300, .size = 40},
                      .index = {.offset = 5, .size = 128}};
  const std::string bytes = footer.Encode();
  REQUIRE(bytes.size() == kFooterBytes);
  const auto decoded = DecodeFooter(bytes, "a.sst", 1000);
  REQUIRE(decoded.ok());
  CHECK(decoded->metaindex.offset == 300);
  CHECK(decoded->metaindex.size == 40);
  CHECK(decoded->index.offset == 5);
  CHECK(decoded->index.size == 128);
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] ^= static_cast<char>(0x80);
    const auto result = DecodeFooter(damaged, "a.sst", 1000);
    // A changed handle is one that is sound in itself: the tail's layout finds it.
    CHECK((!result.ok() || (i >= 1 && i < 7)));
    if (!result.ok()) {
      CHECK(absl::StartsWith(result.status().message(), "a.sst: damaged at offset 10"));
    }
  }
  CHECK(DecodeFooter(bytes.substr(1), "a.sst", 1000).status().code() ==
        absl::StatusCode::kDataLoss);
}

TEST_CASE("index entry: only a handle and exactly four bytes are one") {
  const IndexEntry entry{.handle = {.offset = 1000, .size = 4096}, .checksum = 0xdeadbeef};
  std::string bytes;
  entry.AppendTo(&bytes);
  IndexEntry decoded;
  REQUIRE(decoded.DecodeFrom(bytes));
  CHECK(decoded.handle.offset == 1000);
  CHECK(decoded.handle.size == 4096);
  CHECK(decoded.checksum == 0xdeadbeef);
  CHECK_FALSE(decoded.DecodeFrom(bytes + '\0'));
  for (size_t length = 0; length < bytes.size(); ++length) {
    CHECK_FALSE(decoded.DecodeFrom(bytes.substr(0, length)));
  }
}

TEST_CASE("table properties: come back, unknown names are ignored") {
  TableProperties properties;
  properties.entries = 1;
  properties.deletions = 2;
  properties.largest_sequence = kMaxSequenceNumber;
  properties.index_checksum = 0x80000001;
  const auto block = ParseBlock(properties.Encode());
  auto decoded = TableProperties::Decode(block);
  REQUIRE_MESSAGE(decoded.ok(), decoded.status().ToString());
  CHECK(decoded->CheckCounts(properties, "a.sst", 0).ok());
  CHECK(decoded->index_checksum == 0x80000001);

  BlockBuilder more(16);
  more.Add("a name of another version", "x");
  BlockIterator it(block);
  for (it.SeekToFirst(); it.Valid(); it.Next()) {
    more.Add(it.key(), it.value());
  }
  decoded = TableProperties::Decode(ParseBlock(more.Finish()));
  CHECK(decoded.ok());
}

// The properties block with one property changed, or left out where `value` is null.
absl::Status DecodeChanged(absl::string_view name, const char* value) {
  const auto block = ParseBlock(TableProperties().Encode());
  BlockBuilder changed(16);
  bool seen = false;
  BlockIterator it(block);
  for (it.SeekToFirst(); it.Valid(); it.Next()) {
    seen = seen || it.key() == name;
    if (it.key() != name) {
      changed.Add(it.key(), it.value());
    } else if (value != nullptr) {
      changed.Add(it.key(), value);
    }
  }
  REQUIRE_MESSAGE(seen, std::string(name));
  return TableProperties::Decode(ParseBlock(changed.Finish())).status();
}

TEST_CASE(
    "table properties: tables from before user keys were counted are sound, a bad count is not") {
  constexpr const char* kUserKeys = "rocksdb.num.filter_entries";
  CHECK(DecodeChanged(kUserKeys, nullptr).ok());
  for (const char* value : {"", "\1\1"}) {
    CHECK(DecodeChanged(kUserKeys, value).code() == absl::StatusCode::kDataLoss);
  }
  TableProperties counted;
  counted.user_keys = 7;
  TableProperties told = counted;
  told.user_keys = 0;
  CHECK(told.CheckCounts(counted, "a.sst", 0).ok());
  told.user_keys = 8;
  CHECK(absl::StrContains(told.CheckCounts(counted, "a.sst", 0).message(), kUserKeys));
}

TEST_CASE("table properties: a feature that is not read here is refused by its name") {
  for (const char* name : {"rocksdb.block.based.table.index.type", "rocksdb.comparator",
                           "rocksdb.index.key.is.user.key", "rocksdb.index.value.is.delta.encoded",
                           "rocksdb.merge.operands", "rocksdb.num.range-deletions",
                           "rocksdb.num.entries", "fathom.index.checksum"}) {
    for (const char* value : {"", "\1\1", static_cast<const char*>(nullptr)}) {
      const absl::Status status = DecodeChanged(name, value);
      CHECK(status.code() == absl::StatusCode::kDataLoss);
      CHECK_MESSAGE(absl::StrContains(status.message(), name), status.ToString());
      CHECK(absl::StartsWith(status.message(), "a.sst: damaged at offset 77: "));
    }
  }
  CHECK(DecodeChanged("rocksdb.column.family.name", "other").ok());
}

}  // namespace
}  // namespace fathom
