#include "lsm/table/block_builder.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "lsm/format/coding.h"
#include "lsm/format/key_prefix.h"

namespace fathom {
namespace {

char* EncodeEntryHeader(char* to, size_t shared, size_t unshared, size_t value_size) {
  if ((shared | unshared | value_size) < 128) {
    to[0] = static_cast<char>(shared);
    to[1] = static_cast<char>(unshared);
    to[2] = static_cast<char>(value_size);
    return to + 3;
  }
  to = EncodeVarint32(to, static_cast<uint32_t>(shared));
  to = EncodeVarint32(to, static_cast<uint32_t>(unshared));
  return EncodeVarint32(to, static_cast<uint32_t>(value_size));
}

}  // namespace

BlockBuilder::BlockBuilder(int restart_interval)
    : restart_interval_(restart_interval), restarts_(1, 0) {
  assert(restart_interval >= 1);
}

void BlockBuilder::Add(absl::string_view key, absl::string_view value) {
  size_t shared = 0;
  if (entries_since_restart_ == restart_interval_) {
    restarts_.push_back(static_cast<uint32_t>(size_));
    entries_since_restart_ = 0;
  } else if (!empty()) {
    shared = SharedPrefix(last_key_.view(), key);
  }
  ++entries_since_restart_;

  const absl::string_view unshared = key.substr(shared);
  char* to = RoomFor(3 * kMaxVarint32Bytes + unshared.size() + value.size());
  to = EncodeEntryHeader(to, shared, unshared.size(), value.size());
  to = CopyKey(unshared, to);
  to = std::copy_n(value.data(), value.size(), to);
  size_ = static_cast<size_t>(to - bytes_.get());

  last_key_.Truncate(shared);
  last_key_.Append(unshared);
}

absl::string_view BlockBuilder::Finish() {
  char* to = RoomFor((restarts_.size() + 1) * sizeof(uint32_t));
  for (const uint32_t restart : restarts_) {
    EncodeFixed32(to, restart);
    to += sizeof(uint32_t);
  }
  EncodeFixed32(to, static_cast<uint32_t>(restarts_.size()));
  size_ = static_cast<size_t>(to + sizeof(uint32_t) - bytes_.get());
  return absl::string_view(bytes_.get(), size_);
}

void BlockBuilder::Reset() {
  size_ = 0;
  restarts_.resize(1);
  entries_since_restart_ = 0;
  last_key_.clear();
}

void BlockBuilder::Grow(size_t least) {
  capacity_ = std::max(2 * capacity_, least);
  auto grown = std::make_unique_for_overwrite<char[]>(capacity_);
  std::copy_n(bytes_.get(), size_, grown.get());
  bytes_ = std::move(grown);
}

}  // namespace fathom
