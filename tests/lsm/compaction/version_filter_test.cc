#include "lsm/compaction/version_filter.h"

#include <algorithm>
#include <random>
#include <set>
#include <vector>

#include "tests/lsm/compaction/shapes.h"

namespace fathom {
namespace {

// What the filter keeps of `versions`, a text of versions in order.
std::string Kept(VersionFilter* filter, absl::string_view versions) {
  std::string kept;
  for (const absl::string_view version : absl::StrSplit(versions, ' ')) {
    if (filter->Keep(ParseVersion(version))) {
      absl::StrAppend(&kept, kept.empty() ? "" : " ", version);
    }
  }
  return kept;
}

std::string Kept(std::vector<SequenceNumber> snapshots, const Version* below,
                 absl::string_view versions) {
  VersionFilter filter(std::move(snapshots), below, 1);
  return Kept(&filter, versions);
}

TEST_CASE("version filter: without snapshots the newest version of each key stays") {
  CHECK(Kept({}, nullptr, "a9 a3 b2 b1d c7 d8d d5 d4d") == "a9 b2 c7 d8d");
}

TEST_CASE("version filter: each snapshot keeps the version that it sees") {
  CHECK(Kept({3, 7}, nullptr, "a9 a8 a5d a2 a1") == "a9 a5d a2");
  CHECK(Kept({3}, nullptr, "a4 a3 a2") == "a4 a3");
  CHECK(Kept({3}, nullptr, "a3 a2") == "a3");
  CHECK(Kept({3}, nullptr, "a5 a4") == "a5");
  CHECK(Kept({3, 3, 3}, nullptr, "a5 a4 a3 a2 b3 b1") == "a5 a3 b3");
}

TEST_CASE("version filter: a snapshot of the empty store keeps nothing and harms nothing") {
  // Crash case 31.
  CHECK(Kept({0}, nullptr, "a3 a2 b1") == "a3 b1");
  Shapes shapes;
  const auto empty = shapes.Make({});
  CHECK(Kept({0}, empty.get(), "a3 a2d b1") == "a3 b1");
}

TEST_CASE("version filter: a tombstone goes where nothing older can exist below") {
  // Crash case 37.
  Shapes shapes;
  const auto version = shapes.Make({{0, "a-z"}, {1, "a-z"}, {2, "c-d g-h"}, {4, "k-l"}});
  VersionFilter filter({}, version.get(), 1);
  // Tables on the target level and above do not count: they take part, or hold newer versions.
  CHECK(Kept(&filter, "a9d a8 b9d c9d d9d e9d f9 g9d h9d j9d k9d l9d m9d") ==
        "c9d d9d f9 g9d h9d k9d l9d");
  CHECK(filter.shadowed() == 1);
  CHECK(filter.tombstones() == 5);
  VersionFilter deeper({}, version.get(), 4);
  CHECK(Kept(&deeper, "c9d k9d k8").empty());
}

TEST_CASE("version filter: a tombstone stays while a snapshot tells it from what it hides") {
  // Crash case 37.
  Shapes shapes;
  const auto empty = shapes.Make({});
  CHECK(Kept({3}, empty.get(), "a5d a2") == "a5d a2");
  CHECK(Kept({5}, empty.get(), "a5d a2").empty());
  CHECK(Kept({3, 7}, empty.get(), "a5d a3d a2") == "a5d");
  CHECK(Kept({7}, empty.get(), "a9 a5d a2") == "a9");
}

// The newest version of `user_key` at or below `sequence`: its text, or "" if that is a tombstone
// or nothing.
std::string Visible(const std::vector<std::string>& versions, absl::string_view user_key,
                    SequenceNumber sequence) {
  for (const std::string& version : versions) {
    if (UserKey(version) == user_key && Sequence(version) <= sequence) {
      return Type(version) == ValueType::kDeletion ? "" : VersionText(version);
    }
  }
  return "";
}

TEST_CASE("version filter: no reader can tell what was dropped, and no more stays than readers") {
  Shapes shapes;
  const auto empty = shapes.Make({});
  std::mt19937 rng(1);
  for (int round = 0; round < 2000; ++round) {
    std::set<std::string, InternalOrder> input;
    for (SequenceNumber sequence = 1; sequence <= 20; ++sequence) {
      input.insert(Versioned(std::string(1, static_cast<char>('a' + rng() % 3)), sequence,
                             rng() % 3 == 0 ? ValueType::kDeletion : ValueType::kValue));
    }
    std::vector<SequenceNumber> snapshots(rng() % 5);
    std::ranges::generate(snapshots, [&rng] { return rng() % 22; });
    std::ranges::sort(snapshots);
    for (const Version* below : {static_cast<const Version*>(nullptr), empty.get()}) {
      VersionFilter filter(snapshots, below, 1);
      std::vector<std::string> kept;
      std::ranges::copy_if(input, std::back_inserter(kept),
                           [&filter](const std::string& key) { return filter.Keep(key); });
      CHECK(kept.size() + filter.shadowed() + filter.tombstones() == input.size());
      CHECK(kept.size() <= 3 * (snapshots.size() + 1));
      const std::vector<std::string> all(input.begin(), input.end());
      std::vector<SequenceNumber> readers = snapshots;
      readers.push_back(kMaxSequenceNumber);
      for (const SequenceNumber reader : readers) {
        for (const char* key : {"a", "b", "c"}) {
          REQUIRE(Visible(kept, key, reader) == Visible(all, key, reader));
        }
      }
    }
  }
}

}  // namespace
}  // namespace fathom
