// The fragmented list against the tombstones that it was made of, one by one.
#include "lsm/format/range_tombstones.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace fathom {
namespace {

// "[a,c)@5 [c,e)@9,5"
std::string Text(const RangeTombstones& list) {
  std::string text;
  for (const RangeTombstones::Fragment& fragment : list.fragments()) {
    absl::StrAppend(&text, text.empty() ? "" : " ", "[", fragment.begin, ",", fragment.end, ")@");
    for (const SequenceNumber sequence : list.SequencesOf(fragment)) {
      absl::StrAppend(&text, sequence == list.SequencesOf(fragment).front() ? "" : ",", sequence);
    }
  }
  return text;
}

// By looking at every tombstone.
SequenceNumber Newest(const std::vector<RangeTombstone>& tombstones, absl::string_view key,
                      SequenceNumber snapshot) {
  SequenceNumber newest = 0;
  for (const RangeTombstone& tombstone : tombstones) {
    if (tombstone.begin <= key && key < tombstone.end && tombstone.sequence <= snapshot) {
      newest = std::max(newest, tombstone.sequence);
    }
  }
  return newest;
}

void CheckInvariants(const RangeTombstones& list) {
  absl::string_view last;
  size_t entries = 0;
  for (const RangeTombstones::Fragment& fragment : list.fragments()) {
    REQUIRE(last <= fragment.begin);
    REQUIRE(fragment.begin < fragment.end);
    last = fragment.end;
    const auto sequences = list.SequencesOf(fragment);
    REQUIRE(!sequences.empty());
    REQUIRE(std::ranges::adjacent_find(sequences, std::less_equal<>()) == sequences.end());
    entries += sequences.size();
  }
  REQUIRE(list.num_entries() == entries);
}

TEST_CASE("range tombstones: overlapping ones are cut into fragments with all their sequences") {
  CHECK(Text(RangeTombstones::Of({})).empty());
  CHECK(Text(RangeTombstones::Of({{"a", "e", 5}, {"c", "g", 9}})) == "[a,c)@5 [c,e)@9,5 [e,g)@9");
  CHECK(Text(RangeTombstones::Of({{"a", "z", 5}, {"c", "g", 9}})) == "[a,c)@5 [c,g)@9,5 [g,z)@5");
  CHECK(Text(RangeTombstones::Of({{"d", "f", 7}, {"a", "b", 9}})) == "[a,b)@9 [d,f)@7");
  CHECK(Text(RangeTombstones::Of({{"", "b", 2}, {"", "b", 1}})) == "[,b)@2,1");
}

TEST_CASE("range tombstones: neighbours that a cut had parted become one again") {
  CHECK(Text(RangeTombstones::Of({{"c", "f", 5}, {"a", "c", 5}})) == "[a,f)@5");
  CHECK(Text(RangeTombstones::Of({{"a", "c", 5}, {"c", "f", 6}})) == "[a,c)@5 [c,f)@6");
  CHECK(Text(RangeTombstones::NewestOf({{"a", "e", 5}, {"c", "g", 9}, {"e", "z", 5}}, {})) ==
        "[a,c)@5 [c,g)@9 [g,z)@5");
}

TEST_CASE("range tombstones: of each stripe between snapshots the newest stays") {
  const std::vector<RangeTombstone> all = {{"a", "b", 9}, {"a", "b", 8}, {"a", "b", 5},
                                           {"a", "b", 3}, {"a", "b", 2}, {"a", "b", 1}};
  CHECK(Text(RangeTombstones::NewestOf(all, {})) == "[a,b)@9");
  CHECK(Text(RangeTombstones::NewestOf(all, {3, 7})) == "[a,b)@9,5,3");
  CHECK(Text(RangeTombstones::NewestOf(all, {9})) == "[a,b)@9");
  CHECK(Text(RangeTombstones::NewestOf(all, {8})) == "[a,b)@9,8");
  CHECK(Text(RangeTombstones::NewestOf(all, {0})) == "[a,b)@9");
  CHECK(Text(RangeTombstones::NewestOf(all, {1, 1, 2, 2, 20})) == "[a,b)@9,2,1");
}

TEST_CASE("range tombstones: a list agrees with its tombstones for every key and snapshot") {
  std::mt19937 rng(1);
  for (int round = 0; round < 3000; ++round) {
    std::vector<std::string> keys;
    for (int i = 0; i < 20; ++i) {
      keys.push_back(i == 0 ? ""
                            : std::string(1 + rng() % 2, "ak\x80\xff"[rng() % 4]) +
                                  static_cast<char>(rng()));
    }
    std::ranges::sort(keys);
    std::vector<RangeTombstone> tombstones;
    for (SequenceNumber sequence = 1; sequence <= rng() % 20; ++sequence) {
      const std::string& a = keys[rng() % keys.size()];
      const std::string& b = keys[rng() % keys.size()];
      if (a != b) {
        tombstones.push_back({std::min(a, b), std::max(a, b), sequence});
      }
    }
    std::ranges::shuffle(tombstones, rng);
    const RangeTombstones list = RangeTombstones::Of(tombstones);
    CheckInvariants(list);

    std::vector<SequenceNumber> snapshots(rng() % 4);
    std::ranges::generate(snapshots, [&rng] { return rng() % 22; });
    std::ranges::sort(snapshots);
    const RangeTombstones newest = RangeTombstones::NewestOf(tombstones, snapshots);
    CheckInvariants(newest);

    RangeTombstones appended;
    for (const RangeTombstone& entry : list.Entries()) {
      REQUIRE(appended.Append(entry));
    }
    REQUIRE(Text(appended) == Text(list));
    REQUIRE(Text(RangeTombstones::Of(list.Entries())) == Text(list));

    for (const std::string& key : keys) {
      for (SequenceNumber snapshot = 0; snapshot <= 21; ++snapshot) {
        REQUIRE(list.Covering(key, snapshot) == Newest(tombstones, key, snapshot));
      }
      // A reader at a snapshot, or a later one, cannot tell; nor can one between the newest
      // snapshot and the newest tombstone, of which there is none.
      for (const SequenceNumber snapshot : snapshots) {
        REQUIRE(newest.Covering(key, snapshot) == Newest(tombstones, key, snapshot));
      }
      REQUIRE(newest.Covering(key, 21) == Newest(tombstones, key, 21));
    }
    for (const RangeTombstones::Fragment& fragment : newest.fragments()) {
      REQUIRE(newest.SequencesOf(fragment).size() <= snapshots.size() + 1);
    }
  }
}

TEST_CASE("range tombstones: what does not stand behind the last one is not appended") {
  RangeTombstones list;
  CHECK_FALSE(list.Append({"b", "b", 5}));
  CHECK_FALSE(list.Append({"b", "a", 5}));
  CHECK(list.Append({"b", "d", 5}));
  CHECK_FALSE(list.Append({"b", "d", 5}));
  CHECK_FALSE(list.Append({"b", "d", 6}));
  CHECK_FALSE(list.Append({"b", "e", 4}));
  CHECK_FALSE(list.Append({"c", "d", 4}));
  CHECK_FALSE(list.Append({"a", "b", 4}));
  CHECK(list.Append({"b", "d", 4}));
  CHECK(list.Append({"d", "e", 9}));
  CHECK(Text(list) == "[b,d)@5,4 [d,e)@9");
}

TEST_CASE("range tombstones: a run says of each key how far the same holds") {
  const RangeTombstones first = RangeTombstones::Of({{"b", "d", 5}, {"f", "h", 6}});
  const RangeTombstones second = RangeTombstones::Of({{"k", "m", 7}});
  const RangeTombstoneRun run = {&first, &second};
  const auto at = [&run](absl::string_view key, SequenceNumber snapshot) {
    const RangeTombstoneStretch s = StretchAt(run, key, snapshot);
    return absl::StrCat("[", s.begin, ",", s.end.value_or("no end"), ")@", s.covering);
  };
  CHECK(at("", 9) == "[,b)@0");
  CHECK(at("a", 9) == "[,b)@0");
  CHECK(at("b", 9) == "[b,d)@5");
  CHECK(at("c", 4) == "[b,d)@0");
  CHECK(at("d", 9) == "[d,f)@0");
  CHECK(at("g", 9) == "[f,h)@6");
  CHECK(at("h", 9) == "[h,k)@0");
  CHECK(at("i", 9) == "[h,k)@0");
  CHECK(at("k", 9) == "[k,m)@7");
  CHECK(at("m", 9) == "[m,no end)@0");
  CHECK(StretchAt({}, "a", 9).covering == 0);
  CHECK_FALSE(StretchAt({}, "a", 9).end.has_value());
}

}  // namespace
}  // namespace fathom
