#include "lsm/memtable/memtable.h"

#include <utility>

#include "lsm/format/coding.h"

namespace fathom {
namespace {

class MemTableIterator final : public InternalIterator {
 public:
  MemTableIterator(std::shared_ptr<const MemTable> table, const SkipList* list)
      : table_(std::move(table)), cursor_(list) {}

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
  SkipList::Cursor cursor_;
};

}  // namespace

void MemTable::Add(SequenceNumber sequence, ValueType type, absl::string_view user_key,
                   absl::string_view value) {
  list_.Insert(user_key, PackTrailer(sequence, type), value);
  const size_t key_size = user_key.size() + kTrailerBytes;
  charge_.fetch_add(VarintLength(key_size) + key_size + VarintLength(value.size()) + value.size(),
                    std::memory_order_relaxed);
  entries_.fetch_add(1, std::memory_order_relaxed);
}

Lookup MemTable::Get(absl::string_view user_key, SequenceNumber snapshot,
                     std::string* value) const {
  const SeekKey target(user_key, snapshot);
  SkipList::Cursor cursor(&list_);
  cursor.Seek(target.view());
  if (!cursor.Valid() || UserKey(cursor.key()) != user_key) {
    return Lookup::kAbsent;
  }
  if (Type(cursor.key()) == ValueType::kDeletion) {
    return Lookup::kDeleted;
  }
  value->assign(cursor.value().data(), cursor.value().size());
  return Lookup::kFound;
}

std::unique_ptr<InternalIterator> MemTable::NewIterator() const {
  return std::make_unique<MemTableIterator>(shared_from_this(), &list_);
}

}  // namespace fathom
