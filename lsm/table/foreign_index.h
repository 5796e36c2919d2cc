// Goes through the index of a foreign table, block handle after block handle, in one level or two.
// Internal to lsm/table.
//
//   entry        varint32 shared | varint32 unshared | varint32 value size | key bytes | value
//   delta entry  varint32 shared | varint32 unshared | key bytes | value
//   value        BlockHandle; of a delta entry that shares bytes: zigzag varint64, by how much the
//                block is larger than the one before it, after which it comes
//                | varint32 size and bytes of the block's first key, where the index holds these
//                | fixed32 BlockChecksum of the block, in a table of Fathom's
//
// Keys of the index are of no use to one who reads everything in order: they are passed over.
//
// One thread at a time.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "lsm/table/foreign_file.h"

namespace fathom {

// How the entries of an index look, by the table's properties.
struct ForeignIndexForm {
  bool two_levels = false;    // its entries are handles of index blocks
  bool delta_values = false;  // entries are delta entries
  bool first_keys = false;    // not on the upper one of two levels
  bool block_checksums = false;
};

struct ForeignIndexEntry {
  BlockHandle handle;
  std::optional<uint32_t> checksum = std::nullopt;  // of the block, where the index holds these
};

class ForeignIndex {
 public:
  // `file` must outlive it.
  static absl::StatusOr<ForeignIndex> Open(ForeignFile* file, const ForeignIndexForm& form);

  // Sets `*entry` to the next data block's; false after the last. DataLoss on damage, and for a
  // block that does not come after the one before it.
  absl::StatusOr<bool> Next(ForeignIndexEntry* entry);

 private:
  // One block of the index, and how far it has been read.
  struct Level {
    UncompressedBlock block;
    uint64_t offset = 0;     // of the block, in the file
    size_t next = 0;         // of the next entry, in the block
    size_t end = 0;          // of the entries
    uint64_t key_bytes = 0;  // of the last entry
    ForeignIndexEntry last;
  };

  ForeignIndex(ForeignFile* file, const ForeignIndexForm& form) : file_(file), form_(form) {}

  absl::StatusOr<Level> OpenLevel(const ForeignIndexEntry& entry);
  // Moves to the next entry; false at the end. `leaf`: its entries are of data blocks.
  absl::StatusOr<bool> Advance(Level* level, bool leaf);
  // Reads the value of an entry off the front of `in`; false if it is none.
  bool ReadValue(absl::string_view* in, bool shares, bool leaf, Level* level) const;

  ForeignFile* const file_;
  const ForeignIndexForm form_;
  Level top_;
  std::optional<Level> partition_;  // of two levels, the lower one
  uint64_t end_ = 0;                // of the data blocks so far
};

}  // namespace fathom
