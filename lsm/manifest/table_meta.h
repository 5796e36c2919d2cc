// What the manifest knows of a table without opening it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "lsm/format/file_names.h"
#include "lsm/format/internal_key.h"
#include "lsm/table/table_builder.h"

namespace fathom {

struct TableMeta {
  uint64_t number = 0;
  int born_level = 0;       // the level in the file's name; a table may move down later
  uint64_t file_bytes = 0;  // exact length of the file
  uint64_t entries = 0;
  uint64_t deletions = 0;  // of these, tombstones, also of ranges
  // Of these, those of ranges. Absent in a manifest that was written before it told them.
  std::optional<uint64_t> range_deletions;
  // Internal keys of entries and range tombstones, inclusive; but where a range tombstone reaches
  // furthest, `largest` is its end with kExclusiveTrailer.
  std::string smallest;
  std::string largest;
  SequenceNumber smallest_sequence = 0;
  SequenceNumber largest_sequence = 0;
  // The last `tail_bytes` of the file (filter to footer) and their Hash64: the root of the table's
  // checksums, so that a file that is whole but not this one is refused.
  uint64_t tail_bytes = 0;
  uint64_t tail_hash = 0;

  // Fills in all but number and level from what was written.
  void Describe(BuiltTable built);

  // False only if it certainly has none.
  bool MayHaveRangeTombstones() const { return range_deletions.value_or(deletions) > 0; }

  std::string FileName() const { return TableFileName(born_level, number); }

  friend bool operator==(const TableMeta&, const TableMeta&) = default;
};

}  // namespace fathom
