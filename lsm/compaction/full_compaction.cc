#include "lsm/compaction/full_compaction.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace fathom {
namespace {

// Of a table without tombstones.
bool HasNothingToLose(const TableProperties& properties, Compression compression) {
  return properties.user_keys == properties.entries && properties.compression == compression;
}

}  // namespace

// Tables that overlap one another, directly or by way of others.
struct FullCompaction::Group {
  struct Place {
    int level;
    std::shared_ptr<LiveTable> table;
  };
  std::vector<Place> places;
  std::string largest;  // internal key

  void Add(Place place) {
    const std::string& end = place.table->meta().largest;
    if (places.empty() || CompareInternalKeys(end, largest) > 0) {
      largest = end;
    }
    places.push_back(std::move(place));
  }
};

absl::Status FullCompaction::Inspect(const Version& version, Compression compression) {
  for (int level = 0; level < kNumLevels; ++level) {
    for (const std::shared_ptr<LiveTable>& table : version.level(level)) {
      if (!IsOld(*table) || !inspected_.insert(table->meta().number).second ||
          table->meta().deletions > 0) {
        continue;
      }
      const absl::StatusOr<TableReader*> reader = table->reader();
      if (!reader.ok()) {
        return reader.status();
      }
      if (HasNothingToLose((*reader)->properties(), compression)) {
        clean_.insert(table->meta().number);
      }
    }
  }
  return absl::OkStatus();
}

std::optional<FullCompaction::Step> FullCompaction::Next(
    std::shared_ptr<const Version> version) const {
  const int deepest = std::max(version->DeepestLevel(), 1);
  // Neighbours with the same fate go together. None that stays is passed over, so that no output
  // can span it.
  Fate fate = Fate::kStay;
  std::vector<Group::Place> places;
  for (Group& group : GroupsOf(*version)) {
    const Fate next = FateOf(group, deepest);
    if (fate != Fate::kStay && next != fate) {
      break;
    }
    fate = next;
    if (fate != Fate::kStay) {
      std::ranges::move(group.places, std::back_inserter(places));
    }
  }
  if (places.empty()) {
    return std::nullopt;
  }
  Step step;
  step.move = fate == Fate::kMove;
  step.compaction.source_level = std::ranges::min(places, {}, &Group::Place::level).level;
  step.compaction.target_level = deepest;
  step.compaction.inputs.resize(static_cast<size_t>(deepest - step.compaction.source_level) + 1);
  for (Group::Place& place : places) {
    const int below_source = place.level - step.compaction.source_level;
    step.compaction.inputs[static_cast<size_t>(below_source)].push_back(std::move(place.table));
  }
  step.compaction.hull = Hull(step.compaction.InputTables());
  step.compaction.version = std::move(version);
  return step;
}

std::vector<FullCompaction::Group> FullCompaction::GroupsOf(const Version& version) {
  std::vector<Group::Place> places;
  for (int level = 0; level < kNumLevels; ++level) {
    for (const std::shared_ptr<LiveTable>& table : version.level(level)) {
      places.push_back({level, table});
    }
  }
  std::ranges::sort(places, [](const Group::Place& a, const Group::Place& b) {
    return CompareInternalKeys(a.table->meta().smallest, b.table->meta().smallest) < 0;
  });
  std::vector<Group> groups;
  for (Group::Place& place : places) {
    if (groups.empty() ||
        EndsBefore(groups.back().largest, UserKey(place.table->meta().smallest))) {
      groups.emplace_back();
    }
    groups.back().Add(std::move(place));
  }
  return groups;
}

FullCompaction::Fate FullCompaction::FateOf(const Group& group, int deepest) const {
  const auto is_old = [this](const Group::Place& place) { return IsOld(*place.table); };
  if (std::ranges::none_of(group.places, is_old)) {
    return Fate::kStay;
  }
  const Group::Place& first = group.places.front();
  if (group.places.size() > 1 || !clean_.contains(first.table->meta().number)) {
    return Fate::kMerge;
  }
  return first.level == deepest ? Fate::kStay : Fate::kMove;
}

}  // namespace fathom
