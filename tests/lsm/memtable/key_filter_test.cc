#include "lsm/memtable/key_filter.h"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "absl/strings/str_cat.h"
#include "lsm/format/checksum.h"

namespace fathom {
namespace {

uint64_t HashOf(uint64_t i) { return FilterHash(absl::StrCat("key", i)); }

// How many of a million other keys come through a filter with `keys`, in per mille.
double PassedPerMille(const KeyFilter& filter, uint64_t keys) {
  constexpr uint64_t kAsked = 1'000'000;
  uint64_t passed = 0;
  for (uint64_t i = keys; i < keys + kAsked; ++i) {
    passed += filter.MayContain(HashOf(i)) ? 1 : 0;
  }
  return static_cast<double>(passed) * 1000 / kAsked;
}

TEST_CASE("key filter: lets every key through that was added, and few others") {
  constexpr size_t kBytes = 64 << 10;
  KeyFilter filter(kBytes);
  CHECK_FALSE(filter.MayContain(HashOf(0)));
  CHECK(filter.memory_bytes() == 0);
  uint64_t keys = 0;
  const auto add_until = [&](uint64_t end) {
    for (; keys < end; ++keys) {
      filter.Add(HashOf(keys));
    }
    for (uint64_t i = 0; i < end; ++i) {
      REQUIRE(filter.MayContain(HashOf(i)));
    }
  };
  add_until(kBytes / 2);
  CHECK(filter.memory_bytes() == kBytes);
  const double with_16_bits = PassedPerMille(filter, keys);
  CHECK(with_16_bits > 4);
  CHECK(with_16_bits < 7);
  add_until(kBytes * 2);
  const double with_4_bits = PassedPerMille(filter, keys);
  CHECK(with_4_bits > 150);
  CHECK(with_4_bits < 200);
  MESSAGE("per mille of other keys: ", with_16_bits, " with 16 bits a key, ", with_4_bits,
          " with 4");
}

TEST_CASE("key filter: without memory lets every key through") {
  for (const size_t bytes : {size_t{0}, size_t{7}}) {
    KeyFilter filter(bytes);
    CHECK(filter.MayContain(HashOf(1)));
    filter.Add(HashOf(1));
    CHECK(filter.MayContain(HashOf(1)));
    CHECK(filter.MayContain(HashOf(2)));
    CHECK(filter.memory_bytes() == 0);
  }
}

TEST_CASE("key filter: of one word lets through what it has") {
  KeyFilter filter(8);
  filter.Add(HashOf(1));
  CHECK(filter.MayContain(HashOf(1)));
  CHECK_FALSE(filter.MayContain(HashOf(2)));
}

TEST_CASE("key filter: a reader beside the writer finds every key that it was told of") {
  KeyFilter filter(1 << 10);
  constexpr uint64_t kKeys = 4000;
  std::atomic<uint64_t> told{0};
  std::atomic<int> failures{0};
  std::thread reader([&] {
    for (uint64_t known = 0; known < kKeys;) {
      known = told.load(std::memory_order_acquire);
      for (uint64_t i = 0; i < known; i += 7) {
        failures += filter.MayContain(HashOf(i)) ? 0 : 1;
      }
    }
  });
  for (uint64_t i = 0; i < kKeys; ++i) {
    filter.Add(HashOf(i));
    told.store(i + 1, std::memory_order_release);
  }
  reader.join();
  CHECK(failures == 0);
}

}  // namespace
}  // namespace fathom
