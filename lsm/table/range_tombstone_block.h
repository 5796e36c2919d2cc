// The block of a table that holds its range tombstones: RocksDB's "rocksdb.range_del".
//
//   entry   key: internal key of the first user key, type 15; value: the user key at which it ends
//
// A plain block with a restart point at every entry. Ours holds a fragmented list
// (lsm/format/range_tombstones.h): ranges are equal or disjoint. There is no such block in a table
// without range tombstones. Other writers' ranges come in any order and overlap in any way.
//
// Internal to lsm/table. Stateless; thread safe.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "lsm/format/range_tombstones.h"
#include "lsm/table/block.h"
#include "lsm/table/table_properties.h"

namespace fathom {

// `list` is not empty.
std::string EncodeRangeTombstones(const RangeTombstones& list);

// The list of a block that was verified; it keeps what it refers to alive. DataLoss if the block
// does not hold such a list.
absl::StatusOr<std::shared_ptr<const RangeTombstones>> DecodeRangeTombstones(
    const std::shared_ptr<const Block>& block);

// The same of another writer's block; of the tombstones over a key only the newest. Null if all
// ranges are empty. Adds what it has to the counts of `counted`.
absl::StatusOr<std::shared_ptr<const RangeTombstones>> DecodeForeignRangeTombstones(
    const std::shared_ptr<const Block>& block, TableProperties* counted);

}  // namespace fathom
