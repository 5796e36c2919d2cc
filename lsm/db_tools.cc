// What is asked of a store besides reading and writing: checkpoints, verification, figures.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "lsm/db_impl.h"
#include "lsm/format/file_names.h"
#include "lsm/manifest/manifest.h"
#include "lsm/store_files.h"

namespace fathom {
namespace {

// Links the tables of `version` into `dir` and writes a manifest that names them.
absl::Status FillCheckpoint(FileSystem* fs, const std::string& from, const std::string& dir,
                            const Version& version) {
  ManifestState state;
  VersionEdit edit;
  for (int level = 0; level < kNumLevels; ++level) {
    for (const std::shared_ptr<LiveTable>& table : version.level(level)) {
      const TableMeta& meta = table->meta();
      absl::Status status = fs->Link(absl::StrCat(from, "/", meta.FileName()),
                                     absl::StrCat(dir, "/", meta.FileName()));
      if (!status.ok()) {
        return status;
      }
      edit.added_tables.emplace_back(level, meta);
      edit.next_table_number = std::max(edit.next_table_number.value_or(1), meta.number + 1);
      edit.last_sequence = std::max(edit.last_sequence.value_or(0), meta.largest_sequence);
    }
  }
  constexpr uint64_t kManifestNumber = 1;
  edit.next_file_number = kManifestNumber + 1;
  absl::Status status = state.Apply(edit);
  if (!status.ok()) {
    return status;
  }
  status = fs->SyncDir(dir);  // the manifest is about to name the tables
  if (!status.ok()) {
    return status;
  }
  absl::StatusOr<std::unique_ptr<ManifestWriter>> manifest =
      ManifestWriter::Create(fs, dir, kManifestNumber, state);
  return manifest.ok() ? (*manifest)->Close() : manifest.status();
}

// Removes what an unfinished checkpoint left in `dir`; files of others stay, and so does `dir`
// then.
void RemoveUnfinished(FileSystem* fs, const std::string& dir) {
  const absl::StatusOr<std::vector<std::string>> names = fs->List(dir);
  if (!names.ok()) {
    return;
  }
  for (const std::string& name : *names) {
    if (ParseFileName(name).has_value()) {
      fs->Remove(absl::StrCat(dir, "/", name)).IgnoreError();
    }
  }
  fs->RemoveDir(dir).IgnoreError();
}

}  // namespace

absl::Status DBImpl::Checkpoint(const std::string& dir) {
  if (fs_->List(dir).ok() || fs_->FileSize(dir).ok()) {
    return absl::AlreadyExistsError(absl::StrCat(dir, ": exists; expected a new directory"));
  }
  absl::Status status = Flush().status();
  if (!status.ok()) {
    return status;
  }
  // It gets its name when it is whole.
  const std::string unfinished = absl::StrCat(dir, ".unfinished");
  RemoveUnfinished(fs_, unfinished);
  status = fs_->CreateDir(unfinished);
  if (!status.ok()) {
    return status;
  }
  const std::shared_ptr<const View> view = views_.Share();  // keeps the files
  status = FillCheckpoint(fs_, home_.dir, unfinished, *view->version);
  if (status.ok()) {
    status = fs_->Rename(unfinished, dir);
  }
  if (!status.ok()) {
    RemoveUnfinished(fs_, unfinished);
    return status;
  }
  return fs_->SyncDir(ParentOf(dir));
}

absl::StatusOr<VerifyReport> DBImpl::Verify() {
  const std::shared_ptr<const View> view = views_.Share();
  VerifyReport report;
  const absl::Status order = view->version->Check();
  if (!order.ok()) {
    report.problems.emplace_back(order.message());
  }
  for (int level = 0; level < kNumLevels; ++level) {
    for (const std::shared_ptr<LiveTable>& table : view->version->level(level)) {
      const absl::StatusOr<TableCheck> check = CheckLiveTable(*table);
      ++report.files;
      if (absl::IsDataLoss(check.status())) {
        report.problems.emplace_back(check.status().message());
        continue;
      }
      if (!check.ok()) {
        return check.status();
      }
      report.blocks += check->blocks;
      report.bytes += check->bytes;
      report.entries += check->entries;
    }
  }
  return report;
}

std::vector<LevelInfo> DBImpl::Levels() const {
  const ViewHolder::Pin view(views_);
  std::vector<LevelInfo> levels;
  levels.reserve(kNumLevels);
  for (int level = 0; level < kNumLevels; ++level) {
    levels.push_back(LevelInfo{level, view->version->level(level).size(),
                               view->version->LevelBytes(level),
                               level_targets_.max_bytes[static_cast<size_t>(level)], level > 0});
  }
  return levels;
}

Stats DBImpl::GetStats() const {
  Stats s;
  s.puts = counters_.puts;
  s.deletes = counters_.deletes;
  s.range_deletes = counters_.range_deletes;
  s.batches = counters_.batches;
  s.iterators = counters_.iterators;
  s.user_bytes = counters_.user_bytes;
  s.log_bytes = counters_.log_bytes;
  s.log_syncs = counters_.log_syncs;
  read_tallies_.Sum(&s);
  s.last_sequence = last_sequence_;

  const BlockCache::Counters cache = cache_.counters();
  s.cache_hits = cache.hits;
  s.cache_misses = cache.misses;
  s.cache_evictions = cache.evictions;
  s.cache_bytes = cache.bytes;
  s.index_cache_bytes = index_budget_.taken();

  absl::MutexLock lock(&mutex_);
  s.flushes = flushes_;
  s.flushed_entries = flushed_entries_;
  s.flushed_bytes = flushed_bytes_;
  s.memtable_waits = memtable_waits_;
  s.level0_waits = level0_waits_;
  s.slowdowns = slowdowns_;
  for (const WaitCount& wait : {memtable_waits_, level0_waits_, slowdowns_}) {
    s.write_waits += wait.count;
    s.write_wait_micros += wait.micros;
  }
  s.moves = moves_;
  s.compactions = compactions_;
  s.compacted = compacted_;
  s.running_compactions = running_.size();
  s.compaction_debt_bytes = CompactionDebt(*version_, level_targets_);
  s.snapshots = snapshots_.size();
  s.memtable_entries = memtable_->entries();
  s.memtable_bytes = memtable_->charge();
  s.memtable_memory_bytes = memtable_->memory_bytes() + arena_blocks_->memory_bytes();
  s.immutable_memtables = immutables_.size();
  for (const Immutable& immutable : immutables_) {
    s.memtable_memory_bytes += immutable.memtable->memory_bytes();
  }
  for (const double score : LevelScores(*version_, level_targets_)) {
    s.pending_compactions += score >= 1 ? 1 : 0;
  }
  for (int level = 0; level < kNumLevels; ++level) {
    s.tables += version_->level(level).size();
    s.table_bytes += version_->LevelBytes(level);
    if (level == version_->DeepestLevel()) {
      s.deepest_level_bytes = version_->LevelBytes(level);
    }
    for (const std::shared_ptr<LiveTable>& table : version_->level(level)) {
      if (const TableReader* const reader = table->reader_if_open(); reader != nullptr) {
        s.table_memory_bytes += reader->memory_bytes();
      }
    }
  }
  return s;
}

}  // namespace fathom
