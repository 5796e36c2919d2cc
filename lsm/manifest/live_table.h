// A table that at least one version names: its metadata, and its reader, which is opened when it is
// first asked for. The last owner to let go closes the file, and removes it if compaction has made
// it obsolete.
//
// Invariants:
//   1. The file is opened successfully once at most. An attempt that fails is the caller's error,
//      and the next caller tries again.
//   2. Nobody gets a reader that was not compared with the metadata: the length of the file, the
//      hash of its tail, and the ranges that it deletes.
//
// Thread safe.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "lsm/io/file_system.h"
#include "lsm/manifest/table_meta.h"
#include "lsm/table/block_cache.h"
#include "lsm/table/table_reader.h"

namespace fathom {

class LiveTable {
 public:
  // The table of `meta` in `dir`, whose file is not touched yet. `fs` is not owned; it and `caches`
  // must outlive the table.
  LiveTable(FileSystem* fs, const std::string& dir, TableMeta meta, TableCaches caches);
  ~LiveTable();

  LiveTable(const LiveTable&) = delete;
  LiveTable& operator=(const LiveTable&) = delete;

  const TableMeta& meta() const { return meta_; }
  const std::string& path() const { return path_; }

  // DataLoss if the file is missing or has not its length, by the `size` that the file system tells
  // of it; any other error of that as it is.
  absl::Status CheckSize(const absl::StatusOr<uint64_t>& size) const;

  // The reader, which lives as long as the table; opens it if nobody did. DataLoss if the file is
  // missing, is not the one that the metadata describes, or its tail is damaged.
  absl::StatusOr<TableReader*> reader() const ABSL_LOCKS_EXCLUDED(mutex_) {
    if (TableReader* const open = open_.load(std::memory_order_acquire); open != nullptr) {
      return open;
    }
    return OpenReader();
  }
  // The same where it is open, else null.
  const TableReader* reader_if_open() const { return open_.load(std::memory_order_acquire); }

  // As TableReader::Get; errors also those of reader().
  absl::StatusOr<Lookup> Get(absl::string_view user_key, std::optional<uint64_t> filter_hash,
                             SequenceNumber snapshot, std::string* value, ReadCost* cost) const {
    const absl::StatusOr<TableReader*> opened = reader();
    if (!opened.ok()) {
      return opened.status();
    }
    return (*opened)->Get(user_key, filter_hash, snapshot, value, cost);
  }

  // Asks the memory for what Get will ask the filter for.
  void PrefetchFilter(uint64_t filter_hash) const {
    if (const TableReader* const open = reader_if_open(); open != nullptr) {
      open->filter().Prefetch(filter_hash);
    }
  }

  // Whether `user_key` lies in the table's key range.
  bool Covers(absl::string_view user_key) const {
    return UserKey(meta_.smallest) <= user_key && !EndsBefore(meta_.largest, user_key);
  }

  // The file is to go with its last owner. REQUIRES: the manifest that no longer names it is
  // durable.
  void MarkObsolete() { obsolete_.store(true, std::memory_order_relaxed); }

 private:
  absl::StatusOr<TableReader*> OpenReader() const ABSL_LOCKS_EXCLUDED(mutex_);
  // DataLoss if they are not as many as the manifest says, or reach out of the key range.
  absl::Status CheckRangeTombstones(const TableReader& reader) const;
  absl::Status Missing() const;

  FileSystem* const fs_;
  const std::string path_;
  const TableMeta meta_;
  const TableCaches caches_;
  mutable absl::Mutex mutex_;  // held while the file is opened
  mutable std::shared_ptr<TableReader> owned_ ABSL_GUARDED_BY(mutex_);
  mutable std::atomic<TableReader*> open_{nullptr};  // owned_, once it is checked
  std::atomic<bool> obsolete_{false};
};

}  // namespace fathom
