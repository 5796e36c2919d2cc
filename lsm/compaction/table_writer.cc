#include "lsm/compaction/table_writer.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "lsm/format/checksum.h"
#include "lsm/format/key_buffer.h"

namespace fathom {

void EntryDigest::Add(absl::string_view internal_key, absl::string_view value) {
  Add(FilterHash(UserKey(internal_key)), internal_key, value);
}

void EntryDigest::Add(uint64_t filter_hash, absl::string_view internal_key,
                      absl::string_view value) {
  ++entries_;
  const uint64_t key_hash = filter_hash ^ Trailer(internal_key) * 0xff51afd7ed558ccdu;
  sum_ = sum_ * 0x9e3779b97f4a7c15u + (key_hash ^ (Hash64(value) << 1));
}

void EntryDigest::Add(const RangeTombstones& list) {
  std::string key;
  for (const RangeTombstone& tombstone : list.Entries()) {
    key.clear();
    AppendInternalKey(tombstone.begin, tombstone.sequence, ValueType::kRangeDeletion, &key);
    Add(key, tombstone.end);
  }
}

absl::StatusOr<std::unique_ptr<TableWriter>> TableWriter::Create(const TableHome& home,
                                                                 const TableBuilderOptions& options,
                                                                 int level, uint64_t number) {
  TableMeta meta;
  meta.number = number;
  meta.born_level = level;
  std::string path = absl::StrCat(home.dir, "/", meta.FileName());
  absl::StatusOr<std::unique_ptr<WritableFile>> file = home.fs->Create(path);
  if (!file.ok()) {
    return file.status();
  }
  return std::unique_ptr<TableWriter>(
      new TableWriter(home, options, std::move(meta), std::move(path), *std::move(file)));
}

TableWriter::TableWriter(const TableHome& home, const TableBuilderOptions& options, TableMeta meta,
                         std::string path, std::unique_ptr<WritableFile> file)
    : home_(home),
      meta_(std::move(meta)),
      path_(std::move(path)),
      file_(std::move(file)),
      builder_(options, file_.get()) {}

TableWriter::~TableWriter() {
  if (!finished_) {
    home_.fs->Remove(path_).IgnoreError();  // nothing names it: else the next Open removes it
  }
}

void TableWriter::Add(absl::string_view internal_key, absl::string_view value) {
  const uint64_t filter_hash = builder_.Add(internal_key, value);
  digest_.Add(filter_hash, internal_key, value);
}

void TableWriter::AddRangeTombstones(const RangeTombstones& list) {
  builder_.AddRangeTombstones(list);
  digest_.Add(list);
}

absl::StatusOr<std::shared_ptr<LiveTable>> TableWriter::Finish() {
  absl::StatusOr<BuiltTable> built = builder_.Finish();
  if (!built.ok()) {
    return built.status();
  }
  filter_bits_ = built->filter_bits;
  meta_.Describe(*std::move(built));
  auto table = std::make_shared<LiveTable>(home_.fs, home_.dir, meta_, home_.caches);
  absl::Status status = CheckAgainstDigest(*table);  // while the disk writes
  if (status.ok()) {
    status = file_->Sync();
  }
  if (status.ok()) {
    status = file_->Close();
  }
  if (!status.ok()) {
    return status;
  }
  finished_ = true;
  return table;
}

absl::Status TableWriter::CheckAgainstDigest(const LiveTable& table) const {
  const absl::StatusOr<TableReader*> reader = table.reader();
  if (!reader.ok()) {
    return reader.status();
  }
  EntryDigest found;
  KeyBuffer last;
  // A merged table follows others that were looked into: nobody shall wait for its index again.
  const auto it = (*reader)->NewIteratorOfFresh(/*keep_index=*/meta_.born_level > 0);
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    if (last.size() > 0 && CompareInternalKeys(last.view(), it->key()) >= 0) {
      return absl::DataLossError(absl::StrCat(path_, ": written with keys out of order"));
    }
    last.Assign(it->key());
    found.Add(it->key(), it->value());
  }
  if (!it->status().ok()) {
    return it->status();
  }
  if ((*reader)->range_tombstones() != nullptr) {
    found.Add(*(*reader)->range_tombstones());
  }
  if (found != digest_) {
    return absl::DataLossError(absl::StrCat(path_, ": read back ", found.entries(),
                                            " entries, expected the ", digest_.entries(),
                                            " that were written, with the same hash"));
  }
  return absl::OkStatus();
}

}  // namespace fathom
