// Fathom's storage engine: an ordered map from byte strings to byte strings in a directory on disk.
//
//   absl::StatusOr<std::unique_ptr<DB>> db = DB::Open(Options(), "/tmp/store");
//   absl::Status s = (*db)->Put(WriteOptions(), "key", "value");
//   std::string value;
//   s = (*db)->Get(ReadOptions(), "key", &value);    // NotFound if there is no
//   such key
//
// Files are mapped, so a disk that fails raises SIGBUS: the first mapping installs a handler that
// makes an error of it, and hands other faults on to the handler before (lsm/io/file_mapping.h). A
// program that has a handler of its own installs it before it opens a store.
//
// Keys are ordered by their bytes (unsigned); any bytes will do, the empty string too.
//
// Thread safe: any number of threads may call any method but Close and the destructor. Reads take
// none of the store's locks: only the first of a table that table's, and each that looks for a data
// block that of a part of the cache. Writes queue, and one thread writes for all that wait.
//
// Errors, for every method: DataLoss for damaged bytes (names file, offset, expected and found),
// ResourceExhausted for a full disk, InvalidArgument for a key or value over its limit, and
// FailedPrecondition once a write to the log or the manifest has failed: the store is then
// read-only until it is opened again, because what the disk holds is not known.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "lsm/iterator.h"
#include "lsm/options.h"
#include "lsm/stats.h"
#include "lsm/write_batch.h"

namespace fathom {

class DB {
 public:
  // Opens the store in `dir` (made if missing, its parent must exist) and recovers what a crash
  // left. Of tables it only looks whether they are there, and whole by their length: a damaged one
  // is DataLoss to who first reads it, and to Verify. Unavailable if another process or object has
  // it open; InvalidArgument as CheckOptions. A store that was closed well is not changed before
  // its first write, which makes a new log and manifest.
  static absl::StatusOr<std::unique_ptr<DB>> Open(const Options& options, const std::string& dir);

  // Closes as Close does; an error is then only told to Options::log.
  virtual ~DB() = default;

  virtual absl::Status Put(const WriteOptions& options, absl::string_view key,
                           absl::string_view value) = 0;
  // Deleting a key that does not exist is OK.
  virtual absl::Status Delete(const WriteOptions& options, absl::string_view key) = 0;
  // Deletes every key in [begin, end), existing or not, in one write: it costs a log record of the
  // two keys, however many keys go, and is there whole or not at all. InvalidArgument if `begin` is
  // after `end`; nothing to do if they are equal. What it deletes takes room until compactions come
  // by. Reads pay a little for each range that lies over the key; a scan seeks over what is deleted
  // on the levels below the range, and steps over what is beside it.
  virtual absl::Status DeleteRange(const WriteOptions& options, absl::string_view begin,
                                   absl::string_view end) = 0;
  // All of `batch` or nothing, also after a crash. If an error is returned, the batch may or may
  // not be there after the store is opened again; until then it is not. An empty batch is OK.
  virtual absl::Status Write(const WriteOptions& options, const WriteBatch& batch) = 0;

  // Makes every write that was acknowledged before the call survive a power loss.
  virtual absl::Status SyncLog() = 0;

  // NotFound if `key` does not exist; `*value` is then unspecified.
  virtual absl::Status Get(const ReadOptions& options, absl::string_view key,
                           std::string* value) = 0;
  // The same, telling where the answer came from and what it cost; an absent key is not an error.
  virtual absl::StatusOr<ReadResult> Read(const ReadOptions& options, absl::string_view key,
                                          std::string* value) = 0;
  // Looks `key` up in one live table by its file name ("L0_001.sst"); NotFound if there is no such
  // table.
  virtual absl::StatusOr<ReadResult> ReadTable(const ReadOptions& options, absl::string_view table,
                                               absl::string_view key, std::string* value) = 0;

  // One lookup for each of `keys`, all of the same moment. `values` is resized to as many; a status
  // that is not OK is as Get's.
  virtual std::vector<absl::Status> MultiGet(const ReadOptions& options,
                                             const std::vector<absl::string_view>& keys,
                                             std::vector<std::string>* values) = 0;

  virtual std::shared_ptr<const Snapshot> GetSnapshot() = 0;

  // Over the whole store. `cost` (may be null) counts the blocks that it reads and must outlive it.
  virtual std::unique_ptr<Iterator> NewIterator(const ReadOptions& options,
                                                ReadCost* cost = nullptr) = 0;
  // Over the keys whose newest version is in a memtable.
  virtual std::unique_ptr<Iterator> NewMemtableIterator() = 0;

  // Writes what the memtables hold to level 0 and waits for it, but not until the logs are removed
  // that held it: WaitForCompactions does. With an empty memtable it writes nothing and answers an
  // empty table name.
  virtual absl::StatusOr<FlushResult> Flush() = 0;

  // Makes what finished table files hold part of the store, all or nothing, also after a crash: as
  // if one batch had written all their entries, tombstones too, after everything acknowledged
  // before. Of versions of one key the newest in its file counts, and of files the later one; what
  // a file deletes in a range is what was there before, in the store and in earlier files. The
  // files may be RocksDB's or another Fathom's (lsm/table/README.md); they are only read, through
  // Options::file_system. When the call returns OK, the entries and all writes before them are
  // durable. Other calls may go on meanwhile; writers wait only for a flush at the end. Errors
  // change nothing: DataLoss for a damaged file, InvalidArgument for one that uses what is not
  // supported, NotFound for a missing one, and as for writes.
  virtual absl::StatusOr<IngestResult> Ingest(const std::vector<std::string>& files) = 0;

  // Merges all of `source_level` into `target_level`, in the calling thread, after the compactions
  // that run. The target is the next level, or the source itself if that is the deepest level with
  // a table: its tombstones go then. InvalidArgument for any other. An empty source does nothing.
  virtual absl::StatusOr<CompactionResult> CompactLevel(int source_level, int target_level) = 0;
  // Flushes, and brings everything down into one level without tombstones or shadowed versions.
  // Tables that have none, and overlap no other, are not rewritten (compaction/full_compaction.h).
  virtual absl::Status CompactAll() = 0;
  // Waits until no compaction runs and none is due, nothing is left to be flushed, and the logs of
  // what was flushed are removed; the error of the last compaction that failed, if it did.
  virtual absl::Status WaitForCompactions() = 0;

  // Makes in `dir` (which must not exist; its parent must) a store that opens by itself and holds
  // what this one holds now. Tables are shared by hard links, so it takes hardly any space or time.
  virtual absl::Status Checkpoint(const std::string& dir) = 0;

  // Reads every byte of every live table from disk, past the cache, and checks it, and the order of
  // the levels. Damage is in the report; an error means that the check itself could not be made.
  virtual absl::StatusOr<VerifyReport> Verify() = 0;

  // Level 0 first, all levels that the store can have.
  virtual std::vector<LevelInfo> Levels() const = 0;
  virtual Stats GetStats() const = 0;
  virtual const RecoveryReport& recovery() const = 0;
  // True if no write was ever made to this store, in any process.
  virtual bool NeverWritten() const = 0;

  // Makes the log durable, stops the background work and releases the lock. No iterator or snapshot
  // may be alive and no other call under way. Called at most once; later calls on the store are not
  // allowed.
  virtual absl::Status Close() = 0;
};

}  // namespace fathom
