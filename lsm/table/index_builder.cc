#include "lsm/table/index_builder.h"

#include <utility>

#include "lsm/table/block_entry.h"

namespace fathom {

IndexBuilder::IndexBuilder(size_t partition_bytes)
    : partition_bytes_(partition_bytes), block_(kRestartInterval) {}

void IndexBuilder::Add(absl::string_view separator, const IndexEntry& entry) {
  if (!block_.empty() && block_.SizeEstimate() >= partition_bytes_) {
    CutPartition();
  }
  std::string value;
  entry.AppendTo(&value);
  block_.Add(separator, value);
}

std::vector<IndexBuilder::Partition> IndexBuilder::Finish() {
  CutPartition();
  return std::move(partitions_);
}

void IndexBuilder::CutPartition() {
  std::string last_separator(block_.last_key());
  partitions_.push_back({.block = std::string(block_.Finish()), .last_separator = last_separator});
  block_.Reset();
}

}  // namespace fathom
