#include "lsm/table/block_outline.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "lsm/table/block_builder.h"
#include "tests/lsm/table/table_test_util.h"

namespace fathom {
namespace {

using Answer = BlockOutline::Answer;

// A block in a file, after other bytes, and its outline.
struct Outlined {
  static constexpr uint64_t kOffset = 100;

  explicit Outlined(const Entries& entries) {
    BlockBuilder builder(kRestartInterval);
    for (const auto& [key, value] : entries) {
      builder.Add(key, value);
    }
    bytes = std::string(builder.Finish());
    const auto block = Block::ParseBorrowed(bytes, std::make_shared<std::string>("a.sst"), kOffset);
    REQUIRE(block.ok());
    REQUIRE((*block)->borrowed());
    outline = BlockOutline::Of(**block);
    Store(bytes);
  }

  void Store(const std::string& block) {
    fs.SetContents("a.sst", std::string(kOffset, '#') + block);
    auto opened = fs.OpenForRead("a.sst");
    REQUIRE(opened.ok());
    file = *std::move(opened);
  }

  Answer Seek(absl::string_view user_key, SequenceNumber snapshot = kMaxSequenceNumber) {
    cost = ReadCost();
    return outline->Seek(Key(user_key, snapshot, kSeekType), *file, kOffset, &scratch, &cost,
                         &entry);
  }

  std::string bytes;
  MemFileSystem fs;
  std::unique_ptr<ReadableFile> file;
  std::shared_ptr<const BlockOutline> outline;
  BlockScratch scratch;
  BlockOutline::Entry entry;
  ReadCost cost;
};

Entries Numbered(int n, size_t value_bytes = 100) {
  Entries entries;
  for (int i = 0; i < n; ++i) {
    entries[Key(absl::StrFormat("key%08d", 7 * i), 10)] =
        absl::StrCat(i, std::string(value_bytes, 'v'));
  }
  return entries;
}

TEST_CASE("block outline: finds each entry, and reads no more than that one") {
  const Entries entries = Numbered(33);
  Outlined block(entries);
  for (const auto& [key, value] : entries) {
    REQUIRE(block.Seek(UserKey(key)) == Answer::kEntry);
    CHECK(block.entry.key.view() == key);
    CHECK(block.entry.value == value);
    CHECK(block.cost.blocks_read == 1);
    CHECK(block.cost.bytes_read <= value.size() + key.size() + 3);
    CHECK(block.cost.blocks_cached == 0);
  }
  CHECK(block.outline->charge() < block.bytes.size() / 6);
}

TEST_CASE("block outline: of a key between others it says so, and after the last it cannot") {
  Outlined block(Numbered(33));
  CHECK(block.Seek("a") == Answer::kAbsent);
  for (int i = 0; i < 32; ++i) {
    REQUIRE(block.Seek(absl::StrFormat("key%08d", 7 * i + 3)) == Answer::kAbsent);
    CHECK(block.cost.blocks_read == 0);  // digests were enough
    CHECK(block.cost.blocks_cached == 1);
    // After the digest's bytes they differ: the entry is asked.
    REQUIRE(block.Seek(absl::StrFormat("key%08d!", 7 * i)) == Answer::kAbsent);
    REQUIRE(block.Seek(absl::StrFormat("key%08d", 7 * i).substr(0, 10)) != Answer::kUnclear);
  }
  CHECK(block.Seek("key99999999") == Answer::kUnclear);
  CHECK(block.Seek("z") == Answer::kUnclear);
}

TEST_CASE("block outline: of versions it finds the newest that the snapshot sees") {
  Entries entries = Numbered(10);
  const std::string user_key = absl::StrFormat("key%08d", 7 * 4);
  entries[Key(user_key, 20)] = "newer";
  entries[Key(user_key, 30, ValueType::kDeletion)] = "";
  Outlined block(entries);
  REQUIRE(block.Seek(user_key) == Answer::kEntry);
  CHECK(block.entry.key.view() == Key(user_key, 30, ValueType::kDeletion));
  REQUIRE(block.Seek(user_key, 29) == Answer::kEntry);
  CHECK(block.entry.value == "newer");
  // The oldest shares a byte of its type and sequence with the one before.
  CHECK(block.Seek(user_key, 10) == Answer::kUnclear);
  CHECK(block.Seek(absl::StrFormat("key%08d", 7 * 5)) == Answer::kEntry);

  entries[Key(user_key, 40)] = "a fourth";
  entries[Key(user_key, 50)] = "a fifth: the block finds one sooner";
  Outlined many(entries);
  CHECK(many.Seek(user_key) == Answer::kUnclear);
  CHECK(many.cost.blocks_read == 0);
}

TEST_CASE(
    "block outline: keys that share more with each other than digests hold are for the block") {
  Entries entries;
  for (int i = 0; i < 20; ++i) {
    entries[Key(absl::StrCat(i % 2 == 0 ? "a" : "b", "with a long name", 100 + i), 1)] = "value";
  }
  Outlined block(entries);
  for (const auto& [key, value] : entries) {
    CHECK(block.Seek(UserKey(key)) == Answer::kUnclear);
    CHECK(block.cost.blocks_read == 0);
  }
  CHECK(block.outline->charge() < 300);

  Outlined empty({});
  CHECK(empty.Seek("a") == Answer::kUnclear);
}

TEST_CASE("block outline: an entry that is not what it was is never believed") {
  // Crash cases 51 and 53.
  const Entries entries = Numbered(12, 20);
  Outlined block(entries);
  const size_t end = block.bytes.size() - 2 * sizeof(uint32_t);  // one restart point
  size_t unclear = 0;
  for (size_t at = 0; at < end; ++at) {
    std::string damaged = block.bytes;
    damaged[at] ^= 0x10;
    block.Store(damaged);
    size_t unclear_here = 0;
    for (const auto& [key, value] : entries) {
      const Answer answer = block.Seek(UserKey(key));
      unclear_here += answer == Answer::kUnclear ? 1 : 0;
      REQUIRE((answer == Answer::kUnclear || block.entry.key.view() == key));
      REQUIRE((answer == Answer::kUnclear || block.entry.value == value));
    }
    REQUIRE(unclear_here == 1);
    unclear += unclear_here;
  }
  CHECK(unclear == end);

  block.Store(block.bytes.substr(0, end / 2));  // the file is cut
  CHECK(block.Seek("key00000000") == Answer::kEntry);
  CHECK(block.Seek(absl::StrFormat("key%08d", 7 * 11)) == Answer::kUnclear);
}

}  // namespace
}  // namespace fathom
