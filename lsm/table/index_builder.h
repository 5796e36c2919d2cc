// Builds the index of a table: one block, or where that would become large, blocks in the order of
// their keys, the index's partitions. Who opens a large table for one lookup then reads a part of
// its index. Internal to lsm/table; what the blocks mean: table_format.h.
//
// One thread at a time.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "lsm/table/block_builder.h"
#include "lsm/table/table_format.h"

namespace fathom {

class IndexBuilder {
 public:
  struct Partition {
    std::string block;
    std::string last_separator;  // empty in an index without entries
  };

  // A partition is cut when it has reached `partition_bytes`.
  explicit IndexBuilder(size_t partition_bytes);

  // REQUIRES: `separator` sorts after every one added before.
  void Add(absl::string_view separator, const IndexEntry& entry);

  // At least one. REQUIRES: called once, after the last Add.
  std::vector<Partition> Finish();

 private:
  void CutPartition();

  const size_t partition_bytes_;
  BlockBuilder block_;
  std::vector<Partition> partitions_;
};

}  // namespace fathom
