#include "lsm/manifest/live_table.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "lsm/format/corruption.h"

namespace fathom {

LiveTable::LiveTable(FileSystem* fs, const std::string& dir, TableMeta meta, TableCaches caches)
    : fs_(fs),
      path_(absl::StrCat(dir, "/", meta.FileName())),
      meta_(std::move(meta)),
      caches_(caches) {}

LiveTable::~LiveTable() {
  owned_.reset();
  if (obsolete_.load(std::memory_order_relaxed)) {
    if (caches_.data != nullptr) {
      caches_.data->EraseTable(meta_.number);
    }
    // A file that cannot be removed now is removed by the next Open, which finds it unnamed.
    fs_->Remove(path_).IgnoreError();
  }
}

absl::Status LiveTable::CheckSize(const absl::StatusOr<uint64_t>& size) const {
  if (absl::IsNotFound(size.status())) {
    return Missing();
  }
  if (size.ok() && *size != meta_.file_bytes) {
    return Corruption(path_, 0, "table size", meta_.file_bytes, *size);
  }
  return size.status();
}

absl::StatusOr<TableReader*> LiveTable::OpenReader() const {
  absl::MutexLock lock(&mutex_);
  if (owned_ != nullptr) {
    return owned_.get();  // somebody was faster
  }
  absl::StatusOr<std::unique_ptr<ReadableFile>> file = fs_->OpenForRead(path_);
  if (!file.ok()) {
    return absl::IsNotFound(file.status()) ? Missing() : file.status();
  }
  absl::StatusOr<std::shared_ptr<TableReader>> opened = TableReader::Open(
      *std::move(file), {path_, meta_.number, meta_.file_bytes, meta_.tail_bytes, meta_.tail_hash},
      caches_);
  if (!opened.ok()) {
    return opened.status();
  }
  if (absl::Status status = CheckRangeTombstones(**opened); !status.ok()) {
    return status;
  }
  owned_ = *std::move(opened);
  open_.store(owned_.get(), std::memory_order_release);
  return owned_.get();
}

absl::Status LiveTable::Missing() const {
  return absl::DataLossError(
      absl::StrCat(path_, ": the manifest names this table, but the file is missing"));
}

absl::Status LiveTable::CheckRangeTombstones(const TableReader& reader) const {
  const uint64_t found = reader.properties().range_deletions;
  if (const uint64_t expected = meta_.range_deletions.value_or(found); found != expected) {
    return Corruption(path_, 0, "range deletions, by the manifest", expected, found);
  }
  const RangeTombstones* const list = reader.range_tombstones();
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
