#include "lsm/compaction/compaction.h"

#include <algorithm>
#include <utility>

namespace fathom {
namespace {

Version::Tables OverlappingLevel0(const Version::Tables& tables, const KeyRange& range) {
  Version::Tables found;
  std::ranges::copy_if(tables, std::back_inserter(found),
                       [&range](const auto& table) { return range.Overlaps(*table); });
  return found;
}

// Of a level whose tables are in key order and disjoint.
Version::Tables OverlappingSorted(const Version::Tables& tables, const KeyRange& range) {
  const auto first = std::ranges::partition_point(tables, [&range](const auto& table) {
    return EndsBefore(table->meta().largest, range.smallest);
  });
  const auto end = std::find_if_not(first, tables.end(),
                                    [&range](const auto& table) { return range.Overlaps(*table); });
  return Version::Tables(first, end);
}

void Widen(KeyRange* range, const LiveTable& table) {
  const absl::string_view smallest = UserKey(table.meta().smallest);
  const absl::string_view largest = table.meta().largest;
  if (smallest < absl::string_view(range->smallest)) {
    range->smallest = std::string(smallest);
  }
  if (CompareInternalKeys(largest, range->largest) > 0) {
    range->largest = std::string(largest);
  }
}

}  // namespace

KeyRange KeyRange::Closed(absl::string_view smallest, absl::string_view largest) {
  KeyRange range{std::string(smallest), std::string()};
  AppendInternalKey(largest, 0, ValueType::kDeletion, &range.largest);  // its last version
  return range;
}

KeyRange Hull(const Version::Tables& tables) {
  KeyRange hull{std::string(UserKey(tables.front()->meta().smallest)),
                tables.front()->meta().largest};
  for (const std::shared_ptr<LiveTable>& table : tables) {
    Widen(&hull, *table);
  }
  return hull;
}

Version::Tables Compaction::InputTables() const {
  Version::Tables all;
  for (const Version::Tables& tables : inputs) {
    all.insert(all.end(), tables.begin(), tables.end());
  }
  return all;
}

size_t Compaction::NumInputs() const {
  size_t count = 0;
  for (const Version::Tables& tables : inputs) {
    count += tables.size();
  }
  return count;
}

uint64_t Compaction::InputBytes() const {
  uint64_t bytes = 0;
  for (const Version::Tables& tables : inputs) {
    for (const std::shared_ptr<LiveTable>& table : tables) {
      bytes += table->meta().file_bytes;
    }
  }
  return bytes;
}

uint64_t Compaction::InputEntries() const {
  uint64_t entries = 0;
  for (const Version::Tables& tables : inputs) {
    for (const std::shared_ptr<LiveTable>& table : tables) {
      entries += table->meta().entries;
    }
  }
  return entries;
}

bool Compaction::ConflictsWith(const Compaction& other) const {
  const bool share_a_level =
      source_level <= other.target_level && other.source_level <= target_level;
  return share_a_level && hull.Overlaps(other.hull.smallest, other.hull.largest);
}

Compaction MakeCompaction(std::shared_ptr<const Version> version, int source_level,
                          int target_level, Version::Tables sources) {
  Compaction compaction;
  compaction.source_level = source_level;
  compaction.target_level = target_level;
  KeyRange hull = Hull(sources);
  if (source_level == 0) {
    // A newer version must not sink below an older one that stays behind.
    for (size_t before = 0; before != sources.size();) {
      before = sources.size();
      sources = OverlappingLevel0(version->level(0), hull);
      hull = Hull(sources);
    }
  }
  compaction.inputs.push_back(std::move(sources));
  for (int level = source_level + 1; level <= target_level; ++level) {
    compaction.inputs.push_back(OverlappingSorted(version->level(level), hull));
    for (const std::shared_ptr<LiveTable>& table : compaction.inputs.back()) {
      Widen(&hull, *table);
    }
  }
  compaction.hull = std::move(hull);
  compaction.version = std::move(version);
  return compaction;
}

}  // namespace fathom
