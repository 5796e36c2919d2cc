#include "lsm/manifest/table_meta.h"

#include <utility>

namespace fathom {

void TableMeta::Describe(BuiltTable built) {
  file_bytes = built.file_bytes;
  entries = built.properties.entries;
  deletions = built.properties.deletions;
  range_deletions = built.properties.range_deletions;
  smallest = std::move(built.smallest);
  largest = std::move(built.largest);
  smallest_sequence = built.properties.smallest_sequence;
  largest_sequence = built.properties.largest_sequence;
  tail_bytes = built.tail_bytes;
  tail_hash = built.tail_hash;
}

}  // namespace fathom
