#include "lsm/manifest/version.h"

#include <algorithm>
#include <cassert>
#include <optional>
#include <span>
#include <utility>

#include "absl/strings/str_cat.h"
#include "lsm/format/checksum.h"
#include "lsm/format/file_names.h"
#include "lsm/manifest/level_iterator.h"

namespace fathom {
namespace {

absl::Status AppendTombstones(const LiveTable& table, RangeTombstoneRun* run) {
  if (!table.meta().MayHaveRangeTombstones()) {
    return absl::OkStatus();
  }
  const absl::StatusOr<TableReader*> reader = table.reader();
  if (reader.ok() && (*reader)->range_tombstones() != nullptr) {
    run->push_back((*reader)->range_tombstones());
  }
  return reader.status();
}

}  // namespace

std::shared_ptr<const Version> Version::With(const VersionEdit& edit, const Tables& added) const {
  assert(edit.added_tables.size() == added.size());
  Levels levels = levels_;
  for (const auto& [level, number] : edit.removed_tables) {
    const uint64_t removed = number;
    std::erase_if(levels[static_cast<size_t>(level)],
                  [removed](const auto& table) { return table->meta().number == removed; });
  }
  for (size_t i = 0; i < added.size(); ++i) {
    levels[static_cast<size_t>(edit.added_tables[i].first)].push_back(added[i]);
  }
  std::shared_ptr<const Version> next = Of(std::move(levels));
  assert(next->Check().ok());
  return next;
}

std::shared_ptr<const Version> Version::Of(Levels levels) {
  auto version = std::make_shared<Version>();
  version->levels_ = std::move(levels);
  std::ranges::sort(version->levels_[0], [](const auto& a, const auto& b) {
    return a->meta().largest_sequence > b->meta().largest_sequence;
  });
  for (size_t level = 1; level < kNumLevels; ++level) {
    std::ranges::sort(version->levels_[level], [](const auto& a, const auto& b) {
      return CompareInternalKeys(a->meta().smallest, b->meta().smallest) < 0;
    });
  }
  version->FindDeepest();
  version->FindRangeTombstones();
  version->FindKeyRanges();
  return version;
}

Version::Route Version::RouteTo(absl::string_view user_key, bool use_filters) const {
  Route route;
  if (use_filters) {
    route.filter_hash = FilterHash(user_key);
  }
  route.digest = ranges_.DigestOf(user_key);
  if (!route.digest.has_value()) {
    return route;
  }
  for (size_t level = 0; static_cast<int>(level) <= deepest_; ++level) {
    const bool sorted = level > 0;
    const std::span<const KeyRanges::Range> ranges = ranges_.level(level);
    const size_t first = sorted ? ranges_.FirstFor(level, *route.digest) : 0;
    route.first[level] = first;
    const size_t end = sorted ? std::min(first + 1, ranges.size()) : ranges.size();
    for (size_t i = first; use_filters && i < end; ++i) {
      if (ranges[i].Covering(*route.digest) != KeyRanges::Covers::kNo) {
        levels_[level][i]->PrefetchFilter(*route.filter_hash);
      }
    }
  }
  return route;
}

absl::StatusOr<Lookup> Version::Get(const Route& route, absl::string_view user_key,
                                    SequenceNumber snapshot, std::string* value,
                                    LevelCosts* costs) const {
  for (size_t level = 0; static_cast<int>(level) <= deepest_; ++level) {
    const bool sorted = level > 0;
    const std::span<const KeyRanges::Range> ranges = ranges_.level(level);
    ReadCost* const cost = &costs->emplace_back();
    ++cost->levels_checked;
    if (!route.digest.has_value()) {
      continue;
    }
    for (size_t i = route.first[level]; i < ranges.size(); ++i) {
      const KeyRanges::Covers covers = ranges[i].Covering(*route.digest);
      if (sorted && covers == KeyRanges::Covers::kNo) {
        break;
      }
      const LiveTable& table = *levels_[level][i];
      if (covers == KeyRanges::Covers::kNo ||
          (covers == KeyRanges::Covers::kPerhaps && !table.Covers(user_key))) {
        continue;
      }
      absl::StatusOr<Lookup> found = table.Get(user_key, route.filter_hash, snapshot, value, cost);
      if (!found.ok() || *found != Lookup::kAbsent) {
        return found;
      }
      if (sorted) {
        break;  // no other one covers the key
      }
    }
  }
  return Lookup::kAbsent;
}

void Version::AddIterators(bool fill_cache, ReadCost* cost,
                           std::vector<std::unique_ptr<InternalIterator>>* iterators) const {
  for (const std::shared_ptr<LiveTable>& table : levels_[0]) {
    iterators->push_back(NewLevelIterator({&table, 1}, fill_cache, cost));
  }
  for (size_t level = 1; level < kNumLevels; ++level) {
    if (!levels_[level].empty()) {
      iterators->push_back(NewLevelIterator(levels_[level], fill_cache, cost));
    }
  }
}

absl::Status Version::AddRangeTombstones(std::vector<RangeTombstoneRun>* runs) const {
  for (const std::shared_ptr<LiveTable>& table : levels_[0]) {
    runs->emplace_back();
    if (absl::Status status = AppendTombstones(*table, &runs->back()); !status.ok()) {
      return status;
    }
  }
  for (size_t level = 1; level < kNumLevels; ++level) {
    if (levels_[level].empty()) {
      continue;
    }
    runs->emplace_back();
    for (const std::shared_ptr<LiveTable>& table : levels_[level]) {
      if (absl::Status status = AppendTombstones(*table, &runs->back()); !status.ok()) {
        return status;
      }
    }
  }
  return absl::OkStatus();
}

std::shared_ptr<LiveTable> Version::Find(absl::string_view file_name, int* level) const {
  const std::optional<ParsedFileName> name = ParseFileName(file_name);
  if (!name.has_value() || name->kind != FileKind::kTable) {
    return nullptr;
  }
  for (int i = 0; i < kNumLevels; ++i) {
    for (const std::shared_ptr<LiveTable>& table : levels_[static_cast<size_t>(i)]) {
      if (table->meta().number == name->number && table->meta().born_level == name->born_level) {
        *level = i;
        return table;
      }
    }
  }
  return nullptr;
}

uint64_t Version::LevelBytes(int level) const {
  uint64_t bytes = 0;
  for (const std::shared_ptr<LiveTable>& table : levels_[static_cast<size_t>(level)]) {
    bytes += table->meta().file_bytes;
  }
  return bytes;
}

void Version::FindDeepest() {
  deepest_ = -1;
  for (int level = 0; level < kNumLevels; ++level) {
    if (!levels_[static_cast<size_t>(level)].empty()) {
      deepest_ = level;
    }
  }
}

void Version::FindRangeTombstones() {
  may_have_range_tombstones_ = std::ranges::any_of(levels_, [](const Tables& tables) {
    return std::ranges::any_of(
        tables, [](const auto& table) { return table->meta().MayHaveRangeTombstones(); });
  });
}

void Version::FindKeyRanges() {
  KeyRanges::Levels levels;
  for (size_t level = 0; level < kNumLevels; ++level) {
    for (const std::shared_ptr<LiveTable>& table : levels_[level]) {
      levels[level].push_back(&table->meta());
    }
  }
  ranges_ = KeyRanges::Of(levels);
}

absl::Status Version::Check() const {
  for (size_t i = 1; i < levels_[0].size(); ++i) {
    const TableMeta& newer = levels_[0][i - 1]->meta();
    const TableMeta& older = levels_[0][i]->meta();
    if (newer.smallest_sequence <= older.largest_sequence) {
      return absl::DataLossError(absl::StrCat(
          "level 0: ", newer.FileName(), " begins at sequence ", newer.smallest_sequence,
          ", expected more than ", older.largest_sequence, ", the last of ", older.FileName()));
    }
  }
  for (size_t level = 1; level < kNumLevels; ++level) {
    for (size_t i = 1; i < levels_[level].size(); ++i) {
      const TableMeta& before = levels_[level][i - 1]->meta();
      const TableMeta& after = levels_[level][i]->meta();
      if (!EndsBefore(before.largest, UserKey(after.smallest))) {
        return absl::DataLossError(absl::StrCat("level ", level, ": the key ranges of ",
                                                before.FileName(), " and ", after.FileName(),
                                                " overlap, expected disjoint ranges"));
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace fathom
