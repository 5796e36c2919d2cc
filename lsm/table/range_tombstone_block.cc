#include "lsm/table/range_tombstone_block.h"

#include <deque>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "lsm/format/corruption.h"
#include "lsm/table/block_builder.h"

namespace fathom {
namespace {

// A list with its keys.
struct OwnedList {
  std::deque<std::string> keys;  // which do not move
  RangeTombstones list;

  absl::string_view Keep(absl::string_view key) {
    // In order, so equal keys are neighbours, or one apart.
    for (size_t i = keys.size(); i > 0 && i + 2 > keys.size(); --i) {
      if (absl::string_view(keys[i - 1]) == key) {
        return keys[i - 1];
      }
    }
    return keys.emplace_back(key);
  }
};

}  // namespace

std::string EncodeRangeTombstones(const RangeTombstones& list) {
  BlockBuilder block(1);
  std::string key;
  for (const RangeTombstone& tombstone : list.Entries()) {
    key.clear();
    AppendInternalKey(tombstone.begin, tombstone.sequence, ValueType::kRangeDeletion, &key);
    block.Add(key, tombstone.end);
  }
  return std::string(block.Finish());
}

absl::StatusOr<std::shared_ptr<const RangeTombstones>> DecodeRangeTombstones(
    const std::shared_ptr<const Block>& block) {
  const auto owned = std::make_shared<OwnedList>();
  BlockIterator it(block);
  for (it.SeekToFirst(); it.Valid(); it.Next()) {
    const absl::string_view key = it.key();
    if (key.size() < kTrailerBytes || Type(key) != ValueType::kRangeDeletion) {
      return it.CorruptEntry("key of a range tombstone", "an internal key of type 15",
                             absl::StrCat("\"", absl::CHexEscape(key), "\""));
    }
    const RangeTombstone tombstone{owned->Keep(UserKey(key)), owned->Keep(it.value()),
                                   Sequence(key)};
    if (!owned->list.Append(tombstone)) {
      return it.CorruptEntry(
          "range tombstone",
          "a range behind those before it, or a lower "
          "sequence of the last one",
          absl::StrCat("\"", absl::CHexEscape(tombstone.begin), "\" to \"",
                       absl::CHexEscape(tombstone.end), "\" @ ", tombstone.sequence));
    }
  }
  if (!it.status().ok()) {
    return it.status();
  }
  if (owned->list.empty()) {
    return Corruption(block->file(), block->offset(), "range tombstones", "at least 1", 0);
  }
  return std::shared_ptr<const RangeTombstones>(owned, &owned->list);
}

}  // namespace fathom
