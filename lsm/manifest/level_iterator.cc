#include "lsm/manifest/level_iterator.h"

#include <algorithm>
#include <optional>

#include "lsm/table/table_iterator.h"

namespace fathom {
namespace {

class LevelIterator final : public InternalIterator {
 public:
  LevelIterator(std::span<const std::shared_ptr<LiveTable>> tables, bool fill_cache, ReadCost* cost)
      : tables_(tables), fill_cache_(fill_cache), cost_(cost) {}

  void SeekToFirst() override {
    if (Open(0)) {
      table_->SeekToFirst();
      SkipForward();
    }
  }
  void SeekToLast() override {
    if (Open(tables_.size() - 1)) {
      table_->SeekToLast();
      SkipBackward();
    }
  }
  void Seek(absl::string_view target) override {
    const auto at = std::partition_point(
        tables_.begin(), tables_.end(), [target](const std::shared_ptr<LiveTable>& table) {
          return CompareInternalKeys(table->meta().largest, target) < 0;
        });
    if (Open(static_cast<size_t>(at - tables_.begin()))) {
      table_->Seek(target);
      SkipForward();
    }
  }

  void Next() override {
    table_->Next();
    if (table_->Valid()) {
      ShowWhere(*table_);
    } else {
      SkipForward();
    }
  }
  void Prev() override {
    table_->Prev();
    SkipBackward();
  }
  absl::Status status() const override {
    return table_.has_value() ? table_->status() : open_error_;
  }

 private:
  // Makes table `i` the open one; false (and no table) past either end, or if it cannot be opened.
  bool Open(size_t i) {
    if (table_.has_value() && at_ == i && table_->status().ok()) {
      return true;
    }
    table_.reset();
    ShowNothing();
    open_error_ = absl::OkStatus();
    if (i >= tables_.size()) {
      return false;
    }
    const absl::StatusOr<TableReader*> reader = tables_[i]->reader();
    if (!reader.ok()) {
      open_error_ = reader.status();
      return false;
    }
    table_.emplace((*reader)->shared_from_this(), ScanUse::Of(fill_cache_), cost_);
    at_ = i;
    return true;
  }
  // An error stops here: the next table must not hide it.
  void SkipForward() {
    while (table_.has_value() && !table_->Valid() && table_->status().ok()) {
      if (Open(at_ + 1)) {
        table_->SeekToFirst();
      }
    }
    ShowTable();
  }
  void SkipBackward() {
    while (table_.has_value() && !table_->Valid() && table_->status().ok()) {
      if (Open(at_ - 1)) {  // wraps around to past the end
        table_->SeekToLast();
      }
    }
    ShowTable();
  }
  void ShowTable() {
    if (table_.has_value()) {
      ShowWhere(*table_);
    }
  }

  const std::span<const std::shared_ptr<LiveTable>> tables_;
  const bool fill_cache_;
  ReadCost* const cost_;
  size_t at_ = 0;
  std::optional<TableIterator> table_;
  absl::Status open_error_;
};

}  // namespace

std::unique_ptr<InternalIterator> NewLevelIterator(
    std::span<const std::shared_ptr<LiveTable>> tables, bool fill_cache, ReadCost* cost) {
  return std::make_unique<LevelIterator>(tables, fill_cache, cost);
}

}  // namespace fathom
