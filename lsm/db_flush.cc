// The flush path, on the background thread: oldest immutable memtable -> table -> manifest -> view,
// and only then away with its log. Also closing, which is the end of this thread.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "lsm/db_impl.h"
#include "lsm/format/file_names.h"

namespace fathom {

void DBImpl::BackgroundLoop() {
  absl::MutexLock lock(&mutex_);
  for (;;) {
    while (!closing_ && !CanFlush()) {
      work_.Wait(&mutex_);
    }
    if (closing_) {
      return;
    }
    flush_error_ = FlushOldest();
    if (!flush_error_.ok()) {
      Log(absl::StrCat(dir_, ": flush failed, the memtable is kept: ", flush_error_.ToString()));
    }
    done_.SignalAll();
  }
}

absl::Status DBImpl::FlushOldest() {
  const Immutable oldest = immutables_.front();
  TableMeta meta;
  meta.number = next_table_number_;
  VersionEdit edit;
  edit.next_table_number = next_table_number_ + 1;
  edit.next_file_number = next_file_number_;
  edit.log_number = immutables_.size() > 1 ? immutables_[1].log_number : memtable_log_;
  edit.last_sequence = oldest.last_sequence;
  const std::shared_ptr<const Version> base = version_;
  ManifestWriter* const manifest = manifest_.get();

  // This thread alone changes the version and writes the manifest.
  mutex_.Unlock();
  uint64_t filter_bits = 0;
  absl::StatusOr<std::shared_ptr<LiveTable>> table =
      WriteTable(*oldest.memtable, &meta, &filter_bits);
  if (!table.ok()) {
    // Not named by anything; what cannot be removed now, the next Open removes.
    fs_->Remove(Path(meta.FileName())).IgnoreError();
    mutex_.Lock();
    return table.status();
  }
  edit.added_tables.emplace_back(0, meta);
  const absl::Status status = manifest->Append(edit);
  mutex_.Lock();
  if (!status.ok()) {
    // The table may be named by now: it stays.
    SetReadOnly(status);
    return status;
  }
  version_ = base->With(edit, {*table});
  immutables_.pop_front();
  next_table_number_ = *edit.next_table_number;
  ++flushes_;
  flushed_entries_ += meta.entries;
  flushed_bytes_ += meta.file_bytes;
  *oldest.result = FlushResult{meta.FileName(), meta.entries, filter_bits, meta.file_bytes};
  InstallView();
  RemoveOldLogs(*edit.log_number);
  Log(absl::StrCat(dir_, ": flushed ", oldest.memtable->entries(), " writes to ", meta.FileName(),
                   ": ", meta.entries, " entries, ", meta.file_bytes, " bytes"));
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<LiveTable>> DBImpl::WriteTable(const MemTable& memtable,
                                                              TableMeta* meta,
                                                              uint64_t* filter_bits) {
  absl::StatusOr<std::unique_ptr<WritableFile>> file = fs_->Create(Path(meta->FileName()));
  if (!file.ok()) {
    return file.status();
  }
  TableBuilder builder(TableBuilderOptions{options_.block_bytes}, file->get());
  const std::unique_ptr<InternalIterator> entries = memtable.NewIterator();
  absl::string_view last_key;
  for (entries->SeekToFirst(); entries->Valid(); entries->Next()) {
    const absl::string_view user_key = UserKey(entries->key());
    // Nobody needs the older versions: an iterator that might see them holds the memtable.
    if (builder.entries() > 0 && user_key == last_key) {
      continue;
    }
    builder.Add(entries->key(), entries->value());
    last_key = user_key;  // the memtable's own bytes
  }
  absl::StatusOr<BuiltTable> built = builder.Finish();
  absl::Status status = built.status();
  if (status.ok()) {
    status = (*file)->Sync();
  }
  if (status.ok()) {
    status = (*file)->Close();
  }
  if (status.ok()) {
    status = fs_->SyncDir(dir_);
  }
  if (!status.ok()) {
    return status;
  }
  meta->file_bytes = built->file_bytes;
  meta->entries = built->properties.entries;
  meta->deletions = built->properties.deletions;
  meta->smallest = std::move(built->smallest);
  meta->largest = std::move(built->largest);
  meta->smallest_sequence = built->properties.smallest_sequence;
  meta->largest_sequence = built->properties.largest_sequence;
  meta->tail_bytes = built->tail_bytes;
  meta->tail_hash = built->tail_hash;
  *filter_bits = built->filter_bits;
  return LiveTable::Open(fs_, dir_, *meta, &cache_);
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
  std::erase_if(old_logs_, [before](const auto& log) { return log->number() < before; });
  std::erase_if(logs_on_disk_, [this, before](uint64_t number) {
    if (number >= before) {
      return false;
    }
    fs_->Remove(Path(LogFileName(number))).IgnoreError();  // else the next Open does it
    return true;
  });
}

absl::StatusOr<FlushResult> DBImpl::Flush() {
  Writer writer;
  writer.switch_memtable = true;
  absl::Status status = JoinQueue(&writer);
  if (!status.ok()) {
    return status;
  }
  absl::MutexLock lock(&mutex_);
  if (immutables_.empty()) {
    return FlushResult();
  }
  const Immutable target = immutables_.back();
  flush_error_ = absl::OkStatus();  // this call is a reason to try again
  work_.Signal();
  while (!immutables_.empty() && immutables_.front().last_sequence <= target.last_sequence) {
    if (!flush_error_.ok()) {
      return flush_error_;
    }
    if (!read_only_.ok()) {
      return absl::FailedPreconditionError(
          absl::StrCat("the store is read-only: ", read_only_.message()));
    }
    done_.Wait(&mutex_);
  }
  return *target.result;
}

absl::Status DBImpl::Close() {
  {
    absl::MutexLock lock(&mutex_);
    closing_ = true;
    closed_ = true;
    work_.Signal();
  }
  if (background_.joinable()) {
    background_.join();
  }
  const absl::Status status = CloseFiles();
  lock_.reset();
  return status;
}

absl::Status DBImpl::CloseFiles() {
  {
    absl::MutexLock lock(&mutex_);
    if (manifest_ == nullptr) {
      return absl::OkStatus();  // it was never open
    }
    if (!read_only_.ok()) {
      return read_only_;
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
