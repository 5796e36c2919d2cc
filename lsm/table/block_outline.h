// What stays in memory of a data block that is stored uncompressed where the block itself does not:
// the places of its entries, what their keys begin with, and a checksum of each entry. A lookup by
// it reads the one entry that it needs and compares that with its checksum, instead of the whole
// block: for an eighth of the memory it costs little more than a cached block, if the file's pages
// are in memory. Made of a block that was verified, never stored. Internal to lsm/table.
//
//   | the outline, with the count of its owners | 8 bytes an entry, as in EntryIndex
//   | 4 bytes an entry: the low half of its XXH3, or 0 | what all keys have in common |
//
// Immutable; thread safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/strings/string_view.h"
#include "lsm/format/key_buffer.h"
#include "lsm/format/lookup.h"
#include "lsm/io/file_system.h"
#include "lsm/table/block.h"
#include "lsm/table/block_reader.h"
#include "lsm/table/entry_index.h"

namespace fathom {

class BlockOutline {
 public:
  // What it says of a key that is looked for.
  enum class Answer : uint8_t {
    kEntry,    // this is the first entry at or after it
    kAbsent,   // the block has entries after it, and none with its user key
    kUnclear,  // read the block
  };
  // The entry of kEntry.
  struct Entry {
    KeyBuffer key;            // an internal key
    absl::string_view value;  // until the scratch memory is used again
  };

  // Of a block whose bytes are those in the file (Block::borrowed). Unclear are answers about
  // entries whose keys share more with the one before than an index knows; if these are most, or an
  // entry does not parse, all answers.
  static std::shared_ptr<const BlockOutline> Of(const Block& block);

  // Looks for `target`, an internal key. Reads entries from `file`, where the block is at `offset`,
  // into `scratch`, and adds them to `*cost` as blocks read, or a cached one if none was needed.
  // What cannot be read, or is not what the outline was made of, makes the answer unclear: whoever
  // reads the block finds out what is wrong.
  Answer Seek(absl::string_view target, const ReadableFile& file, uint64_t offset,
              BlockScratch* scratch, ReadCost* cost, Entry* entry) const;

  // What it costs in memory, in bytes.
  size_t charge() const { return memory_bytes_; }

 private:
  struct Shared;  // one that std::allocate_shared may make
  BlockOutline(EntryIndex index, const uint32_t* checksums, uint32_t end, size_t memory_bytes);

  uint32_t EntryBegin(uint32_t i) const { return index_.offset(i); }
  uint32_t EntryEnd(uint32_t i) const {
    return i + 1 < index_.size() ? index_.offset(i + 1) : end_;
  }
  // Reads entry `i`. False if that is not what it was.
  bool Read(uint32_t i, const ReadableFile& file, uint64_t offset, BlockScratch* scratch,
            ReadCost* cost, Entry* entry) const;

  const EntryIndex index_;
  const uint32_t* const checksums_;  // beside the index's slots
  const uint32_t end_;               // of the entries in the block
  const size_t memory_bytes_;
};

}  // namespace fathom
