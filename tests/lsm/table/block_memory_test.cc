#include "lsm/table/block_memory.h"

#include <doctest/doctest.h>

#include <cstring>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/lsm/table/table_test_util.h"

namespace fathom {
namespace {

constexpr size_t kFrameBytes = 4160;
constexpr size_t kFirstFromHeapBytes = size_t{4} << 20;

bool InFrame(const BlockBytes& bytes) { return bytes.get_deleter().frames != nullptr; }

// Frames of which those that the heap stands in for have been taken.
std::shared_ptr<BlockFrames> UsedFrames(size_t capacity_bytes) {
  auto frames = BlockFrames::Make(kFrameBytes, capacity_bytes);
  REQUIRE(frames != nullptr);
  for (size_t taken = 0; taken + kFrameBytes <= kFirstFromHeapBytes; taken += kFrameBytes) {
    REQUIRE_FALSE(InFrame(frames->Take(kFrameBytes)));
  }
  return frames;
}

TEST_CASE("block memory: what fills most of a frame gets one, and the next the same one") {
  const auto frames = UsedFrames(1 << 20);
  CHECK_FALSE(InFrame(frames->Take(kFrameBytes + 1)));
  CHECK_FALSE(InFrame(frames->Take(kFrameBytes / 2)));
  const char* first = nullptr;
  {
    const BlockBytes bytes = frames->Take(kFrameBytes);
    CHECK(InFrame(bytes));
    std::memset(bytes.get(), 1, kFrameBytes);
    first = bytes.get();
    const BlockBytes other = frames->Take(kFrameBytes);
    CHECK(InFrame(other));
    CHECK((other.get() >= first + kFrameBytes || other.get() + kFrameBytes <= first));
  }
  const BlockBytes again = frames->Take(4000);
  const BlockBytes one_more = frames->Take(4000);
  CHECK((again.get() == first || one_more.get() == first));
  const BlockBytes fresh = frames->Take(4000);
  CHECK(again.get() != one_more.get());
  CHECK(fresh.get() != again.get());
  CHECK(fresh.get() != one_more.get());
}

TEST_CASE("block memory: when no frame is left, the heap helps out") {
  const auto frames = UsedFrames(10 * kFrameBytes);
  std::vector<BlockBytes> taken;
  for (int i = 0; i < 10; ++i) {
    taken.push_back(frames->Take(kFrameBytes));
    CHECK(InFrame(taken.back()));
  }
  CHECK_FALSE(InFrame(frames->Take(kFrameBytes)));
  taken.pop_back();
  CHECK(InFrame(frames->Take(kFrameBytes)));
}

TEST_CASE("block memory: bytes outlive who made them") {
  BlockBytes bytes = UsedFrames(1 << 20)->Take(kFrameBytes);
  CHECK(InFrame(bytes));
  std::memset(bytes.get(), 7, kFrameBytes);
  CHECK(bytes[kFrameBytes - 1] == 7);
}

TEST_CASE("block memory: threads never share a frame") {
  const auto frames = UsedFrames(100 * kFrameBytes);
  const auto use = [&frames](char mark) {
    bool alone = true;
    for (int i = 0; i < 2000; ++i) {
      const BlockBytes bytes = frames->Take(kFrameBytes);
      std::memset(bytes.get(), mark, kFrameBytes);
      alone = alone && bytes[0] == mark && bytes[kFrameBytes - 1] == mark;
    }
    CHECK(alone);
  };
  std::thread other(use, 'a');
  use('b');
  other.join();
}

TEST_CASE("block memory: what lies in frames of a cache is found as it was written") {
  Entries entries;
  for (int i = 0; i < 60000; ++i) {
    entries[Key(absl::StrCat("key", 100000 + i), 1)] = std::string(100, static_cast<char>(i));
  }
  for (const Compression compression : {Compression::kNone, Compression::kLz4}) {
    BlockCache cache(size_t{32} << 20, 4096);
    REQUIRE(cache.frames() != nullptr);
    TestTable table(entries, 4096, TableCaches(&cache), compression);
    for (int round = 0; round < 2; ++round) {
      for (const auto& [key, value] : entries) {
        std::string found;
        ReadCost cost;
        const auto lookup = table.Get(UserKey(key), 1, &found, &cost);
        REQUIRE(lookup.ok());
        REQUIRE(found == value);
        REQUIRE(cost.blocks_read <= (round == 0 ? 2 : 0));
      }
    }
    CHECK(InFrame(cache.frames()->Take(kFrameBytes)));  // so those before it did not suffice
  }
}

TEST_CASE("block memory: a block is charged for its frame") {
  BlockBuilder builder(16);
  builder.Add(Key("key", 1), std::string(3800, 'v'));
  const absl::string_view built = builder.Finish();
  const auto frames = UsedFrames(1 << 20);
  BlockBytes bytes = frames->Take(built.size());
  REQUIRE(InFrame(bytes));
  built.copy(bytes.get(), built.size());
  const auto block = Block::Parse(std::move(bytes), built.size(),
                                  std::make_shared<std::string>("a.sst"), /*offset=*/0);
  REQUIRE(block.ok());
  CHECK((*block)->charge() == Block::Charge(kFrameBytes, 0));
}

TEST_CASE("block memory: a small cache, or one of blocks of any size, has no frames") {
  CHECK(BlockCache((size_t{32} << 20) - 1, 4096).frames() == nullptr);
  CHECK(BlockCache(size_t{64} << 20).frames() == nullptr);
}

}  // namespace
}  // namespace fathom
