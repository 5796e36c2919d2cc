#include "lsm/compaction/merging_iterator.h"

#include <doctest/doctest.h>

#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "lsm/format/internal_key.h"
#include "lsm/memtable/memtable.h"

namespace fathom {
namespace {

std::string InternalKey(absl::string_view user_key, SequenceNumber sequence) {
  std::string key;
  AppendInternalKey(user_key, sequence, ValueType::kValue, &key);
  return key;
}

// Over one entry; what moves it fails once the disk is gone.
class FragileIterator final : public InternalIterator {
 public:
  FragileIterator(std::string key, const bool* gone) : key_(std::move(key)), gone_(gone) {}

  void SeekToFirst() override { Settle(true); }
  void SeekToLast() override { Settle(true); }
  void Seek(absl::string_view target) override { Settle(CompareInternalKeys(key_, target) >= 0); }
  void Next() override { Settle(false); }
  void Prev() override { Settle(false); }
  absl::Status status() const override { return status_; }

 private:
  void Settle(bool at_entry) {
    status_ = *gone_ ? absl::DataLossError("the disk is gone") : absl::OkStatus();
    if (at_entry && status_.ok()) {
      Show(key_, "v");
    } else {
      ShowNothing();
    }
  }

  const std::string key_;
  const bool* const gone_;
  absl::Status status_;
};

TEST_CASE("merging iterator: random walks over any number of children agree with one sorted map") {
  std::mt19937 rng(7);
  for (int round = 0; round < 60; ++round) {
    std::vector<std::shared_ptr<MemTable>> tables(1 + rng() % 6);
    for (auto& table : tables) {
      table = std::make_shared<MemTable>();
    }
    struct Less {
      bool operator()(const std::string& a, const std::string& b) const {
        return CompareInternalKeys(a, b) < 0;
      }
    };
    std::map<std::string, std::string, Less> model;
    for (SequenceNumber sequence = 1; sequence <= 60; ++sequence) {
      const std::string key(1 + rng() % 2, static_cast<char>('a' + rng() % 8));
      const std::string value = std::to_string(sequence);
      tables[rng() % tables.size()]->Add(sequence, ValueType::kValue, key, value);
      model[InternalKey(key, sequence)] = value;
    }
    std::vector<std::unique_ptr<InternalIterator>> children;
    for (const auto& table : tables) {
      children.push_back(table->NewIterator());
    }
    const auto it = NewMergingIterator(std::move(children));
    for (int walk = 0; walk < 10; ++walk) {
      const std::string target =
          InternalKey(std::string(1 + rng() % 2, static_cast<char>('a' + rng() % 9)), rng() % 70);
      auto expected = model.lower_bound(target);
      it->Seek(target);
      if (walk == 0) {
        it->SeekToFirst();
        expected = model.begin();
      } else if (walk == 1) {
        it->SeekToLast();
        expected = std::prev(model.end());
      }
      for (int step = 0; step < 40; ++step) {
        REQUIRE(it->Valid() == (expected != model.end()));
        if (!it->Valid()) {
          break;
        }
        REQUIRE(it->key() == expected->first);
        REQUIRE(it->value() == expected->second);
        if (rng() % 2 == 0) {
          it->Next();
          ++expected;
        } else {
          it->Prev();
          expected = expected == model.begin() ? model.end() : std::prev(expected);
        }
      }
      REQUIRE(it->status().ok());
    }
  }
}

TEST_CASE("merging iterator: an error of one child is the error of all, not an end") {
  // Crash case 54.
  const auto table = std::make_shared<MemTable>();
  table->Add(1, ValueType::kValue, "a", "v");
  table->Add(2, ValueType::kValue, "c", "v");
  std::vector<std::unique_ptr<InternalIterator>> children;
  children.push_back(table->NewIterator());
  bool gone = false;
  children.push_back(std::make_unique<FragileIterator>(InternalKey("b", 1), &gone));
  const auto it = NewMergingIterator(std::move(children));
  it->SeekToFirst();
  REQUIRE(it->Valid());
  it->Next();
  REQUIRE(it->Valid());
  CHECK(UserKey(it->key()) == "b");
  gone = true;
  it->Next();
  CHECK_FALSE(it->Valid());
  CHECK(absl::IsDataLoss(it->status()));
}

TEST_CASE("merging iterator: a child that fails as the direction turns ends it, either way") {
  for (const bool forward : {true, false}) {
    CAPTURE(forward);
    const auto table = std::make_shared<MemTable>();
    for (const char* key : {"a", "c", "e"}) {
      table->Add(1, ValueType::kValue, key, "v");
    }
    bool gone = false;
    std::vector<std::unique_ptr<InternalIterator>> children;
    children.push_back(table->NewIterator());
    children.push_back(
        std::make_unique<FragileIterator>(InternalKey(forward ? "b" : "d", 2), &gone));
    const auto it = NewMergingIterator(std::move(children));
    if (forward) {
      it->SeekToLast();
      it->Prev();
    } else {
      it->Seek(InternalKey("a", 1));
      it->Next();
    }
    REQUIRE(it->Valid());
    REQUIRE(UserKey(it->key()) == "c");
    gone = true;
    forward ? it->Next() : it->Prev();
    CHECK_FALSE(it->Valid());
    CHECK(absl::IsDataLoss(it->status()));
  }
}

}  // namespace
}  // namespace fathom
