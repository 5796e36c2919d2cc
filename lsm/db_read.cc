// The read path: a view, then memtables, then tables, newest data first; iterators over a view; and
// the figures that a store tells of itself.
#include <utility>

#include "absl/strings/str_cat.h"
#include "lsm/compaction/merging_iterator.h"
#include "lsm/db_impl.h"
#include "lsm/db_iterator.h"

namespace fathom {
namespace {

// Level 0 of the course's tree holds up to 40 MiB, each level below ten times the one above.
constexpr uint64_t kLevel0Bytes = uint64_t{40} << 20;
constexpr uint64_t kLevelRatio = 10;

// Looks in the memtables of `view`, newest first.
Lookup ReadMemtables(const View& view, absl::string_view key, SequenceNumber snapshot,
                     std::string* value, ReadCost* cost) {
  ++cost->memtables_checked;
  Lookup found = view.memtable->Get(key, snapshot, value);
  for (const std::shared_ptr<MemTable>& memtable : view.immutables) {
    if (found != Lookup::kAbsent) {
      break;
    }
    ++cost->memtables_checked;
    found = memtable->Get(key, snapshot, value);
  }
  return found;
}

void AddMemtables(const View& view, std::vector<std::unique_ptr<InternalIterator>>* iterators) {
  iterators->push_back(view.memtable->NewIterator());
  for (const std::shared_ptr<MemTable>& memtable : view.immutables) {
    iterators->push_back(memtable->NewIterator());
  }
}

// Keeps the view alive whose tables and memtables the cursor reads.
class ViewIterator final : public Iterator {
 public:
  ViewIterator(std::shared_ptr<const View> view, std::unique_ptr<Iterator> base)
      : view_(std::move(view)), base_(std::move(base)) {}

  bool Valid() const override { return base_->Valid(); }
  void SeekToFirst() override { base_->SeekToFirst(); }
  void SeekToLast() override { base_->SeekToLast(); }
  void Seek(absl::string_view target) override { base_->Seek(target); }
  void SeekForPrev(absl::string_view target) override { base_->SeekForPrev(target); }
  void Next() override { base_->Next(); }
  void Prev() override { base_->Prev(); }
  absl::string_view key() const override { return base_->key(); }
  absl::string_view value() const override { return base_->value(); }
  absl::Status status() const override { return base_->status(); }

 private:
  const std::shared_ptr<const View> view_;
  const std::unique_ptr<Iterator> base_;
};

}  // namespace

absl::Status DBImpl::Get(const ReadOptions& options, absl::string_view key, std::string* value) {
  absl::StatusOr<ReadResult> result = Read(options, key, value);
  if (!result.ok()) {
    return result.status();
  }
  return result->lookup == Lookup::kFound ? absl::OkStatus() : absl::NotFoundError("no such key");
}

absl::StatusOr<ReadResult> DBImpl::Read(const ReadOptions&, absl::string_view key,
                                        std::string* value) {
  const ViewHolder::Pin view(views_);
  const SequenceNumber snapshot = last_sequence_.load(std::memory_order_acquire);
  ReadResult result;
  result.lookup = ReadMemtables(*view, key, snapshot, value, &result.cost);
  result.in_memtable = result.lookup != Lookup::kAbsent;
  if (!result.in_memtable) {
    int level = -1;
    absl::StatusOr<Lookup> found = view->version->Get(key, snapshot, value, &result.cost, &level);
    Count(result.cost);
    if (!found.ok()) {
      return found.status();
    }
    result.lookup = *found;
    result.level = *found == Lookup::kAbsent ? -1 : level;
  }
  counters_.gets.fetch_add(1, std::memory_order_relaxed);
  return result;
}

absl::StatusOr<ReadResult> DBImpl::ReadTable(const ReadOptions&, absl::string_view table,
                                             absl::string_view key, std::string* value) {
  const ViewHolder::Pin view(views_);
  ReadResult result;
  const std::shared_ptr<LiveTable> live = view->version->Find(table, &result.level);
  if (live == nullptr) {
    return absl::NotFoundError(absl::StrCat("no live table is named \"", table, "\""));
  }
  absl::StatusOr<Lookup> found =
      live->reader().Get(key, FilterHash(key), kMaxSequenceNumber, value, &result.cost);
  Count(result.cost);
  if (!found.ok()) {
    return found.status();
  }
  result.lookup = *found;
  return result;
}

std::unique_ptr<Iterator> DBImpl::NewIterator(const ReadOptions& options, ReadCost* cost) {
  std::shared_ptr<const View> view = views_.Share();
  const SequenceNumber snapshot = last_sequence_.load(std::memory_order_acquire);
  std::vector<std::unique_ptr<InternalIterator>> children;
  AddMemtables(*view, &children);
  view->version->AddIterators(options.fill_cache, cost, &children);
  counters_.iterators.fetch_add(1, std::memory_order_relaxed);
  return std::make_unique<ViewIterator>(
      std::move(view), NewDBIterator(NewMergingIterator(std::move(children)), snapshot));
}

std::unique_ptr<Iterator> DBImpl::NewMemtableIterator() {
  std::shared_ptr<const View> view = views_.Share();
  const SequenceNumber snapshot = last_sequence_.load(std::memory_order_acquire);
  std::vector<std::unique_ptr<InternalIterator>> children;
  AddMemtables(*view, &children);
  counters_.iterators.fetch_add(1, std::memory_order_relaxed);
  return std::make_unique<ViewIterator>(
      std::move(view), NewDBIterator(NewMergingIterator(std::move(children)), snapshot));
}

absl::Status DBImpl::VerifyTables() {
  const std::shared_ptr<const View> view = views_.Share();
  absl::Status status = view->version->Check();
  for (int level = 0; status.ok() && level < kNumLevels; ++level) {
    for (const std::shared_ptr<LiveTable>& table : view->version->level(level)) {
      status.Update(table->reader().Check().status());
    }
  }
  return status;
}

std::vector<LevelInfo> DBImpl::Levels() const {
  const ViewHolder::Pin view(views_);
  std::vector<LevelInfo> levels;
  uint64_t max_bytes = kLevel0Bytes;
  for (int level = 0; level < kNumLevels; ++level, max_bytes *= kLevelRatio) {
    levels.push_back(LevelInfo{level, view->version->level(level).size(),
                               view->version->LevelBytes(level), max_bytes, level > 0});
  }
  return levels;
}

void DBImpl::Count(const ReadCost& cost) const {
  const auto add = [](std::atomic<uint64_t>& counter, uint64_t n) {
    if (n > 0) {
      counter.fetch_add(n, std::memory_order_relaxed);
    }
  };
  add(counters_.memtables_checked, cost.memtables_checked);
  add(counters_.levels_checked, cost.levels_checked);
  add(counters_.tables_checked, cost.tables_checked);
  add(counters_.filters_checked, cost.filters_checked);
  add(counters_.filters_rejected, cost.filters_rejected);
  add(counters_.blocks_cached, cost.blocks_cached);
  add(counters_.blocks_read, cost.blocks_read);
  add(counters_.bytes_read, cost.bytes_read);
}

}  // namespace fathom
