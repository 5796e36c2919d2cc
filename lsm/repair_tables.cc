// What becomes of the tables in a repair.
#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "lsm/compaction/merging_iterator.h"
#include "lsm/compaction/output_tombstones.h"
#include "lsm/compaction/picker.h"
#include "lsm/format/checksum.h"
#include "lsm/format/file_names.h"
#include "lsm/manifest/level_iterator.h"
#include "lsm/store_repair.h"
#include "lsm/table/table_salvage.h"

namespace fathom {
namespace {

// Whether the file at `path` has the length and the tail that the manifest says of `meta`.
absl::StatusOr<bool> HoldsTable(FileSystem* fs, const std::string& path, const TableMeta& meta) {
  const absl::StatusOr<std::unique_ptr<ReadableFile>> file = fs->OpenForRead(path);
  if (!file.ok()) {
    return file.status();
  }
  if ((*file)->size() != meta.file_bytes) {
    return false;
  }
  std::string tail(meta.tail_bytes, '\0');
  const absl::StatusOr<size_t> read =
      (*file)->Read(meta.file_bytes - meta.tail_bytes, tail.size(), tail.data());
  if (!read.ok()) {
    return IsDamage(read.status()) ? absl::StatusOr<bool>(false) : read.status();
  }
  return *read == tail.size() && Hash64(tail) == meta.tail_hash;
}

// OK if what can be read of `file` may be a part of the table that `meta` describes: the tail is
// not the sound one of another table, and no entry is outside of its keys and sequences.
absl::Status CheckIsPartOf(FileSystem* fs, const std::string& path, const TableMeta& meta) {
  absl::StatusOr<std::unique_ptr<ReadableFile>> file = fs->OpenForRead(path);
  if (!file.ok()) {
    return file.status();
  }
  bool foreign = false;
  std::vector<LostBlock> lost;
  absl::Status status = SalvageTable(
      **file, path,
      [&](absl::string_view key, absl::string_view) {
        foreign = foreign || CompareInternalKeys(key, meta.smallest) < 0 ||
                  CompareInternalKeys(key, meta.largest) > 0 ||
                  Sequence(key) < meta.smallest_sequence || Sequence(key) > meta.largest_sequence;
      },
      &lost);
  if (!status.ok()) {
    return status;
  }
  if (const auto ranges = SalvageRangeTombstones(**file, path); ranges.ok() && *ranges != nullptr) {
    foreign = foreign || CompareInternalKeys((*ranges)->Smallest(), meta.smallest) < 0 ||
              CompareInternalKeys((*ranges)->Largest(), meta.largest) > 0;
  }
  const auto reader = TableReader::OpenUnknown(*std::move(file), path, meta.number, {});
  if (foreign || (reader.ok() && (*reader)->identity().tail_hash != meta.tail_hash)) {
    return absl::DataLossError(
        absl::StrCat(path, ": holds another table than the one that the manifest describes"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status StoreRepair::SaveNamedTables() {
  for (int level = 0; level < kNumLevels; ++level) {
    for (const TableMeta& meta : old_.levels[static_cast<size_t>(level)]) {
      const std::string name = meta.FileName();
      last_sequence_ = std::max(last_sequence_, meta.largest_sequence);
      if (!report_.check.damaged_files.contains(name)) {
        tables_.added_tables.emplace_back(level, meta);
        kept_.insert(name);
        continue;
      }
      const absl::StatusOr<bool> found = FindUnderOtherName(level, meta);
      if (!found.ok()) {
        return found.status();
      }
      if (*found) {
        continue;
      }
      if (!std::ranges::binary_search(files_, name)) {
        Lose(name, absl::NotFoundError(absl::StrCat(Path(name), ": the file is missing")), &meta);
        continue;
      }
      const absl::StatusOr<std::shared_ptr<LiveTable>> salvaged = SalvageTo(level, name, &meta);
      if (!salvaged.ok()) {
        return salvaged.status();
      }
      if (*salvaged != nullptr) {
        AddTable(level, **salvaged);
      }
    }
  }
  return absl::OkStatus();
}

absl::Status StoreRepair::SaveAllTables() {
  std::map<std::string, const TableMeta*> known;
  for (const std::vector<TableMeta>& level : old_.levels) {
    for (const TableMeta& meta : level) {
      known[meta.FileName()] = &meta;
      last_sequence_ = std::max(last_sequence_, meta.largest_sequence);
    }
  }
  for (const std::string& name : files_) {
    if (ParseFileName(name)->kind != FileKind::kTable) {
      continue;
    }
    const auto of_manifest = known.find(name);
    const TableMeta* const meta = of_manifest == known.end() ? nullptr : of_manifest->second;
    known.erase(name);
    absl::StatusOr<std::shared_ptr<LiveTable>> table(nullptr);
    if (const absl::StatusOr<TableMeta> described = DescribeTable(fs_, dir_, name);
        described.ok()) {
      auto named = std::make_shared<LiveTable>(fs_, dir_, *described, TableCaches());
      absl::Status sound = CheckLiveTable(*named).status();
      if (sound.ok()) {
        table = std::move(named);
      } else if (!IsDamage(sound)) {
        return sound;
      }
    } else if (!IsDamage(described.status())) {
      return described.status();
    }
    if (table.ok() && *table == nullptr) {
      table = SalvageTo(0, name, meta);
    }
    if (!table.ok()) {
      return table.status();
    }
    if (*table != nullptr) {
      last_sequence_ = std::max(last_sequence_, (*table)->meta().largest_sequence);
      inputs_.push_back(*std::move(table));
    }
  }
  for (const auto& [name, meta] : known) {
    Lose(name,
         absl::NotFoundError(
             absl::StrCat(Path(name),
                          ": the file is missing; the part of the manifest that can be read names "
                          "it, and the rest may have replaced it")),
         meta);
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> StoreRepair::FindUnderOtherName(int level, const TableMeta& meta) {
  for (const std::string& name : files_) {
    if (ParseFileName(name)->kind != FileKind::kTable || name == meta.FileName()) {
      continue;
    }
    const absl::StatusOr<bool> holds = HoldsTable(fs_, Path(name), meta);
    if (!holds.ok() || !*holds) {
      if (!holds.ok()) {
        return holds.status();
      }
      continue;
    }
    TableMeta renamed = meta;
    renamed.number = next_table_number_++;
    absl::Status status =
        fs_->Link(Path(name), absl::StrCat(scratch_.dir, "/", renamed.FileName()));
    if (!status.ok()) {
      return status;
    }
    const LiveTable table(fs_, scratch_.dir, renamed, {});
    status = CheckLiveTable(table).status();
    if (IsDamage(status)) {
      continue;
    }
    if (!status.ok()) {
      return status;
    }
    // Who put the file there may not have made it durable.
    status = fs_->SyncFile(table.path());
    if (!status.ok()) {
      return status;
    }
    AddTable(level, table);
    report_.saved.push_back(absl::StrCat(meta.FileName(), ": found whole under the name ", name,
                                         "; it is now ", renamed.FileName()));
    return true;
  }
  return false;
}

absl::StatusOr<std::shared_ptr<LiveTable>> StoreRepair::SalvageTo(int level,
                                                                  const std::string& name,
                                                                  const TableMeta* meta) {
  const std::string path = Path(name);
  absl::Status status = believed_ ? CheckIsPartOf(fs_, path, *meta) : absl::OkStatus();
  absl::StatusOr<std::unique_ptr<ReadableFile>> file = fs_->OpenForRead(path);
  status.Update(file.status());
  std::unique_ptr<TableWriter> writer;
  std::vector<LostBlock> lost;
  uint64_t entries = 0;
  absl::Status written;
  const auto start = [&] {
    if (writer == nullptr && written.ok()) {
      absl::StatusOr<std::unique_ptr<TableWriter>> created = NewTable(level);
      written = created.status();
      writer = created.ok() ? *std::move(created) : nullptr;
    }
    return written.ok();
  };
  if (status.ok()) {
    status = SalvageTable(
        **file, path,
        [&](absl::string_view key, absl::string_view value) {
          if (start()) {
            writer->Add(key, value);
            ++entries;
          }
        },
        &lost);
  }
  absl::StatusOr<std::shared_ptr<const RangeTombstones>> ranges(nullptr);
  if (status.ok()) {
    ranges = SalvageRangeTombstones(**file, path);
    if (ranges.ok() && *ranges != nullptr && start()) {
      writer->AddRangeTombstones(**ranges);
      entries += (*ranges)->num_entries();
    }
  }
  for (const absl::Status& failed : {status, ranges.status()}) {
    if (!failed.ok() && !IsDamage(failed)) {
      return failed;
    }
  }
  if (!written.ok()) {
    return written;
  }
  if (!status.ok() || entries == 0) {
    Lose(name, status.ok() ? absl::DataLossError("no block of it is sound") : status, meta);
    return std::shared_ptr<LiveTable>();
  }
  absl::StatusOr<std::shared_ptr<LiveTable>> table = writer->Finish();
  if (!table.ok()) {
    return table.status();
  }
  report_.saved.push_back(absl::StrCat(name, ": ", entries,
                                       meta != nullptr ? absl::StrCat(" of ", meta->entries) : "",
                                       " entries were read and written anew"));
  if (!lost.empty()) {
    LostPart part{name, absl::StrCat("damaged blocks: ", lost.size()), {}, std::nullopt};
    for (const LostBlock& block : lost) {
      std::string first(block.after.empty() ? "" : UserKey(block.after));
      std::string last(UserKey(block.up_to));
      if (meta != nullptr) {
        first = std::max(first, std::string(UserKey(meta->smallest)));
        last = std::min(last, std::string(UserKey(meta->largest)));
      }
      part.keys.emplace_back(std::move(first), std::move(last));
    }
    if (meta != nullptr && meta->entries >= entries) {
      part.entries = meta->entries - entries;
    }
    report_.lost.push_back(std::move(part));
  }
  if (!ranges.ok() && (meta == nullptr || meta->entries != entries)) {
    LostPart part{name, "what it deletes in ranges, if anything", {}, std::nullopt};
    if (meta != nullptr) {
      part.keys.emplace_back(UserKey(meta->smallest), UserKey(meta->largest));
      part.entries = meta->entries - std::min(entries, meta->entries);
    }
    report_.lost.push_back(std::move(part));
  }
  return table;
}

void StoreRepair::Lose(const std::string& name, const absl::Status& why, const TableMeta* meta) {
  LostPart part{name, std::string(why.message()), {}, std::nullopt};
  if (meta != nullptr) {
    part.keys.emplace_back(UserKey(meta->smallest), UserKey(meta->largest));
    part.entries = meta->entries;
  }
  report_.lost.push_back(std::move(part));
}

absl::StatusOr<std::unique_ptr<TableWriter>> StoreRepair::NewTable(int level) {
  // As compaction does: what is on the upper levels will soon be rewritten.
  const Compression compression = level < 2 ? Compression::kNone : options_.bottom_compression;
  return TableWriter::Create(scratch_, TableBuilderOptions{options_.block_bytes, compression},
                             level, next_table_number_++);
}

absl::Status StoreRepair::MergeTables() {
  uint64_t bytes = 0;
  std::vector<std::unique_ptr<InternalIterator>> cursors;
  for (const std::shared_ptr<LiveTable>& table : inputs_) {
    bytes += table->meta().file_bytes;
    cursors.push_back(NewLevelIterator({&table, 1}, /*fill_cache=*/false, nullptr));
  }
  absl::StatusOr<std::vector<RangeTombstone>> ranges = RangeTombstonesOf(inputs_);
  if (!ranges.ok()) {
    return ranges.status();
  }
  if (cursors.empty()) {
    return absl::OkStatus();
  }
  // The first level that may hold them all.
  const auto room = LevelBytes(options_.level0_bytes, options_.level_ratio);
  int level = 1;
  while (level + 1 < kNumLevels && bytes > room[static_cast<size_t>(level)]) {
    ++level;
  }
  const std::unique_ptr<InternalIterator> merged = NewMergingIterator(std::move(cursors));
  OutputTombstones tombstones(*std::move(ranges));
  std::unique_ptr<TableWriter> writer;
  std::string last;
  uint64_t tables = 0;
  const auto start = [&] {
    absl::StatusOr<std::unique_ptr<TableWriter>> created = NewTable(level);
    if (!created.ok()) {
      return created.status();
    }
    writer = *std::move(created);
    return absl::OkStatus();
  };
  // The table at hand, with what is deleted in ranges before `end`, or all that is left.
  const auto finish = [&](std::optional<absl::string_view> end) {
    writer->AddRangeTombstones(tombstones.TakeBefore(end));
    const absl::StatusOr<std::shared_ptr<LiveTable>> table = writer->Finish();
    if (table.ok()) {
      AddTable(level, **table);
      ++tables;
    }
    writer.reset();
    return table.status();
  };
  for (merged->SeekToFirst(); merged->Valid(); merged->Next()) {
    const absl::string_view key = merged->key();
    // A flushed log or a compaction's input that was still there holds what a table holds too.
    if (!last.empty() && key == last) {
      continue;
    }
    const bool new_key = last.empty() || UserKey(key) != UserKey(last);
    if (writer != nullptr && new_key && writer->data_bytes() >= options_.table_bytes) {
      if (absl::Status status = finish(UserKey(key)); !status.ok()) {
        return status;
      }
    }
    if (writer == nullptr) {
      if (absl::Status status = start(); !status.ok()) {
        return status;
      }
    }
    writer->Add(key, merged->value());
    last.assign(key.data(), key.size());
  }
  absl::Status status = merged->status();
  if (status.ok() && writer == nullptr) {
    status = start();  // there are ranges alone
  }
  if (status.ok()) {
    status = finish(std::nullopt);
  }
  report_.saved.push_back(
      absl::StrCat("merged ", inputs_.size(), " tables into ", tables, " on level ", level));
  return status;
}

}  // namespace fathom
