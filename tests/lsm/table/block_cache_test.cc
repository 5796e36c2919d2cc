#include "lsm/table/block_cache.h"

#include <doctest/doctest.h>

#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/lsm/table/table_test_util.h"

namespace fathom {
namespace {

// A block of about `bytes` bytes that remembers where it came from.
std::shared_ptr<const Block> MakeBlock(size_t bytes, uint64_t offset = 0) {
  BlockBuilder builder(16);
  builder.Add(Key("k", 1), std::string(bytes, 'v'));
  const absl::string_view built = builder.Finish();
  BlockBytes copy = TakeBlockBytes(nullptr, built.size());
  built.copy(copy.get(), built.size());
  auto block =
      Block::Parse(std::move(copy), built.size(), std::make_shared<std::string>("a.sst"), offset);
  REQUIRE(block.ok());
  return *block;
}

std::shared_ptr<const BlockOutline> MakeOutline() {
  BlockBuilder builder(16);
  for (char c = 'a'; c <= 'z'; ++c) {
    builder.Add(Key(std::string(1, c), 1), "value");
  }
  const std::string built(builder.Finish());
  const auto block = Block::ParseBorrowed(built, std::make_shared<std::string>("a.sst"), 0);
  REQUIRE(block.ok());
  return BlockOutline::Of(**block);
}

BlockCache::Miss MissOf(BlockCache* cache, const BlockCache::Key& key,
                        BlockCache::Priority priority = BlockCache::Priority::kHigh) {
  BlockCache::Miss miss{.takes_outline = priority == BlockCache::Priority::kHigh};
  REQUIRE(cache->Lookup(key, priority, &miss) == nullptr);
  return miss;
}

TEST_CASE("block cache: finds what was inserted, under its own table and offset only") {
  BlockCache cache(1 << 20);
  const auto block = MakeBlock(100);
  cache.Insert({1, 2}, block);
  CHECK(cache.Lookup({1, 2}) == block);
  CHECK(cache.Lookup({2, 1}) == nullptr);
  CHECK(cache.Lookup({1, 3}) == nullptr);
  CHECK(cache.Lookup({2, 2}) == nullptr);
  const BlockCache::Counters counters = cache.counters();
  CHECK(counters.hits == 1);
  CHECK(counters.misses == 3);
  CHECK(counters.inserts == 1);
  CHECK(counters.evictions == 0);
  CHECK(counters.blocks == 1);
  CHECK(counters.bytes == block->charge());
}

TEST_CASE("block cache: what it has can be asked for ahead, which is no use of it") {
  BlockCache cache(1 << 20, /*block_bytes=*/512);
  CHECK(cache.Ahead({1, 2}).empty());
  cache.Insert({1, 2}, MakeBlock(100));
  CHECK_FALSE(cache.Ahead({1, 2}).empty());
  CHECK(cache.Ahead({1, 3}).empty());
  CHECK(cache.counters().hits == 0);
  CHECK(cache.counters().misses == 0);
}

TEST_CASE("block cache: an insert under the same key replaces the block") {
  BlockCache cache(1 << 20);
  const auto old_block = MakeBlock(100);
  const auto new_block = MakeBlock(200);
  cache.Insert({1, 2}, old_block);
  cache.Insert({1, 2}, new_block);
  CHECK(cache.Lookup({1, 2}) == new_block);
  CHECK(cache.counters().blocks == 1);
  CHECK(cache.counters().bytes == new_block->charge());
  CHECK(old_block.use_count() == 1);
}

TEST_CASE("block cache: never holds more than its budget, and drops what was used longest ago") {
  constexpr size_t kCapacity = 16 * 10000;
  BlockCache cache(kCapacity);
  const auto favourite = MakeBlock(900);
  cache.Insert({0, 0}, favourite);
  for (uint64_t i = 1; i <= 2000; ++i) {
    cache.Insert({1, i}, MakeBlock(1000));
    CHECK(cache.counters().bytes <= kCapacity);
    REQUIRE(cache.Lookup({0, 0}) == favourite);  // asked for all the time: it stays
  }
  const BlockCache::Counters counters = cache.counters();
  CHECK(counters.inserts == 2001);
  CHECK(counters.evictions == counters.inserts - counters.blocks);
  CHECK(counters.bytes > kCapacity * 8 / 10);
  CHECK(cache.Lookup({1, 1}) == nullptr);
  CHECK(cache.Lookup({1, 2000}) != nullptr);
}

TEST_CASE("block cache: capacity 0, or too small for a block, keeps nothing") {
  for (const size_t capacity : {size_t{0}, size_t{1}, size_t{1000}}) {
    BlockCache cache(capacity);
    const auto block = MakeBlock(1000);
    cache.Insert({1, 1}, block);
    CHECK(cache.Lookup({1, 1}) == nullptr);
    CHECK(cache.counters().bytes == 0);
    CHECK(cache.counters().inserts == 0);
    CHECK(block.use_count() == 1);
  }
}

TEST_CASE("block cache: pinned blocks beyond the budget neither leak nor keep it full") {
  // Crash case 55.
  constexpr size_t kCapacity = 16 * 5000;
  BlockCache cache(kCapacity);
  std::vector<std::shared_ptr<const Block>> pinned;
  for (uint64_t i = 0; i < 1000; ++i) {
    pinned.push_back(MakeBlock(1000, i));
    cache.Insert({1, i}, pinned.back());
  }
  CHECK(cache.counters().bytes <= kCapacity);
  for (uint64_t i = 0; i < 1000; ++i) {
    CHECK(pinned[i]->offset() == i);  // alive, kept or not
  }
  // While all are pinned, there is room for new ones.
  const auto fresh = MakeBlock(1000);
  cache.Insert({2, 0}, fresh);
  CHECK(cache.Lookup({2, 0}) == fresh);

  size_t kept = 0;
  for (const auto& block : pinned) {
    kept += block.use_count() == 2 ? 1 : 0;
  }
  CHECK(kept + 1 == cache.counters().blocks);
  cache.EraseTable(1);
  for (const auto& block : pinned) {
    REQUIRE(block.use_count() == 1);
  }
}

TEST_CASE("block cache: what scans bring never pushes out what lookups use") {
  constexpr size_t kCapacity = 16 * 40000;
  BlockCache cache(kCapacity);
  for (uint64_t i = 0; i < 100; ++i) {  // about a sixth of the budget
    cache.Insert({1, i}, MakeBlock(1000, i));
  }
  for (uint64_t i = 0; i < 6000; ++i) {
    cache.Insert({2, i}, MakeBlock(1000, i), BlockCache::Priority::kLow);
    REQUIRE(cache.counters().bytes <= kCapacity);
  }
  for (uint64_t i = 0; i < 100; ++i) {
    REQUIRE(cache.Lookup({1, i}) != nullptr);
  }
  CHECK(cache.counters().bytes > kCapacity * 9 / 10);  // scans had the rest
  CHECK(cache.Lookup({2, 5999}) != nullptr);
}

TEST_CASE("block cache: a block that a scan brought stays if lookups use it") {
  constexpr size_t kCapacity = 16 * 40000;
  BlockCache cache(kCapacity);
  cache.Insert({1, 0}, MakeBlock(1000), BlockCache::Priority::kLow);
  cache.Insert({1, 1}, MakeBlock(1000), BlockCache::Priority::kLow);
  CHECK(cache.Lookup({1, 0}) != nullptr);
  CHECK(cache.Lookup({1, 1}, BlockCache::Priority::kLow) != nullptr);  // a scan again
  for (uint64_t i = 0; i < 6000; ++i) {
    cache.Insert({2, i}, MakeBlock(1000, i), BlockCache::Priority::kLow);
  }
  CHECK(cache.Lookup({1, 0}) != nullptr);
  CHECK(cache.Lookup({1, 1}) == nullptr);
}

TEST_CASE("block cache: one with room keeps what is missed, a full one each eighth of that") {
  BlockCache cache(100'000);
  const auto keeps = [&cache](uint64_t offset) {
    BlockCache::Miss miss;
    const bool scan = offset % 3 == 0;
    const auto priority = scan ? BlockCache::Priority::kLow : BlockCache::Priority::kHigh;
    REQUIRE(cache.Lookup({1, offset}, priority, &miss) == nullptr);
    return miss.keep == BlockCache::Keep::kBlock;
  };
  CHECK(keeps(1));
  CHECK(keeps(3));
  for (uint64_t i = 0; i < 200; ++i) {
    cache.Insert({2, i}, MakeBlock(1000));
  }
  size_t kept = 0;
  for (uint64_t i = 0; i < 800; ++i) {
    kept += keeps(i) ? 1 : 0;
  }
  CHECK(kept == 100);  // as nothing that it has was of use
}

TEST_CASE(
    "block cache: a full one takes a new block for one that was of no use, and for no other") {
  BlockCache cache(100'000);
  for (uint64_t i = 0; i < 200; ++i) {
    cache.Insert({2, i}, MakeBlock(1000));
  }
  const uint64_t blocks = cache.counters().blocks;
  // Misses of one key, until it is to be kept.
  const auto refusals = [&cache] {
    for (uint64_t refused = 0;; ++refused) {
      if (MissOf(&cache, {1, 1}).keep == BlockCache::Keep::kBlock) {
        return refused;
      }
    }
  };
  CHECK(refusals() < 8);
  for (int round = 0; round < 3; ++round) {
    for (uint64_t i = 0; i < 200; ++i) {
      cache.Lookup({2, i});  // each that it has becomes useful
    }
    CHECK(refusals() / 8 == blocks);
  }
  CHECK(refusals() < 8);
  CHECK(cache.counters().blocks == blocks);  // none of them went yet
  const uint64_t evictions = cache.counters().evictions;
  cache.Insert({1, 1}, MakeBlock(1000));
  CHECK(cache.counters().evictions == evictions + 1);
  CHECK(cache.counters().blocks == blocks);
}

TEST_CASE("block cache: one without room keeps nothing") {
  BlockCache cache(0);
  CHECK(MissOf(&cache, {1, 1}).keep == BlockCache::Keep::kNothing);
}

TEST_CASE("block cache: an outline is no hit, and is for point lookups") {
  BlockCache cache(1 << 20);
  const auto outline = MakeOutline();
  cache.Insert({1, 2}, outline);
  CHECK(MissOf(&cache, {1, 2}).outline == outline);
  CHECK(MissOf(&cache, {1, 2}, BlockCache::Priority::kLow).outline == nullptr);
  CHECK(MissOf(&cache, {1, 3}).outline == nullptr);
  CHECK(cache.Ahead({1, 2}).empty());
  CHECK(cache.counters().hits == 0);
  CHECK(cache.counters().misses == 3);
  CHECK(cache.counters().outlines == 1);
  CHECK(cache.counters().blocks == 0);
  CHECK(cache.counters().bytes == outline->charge());
  // There is room for the block, which takes its place and is not pushed out by it again.
  CHECK(MissOf(&cache, {1, 2}).keep == BlockCache::Keep::kBlock);
  const auto block = MakeBlock(100);
  cache.Insert({1, 2}, block);
  cache.Insert({1, 2}, outline);
  CHECK(cache.Lookup({1, 2}) == block);
  CHECK(cache.counters().outlines == 0);
  CHECK(outline.use_count() == 1);

  cache.Insert({1, 4}, outline);
  cache.EraseTable(1);
  CHECK(outline.use_count() == 1);
  CHECK(cache.counters().bytes == 0);
}

TEST_CASE("block cache: outlines take a quarter of a full cache from its blocks, and no more") {
  constexpr size_t kCapacity = 400'000;  // one shard
  BlockCache cache(kCapacity);
  for (uint64_t i = 0; i < 1000; ++i) {
    cache.Insert({2, i}, MakeBlock(1000));
  }
  const size_t charge = MakeOutline()->charge();
  uint64_t of_quarter = 0;
  uint64_t later = 0;
  for (uint64_t i = 0; i < 2000; ++i) {
    const bool room = cache.counters().outlines * charge <= kCapacity / 4;
    if (MissOf(&cache, {1, i}).keep == BlockCache::Keep::kOutline) {
      ++(room ? of_quarter : later);
      cache.Insert({1, i}, MakeOutline());
    }
    REQUIRE(cache.counters().bytes <= kCapacity);
    REQUIRE(cache.counters().outlines * charge <= kCapacity / 4 + 2000);
  }
  CHECK(of_quarter == kCapacity / 4 / charge + 1);
  // Then each eighth miss takes the room of one that was of no use.
  CHECK(later > (2000 - of_quarter) / 10);
  CHECK(later <= (2000 - of_quarter) / 8 + 1);
  CHECK(cache.counters().blocks * MakeBlock(1000)->charge() > kCapacity * 7 / 10);
  // Neither a scan nor who has one is told to keep one.
  for (uint64_t i = 0; i < 100; ++i) {
    CHECK(MissOf(&cache, {3, i}, BlockCache::Priority::kLow).keep != BlockCache::Keep::kOutline);
  }
}

TEST_CASE("block cache: outlines find room that blocks have left them") {
  constexpr size_t kCapacity = 400'000;
  for (const bool takes_outline : {true, false}) {
    BlockCache cache(kCapacity);
    for (uint64_t i = 0; i < 400; ++i) {
      BlockCache::Miss miss{.takes_outline = takes_outline};
      REQUIRE(cache.Lookup({1, i}, BlockCache::Priority::kHigh, &miss) == nullptr);
      if (miss.keep == BlockCache::Keep::kBlock) {
        cache.Insert({1, i}, MakeBlock(1000));
      } else if (miss.keep == BlockCache::Keep::kOutline) {
        cache.Insert({1, i}, MakeOutline());
      }
    }
    CHECK((cache.counters().outlines > 50) == takes_outline);
    const size_t of_blocks = cache.counters().blocks * MakeBlock(1000)->charge();
    CHECK(of_blocks > kCapacity / 8 * (takes_outline ? 6 : 7));
    CHECK((of_blocks < kCapacity / 8 * 7) == takes_outline);
    CHECK(cache.counters().bytes <= kCapacity);
    CHECK(cache.counters().evictions == 0);
  }
}

TEST_CASE(
    "block cache: blocks of a new set come in the place of old ones, where outlines were first") {
  constexpr uint64_t kSet = 300;
  BlockCache cache(400'000);
  for (uint64_t i = 0; i < kSet; ++i) {
    cache.Insert({1, i}, MakeBlock(1000));
  }
  const auto lookup = [&cache](uint64_t i) {
    BlockCache::Miss miss{.takes_outline = true};
    const bool hit = cache.Lookup({2, i}, BlockCache::Priority::kHigh, &miss) != nullptr;
    if (miss.keep == BlockCache::Keep::kBlock) {
      cache.Insert({2, i}, MakeBlock(1000));
    } else if (miss.keep == BlockCache::Keep::kOutline) {
      cache.Insert({2, i}, MakeOutline());
    }
    return hit;
  };
  uint64_t hits = 0;
  for (int round = 0; round < 30; ++round) {
    hits = 0;
    for (uint64_t i = 0; i < kSet; ++i) {
      hits += lookup(i) ? 1 : 0;
    }
  }
  CHECK(hits > kSet / 2);
}

TEST_CASE("block cache: a small one keeps large blocks, within its budget") {
  BlockCache cache(16 * 1000);
  cache.Insert({1, 1}, MakeBlock(10000));
  CHECK(cache.Lookup({1, 1}) != nullptr);
  cache.Insert({1, 2}, MakeBlock(10000));
  CHECK(cache.counters().bytes <= 16 * 1000);
  CHECK(cache.counters().blocks == 1);
}

TEST_CASE("block cache: forgetting a table leaves the others") {
  BlockCache cache(1 << 20);
  for (uint64_t i = 0; i < 50; ++i) {
    cache.Insert({i % 2, i}, MakeBlock(100));
  }
  const uint64_t bytes = cache.counters().bytes;
  cache.EraseTable(0);
  CHECK(cache.counters().blocks == 25);
  CHECK(cache.counters().bytes == bytes / 2);
  for (uint64_t i = 0; i < 50; ++i) {
    CHECK((cache.Lookup({i % 2, i}) != nullptr) == (i % 2 == 1));
  }
}

TEST_CASE("block cache: threads that insert, look up and forget get their own blocks") {
  BlockCache cache(4 << 20);  // several shards
  std::vector<std::thread> threads;
  std::vector<int> wrong(4, 0);
  for (uint64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&cache, &wrong, t] {
      std::mt19937 random(static_cast<uint32_t>(t));
      for (int i = 0; i < 4000; ++i) {
        const uint64_t offset = random() % 10000;
        BlockCache::Miss miss{.takes_outline = true};
        if (const auto block = cache.Lookup({t % 2, offset}, BlockCache::Priority::kHigh, &miss);
            block == nullptr) {
          if (miss.outline == nullptr && offset % 3 == 0) {
            cache.Insert({t % 2, offset}, MakeOutline());
          } else {
            cache.Insert({t % 2, offset}, MakeBlock(500, offset));
          }
        } else if (block->offset() != offset) {
          ++wrong[t];
        }
        if (i % 1000 == 999) {
          cache.EraseTable(t % 2);
        }
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  CHECK(wrong == std::vector<int>(4, 0));
  CHECK(cache.counters().bytes <= cache.capacity_bytes());
}

}  // namespace
}  // namespace fathom
