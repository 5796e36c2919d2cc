// Compaction, on threads of its own or in a caller's: pick -> run -> manifest -> view -> inputs
// away. The work itself is in lsm/compaction; here is what ties it to the store. Also the one way
// in which the manifest and the version change.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "lsm/compaction/compaction_job.h"
#include "lsm/db_impl.h"

namespace fathom {

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

bool DBImpl::CanCompact() const {
  // After an error the next flush, or a manual compaction, is the occasion to try again.
  return read_only_.ok() && compaction_error_.ok() && manual_compactions_ == 0;
}

absl::Status DBImpl::Compact(Compaction compaction, bool move, CompactionResult* result) {
  running_.push_back(&compaction);
  absl::Status status = move ? MoveTable(compaction) : MergeTables(compaction, result);
  {
    // This may be the last to let go of the inputs, and removing files takes time.
    const std::shared_ptr<const Version> version = std::move(compaction.version);
    Version::Tables inputs = std::move(compaction.sources);
    std::ranges::move(compaction.targets, std::back_inserter(inputs));
    compaction.targets.clear();
    mutex_.Unlock();
  }
  mutex_.Lock();
  std::erase(running_, &compaction);
  compaction_work_.SignalAll();  // what conflicted may run now
  done_.SignalAll();
  return status;
}

absl::Status DBImpl::MoveTable(const Compaction& compaction) {
  const std::shared_ptr<LiveTable>& table = compaction.sources.front();
  VersionEdit edit;
  edit.removed_tables.emplace_back(compaction.source_level, table->meta().number);
  edit.added_tables.emplace_back(compaction.target_level, table->meta());
  absl::Status status = ApplyEdit(&edit, {table}, /*flushed_oldest=*/false);
  if (status.ok()) {
    ++moves_;
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
  for (const std::shared_ptr<LiveTable>& table : compaction.sources) {
    edit.removed_tables.emplace_back(compaction.source_level, table->meta().number);
  }
  for (const std::shared_ptr<LiveTable>& table : compaction.targets) {
    edit.removed_tables.emplace_back(compaction.target_level, table->meta().number);
  }
  for (const std::shared_ptr<LiveTable>& table : output->tables) {
    edit.added_tables.emplace_back(compaction.target_level, table->meta());
  }
  absl::Status status = ApplyEdit(&edit, output->tables, /*flushed_oldest=*/false);
  if (!status.ok()) {
    return status;  // the outputs may be named by now: they stay
  }
  for (const Version::Tables* inputs : {&compaction.sources, &compaction.targets}) {
    for (const std::shared_ptr<LiveTable>& table : *inputs) {
      table->MarkObsolete();
    }
  }
  *result = CompactionResult{compaction.sources.size() + compaction.targets.size(),
                             output->tables.size(),
                             output->shadowed,
                             output->tombstones,
                             output->bytes_read,
                             output->bytes_written};
  ++compactions_;
  compacted_.Add(*result);
  Log(absl::StrCat(home_.dir, ": compacted ", result->tables_merged, " tables of levels ",
                   compaction.source_level, " and ", compaction.target_level, " into ",
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

absl::Status DBImpl::ApplyEdit(VersionEdit* edit, const Version::Tables& added,
                               bool flushed_oldest) {
  // One at a time, in the order in which they come; the disk is waited for without the lock.
  while (manifest_busy_) {
    done_.Wait(&mutex_);
  }
  if (!read_only_.ok()) {
    return read_only_;
  }
  manifest_busy_ = true;
  edit->next_file_number = next_file_number_;
  edit->next_table_number = next_table_number_;
  ManifestWriter* const manifest = manifest_.get();
  // A table that only moves has its name already.
  const bool new_names = std::ranges::any_of(added, [&now = *version_](const auto& table) {
    int level = 0;
    return now.Find(table->meta().FileName(), &level) == nullptr;
  });
  mutex_.Unlock();
  absl::Status status = new_names ? SyncNames() : absl::OkStatus();
  if (status.ok()) {
    status = manifest->Append(*edit);
  }
  mutex_.Lock();
  manifest_busy_ = false;
  done_.SignalAll();
  if (!status.ok()) {
    SetReadOnly(status);
    return status;
  }
  version_ = version_->With(*edit, added);
  if (flushed_oldest) {
    immutables_.pop_front();  // in the same step that brings its table into the view
  }
  UpdateThrottle();
  InstallView();
  return absl::OkStatus();
}

absl::Status DBImpl::SyncNames() {
  absl::MutexLock lock(&names_mutex_);
  if (names_status_.ok()) {
    names_status_ = fs_->SyncDir(home_.dir);
  }
  return names_status_;
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
  CompactionResult result;
  const absl::Status status = CompactAlone(
      source_level, target_level, [](const Version::Tables& all) { return all; }, &result);
  if (!status.ok()) {
    return status;
  }
  return result;
}

absl::Status DBImpl::CompactAlone(int source_level, int target_level, const TableChoice& choose,
                                  CompactionResult* result) {
  ++manual_compactions_;
  while (!running_.empty() && !closing_) {
    done_.Wait(&mutex_);
  }
  absl::Status status = closing_ ? absl::CancelledError("the store closes") : read_only_;
  if (status.ok()) {
    Version::Tables sources = choose(version_->level(source_level));
    if (!sources.empty()) {
      status = Compact(MakeCompaction(version_, source_level, target_level, std::move(sources)),
                       /*move=*/false, result);
    }
  }
  --manual_compactions_;
  compaction_error_ = absl::OkStatus();
  compaction_work_.SignalAll();
  done_.SignalAll();
  return status;
}

absl::Status DBImpl::CompactAll() {
  uint64_t first_new_table = 0;
  {
    absl::MutexLock lock(&mutex_);
    first_new_table = next_table_number_;
  }
  absl::Status status = Flush().status();
  // Again if a table moved down meanwhile, past the level that was at hand.
  for (bool more = true; more && status.ok();) {
    status = CompactLevels(first_new_table);
    absl::MutexLock lock(&mutex_);
    more = false;
    for (int level = 0; level < kNumLevels; ++level) {
      more |= std::ranges::any_of(version_->level(level), [&](const auto& table) {
        return table->meta().number < first_new_table;
      });
    }
  }
  return status;
}

absl::Status DBImpl::CompactLevels(uint64_t first_new_table) {
  absl::Status status;
  for (int level = 0; status.ok(); ++level) {
    {
      absl::MutexLock lock(&mutex_);
      const int deepest = version_->DeepestLevel();
      if (level >= std::max(deepest, 1)) {
        return RewriteOldTables(deepest, first_new_table);
      }
    }
    status = CompactLevel(level, level + 1).status();
  }
  return status;
}

absl::Status DBImpl::RewriteOldTables(int level, uint64_t first_new_table) {
  // Nothing from above overlapped them, but they may hold tombstones and shadowed versions of their
  // own. One at a time: an output must not span a table that stays.
  bool more = level > 0;
  const auto first_old = [&](const Version::Tables& all) {
    const auto old = std::ranges::find_if(all, [&](const std::shared_ptr<LiveTable>& table) {
      return table->meta().number < first_new_table;
    });
    more = old != all.end();
    return more ? Version::Tables{*old} : Version::Tables();
  };
  absl::Status status;
  while (more && status.ok()) {
    CompactionResult result;
    status = CompactAlone(level, level, first_old, &result);
  }
  return status;
}

absl::Status DBImpl::WaitForCompactions() {
  absl::MutexLock lock(&mutex_);
  while (!closing_ && read_only_.ok() && compaction_error_.ok() && flush_error_.ok() &&
         (!running_.empty() || manual_compactions_ > 0 || !immutables_.empty() ||
          (options_.compaction_threads > 0 &&
           PickCompaction(version_, level_targets_, running_).has_value()))) {
    done_.Wait(&mutex_);
  }
  return read_only_.ok() ? compaction_error_ : read_only_;
}

}  // namespace fathom
