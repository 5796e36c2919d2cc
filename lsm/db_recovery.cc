// Opening a store. `Recover` is the recipe; what each step may find on disk, and why it is whole or
// not, is told in lsm/README.md under "Recovery".
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "lsm/db_impl.h"
#include "lsm/format/file_names.h"
#include "lsm/log_chain.h"
#include "lsm/store_files.h"

namespace fathom {
namespace {

// Recovered logs that may pile up before their memtable is flushed although it is not full: a store
// that is opened again and again with few writes must not collect logs for ever.
constexpr size_t kMaxLogsInMemtable = 8;

// A recovered memtable with at least this part of its bytes is flushed: reads find a table with a
// filter then, and the next opening does not replay it again.
constexpr size_t kPartWorthFlushing = 4;

// A number beyond it is not one that a store could have come to, and leaves no room for more.
constexpr uint64_t kMaxNextNumber = uint64_t{1} << 60;

absl::Status CheckNumber(const std::string& path, absl::string_view what, uint64_t number) {
  return number <= kMaxNextNumber
             ? absl::OkStatus()
             : absl::DataLossError(absl::StrCat(path, ": ", what, ": expected at most ",
                                                kMaxNextNumber, ", found ", number));
}

absl::Status CheckNumbers(const std::string& dir, const ManifestState& state) {
  absl::Status status = CheckNumber(dir, "the next file number", state.next_file_number);
  status.Update(CheckNumber(dir, "the next table number", state.next_table_number));
  return status;
}

// Of each table of `version` the number and the level in its name, ascending.
std::vector<std::pair<uint64_t, int>> TableNames(const Version& version) {
  std::vector<std::pair<uint64_t, int>> names;
  for (int level = 0; level < kNumLevels; ++level) {
    for (const std::shared_ptr<LiveTable>& table : version.level(level)) {
      names.emplace_back(table->meta().number, table->meta().born_level);
    }
  }
  std::ranges::sort(names);
  return names;
}

}  // namespace

absl::StatusOr<std::unique_ptr<DB>> DB::Open(const Options& options, const std::string& dir) {
  absl::Status status = CheckOptions(options);
  if (!status.ok()) {
    return status;
  }
  auto db = std::make_unique<DBImpl>(options, dir);
  status = db->Recover();
  if (!status.ok()) {
    return status;
  }
  return db;
}

absl::Status DBImpl::Recover() {
  const absl::Time start = absl::Now();
  absl::Status status = LockDirectory();
  if (!status.ok()) {
    return status;
  }
  absl::MutexLock lock(&mutex_);
  absl::StatusOr<ManifestState> state = ReadOrCreateManifest();
  if (!state.ok()) {
    return state.status();
  }
  const absl::StatusOr<std::vector<std::string>> names = fs_->List(home_.dir);
  if (!names.ok()) {
    return names.status();
  }
  const std::map<uint64_t, uint64_t> closed_logs = state->closed_logs;
  status = FindTables(*state);
  if (status.ok()) {
    status = ReplayLogs(*names, &*state);
  }
  if (status.ok()) {
    status = CheckNumbers(home_.dir, *state);
  }
  if (!status.ok()) {
    return status;
  }
  next_file_number_ = state->next_file_number;
  next_table_number_ = state->next_table_number;
  // What the manifest lacks must be in one before anybody sees it; the threads need one too.
  const bool must_write = recovery_.created || state->closed_logs != closed_logs ||
                          !immutables_.empty() || IsCompactionDue();
  recovered_ = *std::move(state);
  if (must_write) {
    status = StartWriting();
  }
  if (!status.ok()) {
    return status;
  }
  status = RemoveUnnamedFiles(*names);
  if (!status.ok()) {
    return status;
  }
  UpdateThrottle();
  InstallView();
  recovery_.micros = static_cast<uint64_t>(absl::ToInt64Microseconds(absl::Now() - start));
  Log(absl::StrCat(home_.dir, ": ", recovery_.created ? "created" : "opened", " in ",
                   recovery_.micros, " us: ", recovery_.manifest_edits, " manifest edits, ",
                   recovery_.logs_replayed, " logs with ", recovery_.batches_replayed, " batches, ",
                   recovery_.torn_bytes, " torn bytes, ", recovery_.files_removed,
                   " files removed"));
  if (!immutables_.empty() || options_.sync_interval_millis > 0 || IsCompactionDue()) {
    StartThreads();
  }
  return absl::OkStatus();
}

void DBImpl::StartThreads() {
  if (closing_ || !background_.empty()) {
    return;
  }
  background_.emplace_back([this] { FlushLoop(); });
  for (int i = 0; i < options_.compaction_threads; ++i) {
    background_.emplace_back([this] { CompactionLoop(); });
  }
  if (options_.sync_interval_millis > 0) {
    background_.emplace_back([this] { SyncLoop(); });
  }
}

absl::Status DBImpl::LockDirectory() {
  absl::StatusOr<std::unique_ptr<FileLock>> lock = fs_->Lock(Path(kLockFileName));
  if (absl::IsNotFound(lock.status()) && options_.create_if_missing) {
    if (absl::Status made = fs_->CreateDir(home_.dir); !made.ok()) {
      return made;
    }
    lock = fs_->Lock(Path(kLockFileName));
  }
  if (!lock.ok()) {
    return lock.status();
  }
  lock_ = *std::move(lock);
  return absl::OkStatus();
}

absl::StatusOr<ManifestState> DBImpl::ReadOrCreateManifest() {
  absl::StatusOr<RecoveredManifest> manifest = RecoverManifest(fs_, home_.dir);
  if (manifest.ok()) {
    recovery_.manifest_edits = manifest->edits;
    manifest_number_ = manifest->manifest_number;
    manifest->state.next_file_number =
        std::max(manifest->state.next_file_number, manifest->manifest_number + 1);
    return std::move(manifest->state);
  }
  if (!absl::IsNotFound(manifest.status())) {
    return manifest.status();
  }
  if (!options_.create_if_missing) {
    return absl::NotFoundError(absl::StrCat(Path(kCurrentFileName), ": there is no store here"));
  }
  // A crash during the creation leaves a manifest and an empty log at most.
  absl::StatusOr<std::vector<std::string>> names = fs_->List(home_.dir);
  if (!names.ok()) {
    return names.status();
  }
  ManifestState state;
  for (const std::string& name : *names) {
    const std::optional<ParsedFileName> parsed = ParseFileName(name);
    if (!parsed.has_value()) {
      continue;
    }
    if (HoldsData(fs_, home_.dir, name)) {
      return absl::DataLossError(absl::StrCat(Path(kCurrentFileName), ": missing, but ", name,
                                              " shows that there was a store here"));
    }
    if (parsed->kind == FileKind::kManifest || parsed->kind == FileKind::kLog) {
      state.next_file_number = std::max(state.next_file_number, parsed->number + 1);
    }
  }
  // The directory's own name must be durable before anything in it counts: also where it was there
  // already, for a process that died may have made it.
  if (absl::Status status = fs_->SyncDir(ParentOf(home_.dir)); !status.ok()) {
    return status;
  }
  recovery_.created = true;
  return state;
}

absl::Status DBImpl::FindTables(const ManifestState& state) {
  std::vector<std::string> names;
  for (const std::vector<TableMeta>& level : state.levels) {
    for (const TableMeta& meta : level) {
      names.push_back(meta.FileName());
    }
  }
  const std::vector<absl::StatusOr<uint64_t>> sizes = fs_->FileSizes(home_.dir, names);
  auto size = sizes.begin();
  Version::Levels levels;
  for (size_t level = 0; level < kNumLevels; ++level) {
    for (const TableMeta& meta : state.levels[level]) {
      auto table = std::make_shared<LiveTable>(fs_, home_.dir, meta, home_.caches);
      if (absl::Status found = table->CheckSize(*size++); !found.ok()) {
        return found;
      }
      levels[level].push_back(std::move(table));
    }
  }
  version_ = Version::Of(std::move(levels));
  return version_->Check();
}

absl::Status DBImpl::ReplayLogs(const std::vector<std::string>& names, ManifestState* state) {
  absl::StatusOr<LogChain> chain = LogChain::Find(fs_, home_.dir, names, *state);
  if (!chain.ok()) {
    return chain.status();
  }
  if (!chain->missing().empty()) {
    return chain->missing().front();
  }
  last_sequence_ = state->last_sequence;
  memtable_ = NewMemtable(/*prefix=*/"");
  size_t logs_in_memtable = 0;
  for (size_t i = 0; i < chain->logs().size(); ++i) {
    const LogChain::Log& log = chain->logs()[i];
    if (absl::Status status = CheckNumber(log.path, "the log's number", log.number); !status.ok()) {
      return status;
    }
    state->next_file_number = std::max(state->next_file_number, log.number + 1);
    logs_on_disk_.push_back(log.number);
    const absl::StatusOr<std::string> cut = chain->CutBefore(i);
    if (!cut.ok()) {
      return cut.status();
    }
    if (!cut->empty()) {
      Log(absl::StrCat(log.path, ": given up, because ", *cut));
      recovery_.torn_bytes += log.file->size();
      state->closed_logs[log.number] = 0;
      continue;
    }
    if (memtable_->entries() > 0 &&
        (IsFull(*memtable_) || logs_in_memtable >= kMaxLogsInMemtable)) {
      FreezeMemtable();
    }
    if (memtable_->entries() == 0) {
      memtable_log_ = log.number;
      logs_in_memtable = 0;
    }
    ++logs_in_memtable;  // also an empty one: each death of a store that nobody writes leaves one
    if (log.closed_length == uint64_t{0}) {
      continue;
    }
    if (!log.closed_length.has_value()) {
      // Its writer did not live, or failed, to make it durable. From here on it must be: what is
      // written next may be durable, and the new manifest vouches for the log's length. Before it
      // is read, so that what counts is what the disk has.
      if (absl::Status status = fs_->SyncFile(log.path); !status.ok()) {
        return status;
      }
    }
    MemTable* const memtable = memtable_.get();
    const absl::StatusOr<LogEnd> end = chain->Replay(i, [&](absl::string_view batch) {
      const absl::StatusOr<SequenceNumber> last = ReplayBatch(batch, last_sequence_, memtable);
      if (last.ok()) {
        last_sequence_ = *last;
        ++recovery_.batches_replayed;
      }
      return last.status();
    });
    if (!end.ok()) {
      return end.status();
    }
    ++recovery_.logs_replayed;
    recovery_.torn_bytes += end->dropped_bytes;
    if (!end->reason.empty()) {
      Log(absl::StrCat(log.path, ": ends at ", end->length, ", ", end->dropped_bytes,
                       " bytes given up: ", end->reason));
    }
    state->closed_logs[log.number] = end->length;
  }
  if (memtable_->entries() > 0 &&
      memtable_->charge() >= options_.memtable_bytes / kPartWorthFlushing) {
    FreezeMemtable();
  }
  return absl::OkStatus();
}

absl::Status DBImpl::StartWriting() {
  if (log_ != nullptr || !read_only_.ok()) {
    return absl::OkStatus();
  }
  if (closed_) {
    return absl::FailedPreconditionError("the store is closed");
  }
  const uint64_t log_number = next_file_number_;
  const uint64_t previous = logs_on_disk_.empty() ? 0 : logs_on_disk_.back();
  const uint64_t previous_length = previous == 0 ? 0 : recovered_.closed_logs[previous];
  absl::StatusOr<std::unique_ptr<LogWriter>> log = NewLog(log_number, previous, previous_length);
  if (!log.ok()) {
    return log.status();  // nothing has changed: the next write tries again
  }
  const uint64_t old_manifest = std::exchange(manifest_number_, log_number + 1);
  next_file_number_ = manifest_number_ + 1;
  logs_on_disk_.push_back(log_number);
  if (memtable_->entries() == 0) {
    memtable_log_ = log_number;
  }
  ManifestState state = std::exchange(recovered_, ManifestState());
  state.next_file_number = next_file_number_;
  state.next_table_number = next_table_number_;
  state.durable_log = log_number;
  state.log_number = immutables_.empty() ? memtable_log_ : immutables_.front().log_number;
  std::erase_if(state.closed_logs,
                [&state](const auto& log_end) { return log_end.first < state.log_number; });
  // The disk is waited for without the lock: until there is a log, nobody else writes.
  mutex_.Unlock();
  absl::StatusOr<std::unique_ptr<ManifestWriter>> manifest =
      ManifestWriter::Create(fs_, home_.dir, log_number + 1, state);
  mutex_.Lock();
  if (!manifest.ok()) {
    SetReadOnly(manifest.status());
    return manifest.status();
  }
  manifest_ = *std::move(manifest);
  log_ = *std::move(log);
  log_named_ = true;
  if (old_manifest != 0) {
    fs_->Remove(Path(ManifestFileName(old_manifest))).IgnoreError();  // else the next Open does it
  }
  RemoveOldLogs(state.log_number);
  return absl::OkStatus();
}

absl::Status DBImpl::RemoveUnnamedFiles(const std::vector<std::string>& names) {
  const std::vector<std::pair<uint64_t, int>> tables = TableNames(*version_);
  bool durable = log_ != nullptr;  // StartWriting has just made them so
  for (const std::string& name : names) {
    const std::optional<ParsedFileName> parsed = ParseFileName(name);
    if (!parsed.has_value()) {
      continue;
    }
    const bool unnamed =
        parsed->kind == FileKind::kCurrentTemp ||
        (parsed->kind == FileKind::kManifest && parsed->number != manifest_number_) ||
        (parsed->kind == FileKind::kTable &&
         !std::ranges::binary_search(tables, std::pair(parsed->number, parsed->born_level))) ||
        (parsed->kind == FileKind::kLog &&
         !std::ranges::binary_search(logs_on_disk_, parsed->number));
    if (!unnamed) {
      continue;
    }
    if (!durable) {
      // CURRENT, too, may have its name from a process that died before it was durable.
      if (absl::Status status = SyncNames(); !status.ok()) {
        return status;
      }
      durable = true;
    }
    if (fs_->Remove(Path(name)).ok()) {
      ++recovery_.files_removed;
    }
  }
  return absl::OkStatus();
}

}  // namespace fathom
