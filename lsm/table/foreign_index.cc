#include "lsm/table/foreign_index.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "lsm/format/coding.h"
#include "lsm/format/corruption.h"
#include "lsm/table/block_reader.h"

namespace fathom {

absl::StatusOr<ForeignIndex> ForeignIndex::Open(ForeignFile* file, const ForeignIndexForm& form) {
  ForeignIndex index(file, form);
  absl::StatusOr<Level> top = index.OpenLevel({.handle = file->footer().index});
  if (!top.ok()) {
    return top.status();
  }
  index.top_ = *std::move(top);
  return index;
}

absl::StatusOr<ForeignIndex::Level> ForeignIndex::OpenLevel(const ForeignIndexEntry& entry) {
  absl::StatusOr<UncompressedBlock> block = file_->Read(entry.handle, entry.checksum);
  if (!block.ok()) {
    return block.status();
  }
  constexpr size_t kWord = sizeof(uint32_t);
  const size_t restarts =
      block->size < kWord ? 0 : DecodeFixed32(block->bytes.get() + block->size - kWord);
  if (restarts == 0 || restarts > (block->size - kWord) / kWord) {
    return Corruption(file_->name(), entry.handle.offset, "number of restart points of the index",
                      absl::StrCat("what ", block->size, " bytes can hold"), restarts);
  }
  Level level;
  level.end = block->size - (restarts + 1) * kWord;
  level.block = *std::move(block);
  level.offset = entry.handle.offset;
  return level;
}

absl::StatusOr<bool> ForeignIndex::Next(ForeignIndexEntry* entry) {
  for (;;) {
    Level& level = partition_.has_value() ? *partition_ : top_;
    const bool leaf = partition_.has_value() || !form_.two_levels;
    const absl::StatusOr<bool> more = Advance(&level, leaf);
    if (!more.ok()) {
      return more.status();
    }
    if (!*more) {
      if (!partition_.has_value()) {
        return false;
      }
      partition_.reset();
      continue;
    }
    if (!leaf) {
      absl::StatusOr<Level> partition = OpenLevel(level.last);
      if (!partition.ok()) {
        return partition.status();
      }
      partition_ = *std::move(partition);
      continue;
    }
    *entry = level.last;
    // Blocks may have bytes between them, but a later one never stands before an earlier one.
    if (entry->handle.offset < end_ || !EndsWithin(entry->handle, file_->size())) {
      return Corruption(
          file_->name(), level.offset, "place of a data block",
          absl::StrCat("after ", end_, ", within the file's ", file_->size(), " bytes"),
          absl::StrCat(entry->handle.size, " bytes at ", entry->handle.offset));
    }
    end_ = EndOf(entry->handle);
    return true;
  }
}

absl::StatusOr<bool> ForeignIndex::Advance(Level* level, bool leaf) {
  if (level->next == level->end) {
    return false;
  }
  const char* const begin = level->block.bytes.get();
  absl::string_view in(begin + level->next, level->end - level->next);
  uint32_t shared = 0;
  uint32_t unshared = 0;
  uint32_t value_size = 0;
  bool good = GetVarint32(&in, &shared) && GetVarint32(&in, &unshared) &&
              (form_.delta_values || GetVarint32(&in, &value_size)) && shared <= level->key_bytes &&
              unshared <= in.size();
  if (good) {
    in.remove_prefix(unshared);
    good = value_size <= in.size();
  }
  if (good) {
    absl::string_view value = form_.delta_values ? in : in.substr(0, value_size);
    const size_t before = value.size();
    good = ReadValue(&value, /*shares=*/shared > 0, leaf, level) &&
           (form_.delta_values || value.empty());
    in.remove_prefix(before - value.size());
  }
  if (!good) {
    return Corruption(file_->name(), level->offset + level->next, "index entry", "a block handle",
                      "something else");
  }
  level->key_bytes = uint64_t{shared} + unshared;
  level->next = static_cast<size_t>(in.data() - begin);
  return true;
}

bool ForeignIndex::ReadValue(absl::string_view* in, bool shares, bool leaf, Level* level) const {
  BlockHandle& handle = level->last.handle;
  if (form_.delta_values && shares) {
    uint64_t zigzag;
    if (!GetVarint64(in, &zigzag)) {
      return false;
    }
    handle.offset = EndOf(handle);
    handle.size += (zigzag >> 1) ^ (~(zigzag & 1) + 1);
  } else if (!handle.DecodeFrom(in)) {
    return false;
  }
  absl::string_view first_key;
  if (leaf && form_.first_keys && !GetLengthPrefixed(in, &first_key)) {
    return false;
  }
  if (form_.block_checksums) {
    uint32_t checksum;
    if (!GetFixed32(in, &checksum)) {
      return false;
    }
    level->last.checksum = checksum;
  }
  return true;
}

}  // namespace fathom
