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

constexpr size_t kMostBytes = 4160;
constexpr size_t kFirstFromHeapBytes = size_t{4} << 20;

bool InFrame(const BlockBytes& bytes) { return bytes.get_deleter().frames != nullptr; }

// Memory of which all that the heap gives at first has been taken: the next are frames.
std::shared_ptr<BlockMemory> UsedFrames(size_t capacity_bytes) {
  auto memory = BlockMemory::Make(kMostBytes, capacity_bytes);
  REQUIRE(memory != nullptr);
  for (size_t taken = 0; taken + kMostBytes <= kFirstFromHeapBytes; taken += kMostBytes) {
    REQUIRE_FALSE(InFrame(memory->Take(kMostBytes)));
  }
  return memory;
}

TEST_CASE("block memory: what fills most of a frame gets one, and the next the same one") {
  const auto memory = UsedFrames(1 << 20);
  CHECK_FALSE(InFrame(memory->Take(kMostBytes + 1)));
  CHECK_FALSE(InFrame(memory->Take(kMostBytes / 2)));
  const char* first = nullptr;
  {
    const BlockBytes bytes = memory->Take(kMostBytes);
    CHECK(InFrame(bytes));
    std::memset(bytes.get(), 1, kMostBytes);
    first = bytes.get();
    const BlockBytes other = memory->Take(kMostBytes);
    CHECK(InFrame(other));
    CHECK((other.get() >= first + kMostBytes || other.get() + kMostBytes <= first));
  }
  const BlockBytes again = memory->Take(4000);
  const BlockBytes one_more = memory->Take(4000);
  CHECK((again.get() == first || one_more.get() == first));
  const BlockBytes fresh = memory->Take(4000);
  CHECK(again.get() != one_more.get());
  CHECK(fresh.get() != again.get());
  CHECK(fresh.get() != one_more.get());
}

TEST_CASE("block memory: when no frame is left, the heap helps out") {
  const size_t frame_bytes = BlockMemory::Make(kMostBytes, 1 << 20)->frame_bytes();
  const auto memory = UsedFrames(10 * frame_bytes);
  std::vector<BlockBytes> taken;
  for (int i = 0; i < 10; ++i) {
    taken.push_back(memory->Take(kMostBytes));
    CHECK(InFrame(taken.back()));
  }
  CHECK_FALSE(InFrame(memory->Take(kMostBytes)));
  taken.pop_back();
  CHECK(InFrame(memory->Take(kMostBytes)));
}

TEST_CASE("block memory: bytes outlive who made them") {
  BlockBytes bytes = UsedFrames(1 << 20)->Take(kMostBytes);
  CHECK(InFrame(bytes));
  std::memset(bytes.get(), 7, kMostBytes);
  CHECK(bytes[kMostBytes - 1] == 7);
}

TEST_CASE("block memory: threads never share a frame") {
  const auto memory = UsedFrames(1 << 20);
  const auto use = [&memory](char mark) {
    bool alone = true;
    for (int i = 0; i < 2000; ++i) {
      const BlockBytes bytes = memory->Take(kMostBytes);
      std::memset(bytes.get(), mark, kMostBytes);
      alone = alone && bytes[0] == mark && bytes[kMostBytes - 1] == mark;
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
    REQUIRE(cache.memory() != nullptr);
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
    CHECK(InFrame(cache.memory()->Take(kMostBytes)));  // so those before it did not suffice
  }
}

TEST_CASE("block memory: a block is charged for its frame") {
  BlockBuilder builder(16);
  builder.Add(Key("key", 1), std::string(3800, 'v'));
  const absl::string_view built = builder.Finish();
  const auto memory = UsedFrames(1 << 20);
  BlockBytes bytes = memory->Take(built.size());
  REQUIRE(InFrame(bytes));
  built.copy(bytes.get(), built.size());
  const auto block = Block::Parse(std::move(bytes), built.size(),
                                  std::make_shared<std::string>("a.sst"), /*offset=*/0);
  REQUIRE(block.ok());
  CHECK((*block)->charge() == memory->frame_bytes());
}

TEST_CASE("block memory: an index lies in the frame as long as it fits there") {
  const size_t frame_bytes = BlockMemory::Make(kMostBytes, 1 << 20)->frame_bytes();
  const auto memory = UsedFrames(2 * frame_bytes);  // which each block must give back
  const size_t most_in_frame =
      IndexRoom(memory->Take(kMostBytes)).size();  // entries, a word for each
  REQUIRE(most_in_frame > 30);
  for (size_t count = most_in_frame - 2; count <= most_in_frame + 2; ++count) {
    BlockBuilder builder(16);
    const auto key = [](size_t i) { return Key(absl::StrCat("key", 1000 + i), 1); };
    const std::string value(3500 / count, 'v');
    for (size_t i = 0; i < count; ++i) {
      builder.Add(key(i), value);
    }
    const absl::string_view built = builder.Finish();
    BlockBytes bytes = memory->Take(built.size());
    REQUIRE(InFrame(bytes));
    built.copy(bytes.get(), built.size());
    const auto block =
        Block::Parse(std::move(bytes), built.size(), std::make_shared<std::string>("a.sst"),
                     /*offset=*/0, Block::Seeks::kMany);
    REQUIRE(block.ok());
    const size_t in_heap = count > most_in_frame ? count * EntryIndex::kBytesAnEntry : 0;
    CHECK((*block)->charge() == frame_bytes + in_heap);
    BlockIterator it(*block);
    for (size_t i = 0; i < count; ++i) {
      it.Seek(key(i));
      REQUIRE(it.Valid());
      REQUIRE(it.key() == key(i));
      REQUIRE(it.value() == value);
    }
  }
}

TEST_CASE("block memory: a small cache, or one of blocks of any size, has no frames") {
  const BlockCache small((size_t{32} << 20) - 1, 4096);
  for (size_t taken = 0; taken < 2 * kFirstFromHeapBytes; taken += kMostBytes) {
    REQUIRE_FALSE(InFrame(small.memory()->Take(kMostBytes)));
  }
  CHECK(IndexRoom(small.memory()->Take(4096)).size() >= 40);
  CHECK(IndexRoom(small.memory()->Take(1000)).size() < 20);
  CHECK(BlockCache(size_t{64} << 20).memory() == nullptr);
}

}  // namespace
}  // namespace fathom
