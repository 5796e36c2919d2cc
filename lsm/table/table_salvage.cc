#include "lsm/table/table_salvage.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "lsm/format/internal_key.h"
#include "lsm/table/block_reader.h"
#include "lsm/table/range_tombstone_block.h"
#include "lsm/table/table_format.h"

namespace fathom {
namespace {

using SharedName = std::shared_ptr<const std::string>;

absl::StatusOr<Footer> ReadFooter(const ReadableFile& file, const SharedName& name) {
  const uint64_t footer_offset = file.size() - std::min<uint64_t>(file.size(), kFooterBytes);
  std::string bytes(kFooterBytes, '\0');
  if (absl::Status status = ReadExactly(file, *name, footer_offset, bytes.size(), bytes.data());
      !status.ok()) {
    return status;
  }
  return DecodeFooter(bytes, *name, footer_offset);
}

// OK if every entry of `block` is one, and they lie after `after` and at or before `up_to`, in
// order.
absl::Status CheckEntries(const std::shared_ptr<const Block>& block, absl::string_view after,
                          absl::string_view up_to) {
  std::string last(after);
  BlockIterator data(block);
  for (data.SeekToFirst(); data.Valid(); data.Next()) {
    if (absl::Status status = CheckEntryKey(data); !status.ok()) {
      return status;
    }
    const bool in_order = (last.empty() || CompareInternalKeys(last, data.key()) < 0) &&
                          CompareInternalKeys(data.key(), up_to) <= 0;
    if (!in_order) {
      return data.CorruptEntry("order of keys",
                               absl::StrCat("after \"", absl::CHexEscape(last), "\", up to \"",
                                            absl::CHexEscape(up_to), "\""),
                               absl::StrCat("\"", absl::CHexEscape(data.key()), "\""));
    }
    last.assign(data.key().data(), data.key().size());
  }
  return data.status();
}

// Goes through the blocks of a table by its index.
class Salvager {
 public:
  Salvager(const ReadableFile& file, const SharedName& name, const TakeEntry& take,
           std::vector<LostBlock>* lost)
      : file_(file), name_(name), take_(take), lost_(lost) {}

  // The data blocks of an index block.
  absl::Status TakeDataBlocks(const std::shared_ptr<const Block>& index_block) {
    return ForEach(index_block, [this](const IndexEntry& entry, absl::string_view separator) {
      const auto block = ReadBlock(file_, name_, entry.handle, entry.checksum);
      absl::Status status =
          block.ok() ? CheckEntries(*block, separator_, separator) : block.status();
      if (status.ok()) {
        BlockIterator data(*block);
        for (data.SeekToFirst(); data.Valid(); data.Next()) {
          take_(data.key(), data.value());
        }
      }
      return status;
    });
  }

  // Those of all index blocks that the root of an index names.
  absl::Status TakePartitions(const std::shared_ptr<const Block>& root) {
    return ForEach(root, [this](const IndexEntry& entry, absl::string_view) {
      const auto block = ReadBlock(file_, name_, entry.handle, entry.checksum);
      return block.ok() ? TakeDataBlocks(*block) : block.status();
    });
  }

 private:
  // Hands every entry of an index block to `take`; what that fails with is lost, from the last
  // separator before on.
  absl::Status ForEach(
      const std::shared_ptr<const Block>& index_block,
      absl::FunctionRef<absl::Status(const IndexEntry&, absl::string_view separator)> take) {
    BlockIterator index(index_block);
    for (index.SeekToFirst(); index.Valid(); index.Next()) {
      if (!IsValidInternalKey(index.key())) {
        return index.CorruptEntry("separator", "an internal key",
                                  absl::StrCat("\"", absl::CHexEscape(index.key()), "\""));
      }
      const absl::StatusOr<IndexEntry> entry = ReadIndexEntry(index);
      if (!entry.ok()) {
        return entry.status();
      }
      if (absl::Status status = take(*entry, index.key()); !status.ok()) {
        lost_->push_back(
            LostBlock{entry->handle.offset, separator_, std::string(index.key()), status});
      }
      separator_.assign(index.key().data(), index.key().size());
    }
    return index.status();
  }

  const ReadableFile& file_;
  const SharedName& name_;
  const TakeEntry& take_;
  std::vector<LostBlock>* const lost_;
  std::string separator_;  // of the last block, taken or lost
};

// Is this the root of an index of several partitions? A table begins with its first data block:
// what comes first and does not stand there is an index block.
absl::StatusOr<bool> IsIndexRoot(const std::shared_ptr<const Block>& block) {
  BlockIterator it(block);
  it.SeekToFirst();
  if (!it.Valid()) {
    return it.status().ok() ? absl::StatusOr<bool>(false) : it.status();
  }
  const absl::StatusOr<IndexEntry> first = ReadIndexEntry(it);
  return first.ok() ? absl::StatusOr<bool>(first->handle.offset != 0) : first.status();
}

}  // namespace

absl::Status SalvageTable(const ReadableFile& file, const std::string& name, const TakeEntry& take,
                          std::vector<LostBlock>* lost) {
  const auto shared_name = std::make_shared<const std::string>(name);
  const absl::StatusOr<Footer> footer = ReadFooter(file, shared_name);
  if (!footer.ok()) {
    return footer.status();
  }
  const absl::StatusOr<std::shared_ptr<const Block>> index =
      ReadBlock(file, shared_name, footer->index, std::nullopt);
  if (!index.ok()) {
    return index.status();
  }
  const absl::StatusOr<bool> is_root = IsIndexRoot(*index);
  if (!is_root.ok()) {
    return is_root.status();
  }
  Salvager salvager(file, shared_name, take, lost);
  return *is_root ? salvager.TakePartitions(*index) : salvager.TakeDataBlocks(*index);
}

absl::StatusOr<std::shared_ptr<const RangeTombstones>> SalvageRangeTombstones(
    const ReadableFile& file, const std::string& name) {
  const auto shared_name = std::make_shared<const std::string>(name);
  const absl::StatusOr<Footer> footer = ReadFooter(file, shared_name);
  if (!footer.ok()) {
    return footer.status();
  }
  const absl::StatusOr<std::shared_ptr<const Block>> metaindex =
      ReadBlock(file, shared_name, footer->metaindex, std::nullopt);
  if (!metaindex.ok()) {
    return metaindex.status();
  }
  BlockIterator it(*metaindex);
  for (it.SeekToFirst(); it.Valid(); it.Next()) {
    if (it.key() != kRangeTombstonesName) {
      continue;
    }
    absl::string_view value = it.value();
    BlockHandle handle;
    if (!handle.DecodeFrom(&value) || !value.empty()) {
      return it.CorruptEntry("metaindex entry of the range tombstones", "a block handle",
                             "bytes that are none");
    }
    const absl::StatusOr<std::shared_ptr<const Block>> block =
        ReadBlock(file, shared_name, handle, std::nullopt);
    return block.ok() ? DecodeRangeTombstones(*block) : block.status();
  }
  if (!it.status().ok()) {
    return it.status();
  }
  return std::shared_ptr<const RangeTombstones>();
}

}  // namespace fathom
