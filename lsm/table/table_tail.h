// The tail of a table file (table_format.h): filter, the index's root and range tombstones if there
// are any, properties, metaindex and footer, in this order and without gaps. Internal to lsm/table.
// Stateless; thread safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "lsm/format/range_tombstones.h"
#include "lsm/io/file_system.h"
#include "lsm/table/table_format.h"
#include "lsm/table/table_properties.h"

namespace fathom {

struct TableTail {
  absl::string_view filter;                                 // within the parsed bytes
  std::shared_ptr<const RangeTombstones> range_tombstones;  // null if there are none
  TableProperties properties;
  std::vector<IndexPartition> index;  // at least one
};

// Parses a tail of at least kFooterBytes that begins at `offset` of the file called `name`.
// DataLoss if a block in it is damaged, not where it belongs, or the index's partitions do not
// follow each other up to where the tail begins.
absl::StatusOr<TableTail> ParseTail(absl::string_view tail, uint64_t offset,
                                    const std::shared_ptr<const std::string>& name);

// Where the tail of `file` begins, by its footer and metaindex. DataLoss if they are damaged.
absl::StatusOr<uint64_t> FindTail(const ReadableFile& file,
                                  const std::shared_ptr<const std::string>& name);

}  // namespace fathom
