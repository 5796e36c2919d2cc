#include "lsm/manifest/live_table.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace fathom {

LiveTable::LiveTable(FileSystem* fs, std::string path, TableMeta meta, TableCaches caches)
    : fs_(fs), path_(std::move(path)), meta_(std::move(meta)), caches_(caches) {}

LiveTable::~LiveTable() {
  reader_.reset();
  if (obsolete_.load(std::memory_order_relaxed)) {
    caches_.EraseTable(meta_.number);
    // A file that cannot be removed now is removed by the next Open, which finds it unnamed.
    fs_->Remove(path_).IgnoreError();
  }
}

absl::StatusOr<std::shared_ptr<LiveTable>> LiveTable::Open(FileSystem* fs, const std::string& dir,
                                                           TableMeta meta, TableCaches caches) {
  const std::string name = meta.FileName();
  std::string path = absl::StrCat(dir, "/", name);
  absl::StatusOr<std::unique_ptr<ReadableFile>> file = fs->OpenForRead(path);
  if (absl::IsNotFound(file.status())) {
    return absl::DataLossError(
        absl::StrCat(path, ": the manifest names this table, but the file is missing"));
  }
  if (!file.ok()) {
    return file.status();
  }
  TableIdentity identity{path, meta.number, meta.file_bytes, meta.tail_bytes, meta.tail_hash};
  std::shared_ptr<LiveTable> table(new LiveTable(fs, std::move(path), std::move(meta), caches));
  absl::StatusOr<std::shared_ptr<TableReader>> reader =
      TableReader::Open(*std::move(file), std::move(identity), caches);
  if (!reader.ok()) {
    return reader.status();
  }
  table->reader_ = *std::move(reader);
  if (absl::Status status = table->CheckRangeTombstones(); !status.ok()) {
    return status;
  }
  return table;
}

absl::Status LiveTable::CheckRangeTombstones() const {
  const RangeTombstones* const list = reader_->range_tombstones();
  if (list == nullptr) {
    return absl::OkStatus();
  }
  const absl::string_view begin = list->fragments().front().begin;
  const absl::string_view end = list->fragments().back().end;
  const absl::string_view largest = UserKey(meta_.largest);
  if (begin < UserKey(meta_.smallest) || end > largest) {
    return absl::DataLossError(absl::StrCat(
        path_, ": has range tombstones from \"", absl::CHexEscape(begin), "\" to \"",
        absl::CHexEscape(end), "\", but its keys are \"", absl::CHexEscape(UserKey(meta_.smallest)),
        "\" to \"", absl::CHexEscape(largest), "\" by the manifest"));
  }
  return absl::OkStatus();
}

}  // namespace fathom
