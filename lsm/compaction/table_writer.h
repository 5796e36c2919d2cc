// One table on its way to disk, for flushes and compactions: written, opened, read back to see that
// it holds what it was given, and made durable.
//
// One thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "lsm/io/file_system.h"
#include "lsm/manifest/live_table.h"
#include "lsm/table/table_builder.h"

namespace fathom {

// Where tables are written. What is pointed to must outlive their writers and the tables.
struct TableHome {
  FileSystem* fs = nullptr;
  std::string dir;
  TableCaches caches;
};

// Counts entries and sums up their hashes: two sequences that agree hold the same entries in the
// same order.
class EntryDigest {
 public:
  void Add(absl::string_view internal_key, absl::string_view value);
  // The same, where FilterHash of its user key is at hand.
  void Add(uint64_t filter_hash, absl::string_view internal_key, absl::string_view value);
  void Add(const RangeTombstones& list);
  uint64_t entries() const { return entries_; }
  friend bool operator==(const EntryDigest&, const EntryDigest&) = default;

 private:
  uint64_t entries_ = 0;
  uint64_t sum_ = 0;
};

class TableWriter {
 public:
  // Creates the file of table `number`. `home` must outlive the writer.
  static absl::StatusOr<std::unique_ptr<TableWriter>> Create(const TableHome& home,
                                                             const TableBuilderOptions& options,
                                                             int level, uint64_t number);
  // Removes the file unless Finish gave a table.
  ~TableWriter();

  TableWriter(const TableWriter&) = delete;
  TableWriter& operator=(const TableWriter&) = delete;

  // REQUIRES: keys come in internal-key order, each once.
  void Add(absl::string_view internal_key, absl::string_view value);
  // REQUIRES: called at most once, after the last Add.
  void AddRangeTombstones(const RangeTombstones& list);
  uint64_t data_bytes() const { return builder_.data_bytes(); }

  // The table, open. The file's bytes are durable then; its name is only after the directory was
  // synced. DataLoss if the table does not hold what was added. Called once, after something was
  // added.
  absl::StatusOr<std::shared_ptr<LiveTable>> Finish();

  // Bits of the filter. REQUIRES: Finish gave a table.
  uint64_t filter_bits() const { return filter_bits_; }

 private:
  TableWriter(const TableHome& home, const TableBuilderOptions& options, TableMeta meta,
              std::string path, std::unique_ptr<WritableFile> file);

  // Opens `table` to do so.
  absl::Status CheckAgainstDigest(const LiveTable& table) const;

  const TableHome& home_;
  TableMeta meta_;
  const std::string path_;
  const std::unique_ptr<WritableFile> file_;
  TableBuilder builder_;
  EntryDigest digest_;
  uint64_t filter_bits_ = 0;
  bool finished_ = false;
};

}  // namespace fathom
