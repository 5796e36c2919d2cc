#include "lsm/manifest/version.h"

#include <algorithm>
#include <cassert>
#include <optional>
#include <span>

#include "absl/strings/str_cat.h"
#include "lsm/manifest/level_iterator.h"

namespace fathom {
std::shared_ptr<const Version> Version::With(const VersionEdit& edit, const Tables& opened) const {
  assert(edit.added_tables.size() == opened.size());
  auto next = std::make_shared<Version>(*this);
  for (const auto& [level, number] : edit.removed_tables) {
    const uint64_t removed = number;
    std::erase_if(next->levels_[static_cast<size_t>(level)],
                  [removed](const auto& table) { return table->meta().number == removed; });
  }
  for (size_t i = 0; i < opened.size(); ++i) {
    next->levels_[static_cast<size_t>(edit.added_tables[i].first)].push_back(opened[i]);
  }
  std::ranges::sort(next->levels_[0], [](const auto& a, const auto& b) {
    return a->meta().largest_sequence > b->meta().largest_sequence;
  });
  for (size_t level = 1; level < kNumLevels; ++level) {
    std::ranges::sort(next->levels_[level], [](const auto& a, const auto& b) {
      return CompareInternalKeys(a->meta().smallest, b->meta().smallest) < 0;
    });
  }
  next->FindDeepest();
  next->FindRangeTombstones();
  next->FindKeyRanges();
  assert(next->Check().ok());
  return next;
}

absl::StatusOr<Lookup> Version::Get(absl::string_view user_key, SequenceNumber snapshot,
                                    bool use_filters, std::string* value, LevelCosts* costs) const {
  const std::optional<uint64_t> filter_hash =
      use_filters ? std::optional(FilterHash(user_key)) : std::nullopt;
  const std::optional<uint64_t> digest = ranges_.DigestOf(user_key);
  for (size_t level = 0; static_cast<int>(level) <= deepest_; ++level) {
    const bool sorted = level > 0;
    const std::span<const KeyRanges::Range> ranges = ranges_.level(level);
    ReadCost* const cost = &(*costs)[level];
    ++cost->levels_checked;
    if (!digest.has_value()) {
      continue;
    }
    for (size_t i = sorted ? ranges_.FirstFor(level, *digest) : 0; i < ranges.size(); ++i) {
      const KeyRanges::Covers covers = ranges[i].Covering(*digest);
      if (sorted && covers == KeyRanges::Covers::kNo) {
        break;
      }
      const LiveTable& table = *levels_[level][i];
      if (covers == KeyRanges::Covers::kNo ||
          (covers == KeyRanges::Covers::kPerhaps && !table.Covers(user_key))) {
        continue;
      }
      absl::StatusOr<Lookup> found =
          table.reader().Get(user_key, filter_hash, snapshot, value, cost);
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
    iterators->push_back(table->reader().NewIterator(fill_cache, cost));
  }
  for (size_t level = 1; level < kNumLevels; ++level) {
    if (!levels_[level].empty()) {
      iterators->push_back(NewLevelIterator(levels_[level], fill_cache, cost));
    }
  }
}

void Version::AddRangeTombstones(std::vector<RangeTombstoneRun>* runs) const {
  const auto run_of = [](std::span<const std::shared_ptr<LiveTable>> tables) {
    RangeTombstoneRun run;
    for (const std::shared_ptr<LiveTable>& table : tables) {
      if (table->reader().range_tombstones() != nullptr) {
        run.push_back(table->reader().range_tombstones());
      }
    }
    return run;
  };
  for (const std::shared_ptr<LiveTable>& table : levels_[0]) {
    runs->push_back(run_of({&table, 1}));
  }
  for (size_t level = 1; level < kNumLevels; ++level) {
    if (!levels_[level].empty()) {
      runs->push_back(run_of(levels_[level]));
    }
  }
}

std::shared_ptr<LiveTable> Version::Find(absl::string_view file_name, int* level) const {
  for (int i = 0; i < kNumLevels; ++i) {
    for (const std::shared_ptr<LiveTable>& table : levels_[static_cast<size_t>(i)]) {
      if (table->meta().FileName() == file_name) {
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
  has_range_tombstones_ = std::ranges::any_of(levels_, [](const Tables& tables) {
    return std::ranges::any_of(
        tables, [](const auto& table) { return table->reader().range_tombstones() != nullptr; });
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
