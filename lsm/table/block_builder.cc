#include "lsm/table/block_builder.h"

#include <cassert>

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
    restarts_.push_back(static_cast<uint32_t>(buffer_.size()));
    entries_since_restart_ = 0;
  } else if (!empty()) {
    shared = SharedPrefix(last_key_, key);
  }
  ++entries_since_restart_;

  char header[3 * kMaxVarint32Bytes];
  const char* end = EncodeEntryHeader(header, shared, key.size() - shared, value.size());
  buffer_.append(header, static_cast<size_t>(end - header));
  buffer_.append(key.data() + shared, key.size() - shared);
  buffer_.append(value.data(), value.size());

  last_key_.resize(shared);
  last_key_.append(key.data() + shared, key.size() - shared);
}

absl::string_view BlockBuilder::Finish() {
  for (const uint32_t restart : restarts_) {
    PutFixed32(&buffer_, restart);
  }
  PutFixed32(&buffer_, static_cast<uint32_t>(restarts_.size()));
  return buffer_;
}

void BlockBuilder::Reset() {
  buffer_.clear();
  restarts_.resize(1);
  entries_since_restart_ = 0;
  last_key_.clear();
}

}  // namespace fathom
