#include "lsm/format/internal_key.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

namespace fathom {
namespace {

std::string Key(absl::string_view user_key, SequenceNumber sequence,
                ValueType type = ValueType::kValue) {
  std::string key;
  AppendInternalKey(user_key, sequence, type, &key);
  return key;
}

// All user keys of 0 to `longest` bytes over `alphabet`, sorted.
std::vector<std::string> AllUserKeys(const std::string& alphabet, size_t longest) {
  std::vector<std::string> keys = {""};
  for (size_t done = 0; keys[done].size() < longest; ++done) {
    for (const char c : alphabet) {
      keys.push_back(keys[done] + c);
    }
  }
  std::sort(keys.begin(), keys.end(), [](absl::string_view a, absl::string_view b) {
    return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
      return static_cast<uint8_t>(x) < static_cast<uint8_t>(y);
    });
  });
  return keys;
}

const std::string& Alphabet() {
  static const std::string alphabet("\x00\x7f\x80\xfe\xff", 5);
  return alphabet;
}

// A shortened key is one that no stored entry can equal and that sorts before all of its user key.
bool IsFirstVersion(const std::string& key) {
  return Sequence(key) == kMaxSequenceNumber && Type(key) == kSeekType;
}

TEST_CASE("internal key: the bytes are the user key and a little-endian trailer") {
  const std::string key = Key("ab", 0x07060504030201, ValueType::kValue);
  CHECK(key == "ab\x01\x01\x02\x03\x04\x05\x06\x07");
  CHECK(UserKey(key) == "ab");
  CHECK(Sequence(key) == 0x07060504030201);
  CHECK(Type(key) == ValueType::kValue);
  CHECK(Type(Key("", 0, ValueType::kDeletion)) == ValueType::kDeletion);
  CHECK(Sequence(Key("", kMaxSequenceNumber)) == kMaxSequenceNumber);
}

TEST_CASE("internal key: too short or of an unknown type is not valid") {
  CHECK_FALSE(IsValidInternalKey(""));
  CHECK_FALSE(IsValidInternalKey(std::string(7, '\0')));
  CHECK(IsValidInternalKey(std::string(8, '\0')));
  CHECK(IsValidInternalKey(Key("k", 1)));
  CHECK_FALSE(IsValidInternalKey(std::string("\x02", 1) + std::string(7, '\0')));
}

TEST_CASE("internal key: user keys ascend as unsigned bytes, then the newest comes first") {
  std::vector<std::string> in_order;
  for (const std::string& user_key : AllUserKeys(Alphabet(), 2)) {
    in_order.push_back(Key(user_key, kMaxSequenceNumber, kSeekType));
    in_order.push_back(Key(user_key, 256, ValueType::kDeletion));
    in_order.push_back(Key(user_key, 255, ValueType::kValue));
    in_order.push_back(Key(user_key, 255, ValueType::kDeletion));
    in_order.push_back(Key(user_key, 0, ValueType::kDeletion));
  }
  for (size_t i = 0; i < in_order.size(); ++i) {
    for (size_t j = 0; j < in_order.size(); ++j) {
      const int order = CompareInternalKeys(in_order[i], in_order[j]);
      CHECK((order < 0) == (i < j));
      CHECK((order > 0) == (i > j));
    }
  }
}

TEST_CASE("internal key: a separator is a valid key k with a <= k < b, for all short keys") {
  const std::vector<std::string> users = AllUserKeys(Alphabet(), 3);
  for (size_t i = 0; i < users.size(); ++i) {
    for (size_t j = i; j < users.size(); ++j) {
      const std::string a = Key(users[i], 7);
      const std::string b = Key(users[j], 6, ValueType::kDeletion);
      const std::string k = ShortestSeparator(a, b);
      const bool between = CompareInternalKeys(a, k) <= 0 && CompareInternalKeys(k, b) < 0;
      const bool shortened = k.size() < a.size() && IsFirstVersion(k) && UserKey(a) < UserKey(k) &&
                             UserKey(k) < UserKey(b);
      if (!between || !IsValidInternalKey(k) || !(k == a || shortened)) {
        FAIL("no separator: " << i << ", " << j);
      }
    }
  }
}

TEST_CASE("internal key: no shorter separator than the shortest exists") {
  // Every byte value is a candidate for the separator, so the search runs over all one-byte and
  // two-byte keys, and the empty one.
  std::string all_bytes;
  for (int c = 0; c < 256; ++c) {
    all_bytes.push_back(static_cast<char>(c));
  }
  const std::vector<std::string> candidates = AllUserKeys(all_bytes, 2);
  const std::vector<std::string> users = AllUserKeys(Alphabet(), 3);
  // The length of the shortest key strictly between, by brute force.
  const auto shortest_between = [&](absl::string_view a, absl::string_view b) {
    size_t best = a.size();
    auto it = std::upper_bound(candidates.begin(), candidates.end(), a,
                               [](absl::string_view x, absl::string_view y) { return x < y; });
    for (; it != candidates.end() && absl::string_view(*it) < b; ++it) {
      best = std::min(best, it->size());
      if (best <= 1) {
        break;
      }
    }
    return best;
  };
  for (size_t i = 0; i < users.size(); i += 3) {
    for (size_t j = i + 1; j < users.size(); j += 2) {
      const std::string k = ShortestSeparator(Key(users[i], 1), Key(users[j], 2));
      if (UserKey(k).size() != shortest_between(users[i], users[j])) {
        FAIL("not shortest: " << i << ", " << j);
      }
    }
  }
}

TEST_CASE("internal key: two versions of one user key are separated by the first of them") {
  CHECK(ShortestSeparator(Key("key", 9), Key("key", 3)) == Key("key", 9));
}

TEST_CASE("internal key: a separator is shortened where there is room") {
  CHECK(ShortestSeparator(Key("abcdef", 5), Key("axyz", 5)) ==
        Key("ac", kMaxSequenceNumber, kSeekType));
  CHECK(ShortestSeparator(Key("abcdef", 5), Key("ac", 5)) ==
        Key("abd", kMaxSequenceNumber, kSeekType));
  CHECK(ShortestSeparator(Key("ab\xff\xff"
                              "cde",
                              5),
                          Key("ac", 5)) == Key("ab\xff\xff"
                                               "d",
                                               kMaxSequenceNumber, kSeekType));
  CHECK(ShortestSeparator(Key("ab", 5), Key("abc", 5)) == Key("ab", 5));
}

}  // namespace
}  // namespace fathom
