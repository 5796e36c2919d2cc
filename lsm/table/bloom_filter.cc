#include "lsm/table/bloom_filter.h"

#include <algorithm>

#include "lsm/io/prepare_pages.h"

namespace fathom {
namespace {

constexpr uint8_t kVersion = 1;

}  // namespace

void BloomFilterBuilder::Add(uint64_t filter_hash) {
  if (num_keys_ > 0 && last_hash_ == filter_hash) {
    return;
  }
  if (num_keys_ % kChunkHashes == 0) {
    chunks_.push_back(std::make_unique_for_overwrite<uint64_t[]>(kChunkHashes));
    PreparePages(reinterpret_cast<char*>(chunks_.back().get()), kChunkHashes * sizeof(uint64_t));
  }
  chunks_.back()[num_keys_ % kChunkHashes] = filter_hash;
  last_hash_ = filter_hash;
  ++num_keys_;
}

std::string BloomFilterBuilder::Finish() {
  const size_t bytes = std::max(BloomFilter::kLineBytes, (num_keys_ * 6 + 4) / 5);
  std::string filter(bytes + kFilterTrailerBytes, '\0');
  for (size_t i = 0; i < num_keys_; ++i) {
    const uint64_t hash = chunks_[i / kChunkHashes][i % kChunkHashes];
    char* const line = filter.data() + BloomFilter::LineOffset(hash, bytes);
    auto h = static_cast<uint32_t>(hash);
    for (int probe = 0; probe < BloomFilter::kProbes; ++probe, h *= BloomFilter::kProbeFactor) {
      const uint32_t bit = h >> 23;
      line[bit / 8] = static_cast<char>(line[bit / 8] | 1 << bit % 8);
    }
  }
  filter[bytes] = static_cast<char>(BloomFilter::kProbes);
  filter[bytes + 1] = static_cast<char>(kVersion);
  chunks_.clear();
  num_keys_ = 0;
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
