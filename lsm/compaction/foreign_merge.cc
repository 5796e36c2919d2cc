#include "lsm/compaction/foreign_merge.h"

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace fathom {
namespace {

absl::StatusOr<std::unique_ptr<ForeignTable>> OpenTable(FileSystem* fs, const std::string& file) {
  absl::StatusOr<std::unique_ptr<ReadableFile>> opened = fs->OpenForRead(file);
  if (!opened.ok()) {
    return opened.status();
  }
  return ForeignTable::Open(*std::move(opened), file);
}

// Does `a` belong below `b` in the heap?
constexpr auto kAfter = [](const auto* a, const auto* b) {
  const int order = a->key().compare(b->key());
  return order != 0 ? order > 0 : a->place < b->place;
};

}  // namespace

absl::StatusOr<std::unique_ptr<ForeignMerge>> ForeignMerge::Open(
    FileSystem* fs, const std::vector<std::string>& files) {
  std::unique_ptr<ForeignMerge> merge(new ForeignMerge(fs));
  std::vector<RangeTombstone> tombstones;
  for (size_t place = 0; place < files.size(); ++place) {
    if (absl::Status status = merge->AddSource(files[place], place, &tombstones); !status.ok()) {
      return status;
    }
  }
  merge->range_tombstones_ = RangeTombstones::NewestOf(std::move(tombstones), /*snapshots=*/{});
  for (const std::unique_ptr<Source>& source : merge->sources_) {
    merge->heap_.push_back(source.get());
  }
  std::ranges::make_heap(merge->heap_, kAfter);
  return merge;
}

absl::Status ForeignMerge::AddSource(const std::string& file, size_t place,
                                     std::vector<RangeTombstone>* tombstones) {
  absl::StatusOr<std::unique_ptr<ForeignTable>> table = OpenTable(fs_, file);
  if (!table.ok()) {
    return table.status();
  }
  file_bytes_ += (*table)->file_bytes();
  if (const auto& list = (*table)->range_tombstones(); list != nullptr) {
    lists_.push_back(list);
    Widen({std::string(list->fragments().front().begin), list->Largest()});
    for (RangeTombstone tombstone : list->Entries()) {
      tombstone.sequence = place + 1;
      tombstones->push_back(tombstone);
    }
  }
  const absl::StatusOr<bool> any = (*table)->Next();
  if (!any.ok() || !*any) {
    return any.status();
  }
  const absl::StatusOr<std::string> last_key = (*table)->ReadLastKey();
  if (!last_key.ok()) {
    return last_key.status();
  }
  std::string first_key((*table)->user_key());
  Widen(KeyRange::Closed(first_key, *last_key));
  sources_.push_back(
      std::make_unique<Source>(Source{file, place, std::move(first_key), /*table=*/nullptr}));
  return absl::OkStatus();
}

void ForeignMerge::Widen(KeyRange range) {
  const bool first = empty();
  if (first || range.smallest < range_.smallest) {
    range_.smallest = std::move(range.smallest);
  }
  if (first || CompareInternalKeys(range.largest, range_.largest) > 0) {
    range_.largest = std::move(range.largest);
  }
}

std::vector<RangeTombstone> ForeignMerge::RangeDeletions() const {
  std::vector<RangeTombstone> all = range_tombstones_.Entries();
  for (RangeTombstone& tombstone : all) {
    tombstone.sequence = 0;
  }
  return RangeTombstones::Of(std::move(all)).Entries();
}

absl::StatusOr<bool> ForeignMerge::Next() {
  for (;;) {
    absl::StatusOr<bool> more = NextKey();
    if (!more.ok() || !*more || range_tombstones_.empty() ||
        range_tombstones_.Covering(user_key(), kMaxSequenceNumber) <= current_->place + 1) {
      return more;
    }
  }
}

absl::StatusOr<bool> ForeignMerge::NextKey() {
  if (current_ != nullptr) {
    if (absl::Status status = PutBack(current_); !status.ok()) {
      return status;
    }
    current_ = nullptr;
  }
  if (heap_.empty()) {
    return false;
  }
  const absl::StatusOr<Source*> latest = TakeFirst();
  if (!latest.ok()) {
    return latest.status();
  }
  while (!heap_.empty() && heap_.front()->key() == (*latest)->key()) {
    const absl::StatusOr<Source*> earlier = TakeFirst();
    if (!earlier.ok()) {
      return earlier.status();
    }
    if (absl::Status status = PutBack(*earlier); !status.ok()) {
      return status;
    }
  }
  current_ = *latest;
  return true;
}

absl::StatusOr<ForeignMerge::Source*> ForeignMerge::TakeFirst() {
  std::ranges::pop_heap(heap_, kAfter);
  Source* const source = heap_.back();
  heap_.pop_back();
  if (source->table != nullptr) {
    return source;
  }
  absl::StatusOr<std::unique_ptr<ForeignTable>> table = OpenTable(fs_, source->file);
  if (!table.ok()) {
    return table.status();
  }
  const absl::StatusOr<bool> any = (*table)->Next();
  if (!any.ok()) {
    return any.status();
  }
  if (!*any || (*table)->user_key() != source->first_key) {
    return absl::FailedPreconditionError(
        absl::StrCat(source->file, ": changed while it was read: its first key was \"",
                     absl::CHexEscape(source->first_key), "\""));
  }
  source->table = *std::move(table);
  return source;
}

absl::Status ForeignMerge::PutBack(Source* source) {
  const absl::StatusOr<bool> more = source->table->Next();
  if (!more.ok()) {
    return more.status();
  }
  if (*more) {
    heap_.push_back(source);
    std::ranges::push_heap(heap_, kAfter);
  } else {
    source->table = nullptr;
  }
  return absl::OkStatus();
}

}  // namespace fathom
