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

namespace fathom {
namespace {

constexpr uint32_t kHashIndexFlag = uint32_t{1} << 31;

struct EntryHeader {
  uint32_t shared;
  uint32_t unshared;
  uint32_t value_size;
};

// Decodes the header of the entry at `p`. One past it, where the key bytes begin; null if the
// header or the bytes that it announces pass `limit`.
inline const char* DecodeEntryHeader(const char* p, const char* limit, EntryHeader* header) {
  if (limit - p < 3) {
    return nullptr;
  }
  header->shared = static_cast<uint8_t>(p[0]);
  header->unshared = static_cast<uint8_t>(p[1]);
  header->value_size = static_cast<uint8_t>(p[2]);
  if ((header->shared | header->unshared | header->value_size) < 128) {
    p += 3;
  } else {
    if ((p = DecodeVarint32(p, limit, &header->shared)) == nullptr ||
        (p = DecodeVarint32(p, limit, &header->unshared)) == nullptr ||
        (p = DecodeVarint32(p, limit, &header->value_size)) == nullptr) {
      return nullptr;
    }
  }
  const uint64_t announced = uint64_t{header->unshared} + header->value_size;
  return static_cast<uint64_t>(limit - p) < announced ? nullptr : p;
}

// How many of `sorted` (not empty) are less than `bound`. Without a branch that depends on them: it
// could not be foretold.
uint32_t CountLess(const std::vector<uint64_t>& sorted, uint64_t bound) {
  const uint64_t* from = sorted.data();
  for (size_t n = sorted.size(); n > 1;) {
    const size_t half = n / 2;
    from += from[half - 1] < bound ? half : 0;
    n -= half;
  }
  return static_cast<uint32_t>(from - sorted.data()) + (*from < bound ? 1 : 0);
}

}  // namespace

struct Block::Shared : Block {};

absl::StatusOr<std::shared_ptr<const Block>> Block::Parse(std::unique_ptr<char[]> bytes,
                                                          size_t size,
                                                          std::shared_ptr<const std::string> file,
                                                          uint64_t offset, bool for_search) {
  constexpr size_t kWord = sizeof(uint32_t);
  if (size < 2 * kWord || size > std::numeric_limits<uint32_t>::max()) {
    return Corruption(*file, offset, "block size", "8 to 2^32 - 1", size);
  }
  const uint32_t num_restarts = DecodeFixed32(bytes.get() + size - kWord);
  if ((num_restarts & kHashIndexFlag) != 0) {
    return Corruption(*file, offset, "block index type", "binary search",
                      "a hash index, which this version does not read");
  }
  const size_t most_restarts = (size - kWord) / kWord;
  if (num_restarts == 0 || num_restarts > most_restarts) {
    return Corruption(*file, offset, "number of restart points",
                      absl::StrCat("1 to ", most_restarts), num_restarts);
  }

  const auto block = std::make_shared<Shared>();
  block->restarts_offset_ = static_cast<uint32_t>(size - (size_t{num_restarts} + 1) * kWord);
  block->num_restarts_ = num_restarts;
  uint64_t least = 0;
  for (uint32_t i = 0; i < num_restarts; ++i) {
    const uint32_t restart = DecodeFixed32(bytes.get() + block->restarts_offset_ + i * kWord);
    const bool in_order = i == 0 ? restart == 0 : restart >= least;
    const bool in_entries = restart < block->restarts_offset_ || (i == 0 && restart == 0);
    if (!in_order || !in_entries) {
      return Corruption(*file, offset + block->restarts_offset_ + i * kWord, "restart point",
                        i == 0 ? absl::StrCat(0)
                               : absl::StrCat(least, " to ", block->restarts_offset_, " exclusive"),
                        restart);
    }
    least = uint64_t{restart} + 1;
  }
  block->bytes_ = std::move(bytes);
  block->size_ = size;
  block->file_ = std::move(file);
  block->offset_ = offset;
  if (for_search) {
    block->MakeDigests();
  }
  return std::shared_ptr<const Block>(block);
}

void Block::MakeDigests() {
  const char* const entries_end = bytes_.get() + restarts_offset_;
  // Not of the last one: in an index it is a short successor, which has little in common with the
  // others.
  std::vector<absl::string_view> keys(num_restarts_ - 1);
  for (uint32_t i = 0; i < keys.size(); ++i) {
    const uint32_t offset = DecodeFixed32(entries_end + i * sizeof(uint32_t));
    EntryHeader header;
    const char* const key = DecodeEntryHeader(bytes_.get() + offset, entries_end, &header);
    if (key == nullptr || header.shared != 0 || header.unshared < kTrailerBytes) {
      return;
    }
    keys[i] = UserKey(absl::string_view(key, header.unshared));
  }
  if (keys.empty()) {
    return;
  }
  // Keys ascend: what the first and the last have in common, all have.
  const absl::string_view first = keys.front();
  const absl::string_view last = keys.back();
  const auto differ = std::mismatch(first.begin(), first.end(), last.begin(), last.end());
  common_prefix_ = first.substr(0, static_cast<size_t>(differ.first - first.begin()));
  digests_.reserve(keys.size());
  for (const absl::string_view key : keys) {
    digests_.push_back(DigestOf(key));
  }
}

uint64_t Block::DigestOf(absl::string_view user_key) const {
  user_key.remove_prefix(std::min(common_prefix_.size(), user_key.size()));
  char bytes[sizeof(uint64_t)] = {};
  std::memcpy(bytes, user_key.data(), std::min(user_key.size(), sizeof(bytes)));
  return __builtin_bswap64(DecodeFixed64(bytes));
}

BlockIterator::BlockIterator(std::shared_ptr<const Block> block)
    : block_(std::move(block)),
      data_(block_->bytes_.get()),
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
  // The last restart point whose key is < target; the first one if there is none.
  uint32_t low = 0;
  uint32_t high = block_->num_restarts_ - 1;
  if (!block_->digests_.empty()) {
    NarrowByDigest(target, &low, &high);
  }
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
  ReadNextEntry();
  while (Valid()) {
    if (key().size() < kTrailerBytes) {
      return Fail(CorruptAt(current_, "size of an internal key", "at least 8", key().size()));
    }
    if (CompareInternalKeys(key(), target) >= 0) {
      return;
    }
    ReadNextEntry();
  }
}

void BlockIterator::Next() {
  assert(Valid());
  ReadNextEntry();
}

void BlockIterator::Prev() {
  assert(Valid());
  const uint32_t original = current_;
  if (original == 0) {
    current_ = end_;
    return ShowNothing();
  }
  // The last restart point before the current entry.
  uint32_t low = 0;
  uint32_t high = block_->num_restarts_ - 1;
  while (low < high) {
    const uint32_t middle = low + (high - low + 1) / 2;
    if (RestartOffset(middle) < original) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  MoveToRestart(low);
  do {
    ReadNextEntry();
  } while (Valid() && next_ < original);
}

void BlockIterator::NarrowByDigest(absl::string_view target, uint32_t* low, uint32_t* high) const {
  const absl::string_view user_key = UserKey(target);
  const std::vector<uint64_t>& digests = block_->digests_;
  const auto last = static_cast<uint32_t>(digests.size());  // the restart point without one
  const absl::string_view common = block_->common_prefix_;
  const int order = user_key.substr(0, common.size()).compare(common);
  if (order < 0) {
    *high = 0;
    return;
  }
  if (order > 0) {
    *low = last - 1;
    return;
  }
  // A smaller digest is a smaller key; equal digests say nothing.
  const uint64_t digest = block_->DigestOf(user_key);
  const uint32_t first_not_less = CountLess(digests, digest);
  uint32_t first_greater = first_not_less;
  while (first_greater < last && digests[first_greater] == digest) {
    ++first_greater;
  }
  *low = first_not_less == 0 ? 0 : first_not_less - 1;
  if (first_greater < last) {
    *high = first_greater == 0 ? 0 : first_greater - 1;
  }
}

uint32_t BlockIterator::RestartOffset(uint32_t index) const {
  return DecodeFixed32(data_ + end_ + index * sizeof(uint32_t));
}

bool BlockIterator::RestartKey(uint32_t index, absl::string_view* key) {
  const uint32_t offset = RestartOffset(index);
  EntryHeader header;
  const char* p = DecodeEntryHeader(data_ + offset, data_ + end_, &header);
  if (p == nullptr) {
    Fail(CorruptAt(offset, "entry", "within its block", "an entry that passes the block's end"));
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
  next_ = end_ == 0 ? 0 : RestartOffset(index);
}

void BlockIterator::ReadNextEntry() {
  current_ = next_;
  if (current_ >= end_) {
    return ShowNothing();
  }
  EntryHeader header;
  const char* p = DecodeEntryHeader(data_ + current_, data_ + end_, &header);
  if (p == nullptr) {
    return Fail(
        CorruptAt(current_, "entry", "within its block", "an entry that passes the block's end"));
  }
  absl::string_view entry_key(p, header.unshared);
  if (header.shared > 0) {
    const absl::string_view last = key();
    if (header.shared > last.size()) {
      return Fail(CorruptAt(current_, "shared bytes of a key",
                            absl::StrCat("at most ", last.size()), header.shared));
    }
    if (last.data() == key_buffer_.data()) {
      key_buffer_.resize(header.shared);
    } else {
      key_buffer_.assign(last.data(), header.shared);
    }
    key_buffer_.append(p, header.unshared);
    entry_key = key_buffer_;
  }
  p += header.unshared;
  next_ = static_cast<uint32_t>(p + header.value_size - data_);
  Show(entry_key, absl::string_view(p, header.value_size));
}

absl::Status BlockIterator::CorruptAt(uint32_t entry, absl::string_view what,
                                      const absl::AlphaNum& expected,
                                      const absl::AlphaNum& found) const {
  return Corruption(*block_->file_, block_->offset_ + entry, what, expected, found);
}

void BlockIterator::Fail(absl::Status status) {
  status_ = std::move(status);
  current_ = next_ = end_;
  ShowNothing();
}

}  // namespace fathom
