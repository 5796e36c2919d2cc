// The ingest path: files -> merge -> tables of the store's own -> front of the write queue:
// memtables flushed -> manifest -> view.
//
// The tables are written beside all other work, with sequence numbers reserved ahead of the
// writers'. Only the last step holds writers up: what they wrote before must be in tables then, so
// that it is older than the ingested tables for readers and as durable as these are.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "lsm/compaction/foreign_merge.h"
#include "lsm/compaction/output_splitter.h"
#include "lsm/compaction/output_tombstones.h"
#include "lsm/db_impl.h"

namespace fathom {
namespace {

// Sequence numbers left to the writers while tables are written: at least so many, and one for each
// byte of the files. Where they need more, the tables are written again, with more left to them.
constexpr uint64_t kLeastReserve = uint64_t{1} << 16;
constexpr uint64_t kReserveGrowth = 16;

bool HoldsKeyIn(const MemTable& memtable, const KeyRange& range) {
  if (const RangeTombstones* const list = memtable.range_tombstones();
      list != nullptr && range.Overlaps(list->fragments().front().begin, list->Largest())) {
    return true;
  }
  const std::unique_ptr<InternalIterator> it = memtable.NewIterator();
  it->Seek(SeekKey(range.smallest, kMaxSequenceNumber).view());
  return it->Valid() && !EndsBefore(range.largest, UserKey(it->key()));
}

bool HoldsTableIn(const Version::Tables& tables, const KeyRange& range) {
  return std::ranges::any_of(tables, [&](const auto& table) { return range.Overlaps(*table); });
}

}  // namespace

// Cuts the entries of the merge into tables, and its range tombstones with them.
class DBImpl::OutputTables {
 public:
  OutputTables(const TableHome& home, const TableBuilderOptions& options, OutputSplitter splitter,
               OutputTombstones tombstones, std::function<uint64_t()> new_number, Ingested* to)
      : home_(home),
        options_(options),
        splitter_(std::move(splitter)),
        tombstones_(std::move(tombstones)),
        new_number_(std::move(new_number)),
        to_(to) {}

  absl::Status Add(absl::string_view user_key, ValueType type, absl::string_view value) {
    SetKey(user_key, type);
    if (splitter_.CutBefore(key_, table_ == nullptr ? 0 : table_->data_bytes())) {
      if (absl::Status status = FinishTable(user_key); !status.ok()) {
        return status;
      }
      SetKey(user_key, type);
    }
    if (table_ == nullptr) {
      if (absl::Status status = NewTable(); !status.ok()) {
        return status;
      }
    }
    table_->Add(key_, value);
    return absl::OkStatus();
  }

  // After the last entry.
  absl::Status Finish() {
    if (table_ == nullptr && !tombstones_.empty()) {
      if (absl::Status status = NewTable(); !status.ok()) {
        return status;
      }
    }
    return table_ == nullptr ? absl::OkStatus() : FinishTable(std::nullopt);
  }

 private:
  absl::Status NewTable() {
    if (sequence() > kMaxSequenceNumber) {
      return absl::ResourceExhaustedError(
          "the store has not enough sequence numbers left for what is ingested");
    }
    absl::StatusOr<std::unique_ptr<TableWriter>> table =
        TableWriter::Create(home_, options_, to_->level, new_number_());
    if (!table.ok()) {
      return table.status();
    }
    table_ = *std::move(table);
    return absl::OkStatus();
  }

  // With the range tombstones before `end`, where the next table begins, or all.
  absl::Status FinishTable(std::optional<absl::string_view> end) {
    RangeTombstones tombstones;
    const std::vector<RangeTombstone> taken = tombstones_.TakeBefore(end).Entries();
    for (const RangeTombstone& tombstone : taken) {
      tombstones.Append({tombstone.begin, tombstone.end, sequence()});
    }
    table_->AddRangeTombstones(tombstones);
    absl::StatusOr<std::shared_ptr<LiveTable>> table = table_->Finish();
    table_ = nullptr;
    if (!table.ok()) {
      return table.status();
    }
    to_->tables.push_back(*std::move(table));
    return absl::OkStatus();
  }

  // One for each table: on level 0 no two tables may share one. So a table's range tombstones,
  // which delete what is older, leave its entries alone.
  SequenceNumber sequence() const { return to_->first_sequence + to_->tables.size(); }

  void SetKey(absl::string_view user_key, ValueType type) {
    key_.clear();
    AppendInternalKey(user_key, sequence(), type, &key_);
  }

  const TableHome& home_;
  const TableBuilderOptions options_;
  OutputSplitter splitter_;
  OutputTombstones tombstones_;
  const std::function<uint64_t()> new_number_;
  Ingested* const to_;
  std::unique_ptr<TableWriter> table_;  // at hand; null between two
  std::string key_;
};

absl::StatusOr<IngestResult> DBImpl::Ingest(const std::vector<std::string>& files) {
  // One at a time: the tables go live in the order of their sequence numbers.
  absl::MutexLock one_at_a_time(&ingest_mutex_);
  const absl::Time start = absl::Now();
  for (uint64_t reserve = kLeastReserve;; reserve *= kReserveGrowth) {
    Ingested ingested;
    absl::Status status = WriteIngested(files, reserve, &ingested);
    if (status.ok() && !ingested.tables.empty()) {
      Writer writer;
      writer.switch_memtable = true;
      writer.ingested = &ingested;
      status = JoinQueue(&writer);
    }
    if (!status.ok() && !ingested.may_be_named) {
      for (const std::shared_ptr<LiveTable>& table : ingested.tables) {
        table->MarkObsolete();
      }
    }
    if (ingested.overtaken) {
      continue;
    }
    if (!status.ok()) {
      return status;
    }
    IngestResult result;
    result.level = ingested.level;
    for (const std::shared_ptr<LiveTable>& table : ingested.tables) {
      ++result.tables;
      result.entries += table->meta().entries;
      result.table_bytes += table->meta().file_bytes;
    }
    Log(absl::StrCat(home_.dir, ": ingested ", files.size(), " files into ", result.tables,
                     " tables on level ", result.level, ": ", result.entries, " entries, ",
                     result.table_bytes, " bytes, in ",
                     absl::ToInt64Milliseconds(absl::Now() - start), " ms"));
    return result;
  }
}

absl::Status DBImpl::WriteIngested(const std::vector<std::string>& files, uint64_t reserve,
                                   Ingested* ingested) {
  const absl::StatusOr<std::unique_ptr<ForeignMerge>> opened = ForeignMerge::Open(fs_, files);
  if (!opened.ok() || (*opened)->empty()) {
    return opened.status();
  }
  ForeignMerge& merge = **opened;
  std::shared_ptr<const Version> version;
  {
    absl::MutexLock lock(&mutex_);
    if (absl::Status writable = CheckWritable(); !writable.ok()) {
      return writable;
    }
    version = version_;
    ingested->level = LevelForNewest(merge.range());
    ingested->first_sequence = last_sequence_.load() + std::max(reserve, merge.file_bytes());
  }
  const int level = ingested->level;
  const Version::Tables no_tables;
  OutputTables output(
      home_, {options_.block_bytes, CompressionFor(level, *version)},
      {level == 0 ? options_.level0_bytes : options_.table_bytes,
       level + 1 < kNumLevels ? version->level(level + 1) : no_tables},
      OutputTombstones(merge.RangeDeletions()), [this] { return NewTableNumber(); }, ingested);
  for (;;) {
    const absl::StatusOr<bool> more = merge.Next();
    if (!more.ok()) {
      return more.status();
    }
    absl::Status status =
        *more ? output.Add(merge.user_key(), merge.type(), merge.value()) : output.Finish();
    if (!status.ok()) {
      return status;
    }
    if (!*more) {
      return absl::OkStatus();
    }
  }
}

absl::Status DBImpl::InstallIngested(Ingested* ingested) {
  absl::Status status = WaitForFlush(kMaxSequenceNumber);
  if (!status.ok()) {
    return status;
  }
  if (last_sequence_.load() >= ingested->first_sequence) {
    ingested->overtaken = true;
    return absl::AbortedError("more was written meanwhile than there were sequence numbers for");
  }
  // A new one, though it is empty: a reader whose view has the old one, but not yet the tables,
  // must not come to see writes that follow them.
  memtable_ = NewMemtable(/*prefix=*/"");
  Compaction place;  // keeps compactions away from the range until the tables stand in it
  place.target_level = kNumLevels - 1;
  place.hull = Hull(ingested->tables);
  ingested->level = LevelForNewest(place.hull);
  running_.push_back(&place);
  VersionEdit edit;
  const SequenceNumber last = ingested->first_sequence + ingested->tables.size() - 1;
  edit.last_sequence = last;
  for (const std::shared_ptr<LiveTable>& table : ingested->tables) {
    edit.added_tables.emplace_back(ingested->level, table->meta());
  }
  ingested->may_be_named = true;
  status = ApplyEdit(&edit, ingested->tables, /*flushed_oldest=*/false);
  if (status.ok()) {
    last_sequence_.store(last, std::memory_order_release);
    compaction_error_ = absl::OkStatus();
  }
  std::erase(running_, &place);
  compaction_work_.SignalAll();
  done_.SignalAll();
  return status;
}

int DBImpl::LevelForNewest(const KeyRange& range) const {
  const auto holds_key = [&](const std::shared_ptr<MemTable>& memtable) {
    return HoldsKeyIn(*memtable, range);
  };
  if (holds_key(memtable_) ||
      std::ranges::any_of(immutables_, holds_key, [](const auto& i) { return i.memtable; }) ||
      HoldsTableIn(version_->level(0), range)) {
    return 0;
  }
  int level = 0;
  for (int next = 1; next < kNumLevels; ++next, ++level) {
    // A compaction may span the range with a table, even if it has no key in it.
    const bool taken = HoldsTableIn(version_->level(next), range) ||
                       std::ranges::any_of(running_, [&](const Compaction* compaction) {
                         return compaction->target_level == next &&
                                compaction->hull.Overlaps(range.smallest, range.largest);
                       });
    if (taken) {
      break;
    }
  }
  return level;
}

}  // namespace fathom
