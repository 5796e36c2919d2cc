// What can still be read of a damaged table: each data block by itself. Stateless; thread safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "lsm/format/range_tombstones.h"
#include "lsm/io/file_system.h"

namespace fathom {

// A data block, or a block of the index with all to which it leads, that cannot be believed.
struct LostBlock {
  uint64_t offset = 0;
  // Its keys were at or after the first and at or before the last: internal keys, `after` empty for
  // the table's first block.
  std::string after;
  std::string up_to;
  absl::Status why;
};

using TakeEntry = std::function<void(absl::string_view internal_key, absl::string_view value)>;

// Hands the entries of every sound data block of `file`, called `name`, to `take`, in order, and
// appends the others to `*lost`. Only footer and index are needed: DataLoss if the footer or the
// index block to which it leads is damaged, as then nothing tells where a block begins; errors of
// the file as they come.
// Range tombstones are not among them.
absl::Status SalvageTable(const ReadableFile& file, const std::string& name, const TakeEntry& take,
                          std::vector<LostBlock>* lost);

// The range tombstones of `file`; null if it has none. They stand all in one block: DataLoss if
// that one, or what tells where it is, is damaged.
absl::StatusOr<std::shared_ptr<const RangeTombstones>> SalvageRangeTombstones(
    const ReadableFile& file, const std::string& name);

}  // namespace fathom
