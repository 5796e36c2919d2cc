// The read path: a view, the route through its tables, then memtables, then tables, newest data
// first; iterators over a view; and the figures that a store tells of itself.
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "lsm/compaction/merging_iterator.h"
#include "lsm/covered_iterator.h"
#include "lsm/db_impl.h"
#include "lsm/db_iterator.h"
#include "lsm/format/checksum.h"
#include "lsm/format/failed_iterator.h"

namespace fathom {
namespace {

// Without a message, which would be allocated: what is asked for is often not there.
absl::Status NoSuchKey() { return absl::NotFoundError(""); }

// Looks in the memtables of `view`, newest first. `filter_hash` as in MemTable::Get.
Lookup ReadMemtables(const View& view, absl::string_view key, std::optional<uint64_t> filter_hash,
                     SequenceNumber snapshot, std::string* value, ReadCost* cost) {
  ++cost->memtables_checked;
  Lookup found = view.memtable->Get(key, filter_hash, snapshot, value);
  for (const std::shared_ptr<MemTable>& memtable : view.immutables) {
    if (found != Lookup::kAbsent) {
      break;
    }
    ++cost->memtables_checked;
    found = memtable->Get(key, filter_hash, snapshot, value);
  }
  return found;
}

void AddMemtables(const View& view, std::vector<std::unique_ptr<InternalIterator>>* iterators) {
  iterators->push_back(view.memtable->NewIterator());
  for (const std::shared_ptr<MemTable>& memtable : view.immutables) {
    iterators->push_back(memtable->NewIterator());
  }
}

// As AddMemtables, their range tombstones. True if there are any.
bool AddMemtableTombstones(const View& view, std::vector<RangeTombstoneRun>* runs) {
  bool any = false;
  const auto add = [&](const MemTable& memtable) {
    runs->emplace_back();
    if (const RangeTombstones* const list = memtable.range_tombstones(); list != nullptr) {
      runs->back().push_back(list);
      any = true;
    }
  };
  add(*view.memtable);
  for (const std::shared_ptr<MemTable>& memtable : view.immutables) {
    add(*memtable);
  }
  return any;
}

}  // namespace

absl::Status DBImpl::Get(const ReadOptions& options, absl::string_view key, std::string* value) {
  absl::StatusOr<ReadResult> result = Read(options, key, value);
  if (!result.ok()) {
    return result.status();
  }
  return result->lookup == Lookup::kFound ? absl::OkStatus() : NoSuchKey();
}

SequenceNumber DBImpl::SequenceOf(const ReadOptions& options) const {
  return options.snapshot != nullptr ? options.snapshot->sequence()
                                     : last_sequence_.load(std::memory_order_acquire);
}

absl::StatusOr<ReadResult> DBImpl::Read(const ReadOptions& options, absl::string_view key,
                                        std::string* value) {
  const ViewHolder::Pin view(views_);
  return ReadView(view, options, SequenceOf(options), key, value);
}

absl::StatusOr<ReadResult> DBImpl::ReadView(const ViewHolder::Pin& view, const ReadOptions& options,
                                            SequenceNumber sequence, absl::string_view key,
                                            std::string* value) {
  ReadResult result;
  LevelCosts costs;
  const Version::Route route = view->version->RouteTo(key, options.use_filters);
  result.lookup = ReadMemtables(*view, key, route.filter_hash, sequence, value, &result.cost);
  result.in_memtable = result.lookup != Lookup::kAbsent;
  absl::Status status;
  if (!result.in_memtable) {
    const absl::StatusOr<Lookup> found = view->version->Get(route, key, sequence, value, &costs);
    for (const ReadCost& cost : costs) {
      result.cost.Add(cost);
    }
    status = found.status();
    result.lookup = found.value_or(Lookup::kAbsent);
    if (result.lookup != Lookup::kAbsent) {
      result.level = static_cast<int>(result.cost.levels_checked) - 1;
    }
  }
  read_tallies_.Add(view, result, costs);
  if (!status.ok()) {
    return status;
  }
  return result;
}

std::vector<absl::Status> DBImpl::MultiGet(const ReadOptions& options,
                                           const std::vector<absl::string_view>& keys,
                                           std::vector<std::string>* values) {
  const ViewHolder::Pin view(views_);
  const SequenceNumber sequence = SequenceOf(options);
  values->resize(keys.size());
  std::vector<absl::Status> statuses;
  statuses.reserve(keys.size());
  for (size_t i = 0; i < keys.size(); ++i) {
    const absl::StatusOr<ReadResult> read =
        ReadView(view, options, sequence, keys[i], &(*values)[i]);
    statuses.push_back(!read.ok()                       ? read.status()
                       : read->lookup == Lookup::kFound ? absl::OkStatus()
                                                        : NoSuchKey());
  }
  return statuses;
}

std::shared_ptr<const Snapshot> DBImpl::GetSnapshot() {
  absl::MutexLock lock(&mutex_);
  const SequenceNumber sequence = last_sequence_.load();
  snapshots_.insert(sequence);
  return std::shared_ptr<const Snapshot>(new Snapshot(sequence, [this](SequenceNumber released) {
    absl::MutexLock release_lock(&mutex_);
    snapshots_.erase(snapshots_.find(released));
  }));
}

absl::StatusOr<ReadResult> DBImpl::ReadTable(const ReadOptions& options, absl::string_view table,
                                             absl::string_view key, std::string* value) {
  const ViewHolder::Pin view(views_);
  ReadResult result;
  const std::shared_ptr<LiveTable> live = view->version->Find(table, &result.level);
  if (live == nullptr) {
    return absl::NotFoundError(absl::StrCat("no live table is named \"", table, "\""));
  }
  const std::optional<uint64_t> filter_hash =
      options.use_filters ? std::optional(FilterHash(key)) : std::nullopt;
  const absl::StatusOr<Lookup> found =
      live->Get(key, filter_hash, SequenceOf(options), value, &result.cost);
  result.lookup = found.value_or(Lookup::kAbsent);
  read_tallies_.AddLookup(view, result);
  if (!found.ok()) {
    return found.status();
  }
  return result;
}

std::unique_ptr<Iterator> DBImpl::NewIterator(const ReadOptions& options, ReadCost* cost) {
  return IteratorOver(views_.Share(), options, /*tables=*/true, cost);
}

std::unique_ptr<Iterator> DBImpl::NewMemtableIterator() {
  return IteratorOver(views_.Share(), ReadOptions(), /*tables=*/false, nullptr);
}

std::unique_ptr<Iterator> DBImpl::IteratorOver(std::shared_ptr<const View> view,
                                               const ReadOptions& options, bool tables,
                                               ReadCost* cost) {
  // After the view was taken (invariant 2).
  const SequenceNumber sequence = SequenceOf(options);
  std::vector<std::unique_ptr<InternalIterator>> children;
  AddMemtables(*view, &children);
  if (tables) {
    view->version->AddIterators(options.fill_cache, cost, &children);
  }
  // Also after the sequence: all range tombstones that it sees are published.
  std::vector<RangeTombstoneRun> tombstones;
  const bool in_memtables = AddMemtableTombstones(*view, &tombstones);
  if (in_memtables || (tables && view->version->may_have_range_tombstones())) {
    const absl::Status found =
        tables ? view->version->AddRangeTombstones(&tombstones) : absl::OkStatus();
    if (found.ok()) {
      HideCovered(std::move(tombstones), sequence, &children);
    } else {
      // Nobody knows which keys they delete.
      children.clear();
      children.push_back(std::make_unique<FailedIterator>(found));
    }
  }
  counters_.iterators.fetch_add(1, std::memory_order_relaxed);
  return NewDBIterator(std::move(view), NewMergingIterator(std::move(children)), sequence,
                       options.lower_bound, options.upper_bound);
}

}  // namespace fathom
