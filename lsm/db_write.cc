// The write path: writers queue; the front one leads, writes one log record for itself and for
// those behind it that may ride along, adds the entries to the memtable, publishes them, and wakes
// its group.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "lsm/db_impl.h"
#include "lsm/format/file_names.h"
#include "lsm/wal/batch.h"

namespace fathom {
namespace {

// A group stops growing here; behind a small batch much earlier, so that it is not kept waiting
// long.
constexpr size_t kMaxGroupBytes = size_t{1} << 20;
constexpr size_t kSmallBatchBytes = size_t{128} << 10;

}  // namespace

absl::Status DBImpl::Put(const WriteOptions& options, absl::string_view key,
                         absl::string_view value) {
  // Keeps its buffer from call to call, unless it has grown large.
  thread_local WriteBatch batch;
  batch.Clear();  // at the beginning: a call that ended by an exception leaves it half filled
  batch.Put(key, value);
  absl::Status status = Write(options, batch);
  if (batch.bytes() > kSmallBatchBytes) {
    batch = WriteBatch();
  }
  return status;
}

absl::Status DBImpl::Delete(const WriteOptions& options, absl::string_view key) {
  WriteBatch batch;
  batch.Delete(key);
  return Write(options, batch);
}

absl::Status DBImpl::DeleteRange(const WriteOptions& options, absl::string_view begin,
                                 absl::string_view end) {
  WriteBatch batch;
  batch.DeleteRange(begin, end);
  return Write(options, batch);
}

absl::Status DBImpl::Write(const WriteOptions& options, const WriteBatch& batch) {
  if (batch.has_inverted_range_) {
    return absl::InvalidArgumentError("range deletion: expected a begin before its end");
  }
  if (batch.largest_key_ > kMaxKeyBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("key of ", batch.largest_key_, " bytes: expected at most ", kMaxKeyBytes));
  }
  if (batch.largest_value_ > kMaxValueBytes) {
    return absl::InvalidArgumentError(absl::StrCat("value of ", batch.largest_value_,
                                                   " bytes: expected at most ", kMaxValueBytes));
  }
  if (batch.count() == 0 && options.durability != Durability::kDisk) {
    return absl::OkStatus();
  }
  Writer writer;
  writer.batch = batch.count() == 0 ? nullptr : &batch;
  writer.durability = options.durability;
  return JoinQueue(&writer);
}

absl::Status DBImpl::SyncLog() {
  Writer writer;
  writer.durability = Durability::kDisk;
  return JoinQueue(&writer);
}

void DBImpl::SyncLoop() {
  const absl::Duration interval = absl::Milliseconds(options_.sync_interval_millis);
  absl::MutexLock lock(&mutex_);
  while (!closing_) {
    sync_work_.WaitWithTimeout(&mutex_, interval);
    if (closing_ || !read_only_.ok()) {
      continue;
    }
    mutex_.Unlock();
    SyncLog().IgnoreError();  // where the log failed the store is read-only now, and that was told
    mutex_.Lock();
  }
}

absl::Status DBImpl::JoinQueue(Writer* writer) {
  absl::MutexLock lock(&mutex_);
  writers_.push_back(writer);
  while (!writer->done && writers_.front() != writer) {
    writer->wake.Wait(&mutex_);
  }
  if (writer->done) {
    return writer->status;  // it rode with a leader
  }
  Writer* last = writer;
  absl::Status status = LeadGroup(writer, &last);
  for (;;) {
    Writer* const ready = writers_.front();
    writers_.pop_front();
    if (ready != writer) {
      ready->status = status;
      ready->done = true;
      ready->wake.Signal();
    }
    if (ready == last) {
      break;
    }
  }
  if (!writers_.empty()) {
    writers_.front()->wake.Signal();
  }
  return status;
}

absl::Status DBImpl::LeadGroup(Writer* leader, Writer** last) {
  if (leader->batch != nullptr) {
    // What rides with a leader is known only when it leads: the next one waits for it.
    SlowDown(std::exchange(unpaid_bytes_, 0) + leader->batch->bytes());
  }
  if (absl::Status started = StartWriting(); !started.ok()) {
    return started;
  }
  // Who only syncs the log needs no room, and must not wait for any.
  const bool only_syncs =
      leader->batch == nullptr && !leader->switch_memtable && leader->ingested == nullptr;
  absl::Status ready = only_syncs ? CheckWritable() : MakeRoom(leader->switch_memtable);
  if (!ready.ok()) {
    return ready;
  }
  if (leader->switch_memtable && !immutables_.empty()) {
    leader->flushed = immutables_.back().result;
    leader->flushed_through = immutables_.back().last_sequence;
  }
  if (leader->ingested != nullptr) {
    return InstallIngested(leader->ingested);
  }
  uint32_t count = 0;
  const absl::string_view group = GatherGroup(leader, last, &count);
  if (count > kMaxSequenceNumber - last_sequence_.load(std::memory_order_relaxed)) {
    return absl::ResourceExhaustedError("the store has used up its sequence numbers");
  }
  MemTable* const memtable = memtable_.get();

  // Being in front of the queue is what protects log and memtable from here on, not the lock.
  mutex_.Unlock();
  absl::Status status = AppendToLog(group, leader->durability);
  if (status.ok() && count > 0) {
    BatchReader reader(group);
    SequenceNumber sequence = reader.sequence();
    for (BatchEntry entry; reader.Next(&entry); ++sequence) {
      memtable->Add(sequence, entry.type, entry.key, entry.value);
      counters_.user_bytes.fetch_add(entry.key.size() + entry.value.size(),
                                     std::memory_order_relaxed);
      (entry.type == ValueType::kValue      ? counters_.puts
       : entry.type == ValueType::kDeletion ? counters_.deletes
                                            : counters_.range_deletes)
          .fetch_add(1, std::memory_order_relaxed);
    }
    memtable->PublishRangeTombstones();
    last_sequence_.store(sequence - 1, std::memory_order_release);
  }
  if (group_.capacity() > 2 * kMaxGroupBytes) {
    group_ = std::string();  // of a large batch: not worth its memory
  }
  mutex_.Lock();
  if (!status.ok()) {
    SetReadOnly(status);
  }
  return status;
}

absl::string_view DBImpl::GatherGroup(Writer* leader, Writer** last, uint32_t* count) {
  group_.assign(kBatchHeaderBytes, '\0');
  const bool no_room = leader->batch == nullptr && IsFull(*memtable_);
  size_t limit = kMaxGroupBytes;
  if (leader->batch != nullptr && leader->batch->bytes() <= kSmallBatchBytes) {
    limit = leader->batch->bytes() + kSmallBatchBytes;
  }
  for (Writer* const writer : writers_) {
    if (writer != leader) {
      // One that switches the memtable leads a group of its own; one that asks for more durability
      // than the leader gives, or for room that a mere sync has not made, must not ride with it.
      if (writer->switch_memtable || writer->durability > leader->durability ||
          (writer->batch != nullptr &&
           (no_room || group_.size() + writer->batch->bytes() > limit))) {
        break;
      }
    }
    if (writer->batch != nullptr) {
      group_.append(writer->batch->rep_, kBatchHeaderBytes);
      *count += writer->batch->count();
      counters_.batches.fetch_add(1, std::memory_order_relaxed);
    }
    *last = writer;
  }
  unpaid_bytes_ =
      group_.size() - (leader->batch == nullptr ? kBatchHeaderBytes : leader->batch->bytes());
  EncodeFixed64(group_.data(), last_sequence_.load(std::memory_order_relaxed) + 1);
  EncodeFixed32(group_.data() + sizeof(uint64_t), *count);
  return *count == 0 ? absl::string_view() : absl::string_view(group_);
}

absl::Status DBImpl::AppendToLog(absl::string_view group, Durability durability) {
  if (!group.empty()) {
    const uint64_t before = log_->length();
    absl::Status status = log_->Append(group);
    if (!status.ok()) {
      return status;
    }
    counters_.log_bytes.fetch_add(log_->length() - before, std::memory_order_relaxed);
  }
  switch (durability) {
    case Durability::kBuffered:
      return absl::OkStatus();
    case Durability::kProcess:
      return log_->Flush();
    case Durability::kDisk:
      return SyncAllLogs();
  }
  return absl::InternalError("unknown durability");
}

absl::Status DBImpl::SyncAllLogs() {
  std::vector<std::unique_ptr<LogWriter>> old_logs;
  {
    absl::MutexLock lock(&mutex_);
    old_logs.swap(old_logs_);
  }
  VersionEdit edit;
  // Older logs first: a durable write must never follow a write that is lost.
  for (const std::unique_ptr<LogWriter>& log : old_logs) {
    absl::Status status = log->Sync();
    if (status.ok()) {
      status = log->Close();
    }
    if (!status.ok()) {
      return status;
    }
    edit.closed_logs.emplace_back(log->number(), log->length());
  }
  if (!log_named_) {
    absl::Status status = SyncNames();
    if (!status.ok()) {
      return status;
    }
    // Once for each log. A log that is missing later, or short, is then damage: without this word
    // of it, it would pass for one that a power loss took before it was durable.
    edit.durable_log = log_->number();
    absl::MutexLock lock(&mutex_);
    status = ApplyEdit(&edit, {}, /*flushed_oldest=*/false);
    if (!status.ok()) {
      return status;
    }
    log_named_ = true;
  }
  if (!log_->synced()) {
    counters_.log_syncs.fetch_add(1, std::memory_order_relaxed);
  }
  return log_->Sync();
}

absl::Status DBImpl::MakeRoom(bool force) {
  absl::Duration for_flush;
  absl::Duration for_compaction;
  absl::Status status = FindRoom(force, &for_flush, &for_compaction);
  CountWait("memtables wait for their flush", for_flush, &memtable_waits_);
  CountWait("too much to compact", for_compaction, &level0_waits_);
  return status;
}

absl::Status DBImpl::FindRoom(bool force, absl::Duration* for_flush,
                              absl::Duration* for_compaction) {
  bool flush_retried = false;
  bool compaction_retried = false;
  for (;;) {
    if (absl::Status writable = CheckWritable(); !writable.ok()) {
      return writable;
    }
    if (memtable_->entries() == 0 || (!IsFull(*memtable_) && !force)) {
      return absl::OkStatus();
    }
    // Where there is no room and the last attempt to make some failed (a full disk, say), it is
    // made again, once for this write.
    if (throttle_.stopped() && !force) {
      if (!compaction_error_.ok()) {
        if (compaction_retried) {
          return compaction_error_;
        }
        compaction_retried = true;
        compaction_error_ = absl::OkStatus();
        compaction_work_.SignalAll();
      }
      WaitForRoom(for_compaction);
      continue;
    }
    if (immutables_.size() < static_cast<size_t>(options_.max_immutable_memtables)) {
      return SwitchMemtable();
    }
    if (!flush_error_.ok()) {
      if (flush_retried) {
        return flush_error_;
      }
      flush_retried = true;
      flush_error_ = absl::OkStatus();
      flush_work_.Signal();
    }
    WaitForRoom(for_flush);
  }
}

void DBImpl::WaitForRoom(absl::Duration* waited) {
  const absl::Time start = absl::Now();
  done_.Wait(&mutex_);
  *waited += absl::Now() - start;
}

void DBImpl::SlowDown(size_t bytes) {
  const absl::Duration delay = throttle_.DelayFor(bytes);
  if (delay <= absl::ZeroDuration()) {
    return;
  }
  mutex_.Unlock();
  absl::SleepFor(delay);
  mutex_.Lock();
  CountWait("slowed down for compaction", delay, &slowdowns_);
}

void DBImpl::CountWait(absl::string_view reason, absl::Duration waited, WaitCount* count) {
  if (waited <= absl::ZeroDuration()) {
    return;
  }
  ++count->count;
  count->micros += static_cast<uint64_t>(absl::ToInt64Microseconds(waited));
  if (waited > absl::Seconds(1)) {
    Log(absl::StrCat(home_.dir, ": a write waited ", absl::ToInt64Milliseconds(waited),
                     " ms: ", reason));
  }
}

absl::Status DBImpl::SwitchMemtable() {
  absl::StatusOr<std::unique_ptr<LogWriter>> log =
      NewLog(next_file_number_, log_->number(), log_->length());
  if (!log.ok()) {
    return log.status();  // nothing has changed: the write is refused, the next one tries again
  }
  ++next_file_number_;
  // The old log takes no more writes, but it is not durable yet: see SyncAllLogs.
  log_->MarkSync();
  absl::Status flushed = log_->Flush();
  if (!flushed.ok()) {
    SetReadOnly(flushed);
    return flushed;
  }
  old_logs_.push_back(std::exchange(log_, *std::move(log)));
  log_named_ = false;
  logs_on_disk_.push_back(log_->number());
  FreezeMemtable();
  memtable_log_ = log_->number();
  InstallView();
  StartThreads();
  flush_work_.Signal();
  return absl::OkStatus();
}

void DBImpl::FreezeMemtable() {
  auto next = NewMemtable(memtable_->ExpectedPrefix());
  immutables_.push_back(Immutable{std::exchange(memtable_, std::move(next)), memtable_log_,
                                  last_sequence_.load(), std::make_shared<FlushResult>()});
}

absl::StatusOr<std::unique_ptr<LogWriter>> DBImpl::NewLog(uint64_t number, uint64_t previous_number,
                                                          uint64_t previous_length) {
  absl::StatusOr<std::unique_ptr<WritableFile>> file = fs_->Create(Path(LogFileName(number)));
  if (!file.ok()) {
    return file.status();
  }
  return std::make_unique<LogWriter>(*std::move(file),
                                     LogHeader{number, previous_number, previous_length},
                                     /*preallocate=*/true);
}

absl::Status DBImpl::CheckWritable() const {
  return read_only_.ok() ? absl::OkStatus()
                         : absl::FailedPreconditionError(absl::StrCat(
                               "the store is read-only until it is opened again, because of: ",
                               read_only_.message()));
}

void DBImpl::SetReadOnly(const absl::Status& cause) {
  if (read_only_.ok()) {
    read_only_ = cause;
    Log(absl::StrCat(home_.dir, ": read-only until it is opened again: ", cause.ToString()));
  }
  done_.SignalAll();
}

}  // namespace fathom
