#include "lsm/table/range_tombstone_block.h"

#include <deque>
#include <utility>
#include <vector>

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

absl::Status CheckKey(const BlockIterator& it) {
  return it.key().size() >= kTrailerBytes && Type(it.key()) == ValueType::kRangeDeletion
             ? absl::OkStatus()
             : it.CorruptEntry("key of a range tombstone", "an internal key of type 15",
                               absl::StrCat("\"", absl::CHexEscape(it.key()), "\""));
}

absl::Status RefuseRange(const BlockIterator& it, absl::string_view expected) {
  return it.CorruptEntry("range tombstone", expected,
                         absl::StrCat("\"", absl::CHexEscape(UserKey(it.key())), "\" to \"",
                                      absl::CHexEscape(it.value()), "\" @ ", Sequence(it.key())));
}

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
    if (absl::Status status = CheckKey(it); !status.ok()) {
      return status;
    }
    if (!owned->list.Append(
            {owned->Keep(UserKey(it.key())), owned->Keep(it.value()), Sequence(it.key())})) {
      return RefuseRange(it, "a range behind those before it, or a lower sequence of the last one");
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

absl::StatusOr<std::shared_ptr<const RangeTombstones>> DecodeForeignRangeTombstones(
    const std::shared_ptr<const Block>& block, TableProperties* counted) {
  const auto owned = std::make_shared<OwnedList>();
  std::vector<RangeTombstone> tombstones;
  BlockIterator it(block);
  for (it.SeekToFirst(); it.Valid(); it.Next()) {
    if (absl::Status status = CheckKey(it); !status.ok()) {
      return status;
    }
    const absl::string_view begin = UserKey(it.key());
    if (begin > it.value()) {
      return RefuseRange(it, "an end that is not before the begin");
    }
    counted->CountEntry(it.key(), it.value());
    if (begin < it.value()) {
      tombstones.push_back({owned->keys.emplace_back(begin), owned->keys.emplace_back(it.value()),
                            Sequence(it.key())});
    }
  }
  if (!it.status().ok()) {
    return it.status();
  }
  if (tombstones.empty()) {
    return std::shared_ptr<const RangeTombstones>();
  }
  owned->list = RangeTombstones::NewestOf(std::move(tombstones), /*snapshots=*/{});
  return std::shared_ptr<const RangeTombstones>(owned, &owned->list);
}

}  // namespace fathom
