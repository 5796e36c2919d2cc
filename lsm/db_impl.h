// The engine behind lsm/db.h. Its paths, each with a source file of its own:
//
//   db_recovery.cc  open: manifest -> tables there? -> logs -> memtables; at the first write, or
//                   where there is something to note: new log and manifest
//   db_write.cc     queue -> log -> memtable; the memtable switch
//   db_flush.cc     immutable memtable -> table -> manifest -> view; closing
//   db_compact.cc   pick -> merge -> manifest -> view -> inputs removed
//   db_ingest.cc    files of others -> merge -> tables -> manifest -> view
//   db_read.cc      view -> route -> memtables -> tables; iterators; snapshots
//   db_manifest.cc  ApplyEdit: names -> edit -> version -> view
//   db_tools.cc     checkpoint, verification, figures
//
// Invariants (numbers of the design's rules in brackets):
//   1. Writers form a queue; only the front one touches log_ and the active memtable.
//   2. last_sequence_ is published after all entries up to it are in the memtable. A reader takes
//      its view first and the sequence second: of what the sequence can see the view lacks at most
//      what was written after the view was replaced, and then the read is as of that moment.
//   3. A frozen memtable stays in the view until its table is live, and the log that holds its
//      writes stays on disk until then [4].
//   4. version_ and the manifest change in ApplyEdit alone, one edit at a time, manifest first.
//   5. read_only_ is set by the first failed write to the log or the manifest, or sync of the
//      directory, for good [8].
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "lsm/compaction/compaction.h"
#include "lsm/compaction/full_compaction.h"
#include "lsm/compaction/picker.h"
#include "lsm/compaction/table_writer.h"
#include "lsm/db.h"
#include "lsm/io/file_system.h"
#include "lsm/manifest/manifest.h"
#include "lsm/manifest/version.h"
#include "lsm/memtable/memtable.h"
#include "lsm/read_tallies.h"
#include "lsm/table/block_cache.h"
#include "lsm/view.h"
#include "lsm/wal/log_writer.h"
#include "lsm/write_throttle.h"

namespace fathom {

class DBImpl final : public DB {
 public:
  DBImpl(const Options& options, std::string dir);
  ~DBImpl() override;

  // The whole of DB::Open. REQUIRES: called once, before anything else.
  absl::Status Recover() ABSL_LOCKS_EXCLUDED(mutex_);

  absl::Status Put(const WriteOptions& options, absl::string_view key,
                   absl::string_view value) override;
  absl::Status Delete(const WriteOptions& options, absl::string_view key) override;
  absl::Status DeleteRange(const WriteOptions& options, absl::string_view begin,
                           absl::string_view end) override;
  absl::Status Write(const WriteOptions& options, const WriteBatch& batch) override;
  absl::Status SyncLog() override;
  absl::Status Get(const ReadOptions& options, absl::string_view key, std::string* value) override;
  absl::StatusOr<ReadResult> Read(const ReadOptions& options, absl::string_view key,
                                  std::string* value) override;
  absl::StatusOr<ReadResult> ReadTable(const ReadOptions& options, absl::string_view table,
                                       absl::string_view key, std::string* value) override;
  std::vector<absl::Status> MultiGet(const ReadOptions& options,
                                     const std::vector<absl::string_view>& keys,
                                     std::vector<std::string>* values) override;
  std::shared_ptr<const Snapshot> GetSnapshot() override;
  std::unique_ptr<Iterator> NewIterator(const ReadOptions& options, ReadCost* cost) override;
  std::unique_ptr<Iterator> NewMemtableIterator() override;
  absl::StatusOr<FlushResult> Flush() override;
  absl::StatusOr<IngestResult> Ingest(const std::vector<std::string>& files) override
      ABSL_LOCKS_EXCLUDED(ingest_mutex_, mutex_);
  absl::StatusOr<CompactionResult> CompactLevel(int source_level, int target_level) override;
  absl::Status CompactAll() override;
  absl::Status WaitForCompactions() override;
  absl::Status Checkpoint(const std::string& dir) override;
  absl::StatusOr<VerifyReport> Verify() override;
  std::vector<LevelInfo> Levels() const override;
  Stats GetStats() const override;
  const RecoveryReport& recovery() const override { return recovery_; }
  bool NeverWritten() const override { return last_sequence_.load() == 0; }
  absl::Status Close() override;

 private:
  // Tables that an Ingest wrote, and what became of them.
  struct Ingested {
    Version::Tables tables;  // in key order; table i holds versions of sequence first_sequence + i
    SequenceNumber first_sequence = 0;
    int level = 0;              // where they are meant to stand, and stand in the end
    bool overtaken = false;     // writers have used the sequence numbers
    bool may_be_named = false;  // the manifest may name them by now
  };

  // A call that waits in the queue. Without a batch it is there for the queue's exclusion alone: a
  // SyncLog; a Flush, which switches the memtable; or an Ingest, which does so too.
  struct Writer {
    const WriteBatch* batch = nullptr;
    Durability durability = Durability::kBuffered;
    bool switch_memtable = false;
    Ingested* ingested = nullptr;  // to make live
    // Of one that switches: what to wait for; null if there was nothing to flush.
    std::shared_ptr<FlushResult> flushed;
    SequenceNumber flushed_through = 0;

    absl::Status status;
    bool done = false;
    absl::CondVar wake;
  };

  // A frozen memtable on its way to a table.
  struct Immutable {
    std::shared_ptr<MemTable> memtable;
    uint64_t log_number;  // the first log that holds its writes
    SequenceNumber last_sequence;
    std::shared_ptr<FlushResult> result;  // filled in when its table is live
  };

  std::string Path(absl::string_view name) const;
  void Log(absl::string_view line) const;

  // --- recovery
  absl::Status LockDirectory();
  absl::StatusOr<ManifestState> ReadOrCreateManifest() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status FindTables(const ManifestState& state) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // `names` are those of the files in the directory.
  absl::Status ReplayLogs(const std::vector<std::string>& names, ManifestState* state)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Unless it was done: a new log, and a manifest that begins with what recovery found. A store
  // that was closed well gets neither before its first write, so that who only reads waits for no
  // sync. After an error that leaves the manifest in doubt the store is read-only. REQUIRES: the
  // caller is the front writer, or Recover.
  absl::Status StartWriting() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Makes the names durable that those of the files replace, and removes these; the error is that
  // of the sync.
  absl::Status RemoveUnnamedFiles(const std::vector<std::string>& names)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Unless they run. Called when there is first something for them to do: a store that is only read
  // has none.
  void StartThreads() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // --- reading At `snapshot`, or now.
  SequenceNumber SequenceOf(const ReadOptions& options) const;
  absl::StatusOr<ReadResult> ReadView(const ViewHolder::Pin& view, const ReadOptions& options,
                                      SequenceNumber sequence, absl::string_view key,
                                      std::string* value);
  std::unique_ptr<Iterator> IteratorOver(std::shared_ptr<const View> view,
                                         const ReadOptions& options, bool tables, ReadCost* cost);

  // --- writing
  absl::Status JoinQueue(Writer* writer) ABSL_LOCKS_EXCLUDED(mutex_);
  // The front writer's work, for itself and all that ride with it.
  absl::Status LeadGroup(Writer* leader, Writer** last) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::string_view GatherGroup(Writer* leader, Writer** last, uint32_t* count)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::shared_ptr<MemTable> NewMemtable(std::string prefix) const {
    return std::make_shared<MemTable>(options_.memtable_bytes, std::move(prefix), arena_blocks_);
  }
  bool IsFull(const MemTable& memtable) const {
    return memtable.charge() >= options_.memtable_bytes || memtable.has_many_range_tombstones();
  }
  absl::Status MakeRoom(bool force) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Adds how long it waited, for either reason.
  absl::Status FindRoom(bool force, absl::Duration* for_flush, absl::Duration* for_compaction)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void WaitForRoom(absl::Duration* waited) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void SlowDown(size_t bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void CountWait(absl::string_view reason, absl::Duration waited, WaitCount* count)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void SyncLoop() ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status SwitchMemtable() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void FreezeMemtable() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status AppendToLog(absl::string_view group, Durability durability)
      ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status SyncAllLogs() ABSL_LOCKS_EXCLUDED(mutex_);
  absl::StatusOr<std::unique_ptr<LogWriter>> NewLog(uint64_t number, uint64_t previous_number,
                                                    uint64_t previous_length);
  // FailedPrecondition, with the cause, if the store is read-only.
  absl::Status CheckWritable() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void SetReadOnly(const absl::Status& cause) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // --- flushing
  void FlushLoop() ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status FlushOldest() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Writes what `memtable` holds, as far as anybody can see it, to level-0 table `number`, durable
  // but for its name.
  absl::StatusOr<std::shared_ptr<LiveTable>> WriteTable(
      const MemTable& memtable, uint64_t number, const std::vector<SequenceNumber>& snapshots,
      FlushResult* result);
  bool CanFlush() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return !immutables_.empty() && flush_error_.ok() && read_only_.ok();
  }
  // Waits until no memtable is left that was frozen with writes up to `through`.
  absl::Status WaitForFlush(SequenceNumber through) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void InstallView() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // --- ingesting
  class OutputTables;
  // Writes what `files` hold to tables, durable and open. They are in `*ingested` also on error.
  absl::Status WriteIngested(const std::vector<std::string>& files, uint64_t reserve,
                             Ingested* ingested) ABSL_LOCKS_EXCLUDED(mutex_);
  // The front writer's work: makes the tables live. REQUIRES: the memtable is empty.
  absl::Status InstallIngested(Ingested* ingested) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The deepest level on which tables in `range` may stand that are newer than all else.
  int LevelForNewest(const KeyRange& range) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // --- compaction
  // How tables that are written to `level` of `version` are compressed.
  Compression CompressionFor(int level, const Version& version) const;
  uint64_t NewTableNumber() ABSL_LOCKS_EXCLUDED(mutex_);
  void CompactionLoop() ABSL_LOCKS_EXCLUDED(mutex_);
  bool CanCompact() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // For the threads, if there are to be any.
  bool IsCompactionDue() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Compact(Compaction compaction, bool move, CompactionResult* result)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status MoveTables(const Compaction& compaction) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status MergeTables(const Compaction& compaction, CompactionResult* result)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Between these two, also if the first fails, the caller's compactions are the only ones. Errors
  // of the first are those of WaitForOthers.
  absl::Status BeginManualCompaction() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void EndManualCompaction() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Until nothing is in the way of a manual compaction, not even tables that are being ingested.
  absl::Status WaitForOthers() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Takes the next step of `full`. `*more` becomes false if there is none.
  absl::Status TakeStep(FullCompaction* full, bool* more) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void UpdateThrottle() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // --- what the store consists of
  // Makes the names of new tables durable, then `edit`, then the version and the view that readers
  // see. `added` as in Version::With. With `flushed_oldest` the oldest immutable memtable leaves
  // in the same step.
  absl::Status ApplyEdit(VersionEdit* edit, const Version::Tables& added, bool flushed_oldest)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Begins a manifest with what the one in force adds up to, which goes then. It is read for that:
  // damage to it is found while memory still knows better than the disk, and makes the store
  // read-only, as an error in naming the new one does. Where it cannot be read now, or the new one
  // not be written, it stays: nothing has changed. REQUIRES: the caller has made the manifest busy.
  void RenewManifest() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<std::unique_ptr<ManifestWriter>> WriteAnew(const ManifestWriter& old,
                                                            uint64_t number) const
      ABSL_LOCKS_EXCLUDED(mutex_);
  // Makes durable what names the directory has. What a failed sync leaves of them is not known, not
  // even of a log's; so it is never made again, and all who ask later get its error.
  absl::Status SyncNames() ABSL_LOCKS_EXCLUDED(names_mutex_);

  absl::Status CloseFiles() ABSL_LOCKS_EXCLUDED(mutex_);
  // Lets go of the lock meanwhile: the file system takes its time.
  void RemoveOldLogs(uint64_t before) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Constant after construction or recovery.
  const Options options_;
  FileSystem* const fs_;
  LevelTargets level_targets_;
  RecoveryReport recovery_;
  std::unique_ptr<FileLock> lock_;

  // With a synchronisation of their own.
  BlockCache cache_;
  IndexBudget index_budget_;
  const std::shared_ptr<ArenaBlocks> arena_blocks_;  // of a memtable that is gone, for the next
  const TableHome home_;  // the store's directory, file system and caches
  ViewHolder views_;
  std::atomic<SequenceNumber> last_sequence_{0};
  struct Counters {
    std::atomic<uint64_t> puts{0}, deletes{0}, range_deletes{0}, batches{0}, iterators{0};
    std::atomic<uint64_t> user_bytes{0}, log_bytes{0}, log_syncs{0};
  };
  Counters counters_;
  ReadTallies read_tallies_;

  // The front writer's own (invariant 1).
  std::unique_ptr<LogWriter> log_;  // null before StartWriting
  bool log_named_ = false;          // the log's directory entry is durable
  std::string group_;               // the bytes of a group of batches

  absl::Mutex ingest_mutex_ ABSL_ACQUIRED_BEFORE(mutex_);  // held throughout an Ingest
  absl::Mutex names_mutex_;  // held while the disk is waited for, and no other then
  absl::Status names_status_ ABSL_GUARDED_BY(names_mutex_);

  mutable absl::Mutex mutex_;
  absl::CondVar flush_work_;       // there may be something to flush
  absl::CondVar compaction_work_;  // there may be something to compact
  absl::CondVar sync_work_;        // the store closes
  absl::CondVar done_;             // a flush, a compaction or an edit ended, well or not
  std::deque<Writer*> writers_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<MemTable> memtable_ ABSL_GUARDED_BY(mutex_);
  uint64_t memtable_log_ ABSL_GUARDED_BY(mutex_) = 0;         // the first log that holds its writes
  std::deque<Immutable> immutables_ ABSL_GUARDED_BY(mutex_);  // oldest first
  std::shared_ptr<const Version> version_ ABSL_GUARDED_BY(mutex_);
  // Logs of frozen memtables that were not synced; dropped once their tables are live.
  std::vector<std::unique_ptr<LogWriter>> old_logs_ ABSL_GUARDED_BY(mutex_);
  std::vector<uint64_t> logs_on_disk_ ABSL_GUARDED_BY(mutex_);        // ascending
  ManifestState recovered_ ABSL_GUARDED_BY(mutex_);                   // until StartWriting
  uint64_t manifest_number_ ABSL_GUARDED_BY(mutex_) = 0;              // the one in force; 0: none
  std::unique_ptr<ManifestWriter> manifest_ ABSL_GUARDED_BY(mutex_);  // null before StartWriting
  uint64_t next_file_number_ ABSL_GUARDED_BY(mutex_) = 1;
  uint64_t next_table_number_ ABSL_GUARDED_BY(mutex_) = 1;
  absl::Status read_only_ ABSL_GUARDED_BY(mutex_);    // why, if it is
  absl::Status flush_error_ ABSL_GUARDED_BY(mutex_);  // of the last flush; cleared to try again
  uint64_t flushes_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t flushed_entries_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t flushed_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  bool manifest_busy_ ABSL_GUARDED_BY(mutex_) = false;  // ApplyEdit writes
  bool removing_logs_ ABSL_GUARDED_BY(mutex_) = false;
  std::multiset<SequenceNumber> snapshots_ ABSL_GUARDED_BY(mutex_);
  std::vector<const Compaction*> running_ ABSL_GUARDED_BY(mutex_);
  int manual_compactions_ ABSL_GUARDED_BY(mutex_) = 0;     // that run or wait for the others
  bool manual_runs_ ABSL_GUARDED_BY(mutex_) = false;       // between Begin- and EndManualCompaction
  absl::Status compaction_error_ ABSL_GUARDED_BY(mutex_);  // of the last one; cleared to try again
  WriteThrottle throttle_ ABSL_GUARDED_BY(mutex_);
  size_t unpaid_bytes_ ABSL_GUARDED_BY(mutex_) = 0;  // that rode with the last leader
  uint64_t moves_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t compactions_ ABSL_GUARDED_BY(mutex_) = 0;
  CompactionResult compacted_ ABSL_GUARDED_BY(mutex_);
  WaitCount memtable_waits_ ABSL_GUARDED_BY(mutex_);
  WaitCount level0_waits_ ABSL_GUARDED_BY(mutex_);
  WaitCount slowdowns_ ABSL_GUARDED_BY(mutex_);
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  std::atomic<bool> cancel_{false};  // the store closes: compactions give up
  std::vector<std::thread> background_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace fathom
