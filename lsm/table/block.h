// A block in memory (layout: block_builder.h) and cursors over it.
//
// Block is immutable: any number of threads may read it. An iterator belongs to one thread.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/attributes.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "lsm/format/coding.h"
#include "lsm/format/internal_iterator.h"
#include "lsm/format/key_buffer.h"
#include "lsm/table/block_entry.h"
#include "lsm/table/block_memory.h"
#include "lsm/table/entry_index.h"

namespace fathom {

class Block {
 public:
  // How many seeks are to come: many are worth an index in memory, of 8 bytes an entry. Keys must
  // be internal keys then.
  enum class Seeks : uint8_t { kFew, kMany };

  // Takes the bytes of a block without its trailer, whose checksum has been verified. `file` and
  // `offset` say where it came from, for errors. DataLoss if its restart points cannot be.
  static absl::StatusOr<std::shared_ptr<const Block>> Parse(BlockBytes bytes, size_t size,
                                                            std::shared_ptr<const std::string> file,
                                                            uint64_t offset,
                                                            Seeks seeks = Seeks::kFew);
  // The same over bytes that are not its own and must outlive it.
  static absl::StatusOr<std::shared_ptr<const Block>> ParseBorrowed(
      absl::string_view bytes, std::shared_ptr<const std::string> file, uint64_t offset);

  // DataLoss unless each restart point is where an entry begins that shares nothing, which reading
  // takes on trust. Walks over all entries.
  absl::Status CheckRestartPoints() const;

  // Are its bytes those of another, and so those in the file?
  bool borrowed() const { return memory_bytes_ == 0; }
  // What the block costs in memory, in bytes.
  size_t charge() const { return memory_bytes_ + index_.memory_bytes(); }
  // The same of one that is to be read, with so many entries in its index.
  static size_t Charge(size_t size, size_t indexed) {
    return kBlockObjectBytes + size + indexed * EntryIndex::kBytesAnEntry;
  }

  // Where it came from, for errors.
  const std::string& file() const { return *file_; }
  uint64_t offset() const { return offset_; }

 private:
  friend class BlockIterator;
  friend class BlockOutline;
  struct Shared;  // a Block that std::allocate_shared may make
  Block(const char* bytes, std::shared_ptr<const std::string> file, uint64_t offset);

  // DataLoss if they cannot be those of a block of `size` bytes.
  absl::Status ReadRestartPoints(size_t size);
  uint32_t RestartOffset(uint32_t i) const {
    return DecodeFixed32(bytes_ + restarts_offset_ + i * sizeof(uint32_t));
  }
  // The first restart point if there is none.
  uint32_t LastRestartBefore(uint32_t offset) const;

  // What a seek needs comes first: in a frame, it is in the first two cache lines.
  const char* const bytes_;
  uint32_t restarts_offset_ = 0;  // where the restart points begin, and so the entries end
  uint32_t num_restarts_ = 0;
  EntryIndex index_;         // may be empty
  size_t memory_bytes_ = 0;  // in which the bytes lie; 0 if they are borrowed
  const std::shared_ptr<const std::string> file_;
  const uint64_t offset_;
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

  // Brings the entries near that Next will come to: from the current one on, or from the first one
  // if there is none. For who means to go on: of a block that was not touched for long each line is
  // waited for otherwise, one after the other.
  void PrefetchAhead() const {
    constexpr size_t kBytes = 1024;
    constexpr size_t kLineBytes = 64;
    const char* const from = data_ + (Valid() ? next_ : 0);
    for (size_t at = 0; at < kBytes; at += kLineBytes) {
      __builtin_prefetch(from + at);
    }
  }

  // DataLoss that names the place of the current entry, for a reader to whom what it says makes no
  // sense. REQUIRES: Valid().
  absl::Status CorruptEntry(absl::string_view what, const absl::AlphaNum& expected,
                            const absl::AlphaNum& found) const {
    return CorruptAt(current_, what, expected, found);
  }

 private:
  void SeekByIndex(absl::string_view target);
  // At an entry before `target`? Fails at a key that is no internal key.
  bool IsBefore(absl::string_view target);
  // The internal key at a restart point. False, with the iterator failed, if it does not parse.
  bool RestartKey(uint32_t index, absl::string_view* key);
  // Makes the entry at a restart point the next one.
  void MoveToRestart(uint32_t index);
  // To an entry that is in the block's index.
  void MoveToEntry(uint32_t i);
  void ReadNextEntry();
  // Prev's memory: walks from a restart point to the entry at `end` and notes all before it.
  void PassEntriesBefore(uint32_t end);
  // Shows the entry at `offset`. The bytes that its key shares are in key_buffer_.
  void ShowEntry(uint32_t offset, const EntryHeader& header, const char* unshared);
  absl::Status CorruptAt(uint32_t entry, absl::string_view what, const absl::AlphaNum& expected,
                         const absl::AlphaNum& found) const;
  void Fail(absl::Status status);
  // Not inline: they would cost each entry that parses.
  ABSL_ATTRIBUTE_NOINLINE void FailPassingEnd(uint32_t entry);
  ABSL_ATTRIBUTE_NOINLINE void FailSharing(size_t most, uint32_t shared);
  void MoveToEnd();

  const std::shared_ptr<const Block> block_;
  const char* const data_;
  const uint32_t end_;  // offset of the restart points
  uint32_t current_;    // offset of the current entry; end_ when not valid
  uint32_t next_;       // offset of the entry after it
  // The current key, unless it stands in the block whole, or in passed_keys_.
  KeyBuffer key_buffer_;

  // Entries that Prev passed on its way from a restart point, up to some entry: going on backward
  // needs no way from there again.
  struct Passed {
    uint32_t offset;
    uint32_t value;  // offset of the value, at the end of which the next entry is
    uint32_t next;
    uint32_t key_begin;  // in passed_keys_
    uint32_t key_size;
  };
  std::vector<Passed> passed_;
  std::string passed_keys_;
  absl::Status status_;
};

// In line: scans and compactions come here for each entry.

inline void BlockIterator::Next() {
  assert(Valid());
  ReadNextEntry();
}

inline void BlockIterator::ReadNextEntry() {
  current_ = next_;
  if (current_ >= end_) {
    return ShowNothing();
  }
  EntryHeader header;
  const char* p = DecodeEntryHeader(data_ + current_, data_ + end_, &header);
  if (p == nullptr) {
    return FailPassingEnd(current_);
  }
  if (header.shared > 0) {
    const absl::string_view last = key();
    if (header.shared > last.size()) {
      return FailSharing(last.size(), header.shared);
    }
    if (last.data() == key_buffer_.data()) {
      key_buffer_.Truncate(header.shared);
    } else {
      key_buffer_.Assign(last.substr(0, header.shared));
    }
  }
  ShowEntry(current_, header, p);
}

inline void BlockIterator::ShowEntry(uint32_t offset, const EntryHeader& header,
                                     const char* unshared) {
  current_ = offset;
  absl::string_view entry_key(unshared, header.unshared);
  if (header.shared > 0) {
    key_buffer_.Append(entry_key);
    entry_key = key_buffer_.view();
  }
  const char* const entry_value = unshared + header.unshared;
  next_ = static_cast<uint32_t>(entry_value + header.value_size - data_);
  Show(entry_key, absl::string_view(entry_value, header.value_size));
}

}  // namespace fathom
