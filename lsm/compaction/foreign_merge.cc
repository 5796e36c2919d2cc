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
  for (size_t place = 0; place < files.size(); ++place) {
    if (absl::Status status = merge->AddSource(files[place], place); !status.ok()) {
      return status;
    }
  }
  for (const std::unique_ptr<Source>& source : merge->sources_) {
    merge->heap_.push_back(source.get());
  }
  std::ranges::make_heap(merge->heap_, kAfter);
  return merge;
}

absl::Status ForeignMerge::AddSource(const std::string& file, size_t place) {
  absl::StatusOr<std::unique_ptr<ForeignTable>> table = OpenTable(fs_, file);
  if (!table.ok()) {
    return table.status();
  }
  file_bytes_ += (*table)->file_bytes();
  const absl::StatusOr<bool> any = (*table)->Next();
  if (!any.ok() || !*any) {
    return any.status();
  }
  const absl::StatusOr<std::string> last_key = (*table)->ReadLastKey();
  if (!last_key.ok()) {
    return last_key.status();
  }
  std::string first_key((*table)->user_key());
  KeyRange range = KeyRange::Closed(first_key, *last_key);
  if (sources_.empty() || range.smallest < range_.smallest) {
    range_.smallest = std::move(range.smallest);
  }
  if (sources_.empty() || CompareInternalKeys(range.largest, range_.largest) > 0) {
    range_.largest = std::move(range.largest);
  }
  sources_.push_back(
      std::make_unique<Source>(Source{file, place, std::move(first_key), /*table=*/nullptr}));
  return absl::OkStatus();
}

absl::StatusOr<bool> ForeignMerge::Next() {
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
