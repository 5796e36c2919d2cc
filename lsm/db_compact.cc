// Compaction, on threads of its own or in a caller's: pick -> run -> manifest -> view -> inputs
// away. The work itself is in lsm/compaction; here is what ties it to the store.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "lsm/compaction/compaction_job.h"
#include "lsm/db_impl.h"

namespace fathom {
namespace {

// The inputs of `compaction` leave their levels.
void Remove(const Compaction& compaction, VersionEdit* edit) {
  int level = compaction.source_level;
  for (const Version::Tables& tables : compaction.inputs) {
    for (const std::shared_ptr<LiveTable>& table : tables) {
      edit->removed_tables.emplace_back(level, table->meta().number);
    }
    ++level;
  }
}

}  // namespace

void DBImpl::CompactionLoop() {
  absl::MutexLock lock(&mutex_);
  while (!closing_) {
    std::optional<Compaction> compaction;
    if (CanCompact()) {
      compaction = PickCompaction(version_, level_targets_, running_);
    }
    if (!compaction.has_value()) {
      compaction_work_.Wait(&mutex_);
      continue;
    }
    CompactionResult result;
    const int source_level = compaction->source_level;
    const bool move = compaction->IsMove();
    compaction_error_ = Compact(*std::move(compaction), move, &result);
    if (!compaction_error_.ok() && !closing_) {
      Log(absl::StrCat(home_.dir, ": compaction from level ", source_level,
                       " failed, its inputs stay: ", compaction_error_.ToString()));
    }
    done_.SignalAll();
  }
}

bool DBImpl::IsCompactionDue() const {
  return options_.compaction_threads > 0 &&
         PickCompaction(version_, level_targets_, running_).has_value();
}

bool DBImpl::CanCompact() const {
  // After an error the next flush, or a manual compaction, is the occasion to try again.
  return read_only_.ok() && compaction_error_.ok() && manual_compactions_ == 0;
}

absl::Status DBImpl::Compact(Compaction compaction, bool move, CompactionResult* result) {
  running_.push_back(&compaction);
  absl::Status status = move ? MoveTables(compaction) : MergeTables(compaction, result);
  {
    // This may be the last to let go of the inputs, and removing files takes time.
    const std::shared_ptr<const Version> version = std::move(compaction.version);
    const std::vector<Version::Tables> inputs = std::move(compaction.inputs);
    mutex_.Unlock();
  }
  mutex_.Lock();
  std::erase(running_, &compaction);
  compaction_work_.SignalAll();  // what conflicted may run now
  done_.SignalAll();
  return status;
}

absl::Status DBImpl::MoveTables(const Compaction& compaction) {
  VersionEdit edit;
  Remove(compaction, &edit);
  const Version::Tables tables = compaction.InputTables();
  for (const std::shared_ptr<LiveTable>& table : tables) {
    edit.added_tables.emplace_back(compaction.target_level, table->meta());
  }
  absl::Status status = ApplyEdit(&edit, tables, /*flushed_oldest=*/false);
  if (status.ok()) {
    moves_ += tables.size();
  }
  return status;
}

absl::Status DBImpl::MergeTables(const Compaction& compaction, CompactionResult* result) {
  CompactionEnvironment env;
  env.home = home_;
  env.table_options = {options_.block_bytes,
                       CompressionFor(compaction.target_level, *compaction.version)};
  env.target_table_bytes = options_.table_bytes;
  env.snapshots.assign(snapshots_.begin(), snapshots_.end());
  env.new_table_number = [this] { return NewTableNumber(); };
  env.cancel = &cancel_;
  env.threads = std::max(options_.compaction_threads, 1);

  const absl::Time start = absl::Now();
  mutex_.Unlock();
  absl::StatusOr<CompactionOutput> output = RunCompaction(compaction, env);
  mutex_.Lock();
  if (!output.ok()) {
    return output.status();
  }
  VersionEdit edit;
  Remove(compaction, &edit);
  for (const std::shared_ptr<LiveTable>& table : output->tables) {
    edit.added_tables.emplace_back(compaction.target_level, table->meta());
  }
  absl::Status status = ApplyEdit(&edit, output->tables, /*flushed_oldest=*/false);
  if (!status.ok()) {
    return status;  // the outputs may be named by now: they stay
  }
  for (const std::shared_ptr<LiveTable>& table : compaction.InputTables()) {
    table->MarkObsolete();
  }
  *result = CompactionResult{compaction.NumInputs(), output->tables.size(), output->shadowed,
                             output->tombstones,     output->bytes_read,    output->bytes_written};
  ++compactions_;
  compacted_.Add(*result);
  Log(absl::StrCat(home_.dir, ": compacted ", result->tables_merged, " tables of levels ",
                   compaction.source_level, " to ", compaction.target_level, " into ",
                   result->new_tables, ": ", result->bytes_read, " bytes read, ",
                   result->bytes_written, " written, ", result->shadowed_dropped, " versions and ",
                   result->tombstones_dropped, " tombstones dropped, in ",
                   absl::ToInt64Milliseconds(absl::Now() - start), " ms"));
  return absl::OkStatus();
}

Compression DBImpl::CompressionFor(int level, const Version& version) const {
  constexpr int kFirstCompressedLevel = 2;
  if (level < kFirstCompressedLevel) {
    return Compression::kNone;
  }
  return level >= version.DeepestLevel() ? options_.bottom_compression : options_.compression;
}

uint64_t DBImpl::NewTableNumber() {
  absl::MutexLock lock(&mutex_);
  return next_table_number_++;
}

void DBImpl::UpdateThrottle() {
  if (options_.compaction_threads > 0) {  // else waiting for compaction would not end
    throttle_.Update(*version_, level_targets_);
  }
}

absl::StatusOr<CompactionResult> DBImpl::CompactLevel(int source_level, int target_level) {
  absl::MutexLock lock(&mutex_);
  const int deepest = version_->DeepestLevel();
  const bool next =
      source_level >= 0 && target_level == source_level + 1 && target_level < kNumLevels;
  const bool rewrite = source_level == target_level && source_level > 0 &&
                       (source_level == deepest || source_level == kNumLevels - 1);
  if (!next && !rewrite) {
    return absl::InvalidArgumentError(
        absl::StrCat("compaction from level ", source_level, " to ", target_level,
                     ": expected a level and the one below it, or the deepest level with a "
                     "table (",
                     deepest, ") twice"));
  }
  if (manifest_ == nullptr) {
    Writer first;  // it is the queue's to start writing
    mutex_.Unlock();
    absl::Status started = JoinQueue(&first);
    mutex_.Lock();
    if (!started.ok()) {
      return started;
    }
  }
  CompactionResult result;
  absl::Status status = BeginManualCompaction();
  if (Version::Tables sources = version_->level(source_level); status.ok() && !sources.empty()) {
    status = Compact(MakeCompaction(version_, source_level, target_level, std::move(sources)),
                     /*move=*/false, &result);
  }
  EndManualCompaction();
  if (!status.ok()) {
    return status;
  }
  return result;
}

absl::Status DBImpl::CompactAll() {
  absl::Status status = Flush().status();
  if (!status.ok()) {
    return status;
  }
  absl::MutexLock lock(&mutex_);
  status = BeginManualCompaction();
  FullCompaction full(next_table_number_);
  for (bool more = true; more && status.ok();) {
    status = TakeStep(&full, &more);
  }
  EndManualCompaction();
  return status;
}

absl::Status DBImpl::TakeStep(FullCompaction* full, bool* more) {
  std::shared_ptr<const Version> version = version_;
  mutex_.Unlock();
  absl::Status status =
      full->Inspect(*version, CompressionFor(std::max(version->DeepestLevel(), 1), *version));
  version.reset();
  mutex_.Lock();
  if (status.ok()) {
    status = WaitForOthers();
  }
  if (!status.ok()) {
    return status;
  }
  std::optional<FullCompaction::Step> step = full->Next(version_);
  *more = step.has_value();
  CompactionResult result;
  return *more ? Compact(std::move(step->compaction), step->move, &result) : absl::OkStatus();
}

absl::Status DBImpl::BeginManualCompaction() {
  ++manual_compactions_;
  while (manual_runs_) {
    done_.Wait(&mutex_);
  }
  manual_runs_ = true;
  return WaitForOthers();
}

void DBImpl::EndManualCompaction() {
  manual_runs_ = false;
  --manual_compactions_;
  compaction_error_ = absl::OkStatus();
  compaction_work_.SignalAll();
  done_.SignalAll();
}

absl::Status DBImpl::WaitForOthers() {
  while (!running_.empty() && !closing_) {
    done_.Wait(&mutex_);
  }
  return closing_ ? absl::CancelledError("the store closes") : CheckWritable();
}

absl::Status DBImpl::WaitForCompactions() {
  absl::MutexLock lock(&mutex_);
  while (!closing_ && read_only_.ok() && compaction_error_.ok() && flush_error_.ok() &&
         (!running_.empty() || manual_compactions_ > 0 || !immutables_.empty() || removing_logs_ ||
          IsCompactionDue())) {
    done_.Wait(&mutex_);
  }
  return read_only_.ok() ? compaction_error_ : CheckWritable();
}

}  // namespace fathom
