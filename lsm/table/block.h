// A block in memory (layout: block_builder.h) and cursors over it.
//
// Block is immutable: any number of threads may read it. An iterator belongs to one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "lsm/format/internal_iterator.h"

namespace fathom {

class Block {
 public:
  // Takes the bytes of a block without its trailer, whose checksum has been verified. `file` and
  // `offset` say where it came from, for errors. DataLoss if its restart points cannot be.
  static absl::StatusOr<std::shared_ptr<const Block>> Parse(std::unique_ptr<char[]> bytes,
                                                            size_t size,
                                                            std::shared_ptr<const std::string> file,
                                                            uint64_t offset) {
    return Parse(std::move(bytes), size, std::move(file), offset, /*for_search=*/false);
  }
  // The same for a block of internal keys in which many seeks are to come: spends 8 bytes a restart
  // point to make them faster.
  static absl::StatusOr<std::shared_ptr<const Block>> ParseForSearch(
      std::unique_ptr<char[]> bytes, size_t size, std::shared_ptr<const std::string> file,
      uint64_t offset) {
    return Parse(std::move(bytes), size, std::move(file), offset, /*for_search=*/true);
  }

  size_t size() const { return size_; }

  // What the block costs in memory, in bytes.
  size_t charge() const { return size_ + sizeof(Block) + digests_.size() * sizeof(uint64_t); }

  // Where it came from, for errors.
  const std::string& file() const { return *file_; }
  uint64_t offset() const { return offset_; }

 private:
  friend class BlockIterator;
  struct Shared;  // a Block that std::make_shared may make
  Block() = default;

  static absl::StatusOr<std::shared_ptr<const Block>> Parse(std::unique_ptr<char[]> bytes,
                                                            size_t size,
                                                            std::shared_ptr<const std::string> file,
                                                            uint64_t offset, bool for_search);
  // Fills `digests_`; leaves it empty where a key does not parse, which is for a seek to report.
  void MakeDigests();
  // The first 8 bytes of `user_key` after the common prefix, as a number that sorts as they do.
  uint64_t DigestOf(absl::string_view user_key) const;

  std::unique_ptr<char[]> bytes_;
  size_t size_ = 0;
  uint32_t restarts_offset_ = 0;  // where the restart points begin, and so the entries end
  uint32_t num_restarts_ = 0;
  std::shared_ptr<const std::string> file_;
  uint64_t offset_ = 0;
  // Of the keys at the restart points but the last, if the block is for search: what their user
  // keys have in common, and a digest of each. A seek goes through these instead of all over the
  // block.
  absl::string_view common_prefix_;
  std::vector<uint64_t> digests_;
};

// Over a block whose keys are internal keys; blocks with plain keys (properties, metaindex) are
// only walked with SeekToFirst and Next. An entry that does not parse ends it with DataLoss. Not
// virtual where the concrete type is known: the class is final.
class BlockIterator final : public InternalIterator {
 public:
  explicit BlockIterator(std::shared_ptr<const Block> block);

  void SeekToFirst() override;
  void SeekToLast() override;
  void Seek(absl::string_view target) override;
  void Next() override;
  void Prev() override;
  absl::Status status() const override { return status_; }

  // DataLoss that names the place of the current entry, for a reader to whom what it says makes no
  // sense. REQUIRES: Valid().
  absl::Status CorruptEntry(absl::string_view what, const absl::AlphaNum& expected,
                            const absl::AlphaNum& found) const {
    return CorruptAt(current_, what, expected, found);
  }

 private:
  uint32_t RestartOffset(uint32_t index) const;
  // Narrows [*low, *high], restart points among which is the last one whose key is < target (the
  // first one if there is none), by their digests.
  void NarrowByDigest(absl::string_view target, uint32_t* low, uint32_t* high) const;
  // The internal key at a restart point. False, with the iterator failed, if it does not parse.
  bool RestartKey(uint32_t index, absl::string_view* key);
  // Makes the entry at a restart point the next one.
  void MoveToRestart(uint32_t index);
  void ReadNextEntry();
  absl::Status CorruptAt(uint32_t entry, absl::string_view what, const absl::AlphaNum& expected,
                         const absl::AlphaNum& found) const;
  void Fail(absl::Status status);

  const std::shared_ptr<const Block> block_;
  const char* const data_;
  const uint32_t end_;  // offset of the restart points
  uint32_t current_;    // offset of the current entry; end_ when not valid
  uint32_t next_;       // offset of the entry after it
  // The current key, unless it stands in the block whole.
  std::string key_buffer_;
  absl::Status status_;
};

}  // namespace fathom
