#include "lsm/table/block.h"

#include <doctest/doctest.h>

#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "lsm/format/coding.h"
#include "lsm/table/block_builder.h"
#include "tests/lsm/table/table_test_util.h"

namespace fathom {
namespace {

constexpr uint64_t kOffset = 1000;

absl::StatusOr<std::shared_ptr<const Block>> Parse(absl::string_view bytes) {
  BlockBytes copy = TakeBlockBytes(nullptr, bytes.size());
  std::memcpy(copy.get(), bytes.data(), bytes.size());
  return Block::Parse(std::move(copy), bytes.size(), std::make_shared<std::string>("a.sst"),
                      kOffset);
}

std::shared_ptr<const Block> ParseOk(absl::string_view bytes) {
  auto block = Parse(bytes);
  REQUIRE_MESSAGE(block.ok(), block.status().ToString());
  return *block;
}

std::shared_ptr<const Block> BlockOf(const Entries& entries, int restart_interval) {
  BlockBuilder builder(restart_interval);
  for (const auto& [key, value] : entries) {
    builder.Add(key, value);
  }
  return ParseOk(builder.Finish());
}

// The iterator is at `expected`, or past the end if that is the end.
bool IsAt(const BlockIterator& it, const Entries& entries, Entries::const_iterator expected) {
  if (expected == entries.end()) {
    return !it.Valid() && it.status().ok();
  }
  return it.Valid() && it.key() == expected->first && it.value() == expected->second;
}

bool SameForward(const Entries& entries, const std::shared_ptr<const Block>& block) {
  BlockIterator it(block);
  it.SeekToFirst();
  for (auto at = entries.begin(); at != entries.end(); ++at, it.Next()) {
    if (!IsAt(it, entries, at)) {
      return false;
    }
  }
  return IsAt(it, entries, entries.end());
}

bool SameBackward(const Entries& entries, const std::shared_ptr<const Block>& block) {
  BlockIterator it(block);
  it.SeekToLast();
  for (auto at = entries.end(); at != entries.begin(); it.Prev()) {
    if (!IsAt(it, entries, --at)) {
      return false;
    }
  }
  return IsAt(it, entries, entries.end());
}

// From `target` two steps back and three forward, as a map does it.
bool SameAround(const Entries& entries, const std::shared_ptr<const Block>& block,
                const std::string& target) {
  BlockIterator it(block);
  it.Seek(target);
  auto at = entries.lower_bound(target);
  if (!IsAt(it, entries, at)) {
    return false;
  }
  for (int step = 0; step < 5 && it.Valid(); ++step) {
    if (step < 2) {
      it.Prev();
      at = at == entries.begin() ? entries.end() : std::prev(at);
    } else {
      it.Next();
      ++at;
    }
    if (!IsAt(it, entries, at)) {
      return false;
    }
  }
  return true;
}

// All strings of up to three bytes of an alphabet that has the least and the greatest byte in it.
std::vector<std::string> SmallKeys() {
  std::vector<std::string> keys = {""};
  for (size_t begin = 0, length = 0; length < 3; ++length) {
    const size_t end = keys.size();
    for (; begin < end; ++begin) {
      for (const char c : {'\0', 'a', '\xff'}) {
        keys.push_back(keys[begin] + c);
      }
    }
  }
  return keys;
}

// An entry as it stands in a block.
std::string RawEntry(uint32_t shared, absl::string_view key, absl::string_view value) {
  std::string out;
  PutVarint32(&out, shared);
  PutVarint32(&out, static_cast<uint32_t>(key.size()));
  PutVarint32(&out, static_cast<uint32_t>(value.size()));
  return absl::StrCat(out, key, value);
}

std::string RawBlock(std::string entries, const std::vector<uint32_t>& restarts) {
  for (const uint32_t restart : restarts) {
    PutFixed32(&entries, restart);
  }
  PutFixed32(&entries, static_cast<uint32_t>(restarts.size()));
  return entries;
}

void CheckDataLossAt(const absl::Status& status, uint64_t offset) {
  CHECK(status.code() == absl::StatusCode::kDataLoss);
  CHECK_MESSAGE(
      absl::StrContains(status.message(), absl::StrCat("a.sst: damaged at offset ", offset)),
      status.ToString());
}

TEST_CASE("block: an empty block has no entries") {
  const auto block = BlockOf({}, 16);
  BlockIterator it(block);
  CHECK_FALSE(it.Valid());
  it.SeekToFirst();
  CHECK_FALSE(it.Valid());
  it.SeekToLast();
  CHECK_FALSE(it.Valid());
  it.Seek(Key("a", 1));
  CHECK_FALSE(it.Valid());
  CHECK(it.status().ok());
}

TEST_CASE("block: one entry and hundreds of restart points are read in both directions") {
  // Crash case 52.
  for (const int count : {1, 2, 15, 16, 17, 253, 254, 255, 256, 257, 1000}) {
    Entries entries;
    for (int i = 0; i < count; ++i) {
      entries[Key(absl::StrCat("key", i), 5)] = absl::StrCat("value", i);
    }
    for (const int restart_interval : {1, 2, 3, 16, std::numeric_limits<int>::max()}) {
      CAPTURE(count);
      CAPTURE(restart_interval);
      const auto block = BlockOf(entries, restart_interval);
      CHECK(SameForward(entries, block));
      CHECK(SameBackward(entries, block));
      for (const auto& [key, value] : entries) {
        REQUIRE(SameAround(entries, block, key));
      }
    }
  }
}

TEST_CASE("block: every seek in a small world goes where a map's lower_bound goes") {
  const std::vector<std::string> keys = SmallKeys();
  const std::vector<SequenceNumber> sequences = {0, 1, 255, 256, kMaxSequenceNumber};
  std::mt19937 random(1);
  for (uint32_t round = 0; round < 60; ++round) {
    Entries entries;
    const uint32_t one_in = 1 + round % 6;
    for (const std::string& key : keys) {
      for (const SequenceNumber sequence : sequences) {
        if (random() % (one_in * sequences.size()) == 0) {
          entries[Key(key, sequence,
                      random() % 2 == 0 ? ValueType::kValue : ValueType::kDeletion)] =
              absl::StrCat(random() % 100);
        }
      }
    }
    const int restart_interval = std::vector<int>{1, 2, 4, 16}[round % 4];
    const auto block = BlockOf(entries, restart_interval);
    REQUIRE(SameForward(entries, block));
    REQUIRE(SameBackward(entries, block));
    for (const std::string& key : keys) {
      for (const SequenceNumber sequence : sequences) {
        CAPTURE(round);
        REQUIRE(SameAround(entries, block, Key(key, sequence)));
        REQUIRE(SameAround(entries, block, Key(key, sequence, ValueType::kDeletion)));
      }
    }
  }
}

TEST_CASE("block: a value of 1 MiB, an empty value and an empty user key come back") {
  const Entries entries = {{Key("", 1), "of nothing"},
                           {Key("a", 2), ""},
                           {Key("b", 3), std::string(1 << 20, 'x')},
                           {Key(std::string(1 << 20, 'c'), 4), "long key"},
                           {Key(std::string(1 << 20, 'c') + "d", 5), "shares all of it"},
                           {Key("e", 6), "after"}};
  for (const int restart_interval : {1, 16}) {
    const auto block = BlockOf(entries, restart_interval);
    CHECK(SameForward(entries, block));
    CHECK(SameBackward(entries, block));
  }
}

TEST_CASE("block: entries share the longest prefix, restart points none") {
  BlockBuilder builder(3);
  const std::string trailer = Key("", 0);
  builder.Add("abcdefghij" + trailer, "");
  builder.Add("abcdefghik" + trailer, "");
  builder.Add("abcdefghikx" + trailer, "");
  builder.Add("abcdefghiky" + trailer, "");  // a restart point
  const std::string expected = RawBlock(
      absl::StrCat(RawEntry(0, "abcdefghij" + trailer, ""), RawEntry(9, "k" + trailer, ""),
                   RawEntry(10, "x" + trailer, ""), RawEntry(0, "abcdefghiky" + trailer, "")),
      {0, 3 + 18 + 3 + 9 + 3 + 9});
  const size_t estimate = builder.SizeEstimate();
  CHECK(builder.Finish() == expected);
  CHECK(estimate == expected.size());

  builder.Reset();
  CHECK(builder.empty());
  builder.Add("abcdefghij" + trailer, "");
  CHECK(builder.Finish() == RawBlock(RawEntry(0, "abcdefghij" + trailer, ""), {0}));
}

TEST_CASE("block: restart points that cannot be are refused") {
  const std::string entry = RawEntry(0, Key("a", 1), "v");
  const auto size = static_cast<uint32_t>(entry.size());
  ParseOk(RawBlock(entry, {0}));
  ParseOk(RawBlock(entry, {0, size - 1}));
  CheckDataLossAt(Parse("").status(), kOffset);
  CheckDataLossAt(Parse(std::string(7, '\0')).status(), kOffset);
  CheckDataLossAt(Parse(std::string(8, '\0')).status(), kOffset);         // no restart point
  CheckDataLossAt(Parse(RawBlock(entry, {4})).status(), kOffset + size);  // not at 0
  CheckDataLossAt(Parse(RawBlock(entry, {0, size})).status(), kOffset + size + 4);
  CheckDataLossAt(Parse(RawBlock(entry, {0, 0})).status(), kOffset + size + 4);
  CheckDataLossAt(Parse(RawBlock(entry, {0, 5, 4})).status(), kOffset + size + 8);
  CheckDataLossAt(Parse(RawBlock("", {0, 0})).status(), kOffset + 4);

  std::string too_many = RawBlock(entry, {0});
  EncodeFixed32(too_many.data() + too_many.size() - 4, size / 4 + 2);
  CheckDataLossAt(Parse(too_many).status(), kOffset);
}

TEST_CASE("block: a check of its restart points wants an entry at each that shares nothing") {
  const std::string first = RawEntry(0, Key("a", 1), "v");
  const auto second = static_cast<uint32_t>(first.size());
  const std::string whole = first + RawEntry(0, Key("b", 1), "v");
  CHECK(ParseOk(RawBlock("", {0}))->CheckRestartPoints().ok());
  CHECK(ParseOk(RawBlock(whole, {0}))->CheckRestartPoints().ok());
  CHECK(ParseOk(RawBlock(whole, {0, second}))->CheckRestartPoints().ok());

  for (const uint32_t within : {second - 1, second + 1}) {
    const auto block = ParseOk(RawBlock(whole, {0, within}));
    CheckDataLossAt(block->CheckRestartPoints(), kOffset + whole.size() + 4);
  }
  const std::string shared = first + RawEntry(1, Key("b", 1), "v");
  CheckDataLossAt(ParseOk(RawBlock(shared, {0, second}))->CheckRestartPoints(),
                  kOffset + shared.size() + 4);
}

TEST_CASE("block: RocksDB's hash index is refused by name") {
  std::string bytes = RawBlock(RawEntry(0, Key("a", 1), "v"), {0});
  bytes.back() = static_cast<char>(0x80);
  const absl::Status status = Parse(bytes).status();
  CheckDataLossAt(status, kOffset);
  CHECK(absl::StrContains(status.message(), "hash index"));
}

TEST_CASE("block: an entry that does not parse ends a scan with an error, not with the end") {
  // Crash case 54.
  const std::string good = RawEntry(0, Key("a", 1), "v");
  const uint64_t at = kOffset + good.size();
  const std::vector<std::string> bad = {
      RawEntry(10, "b", "v"),                                 // shares more than there is
      std::string("\0\5", 2),                                 // cut short within its header
      RawEntry(0, Key("b", 1), "v").substr(0, 11),            // value missing
      std::string("\0\xff\xff\xff\xff\x0f\0aaaaaaaaaa", 17),  // key of 4 GiB
      std::string("\0\x80\x80\x80\x80\x80\x80\x80", 8),       // varint without an end
  };
  for (const std::string& entry : bad) {
    const auto block = ParseOk(RawBlock(good + entry, {0}));
    BlockIterator it(block);
    it.SeekToFirst();
    REQUIRE(it.Valid());
    it.Next();
    CHECK_FALSE(it.Valid());
    CheckDataLossAt(it.status(), at);

    it.Seek(Key("b", 1));
    CHECK_FALSE(it.Valid());
    CheckDataLossAt(it.status(), at);

    it.SeekToLast();
    CHECK_FALSE(it.Valid());
    CheckDataLossAt(it.status(), at);

    it.SeekToFirst();  // what is sound is read
    CHECK(it.Valid());
    CHECK(it.status().ok());
  }
}

TEST_CASE("block: a restart point that shares, overruns or has a short key fails a seek") {
  const std::string good = RawEntry(0, Key("a", 1), "v");
  const auto at = static_cast<uint32_t>(good.size());
  for (const std::string& entry : {RawEntry(1, Key("b", 1), "v"), RawEntry(0, "short", "v"),
                                   RawEntry(0, Key("b", 1), "v").substr(0, 11)}) {
    const auto block = ParseOk(RawBlock(good + entry, {0, at}));
    BlockIterator it(block);
    for (const char* target : {"b", "c"}) {
      it.Seek(Key(target, 1));
      CHECK_FALSE(it.Valid());
      CheckDataLossAt(it.status(), kOffset + at);
    }
  }
  const auto block = ParseOk(RawBlock(good + RawEntry(0, "short", "v"), {0}));
  BlockIterator it(block);
  it.Seek(Key("c", 1));
  CHECK_FALSE(it.Valid());
  CheckDataLossAt(it.status(), kOffset + at);
}

TEST_CASE("block: with an index over its entries, seeks and walks land where a map lands") {
  // Crash case 51: targets shorter than what all keys share, keys that the index cannot tell apart.
  std::mt19937 random(12);
  for (const int restart_interval : {1, 2, 16}) {
    for (const size_t common : {size_t{0}, size_t{3}, size_t{20}}) {
      for (const size_t count : {size_t{1}, size_t{2}, size_t{3}, size_t{200}}) {
        Entries entries;
        while (entries.size() < count) {
          std::string user_key(common, 'c');
          for (auto length = random() % 12; length > 0; --length) {
            user_key.push_back("\0\1a\xff"[random() % 4]);  // \1: as trailers begin
          }
          entries[Key(user_key, random() % 3)] = "v";
        }
        // The last key may have little in common with the others.
        if (random() % 2 == 0) {
          entries[Key("d", 1)] = "last";
        }
        BlockBuilder builder(restart_interval);
        for (const auto& [key, value] : entries) {
          builder.Add(key, value);
        }
        const absl::string_view bytes = builder.Finish();
        std::vector<std::string> targets = {Key("", 1), Key("b", 1), Key("c", 1), Key("e", 1)};
        for (const auto& [key, value] : entries) {
          targets.push_back(key);
          targets.push_back(Key(UserKey(key), kMaxSequenceNumber));
          targets.push_back(Key(UserKey(key), 0, ValueType::kDeletion));
          targets.push_back(Key(std::string(UserKey(key)) + '\0', 1));
        }
        BlockBytes copy = TakeBlockBytes(nullptr, bytes.size());
        std::memcpy(copy.get(), bytes.data(), bytes.size());
        const auto block =
            Block::Parse(std::move(copy), bytes.size(), std::make_shared<std::string>("a.sst"),
                         kOffset, Block::Seeks::kMany);
        REQUIRE(block.ok());
        BlockIterator it(*block);
        for (const std::string& target : targets) {
          it.Seek(target);
          auto expected = entries.lower_bound(target);
          REQUIRE(IsAt(it, entries, expected));
          if (it.Valid() && random() % 2 == 0) {
            it.Next();
            REQUIRE(IsAt(it, entries, ++expected));
          } else if (it.Valid() && expected != entries.begin()) {
            it.Prev();
            REQUIRE(IsAt(it, entries, --expected));
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace fathom
