#include "lsm/memtable/memtable.h"

#include <doctest/doctest.h>

#include <atomic>
#include <map>
#include <optional>
#include <random>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "lsm/format/checksum.h"

namespace fathom {
namespace {

constexpr size_t kExpectedBytes = size_t{1} << 20;

// What the table says with its filter; without it, it must say the same.
Lookup Find(const MemTable& table, absl::string_view key, SequenceNumber snapshot,
            std::string* value) {
  std::string by_tree;
  const Lookup in_tree = table.Get(key, std::nullopt, snapshot, &by_tree);
  const Lookup found = table.Get(key, FilterHash(key), snapshot, value);
  REQUIRE(found == in_tree);
  REQUIRE((found != Lookup::kFound || *value == by_tree));
  return found;
}

std::string Key(uint64_t i) { return absl::StrCat("key", absl::Dec(i, absl::kZeroPad6)); }

TEST_CASE("memtable: expects of the next one's keys what its own have in common, less a margin") {
  const auto table = std::make_shared<MemTable>(kExpectedBytes);
  CHECK(table->ExpectedPrefix().empty());
  table->Add(1, ValueType::kValue, "a/prefix/of/many/keys/00000017", "v");
  table->Add(2, ValueType::kValue, "a/prefix/of/many/keys/00000004", "v");
  CHECK(table->ExpectedPrefix() == "a/prefix/of/many/key");
  table->Add(3, ValueType::kValue, "a/prefix/to/nothing", "v");
  CHECK(table->ExpectedPrefix().empty());
}

TEST_CASE("memtable: of several versions the newest at or below the snapshot answers") {
  const auto table = std::make_shared<MemTable>(kExpectedBytes);
  table->Add(5, ValueType::kValue, "k", "five");
  table->Add(9, ValueType::kValue, "k", "nine");
  table->Add(7, ValueType::kDeletion, "k", "");
  std::string value;
  CHECK(Find(*table, "k", 4, &value) == Lookup::kAbsent);
  CHECK(Find(*table, "k", 5, &value) == Lookup::kFound);
  CHECK(value == "five");
  CHECK(Find(*table, "k", 8, &value) == Lookup::kDeleted);
  CHECK(Find(*table, "k", kMaxSequenceNumber, &value) == Lookup::kFound);
  CHECK(value == "nine");
  CHECK(Find(*table, "j", kMaxSequenceNumber, &value) == Lookup::kAbsent);
  CHECK(Find(*table, "kk", kMaxSequenceNumber, &value) == Lookup::kAbsent);
}

TEST_CASE("memtable: keys of any bytes and lengths stand in unsigned order") {
  const auto table = std::make_shared<MemTable>(kExpectedBytes);
  std::map<std::string, std::string> model;
  std::mt19937 rng(1);
  for (SequenceNumber sequence = 1; sequence <= 3000; ++sequence) {
    std::string key(rng() % 300, '\0');
    for (char& c : key) {
      c = static_cast<char>(rng() % 256);
    }
    model[key] = absl::StrCat(sequence);
    table->Add(sequence, ValueType::kValue, key, model[key]);
  }
  std::string value;
  for (const auto& [key, expected] : model) {
    REQUIRE(Find(*table, key, kMaxSequenceNumber, &value) == Lookup::kFound);
    REQUIRE(value == expected);
  }
  const auto it = table->NewIterator();
  auto expected = model.begin();
  std::string last;
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    if (last != UserKey(it->key()) || expected == model.begin()) {
      REQUIRE(expected->first == UserKey(it->key()));
      REQUIRE(expected->second == it->value());
      last = expected->first;
      ++expected;
    }
  }
  CHECK(expected == model.end());
}

TEST_CASE("memtable: a cursor seeks, walks both ways and stops at the ends") {
  const auto table = std::make_shared<MemTable>(kExpectedBytes);
  for (uint64_t i = 10; i < 20; ++i) {
    table->Add(i, ValueType::kValue, Key(i), "v");
  }
  const auto it = table->NewIterator();
  CHECK_FALSE(it->Valid());
  it->SeekToLast();
  CHECK(UserKey(it->key()) == Key(19));
  it->Next();
  CHECK_FALSE(it->Valid());
  it->Seek(SeekKey(Key(15), kMaxSequenceNumber).view());
  CHECK(UserKey(it->key()) == Key(15));
  it->Prev();
  CHECK(UserKey(it->key()) == Key(14));
  it->SeekToFirst();
  it->Prev();
  CHECK_FALSE(it->Valid());
  it->Seek(SeekKey(Key(20), kMaxSequenceNumber).view());
  CHECK_FALSE(it->Valid());
  CHECK_FALSE(std::make_shared<MemTable>()->NewIterator()->Valid());
}

TEST_CASE("memtable: the charge counts keys, values and headers; memory counts what was taken") {
  const auto table = std::make_shared<MemTable>(kExpectedBytes);
  CHECK(table->charge() == 0);
  table->Add(1, ValueType::kValue, std::string(10, 'k'), std::string(200, 'v'));
  CHECK(table->charge() == 1 + 18 + 2 + 200);
  CHECK(table->entries() == 1);
  table->Add(2, ValueType::kValue, "large", std::string(1 << 20, 'v'));
  CHECK(table->memory_bytes() > table->charge());
  CHECK(table->memory_bytes() < table->charge() + 2 * Arena::kBlockBytes);
}

TEST_CASE("memtable: a range tombstone counts once it is published, for what is older") {
  const auto table = std::make_shared<MemTable>(kExpectedBytes);
  table->Add(1, ValueType::kValue, "b", "one");
  table->Add(2, ValueType::kRangeDeletion, "a", "c");
  table->Add(3, ValueType::kValue, "b", "three");
  std::string value;
  CHECK(Find(*table, "b", 2, &value) == Lookup::kFound);
  CHECK(table->range_tombstones() == nullptr);
  table->PublishRangeTombstones();
  CHECK(Find(*table, "b", 1, &value) == Lookup::kFound);
  CHECK(value == "one");
  CHECK(Find(*table, "b", 2, &value) == Lookup::kDeleted);
  CHECK(Find(*table, "b", 3, &value) == Lookup::kFound);
  CHECK(value == "three");
  CHECK(Find(*table, "a", 3, &value) == Lookup::kDeleted);
  CHECK(Find(*table, "a", 1, &value) == Lookup::kAbsent);
  CHECK(Find(*table, "c", 3, &value) == Lookup::kAbsent);
  CHECK(table->entries() == 3);
  CHECK(table->charge() == 3 * (1 + 9 + 1) + 3 + 1 + 5);
}

TEST_CASE("memtable: range tombstones published apart are told apart, together the newest counts") {
  const auto table = std::make_shared<MemTable>(kExpectedBytes);
  for (SequenceNumber sequence = 1; sequence <= 3; ++sequence) {
    table->Add(sequence, ValueType::kRangeDeletion, "a", "c");
    table->PublishRangeTombstones();
  }
  CHECK(table->range_tombstones()->num_entries() == 3);
  CHECK(table->range_tombstones()->Covering("a", 2) == 2);
  const RangeTombstones* const before = table->range_tombstones();
  table->Add(4, ValueType::kRangeDeletion, "b", "z");
  table->Add(5, ValueType::kRangeDeletion, "b", "y");
  table->PublishRangeTombstones();
  CHECK(before->Covering("b", 9) == 3);  // a reader may hold it
  CHECK(table->range_tombstones()->Covering("b", 9) == 5);
  CHECK(table->range_tombstones()->Covering("b", 4) == 3);
  CHECK(table->range_tombstones()->Covering("y", 9) == 4);
}

TEST_CASE("memtable: readers beside the writer see every range tombstone up to their snapshot") {
  const auto table = std::make_shared<MemTable>(kExpectedBytes);
  constexpr SequenceNumber kWrites = 400;
  std::atomic<SequenceNumber> last{0};
  std::atomic<int> failures{0};
  std::thread reader([&] {
    std::string value;
    while (last.load(std::memory_order_acquire) < kWrites) {
      // Odd sequences put the key, even ones delete the range around it.
      const SequenceNumber snapshot = last.load(std::memory_order_acquire);
      const Lookup found = table->Get("key", FilterHash("key"), snapshot, &value);
      const Lookup expected = snapshot == 0       ? Lookup::kAbsent
                              : snapshot % 2 == 0 ? Lookup::kDeleted
                                                  : Lookup::kFound;
      failures += found == expected ? 0 : 1;
    }
  });
  for (SequenceNumber sequence = 1; sequence <= kWrites; ++sequence) {
    if (sequence % 2 == 0) {
      table->Add(sequence, ValueType::kRangeDeletion, "k", "l");
      table->PublishRangeTombstones();
    } else {
      table->Add(sequence, ValueType::kValue, "key", "value");
    }
    last.store(sequence, std::memory_order_release);
  }
  reader.join();
  CHECK(failures == 0);
  CHECK(table->has_many_range_tombstones());
}

TEST_CASE("memtable: readers beside the writer see every entry whole and in order") {
  const auto table = std::make_shared<MemTable>(kExpectedBytes);
  constexpr uint64_t kEntries = 20000;
  std::atomic<uint64_t> written{0};
  std::vector<std::thread> readers;
  std::atomic<int> failures{0};
  for (uint32_t seed = 0; seed < 2; ++seed) {
    readers.emplace_back([&, seed] {
      std::mt19937 rng(seed);
      std::string value;
      while (written.load(std::memory_order_acquire) < kEntries) {
        const uint64_t visible = written.load(std::memory_order_acquire);
        if (visible == 0) {
          continue;
        }
        const uint64_t i = rng() % visible;
        const std::string key = Key(i * 7919 % kEntries);
        if (table->Get(key, FilterHash(key), kMaxSequenceNumber, &value) != Lookup::kFound ||
            value != absl::StrCat("value of ", key)) {
          ++failures;
        }
        const auto it = table->NewIterator();
        std::string last;
        it->Seek(SeekKey(key, kMaxSequenceNumber).view());
        for (int step = 0; step < 20 && it->Valid(); ++step, it->Next()) {
          if (step > 0 && CompareInternalKeys(last, it->key()) >= 0) {
            ++failures;
          }
          last = std::string(it->key());
        }
      }
    });
  }
  for (uint64_t i = 0; i < kEntries; ++i) {
    const std::string key = Key(i * 7919 % kEntries);
    table->Add(i + 1, ValueType::kValue, key, absl::StrCat("value of ", key));
    written.store(i + 1, std::memory_order_release);
  }
  for (std::thread& reader : readers) {
    reader.join();
  }
  CHECK(failures == 0);
}

}  // namespace
}  // namespace fathom
