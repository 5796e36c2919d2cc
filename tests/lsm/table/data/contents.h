// What the golden tables hold: the same entries in each, so that a test knows the right answer
// whatever the options. Used by the program that makes them and by the tests that read them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>

namespace fathom {

// Key -> value; nothing for a tombstone.
using GoldenEntries = std::map<std::string, std::optional<std::string>>;

// What some golden tables delete in ranges: not in order, and overlapping. Their entries stand.
inline constexpr std::pair<const char*, const char*> kGoldenRanges[] = {
    {"user:1050", "user:1060"}, {"user:1010", "user:1030"}, {"user:1020/", "user:1025"},
    {"user:1028", "user:1040"}, {"zebra", "zoo"},           {"user:1060", "user:1061"},
};

// 120 entries: values that compress and some that do not, a run of keys that share much, keys and
// values with every byte, the empty value, tombstones.
inline GoldenEntries GoldenContents() {
  GoldenEntries entries;
  for (int i = 0; i < 100; ++i) {
    std::string key = "user:" + std::to_string(1000 + i) + "/name";
    if (i % 9 == 4) {
      entries[key] = std::nullopt;
    } else {
      entries[key] = std::string(static_cast<size_t>(i % 40), 'v') + std::to_string(i);
    }
  }
  unsigned state = 1;
  for (int i = 0; i < 20; ++i) {
    std::string key;
    key.push_back(static_cast<char>(i * 13));
    key.append("\0\xff", 2);
    std::string value;
    for (int n = 0; n < 5 * i; ++n) {
      state = state * 1664525 + 1013904223;
      value.push_back(static_cast<char>(state >> 24));
    }
    entries[key] = value;
  }
  return entries;
}

}  // namespace fathom
