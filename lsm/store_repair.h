// The work behind RepairStore. Internal to lsm. One thread; the store's lock is held.
//
//   Run   repair.cc         check -> tables -> logs -> [merge] -> aside -> new manifest -> tidy
//         repair_tables.cc  what becomes of each table
//         repair_logs.cc    what becomes of each log
//
// New tables are written in DIR/repair.tmp and get their names in DIR only when all are whole, so
// that a crash leaves no half of a table that a second repair would have to judge.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "lsm/compaction/table_writer.h"
#include "lsm/log_chain.h"
#include "lsm/memtable/memtable.h"
#include "lsm/repair.h"
#include "lsm/store_files.h"

namespace fathom {

class StoreRepair {
 public:
  StoreRepair(const Options& options, const std::string& dir, const TellProgress& tell);

  absl::StatusOr<RepairReport> Run();

 private:
  std::string Path(absl::string_view name) const { return dir_ + "/" + std::string(name); }

  // --- what is there
  absl::Status Survey();
  // Whether the manifest tells the truth about which tables are live: it reads to its end and its
  // levels are in order; and it does not name a missing file while there are tables that it does
  // not name, as one would that has lost its last edits.
  bool IsManifestBelieved(const FoundManifest& found) const;

  // --- tables
  absl::Status SaveNamedTables();
  absl::Status SaveAllTables();
  // Makes `meta`, whose file is damaged or missing, good from a file of another name that holds the
  // same table. False if there is none.
  absl::StatusOr<bool> FindUnderOtherName(int level, const TableMeta& meta);
  // Writes what can be read of a damaged table to a new one, null if it is nothing. `meta` is what
  // the manifest says of it, null if it says nothing.
  absl::StatusOr<std::shared_ptr<LiveTable>> SalvageTo(int level, const std::string& name,
                                                       const TableMeta* meta);
  void Lose(const std::string& name, const absl::Status& why, const TableMeta* meta);
  absl::StatusOr<std::unique_ptr<TableWriter>> NewTable(int level);
  // Merges `inputs_` into one sorted level.
  absl::Status MergeTables();

  // --- logs
  absl::Status SaveLogs();
  // Writes `memtable_` to a table and empties it.
  absl::Status FlushMemtable();

  // --- the new store
  void AddTable(int level, const LiveTable& table);
  absl::Status SetAside();
  absl::Status SwitchManifest();
  absl::Status RemoveScratch();

  const Options options_;
  FileSystem* const fs_;
  const std::string dir_;
  const TellProgress tell_;
  const TableHome scratch_;  // DIR/repair.tmp
  RepairReport report_;
  std::vector<std::string> files_;  // of the store, before the repair
  bool believed_ = false;
  // What the manifest says; not to its end unless it is believed.
  ManifestState old_;
  uint64_t next_table_number_ = 1;
  uint64_t next_file_number_ = 1;
  SequenceNumber last_sequence_ = 0;

  std::shared_ptr<MemTable> memtable_;
  std::vector<std::shared_ptr<LiveTable>> inputs_;  // of the merge
  VersionEdit tables_;                              // of the repaired store
  std::set<std::string> kept_;                      // tables that stay where they are
  std::set<std::string> written_;                   // tables that are in repair.tmp
};

}  // namespace fathom
