// Repairing a store. `StoreRepair::Run` is the recipe.
#include "lsm/repair.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "lsm/format/file_names.h"
#include "lsm/store_check.h"
#include "lsm/store_repair.h"
#include "lsm/wal/log_writer.h"

namespace fathom {

absl::StatusOr<RepairReport> RepairStore(const Options& options, const std::string& dir,
                                         const TellProgress& tell) {
  FileSystem* const fs = options.file_system;
  const absl::StatusOr<std::vector<std::string>> names = fs->List(dir);
  if (!names.ok()) {
    return names.status();
  }
  if (!HoldsStore(fs, dir)) {
    return absl::NotFoundError(absl::StrCat(dir, ": there is no store here"));
  }
  const absl::StatusOr<std::unique_ptr<FileLock>> lock =
      fs->Lock(absl::StrCat(dir, "/", kLockFileName));
  if (absl::IsUnavailable(lock.status())) {
    return absl::UnavailableError(absl::StrCat(dir, ": the store is open in another process"));
  }
  if (!lock.ok()) {
    return lock.status();
  }
  return StoreRepair(options, dir, tell).Run();
}

StoreRepair::StoreRepair(const Options& options, const std::string& dir, const TellProgress& tell)
    : options_(options),
      fs_(options.file_system),
      dir_(dir),
      tell_(tell),
      scratch_{fs_, Path("repair.tmp"), {}},
      memtable_(std::make_shared<MemTable>()) {}

absl::StatusOr<RepairReport> StoreRepair::Run() {
  absl::StatusOr<StoreCheck> check = CheckStore(fs_, dir_, tell_);
  if (!check.ok()) {
    return check.status();
  }
  report_.check = *std::move(check);
  if (report_.check.damage.empty()) {
    return std::move(report_);
  }
  absl::Status status = Survey();
  if (status.ok()) {
    status = believed_ ? SaveNamedTables() : SaveAllTables();
  }
  if (status.ok()) {
    status = SaveLogs();
  }
  if (status.ok() && !believed_) {
    status = MergeTables();
  }
  if (status.ok()) {
    status = SetAside();
  }
  if (status.ok()) {
    status = SwitchManifest();
  }
  if (!status.ok()) {
    return status;
  }
  inputs_.clear();
  // The store is repaired; what follows a crash would leave to the next opening.
  for (const std::string& name : report_.aside) {
    if (name != kCurrentFileName) {
      status.Update(fs_->Remove(Path(name)));
    }
  }
  status.Update(RemoveScratch());
  status.Update(fs_->SyncDir(dir_));
  if (!status.ok()) {
    return status;
  }
  check = CheckStore(fs_, dir_, tell_);
  if (!check.ok()) {
    return check.status();
  }
  if (!check->damage.empty()) {
    return absl::DataLossError(
        absl::StrCat("after the repair there is still damage: ", check->damage.front()));
  }
  return std::move(report_);
}

absl::Status StoreRepair::Survey() {
  const absl::StatusOr<std::vector<std::string>> names = fs_->List(dir_);
  if (!names.ok()) {
    return names.status();
  }
  for (const std::string& name : *names) {
    const std::optional<ParsedFileName> parsed = ParseFileName(name);
    if (!parsed.has_value() || parsed->kind == FileKind::kLock) {
      continue;
    }
    files_.push_back(name);
    uint64_t* const next =
        parsed->kind == FileKind::kTable ? &next_table_number_ : &next_file_number_;
    *next = std::max(*next, parsed->number + 1);
  }
  std::ranges::sort(files_);
  absl::StatusOr<FoundManifest> found = FindManifest(fs_, dir_);
  if (!found.ok()) {
    return found.status();
  }
  believed_ = IsManifestBelieved(*found);
  report_.manifest_rebuilt = !believed_;
  old_ = std::move(found->manifest.state);
  next_table_number_ = std::max(next_table_number_, old_.next_table_number);
  next_file_number_ = std::max(next_file_number_, old_.next_file_number);
  last_sequence_ = old_.last_sequence;
  // A repair that was cut off left it.
  absl::Status status = RemoveScratch();
  if (status.ok()) {
    status = fs_->CreateDir(scratch_.dir);
  }
  return status;
}

bool StoreRepair::IsManifestBelieved(const FoundManifest& found) const {
  if (!found.status.ok() || !OrderProblems(found.manifest.state).empty()) {
    return false;
  }
  const ManifestState& state = found.manifest.state;
  std::set<std::string> named;
  for (const std::vector<TableMeta>& level : state.levels) {
    for (const TableMeta& meta : level) {
      named.insert(meta.FileName());
    }
  }
  bool missing =
      state.log_number != 0 && !std::ranges::binary_search(files_, LogFileName(state.log_number));
  for (const std::string& name : named) {
    missing = missing || !std::ranges::binary_search(files_, name);
  }
  const bool unnamed = std::ranges::any_of(files_, [&](const std::string& name) {
    return ParseFileName(name)->kind == FileKind::kTable && !named.contains(name);
  });
  return !(missing && unnamed);
}

void StoreRepair::AddTable(int level, const LiveTable& table) {
  tables_.added_tables.emplace_back(level, table.meta());
  written_.insert(table.meta().FileName());
  last_sequence_ = std::max(last_sequence_, table.meta().largest_sequence);
}

absl::Status StoreRepair::SetAside() {
  std::string aside;
  absl::Status status = absl::AlreadyExistsError("");
  for (int number = 1; absl::IsAlreadyExists(status); ++number) {
    aside = Path(absl::StrCat("damaged-", absl::Dec(number, absl::kZeroPad3)));
    status = fs_->List(aside).ok() ? absl::AlreadyExistsError(aside) : fs_->CreateDir(aside);
  }
  report_.aside_dir = aside;
  for (const std::string& name : files_) {
    if (status.ok() && !kept_.contains(name)) {
      status = fs_->Link(Path(name), absl::StrCat(aside, "/", name));
      report_.aside.push_back(name);
    }
  }
  if (status.ok()) {
    status = fs_->SyncDir(aside);
  }
  if (status.ok()) {
    status = fs_->SyncDir(dir_);
  }
  if (status.ok() && std::ranges::binary_search(files_, kCurrentTempFileName)) {
    // The next CURRENT is written to this name, which must not be the set-aside file's.
    status = fs_->Remove(Path(kCurrentTempFileName));
    std::erase(report_.aside, kCurrentTempFileName);
  }
  return status;
}

absl::Status StoreRepair::SwitchManifest() {
  absl::Status status;
  for (const std::string& name : written_) {
    if (status.ok()) {
      status = fs_->Rename(absl::StrCat(scratch_.dir, "/", name), Path(name));
    }
  }
  if (!status.ok()) {
    return status;
  }
  // Every log there is has been used up; an empty one begins the new history.
  const uint64_t log_number = next_file_number_++;
  absl::StatusOr<std::unique_ptr<WritableFile>> file = fs_->Create(Path(LogFileName(log_number)));
  if (!file.ok()) {
    return file.status();
  }
  LogWriter log(*std::move(file), LogHeader{.number = log_number}, /*preallocate=*/false);
  status = log.Sync();
  status.Update(log.Close());
  if (status.ok()) {
    status = fs_->SyncDir(dir_);  // the manifest is about to name the tables and the log
  }
  if (!status.ok()) {
    return status;
  }
  const uint64_t manifest_number = next_file_number_++;
  VersionEdit edit = tables_;
  edit.next_file_number = next_file_number_;
  edit.next_table_number = next_table_number_;
  edit.log_number = log_number;
  edit.durable_log = log_number;
  edit.last_sequence = last_sequence_;
  edit.closed_logs.emplace_back(log_number, log.length());
  ManifestState state;
  status = state.Apply(edit);
  if (!status.ok()) {
    return status;
  }
  absl::StatusOr<std::unique_ptr<ManifestWriter>> manifest =
      ManifestWriter::Create(fs_, dir_, manifest_number, state);
  return manifest.ok() ? (*manifest)->Close() : manifest.status();
}

absl::Status StoreRepair::RemoveScratch() {
  const absl::StatusOr<std::vector<std::string>> names = fs_->List(scratch_.dir);
  if (absl::IsNotFound(names.status())) {
    return absl::OkStatus();
  }
  absl::Status status = names.status();
  for (size_t i = 0; status.ok() && i < names->size(); ++i) {
    status = fs_->Remove(absl::StrCat(scratch_.dir, "/", (*names)[i]));
  }
  return status.ok() ? fs_->RemoveDir(scratch_.dir) : status;
}

}  // namespace fathom
