#include "lsm/table/block_outline.h"

#include <utility>

#include "lsm/format/checksum.h"
#include "lsm/format/internal_key.h"
#include "lsm/table/block_entry.h"
#include "lsm/table/block_memory.h"

namespace fathom {
namespace {

// Of as many versions of a key, or keys that begin alike, a walk in the block finds one sooner.
constexpr uint32_t kMostCandidates = 4;

// Of an entry that the outline does not vouch for, and by chance of one that it could.
constexpr uint32_t kNoChecksum = 0;

uint32_t EntryChecksum(absl::string_view entry) { return static_cast<uint32_t>(Hash64(entry)); }

}  // namespace

struct BlockOutline::Shared : BlockOutline {
  Shared(EntryIndex index, const uint32_t* checksums, uint32_t end, size_t memory_bytes)
      : BlockOutline(std::move(index), checksums, end, memory_bytes) {}
};

BlockOutline::BlockOutline(EntryIndex index, const uint32_t* checksums, uint32_t end,
                           size_t memory_bytes)
    : index_(std::move(index)), checksums_(checksums), end_(end), memory_bytes_(memory_bytes) {}

std::shared_ptr<const BlockOutline> BlockOutline::Of(const Block& block) {
  const char* const begin = block.bytes_;
  const uint32_t end = block.restarts_offset_;
  EntryIndex index = EntryIndex::Over(begin, end, block.num_restarts_, {});
  // Can the key of an entry, which the index has parsed, be told from the entry and the index?
  const auto tells_key = [&](uint32_t i) {
    EntryHeader header;
    DecodeEntryHeader(begin + index.offset(i), begin + end, &header);
    return index.KnowsPrefixes(header.shared) && header.unshared >= kTrailerBytes;
  };
  uint32_t telling = 0;
  for (uint32_t i = 0; i < index.size(); ++i) {
    telling += tells_key(i) ? 1 : 0;
  }
  if (telling < index.size() / 2) {
    index = EntryIndex();
  }
  const uint32_t entries = index.size();
  const size_t size = entries * (sizeof(uint64_t) + sizeof(uint32_t)) + index.common_bytes();
  BlockBytes memory = TakeBlockBytes(nullptr, size);
  const size_t memory_bytes = MemorySize(memory, size);
  auto* const slots = reinterpret_cast<uint64_t*>(memory.get());
  auto* const checksums = reinterpret_cast<uint32_t*>(slots + entries);
  auto* const prefix = reinterpret_cast<char*>(checksums + entries);
  auto outline =
      std::allocate_shared<Shared>(BesideBytes<Shared>(std::move(memory)),
                                   index.CopyInto(slots, prefix), checksums, end, memory_bytes);
  for (uint32_t i = 0; i < entries; ++i) {
    const uint32_t at = outline->EntryBegin(i);
    checksums[i] = tells_key(i)
                       ? EntryChecksum(absl::string_view(begin + at, outline->EntryEnd(i) - at))
                       : kNoChecksum;
  }
  return outline;
}

BlockOutline::Answer BlockOutline::Seek(absl::string_view target, const ReadableFile& file,
                                        uint64_t offset, BlockScratch* scratch, ReadCost* cost,
                                        Entry* entry) const {
  if (index_.size() == 0) {
    return Answer::kUnclear;
  }
  const auto [first, end] = index_.Narrow(UserKey(target));
  if (end - first > kMostCandidates) {
    return Answer::kUnclear;
  }
  for (uint32_t i = first; i < end; ++i) {
    if (!Read(i, file, offset, scratch, cost, entry)) {
      return Answer::kUnclear;
    }
    if (CompareInternalKeys(entry->key.view(), target) >= 0) {
      return Answer::kEntry;
    }
  }
  if (end == index_.size()) {
    return Answer::kUnclear;  // the next block may have the answer
  }
  cost->blocks_cached += first == end ? 1 : 0;
  return Answer::kAbsent;
}

bool BlockOutline::Read(uint32_t i, const ReadableFile& file, uint64_t offset,
                        BlockScratch* scratch, ReadCost* cost, Entry* entry) const {
  const uint32_t begin = EntryBegin(i);
  const size_t n = EntryEnd(i) - begin;
  if (n > BlockScratch::kMaxBytes || checksums_[i] == kNoChecksum) {
    return false;
  }
  char* const bytes = scratch->Take(n);
  const absl::StatusOr<size_t> read = file.Read(offset + begin, n, bytes);
  ++cost->blocks_read;
  cost->bytes_read += n;
  if (!read.ok() || *read != n || EntryChecksum(absl::string_view(bytes, n)) != checksums_[i]) {
    return false;
  }
  EntryHeader header;
  const char* const p = DecodeEntryHeader(bytes, bytes + n, &header);
  if (p == nullptr || !index_.KeyPrefix(i, header.shared, &entry->key)) {
    return false;
  }
  entry->key.Append(absl::string_view(p, header.unshared));
  entry->value = absl::string_view(p + header.unshared, header.value_size);
  return IsValidInternalKey(entry->key.view());
}

}  // namespace fathom
