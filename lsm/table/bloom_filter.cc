#include "lsm/table/bloom_filter.h"

#include <algorithm>

namespace fathom {
namespace {

constexpr uint8_t kVersion = 1;

}  // namespace

void BloomFilterBuilder::Add(uint64_t filter_hash) {
  if (hashes_.empty() || hashes_.back() != filter_hash) {
    hashes_.push_back(filter_hash);
  }
}

std::string BloomFilterBuilder::Finish() {
  const size_t bytes = std::max(BloomFilter::kLineBytes, (hashes_.size() * 6 + 4) / 5);
  std::string filter(bytes + kFilterTrailerBytes, '\0');
  for (const uint64_t hash : hashes_) {
    char* const line = filter.data() + BloomFilter::LineOffset(hash, bytes);
    auto h = static_cast<uint32_t>(hash);
    for (int i = 0; i < BloomFilter::kProbes; ++i, h *= BloomFilter::kProbeFactor) {
      const uint32_t bit = h >> 23;
      line[bit / 8] = static_cast<char>(line[bit / 8] | 1 << bit % 8);
    }
  }
  filter[bytes] = static_cast<char>(BloomFilter::kProbes);
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

}  // namespace fathom
