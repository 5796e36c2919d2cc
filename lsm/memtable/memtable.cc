#include "lsm/memtable/memtable.h"

#include <cstring>
#include <utility>

#include "lsm/format/checksum.h"
#include "lsm/format/coding.h"

namespace fathom {
namespace {

class MemTableIterator final : public InternalIterator {
 public:
  MemTableIterator(std::shared_ptr<const MemTable> table, const EntryTree* tree)
      : table_(std::move(table)), cursor_(tree) {}

  void SeekToFirst() override {
    cursor_.SeekToFirst();
    ShowEntry();
  }
  void SeekToLast() override {
    cursor_.SeekToLast();
    ShowEntry();
  }
  void Seek(absl::string_view target) override {
    cursor_.Seek(target);
    ShowEntry();
  }
  void Next() override {
    cursor_.Next();
    ShowEntry();
  }
  void Prev() override {
    cursor_.Prev();
    ShowEntry();
  }
  absl::Status status() const override { return absl::OkStatus(); }

 private:
  void ShowEntry() {
    if (cursor_.Valid()) {
      Show(cursor_.key(), cursor_.value());
    } else {
      ShowNothing();
    }
  }

  const std::shared_ptr<const MemTable> table_;
  EntryTree::Cursor cursor_;
};

}  // namespace

void MemTable::Add(SequenceNumber sequence, ValueType type, absl::string_view user_key,
                   absl::string_view value) {
  if (type == ValueType::kRangeDeletion) {
    AddRangeTombstone(sequence, user_key, value);
  } else {
    filter_.Add(FilterHash(user_key));
    tree_.Insert(user_key, PackTrailer(sequence, type), value);
  }
  const size_t key_size = user_key.size() + kTrailerBytes;
  charge_.fetch_add(VarintLength(key_size) + key_size + VarintLength(value.size()) + value.size(),
                    std::memory_order_relaxed);
  entries_.fetch_add(1, std::memory_order_relaxed);
}

absl::string_view MemTable::Copy(absl::string_view bytes) {
  if (bytes.empty()) {
    return absl::string_view();
  }
  char* const copy = arena_.Allocate(bytes.size());
  std::memcpy(copy, bytes.data(), bytes.size());
  return absl::string_view(copy, bytes.size());
}

void MemTable::AddRangeTombstone(SequenceNumber sequence, absl::string_view begin,
                                 absl::string_view end) {
  unpublished_.push_back({Copy(begin), Copy(end), sequence});
}

void MemTable::PublishAdded() {
  std::vector<RangeTombstone> all =
      RangeTombstones::NewestOf(std::exchange(unpublished_, {}), /*snapshots=*/{}).Entries();
  if (const RangeTombstones* const now = range_tombstones(); now != nullptr) {
    const std::vector<RangeTombstone> old = now->Entries();
    all.insert(all.end(), old.begin(), old.end());
  }
  lists_.push_back(std::make_unique<const RangeTombstones>(RangeTombstones::Of(std::move(all))));
  list_bytes_.fetch_add(lists_.back()->memory_bytes(), std::memory_order_relaxed);
  range_tombstones_.store(lists_.back().get(), std::memory_order_release);
}

Lookup MemTable::Get(absl::string_view user_key, std::optional<uint64_t> filter_hash,
                     SequenceNumber snapshot, std::string* value) const {
  const RangeTombstones* const tombstones = range_tombstones();
  const SequenceNumber covering =
      tombstones == nullptr ? 0 : tombstones->Covering(user_key, snapshot);
  const TreeEntry* const entry = filter_hash.has_value() && !filter_.MayContain(*filter_hash)
                                     ? nullptr
                                     : tree_.Find(SeekKey(user_key, snapshot).view());
  if (entry == nullptr) {
    return covering == 0 ? Lookup::kAbsent : Lookup::kDeleted;
  }
  if (Type(entry->key()) == ValueType::kDeletion || Sequence(entry->key()) < covering) {
    return Lookup::kDeleted;
  }
  value->assign(entry->value().data(), entry->value().size());
  return Lookup::kFound;
}

std::unique_ptr<InternalIterator> MemTable::NewIterator() const {
  return std::make_unique<MemTableIterator>(shared_from_this(), &tree_);
}

}  // namespace fathom
