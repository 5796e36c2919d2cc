#include "lsm/store_files.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "lsm/format/corruption.h"
#include "lsm/format/file_names.h"

namespace fathom {
namespace {

// Fills in the least and the greatest key of a table, as TableMeta has them. DataLoss if it has
// none.
absl::Status FindBounds(TableReader* table, std::string* smallest, std::string* largest) {
  const RangeTombstones* const list = table->range_tombstones();
  *smallest = list == nullptr ? "" : list->Smallest();
  *largest = list == nullptr ? "" : list->Largest();
  const std::unique_ptr<InternalIterator> entries =
      table->NewIterator(/*fill_cache=*/false, nullptr);
  entries->SeekToFirst();
  if (entries->Valid() &&
      (smallest->empty() || CompareInternalKeys(entries->key(), *smallest) < 0)) {
    *smallest = std::string(entries->key());
  }
  if (entries->status().ok()) {
    entries->SeekToLast();
  }
  if (entries->Valid() && (largest->empty() || CompareInternalKeys(entries->key(), *largest) > 0)) {
    *largest = std::string(entries->key());
  }
  if (entries->status().ok() && smallest->empty()) {
    return Corruption(table->identity().name, 0, "entries", "at least 1", 0);
  }
  return entries->status();
}

// DataLoss that names the first thing in which the manifest's word is not the table's.
absl::Status CompareWithManifest(const TableMeta& meta, TableReader* table) {
  const TableProperties& properties = table->properties();
  const std::string& path = table->identity().name;
  const auto same = [&](absl::string_view what, uint64_t expected, uint64_t found) {
    return expected == found
               ? absl::OkStatus()
               : Corruption(path, 0, absl::StrCat(what, ", by the manifest"), expected, found);
  };
  absl::Status status = same("entries", meta.entries, properties.entries);
  status.Update(same("deletions", meta.deletions, properties.deletions));
  status.Update(same("smallest sequence", meta.smallest_sequence, properties.smallest_sequence));
  status.Update(same("largest sequence", meta.largest_sequence, properties.largest_sequence));
  const auto same_key = [&](absl::string_view what, const std::string& expected,
                            const std::string& found) {
    return found == expected ? absl::OkStatus()
                             : Corruption(path, 0, absl::StrCat(what, " key, by the manifest"),
                                          absl::StrCat("\"", absl::CHexEscape(expected), "\""),
                                          absl::StrCat("\"", absl::CHexEscape(found), "\""));
  };
  std::string smallest;
  std::string largest;
  status.Update(FindBounds(table, &smallest, &largest));
  status.Update(same_key("smallest", meta.smallest, smallest));
  status.Update(same_key("largest", meta.largest, largest));
  return status;
}

}  // namespace

bool HoldsData(FileSystem* fs, const std::string& dir, const std::string& name) {
  const std::optional<ParsedFileName> parsed = ParseFileName(name);
  return parsed.has_value() && (parsed->kind == FileKind::kTable ||
                                (parsed->kind == FileKind::kLog &&
                                 fs->FileSize(absl::StrCat(dir, "/", name)).value_or(1) > 0));
}

bool IsDamage(const absl::Status& status) {
  return absl::IsDataLoss(status) || absl::IsInternal(status);
}

std::vector<std::string> OrderProblems(const ManifestState& state) {
  std::vector<std::string> problems;
  if (const absl::Status status = state.CheckLevels(); !status.ok()) {
    problems.emplace_back(status.message());
  }
  const std::vector<TableMeta>& level0 = state.levels[0];  // oldest first
  for (size_t i = 1; i < level0.size(); ++i) {
    const TableMeta& older = level0[i - 1];
    const TableMeta& newer = level0[i];
    if (newer.smallest_sequence <= older.largest_sequence) {
      problems.push_back(absl::StrCat("level 0: first sequence of ", newer.FileName(),
                                      ": expected more than ", older.largest_sequence,
                                      ", the last of ", older.FileName(), ", found ",
                                      newer.smallest_sequence));
    }
  }
  return problems;
}

absl::StatusOr<TableCheck> CheckLiveTable(const LiveTable& table) {
  const absl::StatusOr<TableReader*> reader = table.reader();
  if (!reader.ok()) {
    return reader.status();
  }
  absl::StatusOr<TableCheck> check = (*reader)->Check();
  if (!check.ok()) {
    return check;
  }
  const absl::Status status = CompareWithManifest(table.meta(), *reader);
  if (!status.ok()) {
    return status;
  }
  return check;
}

absl::StatusOr<TableMeta> DescribeTable(FileSystem* fs, const std::string& dir,
                                        const std::string& name) {
  const ParsedFileName parsed = *ParseFileName(name);
  const std::string path = absl::StrCat(dir, "/", name);
  absl::StatusOr<std::unique_ptr<ReadableFile>> file = fs->OpenForRead(path);
  if (!file.ok()) {
    return file.status();
  }
  const absl::StatusOr<std::shared_ptr<TableReader>> table =
      TableReader::OpenUnknown(*std::move(file), path, parsed.number, {});
  if (!table.ok()) {
    return table.status();
  }
  BuiltTable described;
  described.file_bytes = (*table)->identity().file_bytes;
  described.tail_bytes = (*table)->identity().tail_bytes;
  described.tail_hash = (*table)->identity().tail_hash;
  described.properties = (*table)->properties();
  const absl::Status bounds = FindBounds(table->get(), &described.smallest, &described.largest);
  if (!bounds.ok()) {
    return bounds;
  }
  TableMeta meta;
  meta.number = parsed.number;
  meta.born_level = parsed.born_level;
  meta.Describe(std::move(described));
  return meta;
}

absl::StatusOr<FoundManifest> FindManifest(FileSystem* fs, const std::string& dir) {
  FoundManifest found;
  const absl::StatusOr<uint64_t> named = ReadCurrent(fs, dir);
  found.current = named.status();
  if (named.ok()) {
    found.status = ReadManifest(fs, dir, *named, &found.manifest);
    return found;
  }
  const absl::StatusOr<std::vector<std::string>> names = fs->List(dir);
  if (!names.ok()) {
    return names.status();
  }
  uint64_t last = 0;
  bool holds_data = false;
  for (const std::string& name : *names) {
    const std::optional<ParsedFileName> parsed = ParseFileName(name);
    if (parsed.has_value() && parsed->kind == FileKind::kManifest) {
      last = std::max(last, parsed->number);
    }
    holds_data = holds_data || HoldsData(fs, dir, name);
  }
  if (absl::IsNotFound(found.current) && holds_data) {
    found.current = Corruption(absl::StrCat(dir, "/", kCurrentFileName), 0,
                               "the file that names the manifest", "a file", "none");
  }
  found.status = last == 0
                     ? Corruption(absl::StrCat(dir, "/MANIFEST-*"), 0, "manifest", "a file", "none")
                     : ReadManifest(fs, dir, last, &found.manifest);
  return found;
}

}  // namespace fathom
