// How edits add up: what may follow what, and where a table stands on its level.
#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "lsm/manifest/version_edit.h"

namespace fathom {

namespace {

using TablePointers = std::vector<const TableMeta*>;

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

bool Removes(const VersionEdit& edit, int level, uint64_t number) {
  return std::find(edit.removed_tables.begin(), edit.removed_tables.end(),
                   std::pair(level, number)) != edit.removed_tables.end();
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

// What stays of each level; refuses a removal of what is not there, or twice.
absl::Status Keep(const ManifestState& state, const VersionEdit& edit,
                  std::array<TablePointers, kNumLevels>* kept) {
  size_t removed = 0;
  for (int level = 0; level < kNumLevels; ++level) {
    for (const TableMeta& table : state.levels[Index(level)]) {
      if (Removes(edit, level, table.number)) {
        ++removed;
      } else {
        (*kept)[Index(level)].push_back(&table);
      }
    }
  }
  if (removed == edit.removed_tables.size()) {
    return absl::OkStatus();
  }
  for (const auto& [level, number] : edit.removed_tables) {
    if (!IsLevel(level)) {
      return Refuse(absl::StrCat("there is no level ", level, " to remove from"));
    }
    const auto& tables = state.levels[Index(level)];
    if (std::none_of(tables.begin(), tables.end(),
                     [n = number](const TableMeta& table) { return table.number == n; })) {
      return Refuse(absl::StrCat("table ", number, " to be removed is not on level ", level));
    }
  }
  return Refuse("a table is removed twice");
}

absl::Status Add(int level, const TableMeta& table, std::array<TablePointers, kNumLevels>* levels) {
  if (!IsLevel(level)) {
    return Refuse(absl::StrCat("there is no level ", level, " for ", table.FileName()));
  }
  if (absl::Status keys = CheckKeys(table); !keys.ok()) {
    return keys;
  }
  TablePointers& tables = (*levels)[Index(level)];
  const auto next = std::upper_bound(
      tables.begin(), tables.end(), &table,
      [level](const TableMeta* a, const TableMeta* b) { return Before(level, *a, *b); });
  absl::Status status;
  if (next != tables.begin()) {
    status.Update(CheckNeighbours(level, **std::prev(next), table));
  }
  if (next != tables.end()) {
    status.Update(CheckNeighbours(level, table, **next));
  }
  tables.insert(next, &table);
  return status;
}

// Of the added tables; those that were there before have numbers of their own already.
absl::Status CheckUniqueNumbers(const std::array<TablePointers, kNumLevels>& levels,
                                const VersionEdit& edit) {
  std::vector<uint64_t> added;
  for (const auto& [level, table] : edit.added_tables) {
    added.push_back(table.number);
  }
  std::sort(added.begin(), added.end());
  added.erase(std::unique(added.begin(), added.end()), added.end());
  size_t found = 0;  // each is found once, itself
  for (const TablePointers& tables : levels) {
    for (const TableMeta* table : tables) {
      found += std::binary_search(added.begin(), added.end(), table->number) ? 1 : 0;
      if (found > added.size()) {
        return Refuse(absl::StrCat("there are two tables of number ", table->number));
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ManifestState::Apply(VersionEdit edit) {
  // All of it is tried on pointers first, so that a refusal changes nothing.
  std::array<TablePointers, kNumLevels> next;
  absl::Status status = CheckNumbers(*this, edit);
  status.Update(Keep(*this, edit, &next));
  for (const auto& [level, table] : edit.added_tables) {
    if (status.ok()) {
      status = Add(level, table, &next);
    }
  }
  if (status.ok() && !edit.added_tables.empty()) {
    status = CheckUniqueNumbers(next, edit);
  }
  if (!status.ok()) {
    return status;
  }

  next_file_number = edit.next_file_number.value_or(next_file_number);
  next_table_number = edit.next_table_number.value_or(next_table_number);
  log_number = edit.log_number.value_or(log_number);
  last_sequence = edit.last_sequence.value_or(last_sequence);
  durable_log = edit.durable_log.value_or(durable_log);
  closed_logs.insert(edit.closed_logs.begin(), edit.closed_logs.end());
  closed_logs.erase(closed_logs.begin(), closed_logs.lower_bound(log_number));
  for (const auto& [level, number] : edit.removed_tables) {
    std::erase_if(levels[Index(level)],
                  [n = number](const TableMeta& table) { return table.number == n; });
  }
  for (auto& [level, table] : edit.added_tables) {
    auto& tables = levels[Index(level)];
    tables.insert(std::upper_bound(tables.begin(), tables.end(), table,
                                   [l = level](const TableMeta& a, const TableMeta& b) {
                                     return Before(l, a, b);
                                   }),
                  std::move(table));
  }
  return absl::OkStatus();
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

}  // namespace fathom
