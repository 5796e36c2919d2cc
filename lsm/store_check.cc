#include "lsm/store_check.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "lsm/format/file_names.h"
#include "lsm/log_chain.h"
#include "lsm/store_files.h"
#include "lsm/table/table_salvage.h"

namespace fathom {
namespace {

class StoreChecker {
 public:
  StoreChecker(FileSystem* fs, const std::string& dir, const TellProgress& tell)
      : fs_(fs), dir_(dir), tell_(tell) {}

  absl::StatusOr<StoreCheck> Run();

 private:
  std::string Path(absl::string_view name) const { return absl::StrCat(dir_, "/", name); }
  // Takes note of damage to file `name`; any other error is passed on.
  absl::Status Note(absl::string_view name, const absl::Status& status);
  void Tell(absl::string_view name);
  uint64_t SizeOf(const std::string& name) const {
    const auto file = files_.find(name);
    return file == files_.end() ? 0 : file->second;
  }

  absl::Status ListFiles();
  std::vector<std::string> FileNames() const;
  absl::Status CheckAllTables(const ManifestState& state);
  absl::Status CheckTable(const TableMeta& meta);
  // Every damaged block of a table in which something is wrong, not only the first.
  absl::Status ListBadBlocks(const std::string& name);
  absl::Status CheckTablesByThemselves();
  absl::Status CheckLogs(const ManifestState& state);
  absl::Status CheckLogsByThemselves();
  void NoteUnnamed(const FoundManifest& found);

  FileSystem* const fs_;
  const std::string dir_;
  const TellProgress tell_;
  StoreCheck check_;
  std::map<std::string, uint64_t> files_;  // of the store, and their sizes
  std::vector<std::string> foreign_;
  uint64_t total_bytes_ = 0;
};

absl::StatusOr<StoreCheck> StoreChecker::Run() {
  absl::Status status = ListFiles();
  if (!status.ok()) {
    return status;
  }
  absl::StatusOr<FoundManifest> found = FindManifest(fs_, dir_);
  if (!found.ok()) {
    return found.status();
  }
  if (absl::IsNotFound(found->current)) {
    check_.notes.push_back(absl::StrCat(
        Path(kCurrentFileName), ": not there, as the store's creation was cut off; it is empty"));
    return std::move(check_);
  }
  const RecoveredManifest& manifest = found->manifest;
  check_.manifest_edits = manifest.edits;
  status.Update(Note(kCurrentFileName, found->current));
  status.Update(Note(ManifestFileName(manifest.manifest_number), found->status));
  if (manifest.dropped_bytes > 0) {
    check_.notes.push_back(absl::StrCat(Path(ManifestFileName(manifest.manifest_number)),
                                        ": ends with ", manifest.dropped_bytes,
                                        " bytes of an edit that was never acknowledged"));
  }
  if (status.ok()) {
    status = found->status.ok() ? CheckAllTables(manifest.state) : CheckTablesByThemselves();
  }
  if (status.ok()) {
    status = found->status.ok() ? CheckLogs(manifest.state) : CheckLogsByThemselves();
  }
  if (!status.ok()) {
    return status;
  }
  check_.bytes += SizeOf(kCurrentFileName) + SizeOf(ManifestFileName(manifest.manifest_number));
  NoteUnnamed(*found);
  return std::move(check_);
}

absl::Status StoreChecker::Note(absl::string_view name, const absl::Status& status) {
  if (status.ok() || !IsDamage(status)) {
    return status;
  }
  std::string text(status.message());
  if (std::ranges::find(check_.damage, text) == check_.damage.end()) {
    check_.damage.push_back(std::move(text));
  }
  check_.damaged_files.emplace(name);
  return absl::OkStatus();
}

void StoreChecker::Tell(absl::string_view name) {
  if (tell_) {
    tell_(CheckProgress{name, check_.bytes, total_bytes_});
  }
}

absl::Status StoreChecker::ListFiles() {
  const absl::StatusOr<std::vector<std::string>> names = fs_->List(dir_);
  if (!names.ok()) {
    return names.status();
  }
  for (const std::string& name : *names) {
    if (!ParseFileName(name).has_value()) {
      foreign_.push_back(name);
      continue;
    }
    const absl::StatusOr<uint64_t> size = fs_->FileSize(Path(name));
    if (!size.ok()) {
      return size.status();
    }
    files_[name] = *size;
    total_bytes_ += *size;
  }
  std::ranges::sort(foreign_);
  return absl::OkStatus();
}

std::vector<std::string> StoreChecker::FileNames() const {
  std::vector<std::string> names;
  for (const auto& [name, size] : files_) {
    names.push_back(name);
  }
  return names;
}

absl::Status StoreChecker::CheckAllTables(const ManifestState& state) {
  for (std::string& problem : OrderProblems(state)) {
    check_.damage.push_back(absl::StrCat(dir_, ": ", problem));
  }
  for (const std::vector<TableMeta>& level : state.levels) {
    for (const TableMeta& meta : level) {
      if (absl::Status status = CheckTable(meta); !status.ok()) {
        return status;
      }
      // The next flush must not take a name, or a sequence number, that is in use.
      if (meta.number >= state.next_table_number) {
        check_.damage.push_back(absl::StrCat(Path(meta.FileName()),
                                             ": table number: expected less than ",
                                             state.next_table_number, ", found ", meta.number));
      }
      if (meta.largest_sequence > state.last_sequence) {
        check_.damage.push_back(
            absl::StrCat(Path(meta.FileName()), ": largest sequence number: expected at most ",
                         state.last_sequence, ", found ", meta.largest_sequence));
      }
    }
  }
  return absl::OkStatus();
}

absl::Status StoreChecker::CheckTable(const TableMeta& meta) {
  const std::string name = meta.FileName();
  Tell(name);
  ++check_.tables;
  const absl::StatusOr<TableCheck> checked = CheckLiveTable(LiveTable(fs_, dir_, meta, {}));
  if (!checked.ok()) {
    absl::Status status = Note(name, checked.status());
    return status.ok() && files_.contains(name) ? ListBadBlocks(name) : status;
  }
  check_.entries += checked->entries;
  check_.blocks += checked->blocks;
  check_.bytes += checked->bytes;
  return absl::OkStatus();
}

absl::Status StoreChecker::ListBadBlocks(const std::string& name) {
  const absl::StatusOr<std::unique_ptr<ReadableFile>> file = fs_->OpenForRead(Path(name));
  if (!file.ok()) {
    return Note(name, file.status());
  }
  std::vector<LostBlock> lost;
  absl::Status status =
      Note(name, SalvageTable(
                     **file, Path(name), [](absl::string_view, absl::string_view) {}, &lost));
  for (const LostBlock& block : lost) {
    status.Update(Note(name, block.why));
  }
  return status;
}

absl::Status StoreChecker::CheckTablesByThemselves() {
  for (const auto& [name, size] : files_) {
    if (ParseFileName(name)->kind != FileKind::kTable) {
      continue;
    }
    const absl::StatusOr<TableMeta> meta = DescribeTable(fs_, dir_, name);
    absl::Status status = meta.status();
    if (meta.ok()) {
      status = CheckTable(*meta);
    } else {
      ++check_.tables;
      status = Note(name, status);
      if (status.ok()) {
        status = ListBadBlocks(name);
      }
    }
    if (!status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

absl::Status StoreChecker::CheckLogs(const ManifestState& state) {
  absl::StatusOr<LogChain> chain = LogChain::Find(fs_, dir_, FileNames(), state);
  if (!chain.ok()) {
    return chain.status();
  }
  for (const absl::Status& missing : chain->missing()) {
    check_.damage.emplace_back(missing.message());
  }
  SequenceNumber last_sequence = state.last_sequence;
  for (size_t i = 0; i < chain->logs().size(); ++i) {
    const LogChain::Log& log = chain->logs()[i];
    const std::string name = LogFileName(log.number);
    Tell(name);
    ++check_.logs;
    const absl::StatusOr<std::string> cut = chain->CutBefore(i);
    absl::Status status = Note(name, cut.status());
    if (cut.ok() && !cut->empty()) {
      check_.notes.push_back(absl::StrCat(log.path, ": will be given up, as ", *cut));
    } else if (cut.ok()) {
      const absl::StatusOr<LogEnd> end = chain->Replay(i, [&](absl::string_view batch) {
        const absl::StatusOr<SequenceNumber> last = ReplayBatch(batch, last_sequence, nullptr);
        last_sequence = last.value_or(last_sequence);
        check_.log_records += last.ok() ? 1 : 0;
        return last.status();
      });
      status = Note(name, end.status());
      if (end.ok() && !end->reason.empty()) {
        check_.notes.push_back(absl::StrCat(
            log.path, ": ends at offset ", end->length, ", before ", end->dropped_bytes,
            " bytes of writes that were never durable: ", end->reason));
      }
    }
    if (!status.ok()) {
      return status;
    }
    check_.bytes += log.file->size();
  }
  return absl::OkStatus();
}

absl::Status StoreChecker::CheckLogsByThemselves() {
  const absl::StatusOr<LogChain> chain = LogChain::FindAll(fs_, dir_, FileNames());
  if (!chain.ok()) {
    return chain.status();
  }
  for (size_t i = 0; i < chain->logs().size(); ++i) {
    const LogChain::Log& log = chain->logs()[i];
    const std::string name = LogFileName(log.number);
    Tell(name);
    ++check_.logs;
    const absl::StatusOr<LogEnd> end = chain->Read(i, [&](absl::string_view batch) {
      absl::Status parsed = ReplayBatch(batch, 0, nullptr).status();
      check_.log_records += parsed.ok() ? 1 : 0;
      return parsed;
    });
    if (absl::Status status = Note(name, end.status()); !status.ok()) {
      return status;
    }
    check_.bytes += log.file->size();
  }
  return absl::OkStatus();
}

void StoreChecker::NoteUnnamed(const FoundManifest& found) {
  std::set<std::string> named = {kCurrentFileName, kLockFileName,
                                 ManifestFileName(found.manifest.manifest_number)};
  const ManifestState& state = found.manifest.state;
  for (const std::vector<TableMeta>& level : state.levels) {
    for (const TableMeta& meta : level) {
      named.insert(meta.FileName());
    }
  }
  for (const auto& [name, size] : files_) {
    const ParsedFileName parsed = *ParseFileName(name);
    const bool counts = parsed.kind == FileKind::kLog && parsed.number >= state.log_number;
    if (found.status.ok() && !counts && !named.contains(name)) {
      check_.notes.push_back(absl::StrCat(Path(name), ": nothing names this file of ", size,
                                          " bytes; the next opening removes it"));
    }
  }
  for (const std::string& name : foreign_) {
    check_.notes.push_back(absl::StrCat(Path(name), ": not a file of the store; left alone"));
  }
}

}  // namespace

absl::StatusOr<StoreCheck> CheckStore(FileSystem* fs, const std::string& dir,
                                      const TellProgress& tell) {
  return StoreChecker(fs, dir, tell).Run();
}

}  // namespace fathom
