#include "lsm/manifest/manifest_state.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace fathom {

namespace {

size_t Index(int level) { return static_cast<size_t>(level); }

bool IsLevel(int level) { return level >= 0 && level < kNumLevels; }

absl::Status Refuse(absl::string_view why) {
  return absl::FailedPreconditionError(absl::StrCat("version edit does not apply: ", why));
}

absl::Status CheckForward(absl::string_view field, const std::optional<uint64_t>& next,
                          uint64_t now) {
  if (next.has_value() && *next < now) {
    return Refuse(absl::StrCat(field, " goes back from ", now, " to ", *next));
  }
  return absl::OkStatus();
}

absl::Status CheckKeys(const TableMeta& table) {
  if (!IsValidTableBound(table.smallest) || !IsValidTableBound(table.largest) ||
      CompareInternalKeys(table.smallest, table.largest) > 0) {
    return Refuse(absl::StrCat("the key range of ", table.FileName(), " is not one"));
  }
  return absl::OkStatus();
}

// Does `a` stand before `b`? L0 by recency; below it by key.
bool Before(int level, const TableMeta& a, const TableMeta& b) {
  if (level == 0) {
    return std::pair(a.largest_sequence, a.number) < std::pair(b.largest_sequence, b.number);
  }
  return CompareInternalKeys(a.smallest, b.smallest) < 0;
}

// May `b` follow `a` on `level`?
absl::Status CheckNeighbours(int level, const TableMeta& a, const TableMeta& b) {
  if (level == 0) {
    return Before(0, a, b) ? absl::OkStatus()
                           : Refuse(absl::StrCat("L0: ", b.FileName(), " is not newer than ",
                                                 a.FileName(), " before it"));
  }
  if (EndsBefore(a.largest, UserKey(b.smallest))) {
    return absl::OkStatus();
  }
  return Refuse(absl::StrCat("L", level, ": ", a.FileName(), " up to key \"",
                             absl::CHexEscape(UserKey(a.largest)), "\" overlaps ", b.FileName(),
                             " from key \"", absl::CHexEscape(UserKey(b.smallest)), "\""));
}

absl::Status CheckNumbers(const ManifestState& state, const VersionEdit& edit) {
  absl::Status status =
      CheckForward("next file number", edit.next_file_number, state.next_file_number);
  status.Update(CheckForward("next table number", edit.next_table_number, state.next_table_number));
  status.Update(CheckForward("log number", edit.log_number, state.log_number));
  status.Update(CheckForward("last sequence", edit.last_sequence, state.last_sequence));
  status.Update(CheckForward("durable log", edit.durable_log, state.durable_log));
  std::map<uint64_t, uint64_t> closed = state.closed_logs;
  for (const auto& [number, length] : edit.closed_logs) {
    const uint64_t known = closed.emplace(number, length).first->second;
    if (known != length) {
      status.Update(Refuse(
          absl::StrCat(LogFileName(number), " was closed at ", known, " bytes, now at ", length)));
    }
  }
  return status;
}

}  // namespace

absl::Status ManifestState::Apply(VersionEdit edit) {
  ManifestReplay replay(*this);
  absl::Status status = replay.Apply(std::move(edit));
  if (status.ok()) {
    *this = std::move(replay).Finish();
  }
  return status;
}

VersionEdit ManifestState::Snapshot() const {
  VersionEdit edit;
  edit.next_file_number = next_file_number;
  edit.next_table_number = next_table_number;
  edit.log_number = log_number;
  edit.last_sequence = last_sequence;
  edit.durable_log = durable_log;
  edit.closed_logs.assign(closed_logs.begin(), closed_logs.end());
  for (int level = 0; level < kNumLevels; ++level) {
    for (const TableMeta& table : levels[Index(level)]) {
      edit.added_tables.emplace_back(level, table);
    }
  }
  return edit;
}

absl::Status ManifestState::CheckLevels() const {
  for (int level = 0; level < kNumLevels; ++level) {
    const std::vector<TableMeta>& tables = levels[Index(level)];
    for (size_t i = 0; i < tables.size(); ++i) {
      absl::Status status = CheckKeys(tables[i]);
      if (status.ok() && i > 0) {
        status = CheckNeighbours(level, tables[i - 1], tables[i]);
      }
      if (!status.ok()) {
        return status;
      }
    }
  }
  return absl::OkStatus();
}

bool ManifestReplay::Order::operator()(const TableMeta* a, const TableMeta* b) const {
  return Before(level, *a, *b);
}

ManifestReplay::ManifestReplay(ManifestState from) : state_(std::move(from)) {
  for (int level = 0; level < kNumLevels; ++level) {
    levels_.emplace_back(Order{level});
    for (TableMeta& table : state_.levels[Index(level)]) {
      const uint64_t number = table.number;
      const auto placed = tables_.emplace(number, Placed{level, std::move(table)}).first;
      levels_.back().insert(&placed->second.meta);
    }
    state_.levels[Index(level)].clear();
  }
}

absl::Status ManifestReplay::Apply(VersionEdit edit) {
  absl::Status status = CheckNumbers(state_, edit);
  Step step;
  for (const auto& [level, number] : edit.removed_tables) {
    if (status.ok()) {
      status = Remove(level, number, &step);
    }
  }
  for (auto& [level, table] : edit.added_tables) {
    if (status.ok()) {
      status = Add(level, std::move(table), &step);
    }
  }
  if (!status.ok()) {
    Undo(std::move(step));
    return status;
  }
  state_.next_file_number = edit.next_file_number.value_or(state_.next_file_number);
  state_.next_table_number = edit.next_table_number.value_or(state_.next_table_number);
  state_.log_number = edit.log_number.value_or(state_.log_number);
  state_.last_sequence = edit.last_sequence.value_or(state_.last_sequence);
  state_.durable_log = edit.durable_log.value_or(state_.durable_log);
  auto& closed_logs = state_.closed_logs;
  closed_logs.insert(edit.closed_logs.begin(), edit.closed_logs.end());
  closed_logs.erase(closed_logs.begin(), closed_logs.lower_bound(state_.log_number));
  return absl::OkStatus();
}

absl::Status ManifestReplay::Remove(int level, uint64_t number, Step* step) {
  if (!IsLevel(level)) {
    return Refuse(absl::StrCat("there is no level ", level, " to remove from"));
  }
  const auto found = tables_.find(number);
  if (found == tables_.end() || found->second.level != level) {
    const bool twice = std::any_of(step->removed.begin(), step->removed.end(),
                                   [number](const auto& node) { return node.key() == number; });
    return twice ? Refuse("a table is removed twice")
                 : Refuse(absl::StrCat("table ", number, " to be removed is not on level ", level));
  }
  levels_[Index(level)].erase(&found->second.meta);
  step->removed.push_back(tables_.extract(found));
  return absl::OkStatus();
}

absl::Status ManifestReplay::Add(int level, TableMeta table, Step* step) {
  if (!IsLevel(level)) {
    return Refuse(absl::StrCat("there is no level ", level, " for ", table.FileName()));
  }
  if (absl::Status keys = CheckKeys(table); !keys.ok()) {
    return keys;
  }
  Level& tables = levels_[Index(level)];
  const auto next = tables.lower_bound(&table);
  absl::Status status;
  if (next != tables.begin()) {
    status.Update(CheckNeighbours(level, **std::prev(next), table));
  }
  if (next != tables.end()) {
    status.Update(CheckNeighbours(level, table, **next));
  }
  if (!status.ok()) {
    return status;
  }
  const uint64_t number = table.number;
  const auto [placed, is_new] = tables_.try_emplace(number, Placed{level, std::move(table)});
  if (!is_new) {
    return Refuse(absl::StrCat("there are two tables of number ", number));
  }
  tables.insert(next, &placed->second.meta);
  step->added.push_back(number);
  return absl::OkStatus();
}

void ManifestReplay::Undo(Step step) {
  for (const uint64_t number : step.added) {
    const auto placed = tables_.find(number);
    levels_[Index(placed->second.level)].erase(&placed->second.meta);
    tables_.erase(placed);
  }
  for (Tables::node_type& node : step.removed) {
    const auto placed = tables_.insert(std::move(node)).position;
    levels_[Index(placed->second.level)].insert(&placed->second.meta);
  }
}

ManifestState ManifestReplay::Finish() && {
  for (int level = 0; level < kNumLevels; ++level) {
    for (const TableMeta* const table : levels_[Index(level)]) {
      state_.levels[Index(level)].push_back(std::move(tables_.find(table->number)->second.meta));
    }
  }
  return std::move(state_);
}

}  // namespace fathom
