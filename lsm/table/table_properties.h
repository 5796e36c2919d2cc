// The properties block of a table: counts and settings under RocksDB's names (table_properties.cc
// lists them), so that `sst_dump --show_properties` shows them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "lsm/format/internal_key.h"
#include "lsm/table/block.h"
#include "lsm/table/table_format.h"

namespace fathom {

// Name -> value, as the block has them.
using PropertyValues = std::map<std::string, std::string>;

// All properties of a block; a name given twice or out of order is DataLoss.
absl::StatusOr<PropertyValues> ReadPropertyValues(const std::shared_ptr<const Block>& block);

struct TableProperties {
  uint64_t data_bytes = 0;    // data blocks with trailers, as stored
  uint64_t index_bytes = 0;   // index block with trailer, or all partitions with theirs
  uint64_t filter_bytes = 0;  // filter block without trailer
  uint64_t raw_key_bytes = 0;
  uint64_t raw_value_bytes = 0;
  uint64_t data_blocks = 0;
  uint64_t entries = 0;
  uint64_t deletions = 0;        // of entries, range tombstones among them
  uint64_t range_deletions = 0;  // of entries
  // Of an index of several partitions, otherwise 0.
  uint64_t index_partitions = 0;
  uint64_t index_root_bytes = 0;  // with trailer
  uint64_t user_keys = 0;         // of the others, as the filter tells them apart; 0: not known
  SequenceNumber smallest_sequence = 0;
  SequenceNumber largest_sequence = 0;
  uint32_t index_checksum = 0;                   // of the index block, or of the root
  Compression compression = Compression::kNone;  // that data blocks may have

  // Counts an entry that is in the table, or a range tombstone with its end as value.
  void CountEntry(absl::string_view internal_key, absl::string_view value);

  // DataLoss that names the first count in which `counted` differs. `file` and `offset` say where
  // these properties stand.
  absl::Status CheckCounts(const TableProperties& counted, const std::string& file,
                           uint64_t offset) const;

  // The properties block.
  std::string Encode() const;
  // DataLoss if a field that reading depends on is missing or malformed, or says that the table
  // uses a feature that this version does not read. Unknown names are ignored.
  static absl::StatusOr<TableProperties> Decode(const std::shared_ptr<const Block>& block);
};

}  // namespace fathom
