#include "lsm/table/block.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "lsm/format/coding.h"
#include "lsm/format/corruption.h"
#include "lsm/format/internal_key.h"
#include "lsm/table/block_entry.h"

namespace fathom {
namespace {

constexpr uint32_t kHashIndexFlag = uint32_t{1} << 31;

}  // namespace

Block::Block(const char* bytes, std::shared_ptr<const std::string> file, uint64_t offset)
    : bytes_(bytes), file_(std::move(file)), offset_(offset) {}

uint32_t Block::LastRestartBefore(uint32_t offset) const {
  uint32_t low = 0;
  uint32_t high = num_restarts_ - 1;
  while (low < high) {
    const uint32_t middle = low + (high - low + 1) / 2;
    if (RestartOffset(middle) < offset) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}

struct Block::Shared : Block {
  Shared(const char* bytes, std::shared_ptr<const std::string> file, uint64_t offset)
      : Block(bytes, std::move(file), offset) {}
};

absl::StatusOr<std::shared_ptr<const Block>> Block::Parse(BlockBytes bytes, size_t size,
                                                          std::shared_ptr<const std::string> file,
                                                          uint64_t offset, Seeks seeks) {
  const char* const begin = bytes.get();
  const size_t memory_bytes = MemorySize(bytes, size);
  const absl::Span<uint64_t> room = IndexRoom(bytes);
  const auto block = std::allocate_shared<Shared>(BesideBytes<Shared>(std::move(bytes)), begin,
                                                  std::move(file), offset);
  block->memory_bytes_ = memory_bytes;
  if (absl::Status status = block->ReadRestartPoints(size); !status.ok()) {
    return status;
  }
  if (seeks == Seeks::kMany) {
    block->index_ = EntryIndex::Over(begin, block->restarts_offset_, block->num_restarts_, room);
  }
  return block;
}

absl::StatusOr<std::shared_ptr<const Block>> Block::ParseBorrowed(
    absl::string_view bytes, std::shared_ptr<const std::string> file, uint64_t offset) {
  const auto block = std::make_shared<Shared>(bytes.data(), std::move(file), offset);
  if (absl::Status status = block->ReadRestartPoints(bytes.size()); !status.ok()) {
    return status;
  }
  return block;
}

absl::Status Block::ReadRestartPoints(size_t size) {
  constexpr size_t kWord = sizeof(uint32_t);
  if (size < 2 * kWord || size > std::numeric_limits<uint32_t>::max()) {
    return Corruption(*file_, offset_, "block size", "8 to 2^32 - 1", size);
  }
  const uint32_t num_restarts = DecodeFixed32(bytes_ + size - kWord);
  if ((num_restarts & kHashIndexFlag) != 0) {
    return Corruption(*file_, offset_, "block index type", "binary search",
                      "a hash index, which this version does not read");
  }
  const size_t most_restarts = (size - kWord) / kWord;
  if (num_restarts == 0 || num_restarts > most_restarts) {
    return Corruption(*file_, offset_, "number of restart points",
                      absl::StrCat("1 to ", most_restarts), num_restarts);
  }
  restarts_offset_ = static_cast<uint32_t>(size - (size_t{num_restarts} + 1) * kWord);
  num_restarts_ = num_restarts;
  uint64_t least = 0;
  for (uint32_t i = 0; i < num_restarts; ++i) {
    const uint32_t restart = RestartOffset(i);
    const bool in_order = i == 0 ? restart == 0 : restart >= least;
    const bool in_entries = restart < restarts_offset_ || (i == 0 && restart == 0);
    if (!in_order || !in_entries) {
      return Corruption(
          *file_, offset_ + restarts_offset_ + i * kWord, "restart point",
          i == 0 ? absl::StrCat(0) : absl::StrCat(least, " to ", restarts_offset_, " exclusive"),
          restart);
    }
    least = uint64_t{restart} + 1;
  }
  return absl::OkStatus();
}

absl::Status Block::CheckRestartPoints() const {
  uint32_t found = 0;
  for (uint32_t entry = 0; entry < restarts_offset_;) {
    EntryHeader header;
    const char* const key = DecodeEntryHeader(bytes_ + entry, bytes_ + restarts_offset_, &header);
    if (key == nullptr) {
      break;
    }
    if (found < num_restarts_ && RestartOffset(found) == entry && header.shared == 0) {
      ++found;
    }
    entry = static_cast<uint32_t>(key + header.unshared + header.value_size - bytes_);
  }
  if (found < num_restarts_ && restarts_offset_ > 0) {
    return Corruption(*file_, offset_ + restarts_offset_ + found * sizeof(uint32_t),
                      "restart point", "where an entry begins that shares nothing",
                      RestartOffset(found));
  }
  return absl::OkStatus();
}

BlockIterator::BlockIterator(std::shared_ptr<const Block> block)
    : block_(std::move(block)),
      data_(block_->bytes_),
      end_(block_->restarts_offset_),
      current_(end_),
      next_(end_) {}

void BlockIterator::SeekToFirst() {
  MoveToRestart(0);
  ReadNextEntry();
}

void BlockIterator::SeekToLast() {
  MoveToRestart(block_->num_restarts_ - 1);
  do {
    ReadNextEntry();
  } while (Valid() && next_ < end_);
}

void BlockIterator::Seek(absl::string_view target) {
  assert(target.size() >= kTrailerBytes);
  if (block_->index_.size() > 0) {
    return SeekByIndex(target);
  }
  // The last restart point whose key is < target; the first one if there is none.
  uint32_t low = 0;
  uint32_t high = block_->num_restarts_ - 1;
  while (low < high) {
    const uint32_t middle = low + (high - low + 1) / 2;
    absl::string_view key;
    if (!RestartKey(middle, &key)) {
      return;
    }
    if (CompareInternalKeys(key, target) < 0) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  MoveToRestart(low);
  do {
    ReadNextEntry();
  } while (IsBefore(target));
}

void BlockIterator::SeekByIndex(absl::string_view target) {
  const EntryIndex& index = block_->index_;
  // Entries before `first` are before the target, and those from `end` on are not.
  auto [first, end] = index.Narrow(UserKey(target));
  uint32_t at = index.size();
  while (first < end) {
    at = first + (end - first) / 2;
    MoveToEntry(at);
    if (IsBefore(target)) {
      first = at + 1;
    } else if (Valid()) {
      end = at;
    } else {
      return;
    }
  }
  if (first == index.size()) {
    status_ = absl::OkStatus();
    MoveToEnd();
  } else if (first != at) {
    MoveToEntry(first);
  }
}

void BlockIterator::Prev() {
  assert(Valid());
  if (current_ == 0) {
    return MoveToEnd();
  }
  if (passed_.empty() || passed_.back().next != current_) {
    PassEntriesBefore(current_);
    if (!status_.ok()) {
      return;
    }
  }
  const Passed& entry = passed_.back();
  current_ = entry.offset;
  next_ = entry.next;
  Show(absl::string_view(passed_keys_).substr(entry.key_begin, entry.key_size),
       absl::string_view(data_ + entry.value, entry.next - entry.value));
  passed_.pop_back();
}

void BlockIterator::PassEntriesBefore(uint32_t end) {
  passed_.clear();
  passed_keys_.clear();
  MoveToRestart(block_->LastRestartBefore(end));
  do {
    ReadNextEntry();
    if (!Valid()) {
      return;
    }
    passed_.push_back({.offset = current_,
                       .value = static_cast<uint32_t>(value().data() - data_),
                       .next = next_,
                       .key_begin = static_cast<uint32_t>(passed_keys_.size()),
                       .key_size = static_cast<uint32_t>(key().size())});
    passed_keys_.append(key().data(), key().size());
  } while (next_ < end);
}

bool BlockIterator::IsBefore(absl::string_view target) {
  if (!Valid()) {
    return false;
  }
  if (key().size() < kTrailerBytes) {
    Fail(CorruptAt(current_, "size of an internal key", "at least 8", key().size()));
    return false;
  }
  return CompareInternalKeys(key(), target) < 0;
}

bool BlockIterator::RestartKey(uint32_t index, absl::string_view* key) {
  const uint32_t offset = block_->RestartOffset(index);
  EntryHeader header;
  const char* p = DecodeEntryHeader(data_ + offset, data_ + end_, &header);
  if (p == nullptr) {
    FailPassingEnd(offset);
    return false;
  }
  if (header.shared != 0) {
    Fail(CorruptAt(offset, "shared bytes of the key at a restart point", 0, header.shared));
    return false;
  }
  if (header.unshared < kTrailerBytes) {
    Fail(CorruptAt(offset, "size of an internal key", "at least 8", header.unshared));
    return false;
  }
  *key = absl::string_view(p, header.unshared);
  return true;
}

void BlockIterator::MoveToRestart(uint32_t index) {
  status_ = absl::OkStatus();
  ShowNothing();
  next_ = end_ == 0 ? 0 : block_->RestartOffset(index);
}

void BlockIterator::MoveToEntry(uint32_t i) {
  const uint32_t offset = block_->index_.offset(i);
  __builtin_prefetch(data_ + offset + 64);
  __builtin_prefetch(data_ + offset + 128);
  EntryHeader header;
  const char* const p = DecodeEntryHeader(data_ + offset, data_ + end_, &header);
  if (p == nullptr || header.unshared < kTrailerBytes ||  // then it shares bytes of a trailer
      !block_->index_.KeyPrefix(i, header.shared, &key_buffer_)) {
    MoveToRestart(block_->LastRestartBefore(offset + 1));
    do {
      ReadNextEntry();
    } while (Valid() && current_ < offset);
    return;
  }
  status_ = absl::OkStatus();
  ShowEntry(offset, header, p);
}

absl::Status BlockIterator::CorruptAt(uint32_t entry, absl::string_view what,
                                      const absl::AlphaNum& expected,
                                      const absl::AlphaNum& found) const {
  return Corruption(*block_->file_, block_->offset_ + entry, what, expected, found);
}

void BlockIterator::FailPassingEnd(uint32_t entry) {
  Fail(CorruptAt(entry, "entry", "within its block", "an entry that passes the block's end"));
}

void BlockIterator::FailSharing(size_t most, uint32_t shared) {
  Fail(CorruptAt(current_, "shared bytes of a key", absl::StrCat("at most ", most), shared));
}

void BlockIterator::Fail(absl::Status status) {
  status_ = std::move(status);
  MoveToEnd();
}

void BlockIterator::MoveToEnd() {
  current_ = next_ = end_;
  ShowNothing();
}

}  // namespace fathom
