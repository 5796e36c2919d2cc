#include "lsm/table/bloom_filter.h"

#include <algorithm>

#include "lsm/format/coding.h"

namespace fathom {
namespace {

constexpr size_t kLineBytes = 64;
constexpr uint8_t kProbes = 6;
constexpr uint8_t kVersion = 1;
constexpr uint32_t kProbeFactor = 0x9e3779b9;

// Where the line of `hash` begins in a filter of `bytes` >= kLineBytes bytes.
inline size_t LineOffset(uint64_t hash, size_t bytes) {
  const uint64_t lines = (bytes + kLineBytes - 1) / kLineBytes;
  const uint64_t line = (hash >> 32) * lines >> 32;
  return std::min<uint64_t>(line * kLineBytes, bytes - kLineBytes);
}

}  // namespace

void BloomFilterBuilder::Add(absl::string_view user_key) {
  const uint64_t hash = FilterHash(user_key);
  if (hashes_.empty() || hashes_.back() != hash) {
    hashes_.push_back(hash);
  }
}

std::string BloomFilterBuilder::Finish() {
  const size_t bytes = std::max(kLineBytes, (hashes_.size() * 6 + 4) / 5);
  std::string filter(bytes + kFilterTrailerBytes, '\0');
  for (const uint64_t hash : hashes_) {
    char* const line = filter.data() + LineOffset(hash, bytes);
    auto h = static_cast<uint32_t>(hash);
    for (int i = 0; i < kProbes; ++i, h *= kProbeFactor) {
      const uint32_t bit = h >> 23;
      line[bit / 8] = static_cast<char>(line[bit / 8] | 1 << bit % 8);
    }
  }
  filter[bytes] = static_cast<char>(kProbes);
  filter[bytes + 1] = static_cast<char>(kVersion);
  hashes_.clear();
  return filter;
}

BloomFilter::BloomFilter(absl::string_view block) {
  if (block.size() < kLineBytes + kFilterTrailerBytes) {
    return;
  }
  const size_t bytes = block.size() - kFilterTrailerBytes;
  if (block[bytes] != kProbes || block[bytes + 1] != kVersion) {
    return;
  }
  data_ = block.data();
  bytes_ = bytes;
}

bool BloomFilter::MayContain(uint64_t filter_hash) const {
  if (bytes_ == 0) {
    return true;
  }
  const char* const line = data_ + LineOffset(filter_hash, bytes_);
  auto h = static_cast<uint32_t>(filter_hash);
  // All probes without a branch between them: they are in one line, and a miss is as likely to show
  // at one as at the next.
  uint64_t all = 1;
  for (int i = 0; i < kProbes; ++i, h *= kProbeFactor) {
    const size_t bit = h >> 23;
    all &= DecodeFixed64(line + bit / 64 * 8) >> bit % 64;
  }
  return all != 0;
}

}  // namespace fathom
