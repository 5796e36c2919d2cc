// Opening a store. `Recover` is the recipe; what each step may find on disk, and why it is whole or
// not, is told in lsm/README.md under "Recovery".
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "lsm/db_impl.h"
#include "lsm/format/corruption.h"
#include "lsm/format/file_names.h"
#include "lsm/wal/batch.h"
#include "lsm/wal/log_reader.h"

namespace fathom {
namespace {

// Recovered logs that may pile up before their memtable is flushed although it is not full: a store
// that is opened again and again with few writes must not collect logs for ever.
constexpr size_t kMaxLogsInMemtable = 8;

// A log found on disk.
struct FoundLog {
  uint64_t number = 0;
  std::string path;
  std::unique_ptr<ReadableFile> file;
  std::optional<LogHeader> header;
  // Where it ends by the word of a clean close or an earlier recovery.
  std::optional<uint64_t> closed_length;
};

// A number beyond it is not one that a store could have come to, and leaves no room for more.
constexpr uint64_t kMaxNextNumber = uint64_t{1} << 60;

absl::Status CheckNumbers(const std::string& dir, const ManifestState& state) {
  for (const uint64_t next : {state.next_file_number, state.next_table_number}) {
    if (next > kMaxNextNumber) {
      return absl::DataLossError(absl::StrCat(dir,
                                              ": the next file or table number: expected at most ",
                                              kMaxNextNumber, ", found ", next));
    }
  }
  return absl::OkStatus();
}

absl::Status ReadLogHeader(FoundLog* log) {
  LogReader reader(log->file.get(), log->path, log->number, log->closed_length.value_or(0),
                   log->closed_length.has_value());
  absl::StatusOr<std::optional<LogHeader>> header = reader.ReadHeader();
  if (!header.ok()) {
    return header.status();
  }
  log->header = *header;
  return absl::OkStatus();
}

// The logs from `log_number` on, oldest first, with their headers. DataLoss where one that must be
// there is missing.
absl::StatusOr<std::vector<FoundLog>> FindLogs(FileSystem* fs, const std::string& dir,
                                               const ManifestState& state) {
  absl::StatusOr<std::vector<std::string>> names = fs->List(dir);
  if (!names.ok()) {
    return names.status();
  }
  std::vector<uint64_t> numbers;
  for (const std::string& name : *names) {
    const std::optional<ParsedFileName> parsed = ParseFileName(name);
    if (parsed.has_value() && parsed->kind == FileKind::kLog &&
        parsed->number >= state.log_number) {
      numbers.push_back(parsed->number);
    }
  }
  std::ranges::sort(numbers);
  const auto require = [&](uint64_t number) {
    return std::ranges::binary_search(numbers, number)
               ? absl::OkStatus()
               : absl::DataLossError(absl::StrCat(dir, "/", LogFileName(number),
                                                  ": the manifest names this log, but the file is "
                                                  "missing"));
  };
  absl::Status status = state.log_number == 0 ? absl::OkStatus() : require(state.log_number);
  for (const auto& [number, length] : state.closed_logs) {
    if (number >= state.log_number) {
      status.Update(require(number));
    }
  }
  std::vector<FoundLog> logs;
  for (const uint64_t number : numbers) {
    if (!status.ok()) {
      return status;
    }
    FoundLog log{number, absl::StrCat(dir, "/", LogFileName(number)), nullptr, std::nullopt,
                 std::nullopt};
    if (const auto closed = state.closed_logs.find(number); closed != state.closed_logs.end()) {
      log.closed_length = closed->second;
    }
    absl::StatusOr<std::unique_ptr<ReadableFile>> file = fs->OpenForRead(log.path);
    if (!file.ok()) {
      return file.status();
    }
    log.file = *std::move(file);
    status.Update(ReadLogHeader(&log));
    logs.push_back(std::move(log));
  }
  if (!status.ok()) {
    return status;
  }
  return logs;
}

// Whether anything in `log` was ever made durable: then all before it was durable first.
absl::StatusOr<bool> WasSynced(const FoundLog& log) {
  LogReader reader(log.file.get(), log.path, log.number, 0, /*exact=*/false);
  absl::StatusOr<std::optional<LogHeader>> header = reader.ReadHeader();
  if (!header.ok()) {
    return header.status();
  }
  if (!header->has_value()) {
    return false;
  }
  for (;;) {
    absl::StatusOr<std::optional<absl::string_view>> record = reader.ReadRecord();
    if (!record.ok()) {
      return record.status();
    }
    if (!record->has_value()) {
      return reader.synced_length() > 0;
    }
  }
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
  absl::Status status = MakeDirectory();
  if (!status.ok()) {
    return status;
  }
  absl::MutexLock lock(&mutex_);
  absl::StatusOr<ManifestState> state = ReadOrCreateManifest();
  if (!state.ok()) {
    return state.status();
  }
  status = OpenTables(*state);
  if (status.ok()) {
    status = ReplayLogs(&*state);
  }
  if (status.ok()) {
    status = CheckNumbers(home_.dir, *state);
  }
  if (status.ok()) {
    status = StartLogAndManifest(*std::move(state));
  }
  if (!status.ok()) {
    return status;
  }
  RemoveUnnamedFiles();
  UpdateThrottle();
  InstallView();
  StartThreads();
  recovery_.micros = static_cast<uint64_t>(absl::ToInt64Microseconds(absl::Now() - start));
  Log(absl::StrCat(home_.dir, ": ", recovery_.created ? "created" : "opened", " in ",
                   recovery_.micros, " us: ", recovery_.manifest_edits, " manifest edits, ",
                   recovery_.logs_replayed, " logs with ", recovery_.batches_replayed, " batches, ",
                   recovery_.torn_bytes, " torn bytes, ", recovery_.files_removed,
                   " files removed"));
  return absl::OkStatus();
}

void DBImpl::StartThreads() {
  background_.emplace_back([this] { FlushLoop(); });
  for (int i = 0; i < options_.compaction_threads; ++i) {
    background_.emplace_back([this] { CompactionLoop(); });
  }
  if (options_.sync_interval_millis > 0) {
    background_.emplace_back([this] { SyncLoop(); });
  }
}

absl::Status DBImpl::MakeDirectory() {
  absl::Status status = fs_->List(home_.dir).status();
  if (absl::IsNotFound(status) && options_.create_if_missing) {
    status = fs_->CreateDir(home_.dir);
    if (status.ok()) {
      // The directory's own name must be durable before anything in it counts.
      const size_t slash = home_.dir.find_last_of('/');
      const std::string parent = slash == std::string::npos ? "." : home_.dir.substr(0, slash);
      status = fs_->SyncDir(parent.empty() ? "/" : parent);
    }
  }
  if (!status.ok()) {
    return status;
  }
  absl::StatusOr<std::unique_ptr<FileLock>> lock = fs_->Lock(Path(kLockFileName));
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
    const bool holds_data =
        parsed->kind == FileKind::kTable ||
        (parsed->kind == FileKind::kLog && fs_->FileSize(Path(name)).value_or(1) > 0);
    if (holds_data) {
      return absl::DataLossError(absl::StrCat(Path(kCurrentFileName), ": missing, but ", name,
                                              " shows that there was a store here"));
    }
    if (parsed->kind == FileKind::kManifest || parsed->kind == FileKind::kLog) {
      state.next_file_number = std::max(state.next_file_number, parsed->number + 1);
    }
  }
  recovery_.created = true;
  return state;
}

absl::Status DBImpl::OpenTables(const ManifestState& state) {
  const VersionEdit all = state.Snapshot();
  Version::Tables opened;
  for (const auto& [level, meta] : all.added_tables) {
    absl::StatusOr<std::shared_ptr<LiveTable>> table =
        LiveTable::Open(fs_, home_.dir, meta, home_.caches);
    if (!table.ok()) {
      return table.status();
    }
    opened.push_back(*std::move(table));
  }
  version_ = Version().With(all, opened);
  return version_->Check();
}

absl::Status DBImpl::ReplayLogs(ManifestState* state) {
  absl::StatusOr<std::vector<FoundLog>> logs = FindLogs(fs_, home_.dir, *state);
  if (!logs.ok()) {
    return logs.status();
  }
  last_sequence_ = state->last_sequence;
  memtable_ = std::make_shared<MemTable>();
  size_t logs_in_memtable = 0;
  std::string cut;  // why what follows is not part of the history any more; empty while it is
  for (size_t i = 0; i < logs->size(); ++i) {
    FoundLog& log = (*logs)[i];
    state->next_file_number = std::max(state->next_file_number, log.number + 1);
    logs_on_disk_.push_back(log.number);
    if (cut.empty() && i > 0 && log.header.has_value() &&
        log.header->previous_number != (*logs)[i - 1].number) {
      // Logs get their names without a sync: a power loss may take one and leave a later one.
      cut = absl::StrCat("log ", log.header->previous_number, " before it is missing");
    }
    if (!cut.empty()) {
      absl::StatusOr<bool> synced = WasSynced(log);
      if (!synced.ok()) {
        return synced.status();
      }
      if (*synced || log.closed_length.value_or(0) > 0) {
        return absl::DataLossError(
            absl::StrCat(log.path, ": holds writes that were made durable, but ", cut));
      }
      Log(absl::StrCat(log.path, ": given up, because ", cut));
      recovery_.torn_bytes += log.file->size();
      state->closed_logs[log.number] = 0;
      continue;
    }
    if (log.closed_length == uint64_t{0}) {
      continue;
    }
    if (memtable_->entries() > 0 && (memtable_->charge() >= options_.memtable_bytes ||
                                     logs_in_memtable >= kMaxLogsInMemtable)) {
      FreezeMemtable();
    }
    if (memtable_->entries() == 0) {
      memtable_log_ = log.number;
      logs_in_memtable = 0;
    }
    ++logs_in_memtable;
    LogReader reader(log.file.get(), log.path, log.number, log.closed_length.value_or(0),
                     log.closed_length.has_value());
    absl::StatusOr<std::optional<LogHeader>> header = reader.ReadHeader();
    absl::Status status = header.status();
    while (status.ok() && header->has_value()) {
      absl::StatusOr<std::optional<absl::string_view>> record = reader.ReadRecord();
      if (!record.ok() || !record->has_value()) {
        status = record.status();
        break;
      }
      status = ReplayBatch(**record, memtable_.get());
      if (!status.ok()) {
        return absl::DataLossError(absl::StrCat(log.path, ": damaged at offset ",
                                                reader.record_offset(), ": ", status.message()));
      }
    }
    if (!status.ok()) {
      return status;
    }
    if (!log.closed_length.has_value()) {
      // Where only the process died, the disk may not have it yet. From here on it must: what is
      // written next may be durable, and the new manifest vouches for the log's length.
      status = fs_->SyncFile(log.path);
      if (!status.ok()) {
        return status;
      }
    }
    const LogEnd& end = reader.end();
    ++recovery_.logs_replayed;
    recovery_.torn_bytes += end.dropped_bytes;
    if (!end.reason.empty()) {
      Log(absl::StrCat(log.path, ": ends at ", end.length, ", ", end.dropped_bytes,
                       " bytes given up: ", end.reason));
    }
    state->closed_logs[log.number] = end.length;
    const std::optional<LogHeader> next =
        i + 1 < logs->size() ? (*logs)[i + 1].header : std::nullopt;
    if (next.has_value() && next->previous_number == log.number) {
      const uint64_t length = next->previous_length;
      if (end.length > length) {
        return Corruption(log.path, length, "end of the log, by the log after it", length,
                          end.length);
      }
      if (end.length < length) {
        cut = "the log before it lost its end";
      }
    }
  }
  return absl::OkStatus();
}

absl::Status DBImpl::ReplayBatch(absl::string_view batch, MemTable* memtable) {
  BatchReader reader(batch);
  SequenceNumber sequence = reader.sequence();
  if (sequence <= last_sequence_) {
    return absl::DataLossError(absl::StrCat("batch: expected a sequence number above ",
                                            last_sequence_.load(), ", found ", sequence));
  }
  // Nothing of a batch counts before all of it has been seen to parse.
  BatchEntry entry;
  while (reader.Next(&entry)) {
  }
  if (!reader.status().ok()) {
    return reader.status();
  }
  if (sequence > kMaxSequenceNumber || reader.count() > kMaxSequenceNumber - sequence + 1) {
    return absl::DataLossError(absl::StrCat("batch: expected sequence numbers up to ",
                                            kMaxSequenceNumber, ", found ", reader.count(),
                                            " from ", sequence));
  }
  for (BatchReader again(batch); again.Next(&entry); ++sequence) {
    memtable->Add(sequence, entry.type, entry.key, entry.value);
  }
  last_sequence_ = sequence - 1;
  ++recovery_.batches_replayed;
  return absl::OkStatus();
}

absl::Status DBImpl::StartLogAndManifest(ManifestState state) {
  const uint64_t previous = logs_on_disk_.empty() ? 0 : logs_on_disk_.back();
  const uint64_t previous_length = previous == 0 ? 0 : state.closed_logs[previous];
  const uint64_t log_number = state.next_file_number++;
  absl::StatusOr<std::unique_ptr<LogWriter>> log = NewLog(log_number, previous, previous_length);
  if (!log.ok()) {
    return log.status();
  }
  absl::Status status = fs_->SyncDir(home_.dir);  // the manifest is about to name the log
  if (!status.ok()) {
    return status;
  }
  log_ = *std::move(log);
  log_named_ = true;
  logs_on_disk_.push_back(log_number);
  if (memtable_->entries() == 0) {
    memtable_log_ = log_number;
  }
  const uint64_t manifest_number = state.next_file_number++;
  state.log_number = immutables_.empty() ? memtable_log_ : immutables_.front().log_number;
  std::erase_if(state.closed_logs,
                [&state](const auto& log_end) { return log_end.first < state.log_number; });
  absl::StatusOr<std::unique_ptr<ManifestWriter>> manifest =
      ManifestWriter::Create(fs_, home_.dir, manifest_number, state);
  if (!manifest.ok()) {
    return manifest.status();
  }
  manifest_ = *std::move(manifest);
  next_file_number_ = state.next_file_number;
  next_table_number_ = state.next_table_number;
  return absl::OkStatus();
}

void DBImpl::RemoveUnnamedFiles() {
  absl::StatusOr<std::vector<std::string>> names = fs_->List(home_.dir);
  if (!names.ok()) {
    return;  // they are removed by a later Open
  }
  const uint64_t log_number = immutables_.empty() ? memtable_log_ : immutables_.front().log_number;
  std::erase_if(logs_on_disk_, [log_number](uint64_t log) { return log < log_number; });
  for (const std::string& name : *names) {
    const std::optional<ParsedFileName> parsed = ParseFileName(name);
    if (!parsed.has_value()) {
      continue;
    }
    int level = 0;
    const bool unnamed =
        parsed->kind == FileKind::kCurrentTemp ||
        (parsed->kind == FileKind::kManifest && parsed->number != manifest_->number()) ||
        (parsed->kind == FileKind::kTable && version_->Find(name, &level) == nullptr) ||
        (parsed->kind == FileKind::kLog &&
         !std::ranges::binary_search(logs_on_disk_, parsed->number));
    if (unnamed && fs_->Remove(Path(name)).ok()) {
      ++recovery_.files_removed;
    }
  }
}

}  // namespace fathom
