#include "lsm/manifest/key_ranges.h"

#include <doctest/doctest.h>

#include <deque>
#include <random>
#include <set>

#include "tests/lsm/manifest/tables.h"

namespace fathom {
namespace {

bool Covers(const TableMeta& table, absl::string_view key) {
  return UserKey(table.smallest) <= key && !EndsBefore(table.largest, key);
}

// Keys that agree in their first bytes, in all of them but for zeros at the end, or not at all.
std::string RandomKey(std::mt19937* random) {
  std::string key(std::uniform_int_distribution<size_t>(0, 2)(*random), 'p');
  for (size_t n = std::uniform_int_distribution<size_t>(0, 12)(*random); n > 0; --n) {
    key.push_back("\0\1a\xff"[(*random)() % 4]);
  }
  return key;
}

TEST_CASE("key ranges: agree with the bounds of every table, for keys within, at and outside") {
  std::mt19937 random(1);
  size_t certain = 0;
  for (int round = 0; round < 300; ++round) {
    const std::string prefix(static_cast<size_t>(round % 20), 'x');
    std::set<std::string> bounds;
    while (bounds.size() < 12) {
      bounds.insert(prefix + RandomKey(&random));
    }
    std::deque<TableMeta> tables;
    KeyRanges::Levels levels;
    for (auto bound = bounds.begin(); bound != bounds.end(); ++bound) {
      const std::string& smallest = *bound++;
      tables.push_back(Table(tables.size() + 1, smallest, *bound));
      if (round % 3 == 0) {  // a range tombstone reaches furthest: its end is not in the table
        tables.back().largest = *bound + std::string(8, '\0');
        EncodeFixed64(tables.back().largest.data() + bound->size(), kExclusiveTrailer);
      }
      levels[2].push_back(&tables.back());
    }
    const KeyRanges ranges = KeyRanges::Of(levels);
    REQUIRE(ranges.level(2).size() == 6);
    CHECK(ranges.level(0).empty());

    std::vector<std::string> keys(bounds.begin(), bounds.end());
    for (int i = 0; i < 100; ++i) {
      keys.push_back((i % 4 == 0 ? "" : prefix) + RandomKey(&random));
    }
    for (const std::string& key : keys) {
      const std::optional<uint64_t> digest = ranges.DigestOf(key);
      const size_t first = digest.has_value() ? ranges.FirstFor(2, *digest) : 0;
      for (size_t i = 0; i < tables.size(); ++i) {
        const KeyRanges::Covers told =
            digest.has_value() ? ranges.level(2)[i].Covering(*digest) : KeyRanges::Covers::kNo;
        CHECK((told == KeyRanges::Covers::kPerhaps ||
               (told == KeyRanges::Covers::kYes) == Covers(tables[i], key)));
        CHECK((i >= first || EndsBefore(tables[i].largest, key)));
        certain += told != KeyRanges::Covers::kPerhaps ? 1 : 0;
      }
    }
  }
  CHECK(certain > 100'000);
}

TEST_CASE("key ranges: without tables no key is in one") {
  CHECK(KeyRanges().level(0).empty());
  CHECK(KeyRanges::Of({}).level(6).empty());
}

}  // namespace
}  // namespace fathom
