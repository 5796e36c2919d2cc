// A table that at least one version names: its metadata, and its open reader. The last owner to let
// go closes the file, and removes it if compaction has made it obsolete.
//
// Thread safe.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "lsm/io/file_system.h"
#include "lsm/manifest/table_meta.h"
#include "lsm/table/block_cache.h"
#include "lsm/table/table_reader.h"

namespace fathom {

class LiveTable {
 public:
  // Opens the file of `meta` in `dir`. `fs` is not owned; it and `caches` must outlive the table.
  // DataLoss if the file is missing, is not the one that `meta` describes, or is damaged.
  static absl::StatusOr<std::shared_ptr<LiveTable>> Open(FileSystem* fs, const std::string& dir,
                                                         TableMeta meta, TableCaches caches);
  ~LiveTable();

  LiveTable(const LiveTable&) = delete;
  LiveTable& operator=(const LiveTable&) = delete;

  const TableMeta& meta() const { return meta_; }
  TableReader& reader() const { return *reader_; }

  // Whether `user_key` lies in the table's key range.
  bool Covers(absl::string_view user_key) const {
    return UserKey(meta_.smallest) <= user_key && !EndsBefore(meta_.largest, user_key);
  }

  // The file is to go with its last owner. REQUIRES: the manifest that no longer names it is
  // durable.
  void MarkObsolete() { obsolete_.store(true, std::memory_order_relaxed); }

 private:
  LiveTable(FileSystem* fs, std::string path, TableMeta meta, TableCaches caches);

  // DataLoss if they reach out of the key range.
  absl::Status CheckRangeTombstones() const;

  FileSystem* const fs_;
  const std::string path_;
  const TableMeta meta_;
  const TableCaches caches_;
  std::shared_ptr<TableReader> reader_;
  std::atomic<bool> obsolete_{false};
};

}  // namespace fathom
