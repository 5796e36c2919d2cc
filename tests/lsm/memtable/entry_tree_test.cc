#include "lsm/memtable/entry_tree.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <numeric>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"

namespace fathom {
namespace {

struct Before {
  bool operator()(const std::string& a, const std::string& b) const {
    return CompareInternalKeys(a, b) < 0;
  }
};
using Model = std::map<std::string, std::string, Before>;

std::string InternalKey(absl::string_view user_key, SequenceNumber sequence) {
  std::string key;
  AppendInternalKey(user_key, sequence, ValueType::kValue, &key);
  return key;
}

std::string Digits(uint64_t i) { return absl::StrCat(absl::Dec(i, absl::kZeroPad16)); }

std::string Bytes(std::mt19937* rng, size_t size, uint32_t alphabet) {
  std::string bytes(size, '\0');
  for (char& c : bytes) {
    c = static_cast<char>((*rng)() % alphabet);
  }
  return bytes;
}

// User keys of one kind; the number is that of the insert.
using KeyShape = std::function<std::string(uint64_t, std::mt19937*)>;

struct NamedShape {
  const char* name;
  KeyShape key;
};

std::vector<NamedShape> KeyShapes() {
  return {
      {"any bytes", [](uint64_t, std::mt19937* rng) { return Bytes(rng, (*rng)() % 40, 256); }},
      {"zero bytes", [](uint64_t, std::mt19937* rng) { return Bytes(rng, (*rng)() % 40, 1); }},
      {"two letters", [](uint64_t, std::mt19937* rng) { return Bytes(rng, (*rng)() % 20, 2); }},
      {"a shared prefix of 16 bytes",
       [](uint64_t, std::mt19937* rng) {
         return absl::StrCat(std::string(16, 'p'), Bytes(rng, (*rng)() % 3, 256));
       }},
      {"a shared prefix of 30 bytes",
       [](uint64_t, std::mt19937* rng) {
         return absl::StrCat(std::string(30, 'p'), Digits((*rng)() % 1000));
       }},
      {"seven keys", [](uint64_t, std::mt19937* rng) { return Digits((*rng)() % 7); }},
      {"the empty key", [](uint64_t, std::mt19937*) { return std::string(); }},
      {"ascending", [](uint64_t i, std::mt19937*) { return Digits(i); }},
      {"descending", [](uint64_t i, std::mt19937*) { return Digits(1000000 - i); }},
      {"ascending in five places",
       [](uint64_t i, std::mt19937*) { return absl::StrCat(i % 5, Digits(i)); }},
      {"nearly ascending",
       [](uint64_t i, std::mt19937* rng) {
         return Digits(i - std::min<uint64_t>(i, (*rng)() % 4));
       }},
  };
}

void CheckWalks(const EntryTree& tree, const Model& model) {
  EntryTree::Cursor cursor(&tree);
  cursor.SeekToFirst();
  for (const auto& [key, value] : model) {
    REQUIRE(cursor.Valid());
    REQUIRE(cursor.key() == key);
    REQUIRE(cursor.value() == value);
    cursor.Next();
  }
  REQUIRE_FALSE(cursor.Valid());
  cursor.SeekToLast();
  for (auto it = model.rbegin(); it != model.rend(); ++it) {
    REQUIRE(cursor.Valid());
    REQUIRE(cursor.key() == it->first);
    cursor.Prev();
  }
  REQUIRE_FALSE(cursor.Valid());
}

void CheckSeek(const EntryTree& tree, const Model& model, const std::string& target) {
  EntryTree::Cursor cursor(&tree);
  cursor.Seek(target);
  const auto expected = model.lower_bound(target);
  REQUIRE(cursor.Valid() == (expected != model.end()));
  if (!cursor.Valid()) {
    return;
  }
  REQUIRE(cursor.key() == expected->first);
  cursor.Prev();
  REQUIRE(cursor.Valid() == (expected != model.begin()));
  if (cursor.Valid()) {
    REQUIRE(cursor.key() == std::prev(expected)->first);
    cursor.Next();
    REQUIRE(cursor.key() == expected->first);
  }
}

// A tree of so many keys of each shape beside a model, expecting keys that begin with `prefix`.
void CheckShapes(const std::string& prefix, uint64_t entries) {
  for (const NamedShape& shape : KeyShapes()) {
    CAPTURE(shape.name);
    std::mt19937 rng(1);
    Arena arena;
    EntryTree tree(&arena, prefix);
    Model model;
    CheckWalks(tree, model);
    for (uint64_t i = 0; i < entries; ++i) {
      const std::string user_key = shape.key(i, &rng);
      const std::string value(i % 5, static_cast<char>('a' + i % 26));
      tree.Insert(user_key, PackTrailer(i + 1, ValueType::kValue), value);
      model[InternalKey(user_key, i + 1)] = value;
      if (i < 300 || i % 1000 == 999) {
        CheckWalks(tree, model);
      }
      CheckSeek(tree, model, InternalKey(shape.key(rng() % (2 * i + 1), &rng), rng() % entries));
    }
    for (const auto& [key, value] : model) {
      CheckSeek(tree, model, key);
      CheckSeek(tree, model, InternalKey(UserKey(key), kMaxSequenceNumber));
      CheckSeek(tree, model, InternalKey(UserKey(key), 0));
      CheckSeek(tree, model, InternalKey(absl::StrCat(UserKey(key), "\1"), 7));
    }
  }
}

TEST_CASE("entry tree: keys of every shape stand in order, for walks and for seeks") {
  CheckShapes("", 4000);
}

TEST_CASE("entry tree: a prefix that all keys, some or none begin with changes nothing") {
  CheckShapes(std::string(16, 'p'), 1000);
  CheckShapes("00000000000", 1000);
  CheckShapes(std::string(1, '\0'), 1000);
  CheckShapes("\1", 1000);
}

TEST_CASE("entry tree: knows what all keys begin with") {
  Arena arena;
  EntryTree tree(&arena);
  CHECK(tree.CommonPrefix().empty());
  for (const char* key : {"prefix-b", "prefix-a", "prefix-", "prefix-bb"}) {
    tree.Insert(key, PackTrailer(1, ValueType::kValue), "v");
  }
  CHECK(tree.CommonPrefix() == "prefix-");
  tree.Insert("pre", PackTrailer(1, ValueType::kValue), "v");
  CHECK(tree.CommonPrefix() == "pre");
}

TEST_CASE("entry tree: a cursor goes on from where it is while the tree grows around it") {
  Arena arena;
  EntryTree tree(&arena);
  const auto insert = [&tree](uint64_t number) {
    tree.Insert(Digits(number), PackTrailer(1, ValueType::kValue), "v");
  };
  constexpr uint64_t kEntries = 200;
  for (uint64_t i = 0; i < kEntries; ++i) {
    insert(100 * i);
  }
  EntryTree::Cursor cursor(&tree);
  cursor.Seek(InternalKey(Digits(5000), kMaxSequenceNumber));
  // Every leaf on its way is replaced.
  for (uint64_t i = 0; i < kEntries; ++i) {
    for (uint64_t j = 1; j < 20; ++j) {
      insert(100 * i + j);
    }
  }
  for (const bool forward : {true, false}) {
    EntryTree::Cursor walker = cursor;
    uint64_t old_seen = 0;
    std::string last(walker.key());
    for (; walker.Valid(); forward ? walker.Next() : walker.Prev()) {
      const int order = CompareInternalKeys(walker.key(), last);
      REQUIRE((last == walker.key() || (forward ? order > 0 : order < 0)));
      last = std::string(walker.key());
      old_seen += UserKey(walker.key()).substr(14) == "00" ? 1 : 0;
    }
    CHECK(old_seen == (forward ? kEntries - 50 : 51));
  }
}

// Walks over everything, and counts what was inserted up to `published`. -1: out of order.
int64_t CountPublished(const EntryTree& tree, SequenceNumber published, bool forward) {
  int64_t seen = 0;
  std::string last;
  EntryTree::Cursor cursor(&tree);
  for (forward ? cursor.SeekToFirst() : cursor.SeekToLast(); cursor.Valid();
       forward ? cursor.Next() : cursor.Prev()) {
    if (!last.empty() && (CompareInternalKeys(last, cursor.key()) < 0) != forward) {
      return -1;
    }
    last = std::string(cursor.key());
    seen += Sequence(cursor.key()) <= published ? 1 : 0;
  }
  return seen;
}

// One thread inserts `numbers` as keys; readers beside it look for all that was published.
void CheckReadersBesideWriter(const std::vector<uint64_t>& numbers) {
  Arena arena;
  EntryTree tree(&arena);
  std::atomic<uint64_t> published{0};
  std::atomic<int> failures{0};
  std::vector<std::thread> readers;
  for (uint32_t seed = 0; seed < 3; ++seed) {
    readers.emplace_back([&, seed] {
      std::mt19937 rng(seed);
      for (uint64_t now = 0; now < numbers.size();) {
        now = published.load(std::memory_order_acquire);
        failures += CountPublished(tree, now, rng() % 2 == 0) == static_cast<int64_t>(now) ? 0 : 1;
        for (int i = 0; i < 200; ++i) {
          now = published.load(std::memory_order_acquire);
          const uint64_t sequence = now - (i % 2 == 0 ? 0 : rng() % (now + 1));
          if (sequence == 0) {
            continue;
          }
          const std::string key = InternalKey(Digits(numbers[sequence - 1]), sequence);
          EntryTree::Cursor cursor(&tree);
          cursor.Seek(key);
          failures += cursor.Valid() && cursor.key() == key && cursor.value() == key ? 0 : 1;
        }
      }
    });
  }
  for (uint64_t i = 0; i < numbers.size(); ++i) {
    const std::string user_key = Digits(numbers[i]);
    tree.Insert(user_key, PackTrailer(i + 1, ValueType::kValue), InternalKey(user_key, i + 1));
    published.store(i + 1, std::memory_order_release);
  }
  for (std::thread& reader : readers) {
    reader.join();
  }
  CHECK(failures == 0);
}

TEST_CASE("entry tree: readers beside the writer see all that was published") {
  for (uint32_t seed = 0; seed < 5; ++seed) {
    std::vector<uint64_t> numbers(3000);
    std::iota(numbers.begin(), numbers.end(), 0);
    CheckReadersBesideWriter(numbers);
    std::reverse(numbers.begin(), numbers.end());
    CheckReadersBesideWriter(numbers);
    for (auto part = numbers.begin(); part != numbers.end(); part += 300) {
      std::shuffle(part, part + 300, std::mt19937(seed));
    }
    CheckReadersBesideWriter(numbers);
    std::shuffle(numbers.begin(), numbers.end(), std::mt19937(seed));
    CheckReadersBesideWriter(numbers);
  }
}

size_t MemoryOfRecords(const KeyShape& shape, uint64_t n) {
  std::mt19937 rng(1);
  Arena arena;
  EntryTree tree(&arena);
  const std::string value(100, 'v');
  for (uint64_t i = 0; i < n; ++i) {
    tree.Insert(shape(i, &rng), PackTrailer(i + 1, ValueType::kValue), value);
  }
  return arena.memory_bytes();
}

TEST_CASE("entry tree: memory is less than twice what it holds, less by far where keys ascend") {
  constexpr uint64_t kEntries = 50000;
  constexpr size_t kHeld = kEntries * (16 + kTrailerBytes + 100);
  const auto ascending = [](uint64_t i, std::mt19937*) { return Digits(i); };
  const auto descending = [](uint64_t i, std::mt19937*) { return Digits(kEntries - i); };
  const auto random = [](uint64_t, std::mt19937* rng) { return Digits((*rng)()); };
  const auto in_places = [](uint64_t i, std::mt19937*) { return Digits((i % 64) * kEntries + i); };
  CHECK(MemoryOfRecords(ascending, kEntries) < kHeld * 4 / 3 + Arena::kBlockBytes);
  CHECK(MemoryOfRecords(descending, kEntries) < kHeld * 2 + Arena::kBlockBytes);
  CHECK(MemoryOfRecords(random, kEntries) < kHeld * 2 + Arena::kBlockBytes);
  CHECK(MemoryOfRecords(in_places, kEntries) < kHeld * 2 + Arena::kBlockBytes);
}

}  // namespace
}  // namespace fathom
