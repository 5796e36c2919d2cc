// What becomes of the logs in a repair: all that can be read of them goes into tables, so that the
// repaired store begins with an empty log.
#include <utility>

#include "absl/strings/str_cat.h"
#include "lsm/format/file_names.h"
#include "lsm/store_repair.h"
#include "lsm/wal/batch.h"

namespace fathom {

absl::Status StoreRepair::SaveLogs() {
  absl::StatusOr<LogChain> chain =
      believed_ ? LogChain::Find(fs_, dir_, files_, old_) : LogChain::FindAll(fs_, dir_, files_);
  if (!chain.ok()) {
    return chain.status();
  }
  for (const absl::Status& missing : chain->missing()) {
    report_.lost.push_back(LostPart{"", std::string(missing.message()), {}, std::nullopt});
  }
  SequenceNumber last_sequence = believed_ ? old_.last_sequence : 0;
  bool lost_before = false;  // the last LostPart is of what came right before the next record
  bool cut_told = false;
  for (size_t i = 0; i < chain->logs().size(); ++i) {
    const LogChain::Log& log = chain->logs()[i];
    const std::string name = LogFileName(log.number);
    uint64_t records = 0;
    uint64_t writes = 0;
    absl::Status full;  // of writing a table in between
    const LogChain::TakeBatch take = [&](absl::string_view batch) {
      const SequenceNumber first = BatchReader(batch).sequence();
      const absl::StatusOr<SequenceNumber> last =
          ReplayBatch(batch, last_sequence, memtable_.get());
      if (!last.ok()) {
        return last.status();
      }
      if (std::exchange(lost_before, false)) {
        report_.lost.back().entries = first - last_sequence - 1;
      }
      ++records;
      writes += *last - first + 1;
      last_sequence = *last;
      if (memtable_->charge() >= options_.memtable_bytes ||
          memtable_->has_many_range_tombstones()) {
        full = FlushMemtable();
      }
      return full;
    };
    const absl::StatusOr<std::string> cut = believed_ ? chain->CutBefore(i) : std::string();
    if (cut.ok() && !cut->empty()) {
      continue;  // never durable; opening gives it up too
    }
    // Records that follow a loss are worth saving here: who repairs knows that there is a gap.
    if (!cut.ok() && !std::exchange(cut_told, true)) {
      report_.lost.push_back(LostPart{name, std::string(cut.status().message()), {}, std::nullopt});
      lost_before = true;
    }
    const absl::StatusOr<LogEnd> end =
        believed_ && cut.ok() ? chain->Replay(i, take) : chain->Read(i, take);
    if (!full.ok()) {
      return full;
    }
    for (const absl::Status& status : {cut.status(), end.status()}) {
      if (!status.ok() && !IsDamage(status)) {
        return status;
      }
    }
    if (!end.ok()) {
      report_.lost.push_back(LostPart{name, std::string(end.status().message()), {}, std::nullopt});
      lost_before = true;
    }
    if (records > 0) {
      report_.saved.push_back(absl::StrCat(name, end.ok() ? "" : ", up to the damage",
                                           ": written to tables: records: ", records,
                                           ", writes: ", writes));
    }
  }
  last_sequence_ = std::max(last_sequence_, last_sequence);
  return FlushMemtable();
}

absl::Status StoreRepair::FlushMemtable() {
  if (memtable_->entries() == 0) {
    return absl::OkStatus();
  }
  absl::StatusOr<std::unique_ptr<TableWriter>> writer = NewTable(0);
  if (!writer.ok()) {
    return writer.status();
  }
  const std::unique_ptr<InternalIterator> entries = memtable_->NewIterator();
  for (entries->SeekToFirst(); entries->Valid(); entries->Next()) {
    (*writer)->Add(entries->key(), entries->value());
  }
  if (memtable_->range_tombstones() != nullptr) {
    (*writer)->AddRangeTombstones(*memtable_->range_tombstones());
  }
  absl::StatusOr<std::shared_ptr<LiveTable>> table = (*writer)->Finish();
  if (!table.ok()) {
    return table.status();
  }
  memtable_ = std::make_shared<MemTable>();
  if (believed_) {
    AddTable(0, **table);
  } else {
    inputs_.push_back(*std::move(table));
  }
  return absl::OkStatus();
}

}  // namespace fathom
