// The flush path, on the background thread: oldest immutable memtable -> table -> manifest -> view,
// and only then away with its log. Also closing, which is the end of this thread.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "lsm/compaction/table_writer.h"
#include "lsm/compaction/version_filter.h"
#include "lsm/db_impl.h"
#include "lsm/format/file_names.h"

namespace fathom {

void DBImpl::FlushLoop() {
  absl::MutexLock lock(&mutex_);
  for (;;) {
    while (!closing_ && !CanFlush()) {
      flush_work_.Wait(&mutex_);
    }
    if (!CanFlush()) {
      return;  // the store closes; what waited for its flush has been flushed, if it could be
    }
    flush_error_ = FlushOldest();
    if (!flush_error_.ok()) {
      Log(absl::StrCat(home_.dir,
                       ": flush failed, the memtable is kept: ", flush_error_.ToString()));
    }
    done_.SignalAll();
  }
}

absl::Status DBImpl::FlushOldest() {
  const Immutable oldest = immutables_.front();
  const uint64_t number = next_table_number_++;
  const std::vector<SequenceNumber> snapshots(snapshots_.begin(), snapshots_.end());
  VersionEdit edit;
  edit.last_sequence = oldest.last_sequence;
  edit.log_number = immutables_.size() > 1 ? immutables_[1].log_number : memtable_log_;

  mutex_.Unlock();
  FlushResult result;
  absl::StatusOr<std::shared_ptr<LiveTable>> table =
      WriteTable(*oldest.memtable, number, snapshots, &result);
  mutex_.Lock();
  if (!table.ok()) {
    return table.status();  // the number is not used again: the manifest may have gone past it
  }
  edit.added_tables.emplace_back(0, (*table)->meta());
  absl::Status status = ApplyEdit(&edit, {*std::move(table)}, /*flushed_oldest=*/true);
  if (!status.ok()) {
    return status;  // the table may be named by now: it stays
  }
  ++flushes_;
  flushed_entries_ += result.entries;
  flushed_bytes_ += result.file_bytes;
  *oldest.result = result;
  compaction_error_ = absl::OkStatus();
  compaction_work_.SignalAll();
  Log(absl::StrCat(home_.dir, ": flushed ", oldest.memtable->entries(), " writes to ", result.table,
                   ": ", result.entries, " entries, ", result.file_bytes, " bytes"));
  done_.SignalAll();  // who waits for the flush need not wait until the logs are gone
  RemoveOldLogs(*edit.log_number);
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<LiveTable>> DBImpl::WriteTable(
    const MemTable& memtable, uint64_t number, const std::vector<SequenceNumber>& snapshots,
    FlushResult* result) {
  absl::StatusOr<std::unique_ptr<TableWriter>> writer =
      TableWriter::Create(home_, TableBuilderOptions{options_.block_bytes}, 0, number);
  if (!writer.ok()) {
    return writer.status();
  }
  RangeTombstones tombstones;
  if (memtable.range_tombstones() != nullptr) {
    tombstones = RangeTombstones::NewestOf(memtable.range_tombstones()->Entries(), snapshots);
  }
  VersionFilter filter(snapshots, /*below=*/nullptr, 0,  // tombstones stay
                       tombstones.empty() ? nullptr : &tombstones);
  const std::unique_ptr<InternalIterator> entries = memtable.NewIterator();
  for (entries->SeekToFirst(); entries->Valid(); entries->Next()) {
    if (filter.Keep(entries->key())) {
      (*writer)->Add(entries->key(), entries->value());
    }
  }
  (*writer)->AddRangeTombstones(tombstones);
  absl::StatusOr<std::shared_ptr<LiveTable>> table = (*writer)->Finish();
  if (!table.ok()) {
    return table.status();
  }
  const TableMeta& meta = (*table)->meta();
  *result = FlushResult{meta.FileName(), meta.entries, (*writer)->filter_bits(), meta.file_bytes};
  return table;
}

void DBImpl::InstallView() {
  auto view = std::make_shared<View>();
  view->memtable = memtable_;
  for (auto immutable = immutables_.rbegin(); immutable != immutables_.rend(); ++immutable) {
    view->immutables.push_back(immutable->memtable);
  }
  view->version = version_;
  views_.Replace(std::move(view));
}

void DBImpl::RemoveOldLogs(uint64_t before) {
  std::vector<std::unique_ptr<LogWriter>> written;
  std::vector<uint64_t> numbers;
  for (std::unique_ptr<LogWriter>& log : old_logs_) {
    if (log->number() < before) {
      written.push_back(std::move(log));
    }
  }
  std::erase(old_logs_, nullptr);
  std::erase_if(logs_on_disk_, [&](uint64_t number) {
    if (number < before) {
      numbers.push_back(number);
    }
    return number < before;
  });
  removing_logs_ = true;
  mutex_.Unlock();
  written.clear();  // which closes them
  for (const uint64_t number : numbers) {
    fs_->Remove(Path(LogFileName(number))).IgnoreError();  // else the next Open does it
  }
  mutex_.Lock();
  removing_logs_ = false;
  done_.SignalAll();
}

absl::StatusOr<FlushResult> DBImpl::Flush() {
  Writer writer;
  writer.switch_memtable = true;
  absl::Status status = JoinQueue(&writer);
  if (!status.ok()) {
    return status;
  }
  if (writer.flushed == nullptr) {
    return FlushResult();
  }
  absl::MutexLock lock(&mutex_);
  status = WaitForFlush(writer.flushed_through);
  if (!status.ok()) {
    return status;
  }
  return *writer.flushed;
}

absl::Status DBImpl::WaitForFlush(SequenceNumber through) {
  flush_error_ = absl::OkStatus();  // this call is a reason to try again
  flush_work_.Signal();
  while (!immutables_.empty() && immutables_.front().last_sequence <= through) {
    if (!flush_error_.ok()) {
      return flush_error_;
    }
    if (absl::Status writable = CheckWritable(); !writable.ok()) {
      return writable;
    }
    done_.Wait(&mutex_);
  }
  return absl::OkStatus();
}

absl::Status DBImpl::Close() {
  std::vector<std::thread> background;
  {
    absl::MutexLock lock(&mutex_);
    background.swap(background_);
    closing_ = true;
    closed_ = true;
    cancel_ = true;
    flush_work_.SignalAll();
    compaction_work_.SignalAll();
    sync_work_.SignalAll();
    done_.SignalAll();
  }
  for (std::thread& thread : background) {
    thread.join();
  }
  absl::Status status = CloseFiles();
  lock_.reset();
  return status;
}

absl::Status DBImpl::CloseFiles() {
  {
    absl::MutexLock lock(&mutex_);
    if (manifest_ == nullptr) {
      return absl::OkStatus();  // nothing was written
    }
    if (absl::Status writable = CheckWritable(); !writable.ok()) {
      return writable;
    }
  }
  absl::Status status = SyncAllLogs();
  if (status.ok()) {
    status = log_->Close();
  }
  if (!status.ok()) {
    return status;
  }
  // The evidence of how much was there: damage to the log's end is then damage, not a torn tail.
  absl::MutexLock lock(&mutex_);
  VersionEdit edit;
  edit.next_file_number = next_file_number_;
  edit.closed_logs.emplace_back(log_->number(), log_->length());
  status = manifest_->Append(edit);
  return status.ok() ? manifest_->Close() : status;
}

}  // namespace fathom
