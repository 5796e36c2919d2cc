// Reads the records of a log file (log_format.h), and tells a torn tail from damage.
//
// One thread at a time.
//
// Invariants:
//   1. Only bytes of chunks whose checksum was checked are handed out or accumulated, so no wrong
//      length is ever believed.
//   2. Nothing is skipped: reading ends at the first chunk that is not whole, for good or with an
//      error, whatever follows it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "lsm/io/file_system.h"
#include "lsm/wal/log_format.h"

namespace fathom {

// Where and why reading ended.
struct LogEnd {
  uint64_t length = 0;         // the end of the last whole record: what the log is worth
  uint64_t dropped_bytes = 0;  // bytes after the last whole chunk, less the zeros at the file's end
  std::string reason;          // empty for a clean end, else what was found where reading ended
};

class LogReader {
 public:
  // `file` (not owned) is named `name` in errors and is log `number`. `must_reach` is the length
  // that the log is known to have had, from elsewhere (0: unknown): a bad chunk below it is damage.
  // With `exact` the log is read up to `must_reach` and no further: what follows was given up by an
  // earlier recovery.
  LogReader(const ReadableFile* file, std::string name, uint64_t number, uint64_t must_reach,
            bool exact);

  LogReader(const LogReader&) = delete;
  LogReader& operator=(const LogReader&) = delete;

  // The header, read first. A log without a whole header holds nothing: nullopt (torn: its creation
  // was never durable), or DataLoss where that is impossible. Errors of the file as they are.
  absl::StatusOr<std::optional<LogHeader>> ReadHeader();

  // The next record, or nullopt at the end (see `end()`). The view lives until the next call.
  // DataLoss for proven damage: a log that ends below `must_reach`, a bad chunk below an offset
  // that an intact later kSynced chunk vouches for, or an intact chunk where none of its type may
  // be. Errors of the file as they are. REQUIRES: ReadHeader() gave a header.
  absl::StatusOr<std::optional<absl::string_view>> ReadRecord();

  // REQUIRES: a call above returned nullopt.
  const LogEnd& end() const { return end_; }

  // Where the record that was read last begins: for errors about what is in it.
  uint64_t record_offset() const { return record_offset_; }

  // The greatest offset that kSynced chunks read so far vouch for.
  uint64_t synced_length() const { return synced_length_; }

 private:
  struct Chunk {
    ChunkType type;
    uint64_t offset;
    uint64_t end;
    absl::string_view payload;  // lives until the next Load
  };
  // Why there is no whole chunk at `offset`.
  struct Fault {
    uint64_t offset = 0;
    std::string what;
    std::string expected;
    std::string found;
  };
  // What follows the place where reading stopped.
  struct Rest {
    uint64_t nonzero_end = 0;    // one past the last byte that is not zero
    uint64_t synced_length = 0;  // the greatest offset that an intact kSynced chunk vouches for
  };

  // The bytes from `offset` to the end of its block (or of the log); empty at the log's end.
  absl::StatusOr<absl::string_view> Load(uint64_t offset);
  // The chunk at `offset`, or nothing, and then why in `fault`.
  absl::StatusOr<std::optional<Chunk>> ReadChunk(uint64_t offset, Fault* fault);
  // Checks a chunk whose bytes are all in `bytes`, at `offset` of the file.
  std::optional<Chunk> CheckChunk(absl::string_view bytes, uint64_t offset, Fault* fault) const;
  // Takes note of what a kSynced chunk says.
  absl::Status TakeSyncMark(const Chunk& chunk);
  // DataLoss: an intact chunk cannot be a torn write, so the file is not what the writer made.
  absl::Status Misplaced(const Chunk& chunk, absl::string_view expected) const;
  // DataLoss if the file begins with an intact header of another log.
  absl::Status RefuseForeignHeader();
  // Decides what a fault is: DataLoss, or the log's end (OK, and `end_` is filled).
  absl::Status EndAt(const Fault& fault);
  absl::StatusOr<Rest> ScanRest(uint64_t from);
  // The offset that `bytes`, at `offset` of the file, vouch for if they begin with an intact
  // kSynced chunk, else 0.
  uint64_t SyncMarkAt(absl::string_view bytes, uint64_t offset) const;

  const ReadableFile* const file_;
  const std::string name_;
  const uint64_t number_;
  const uint64_t must_reach_;
  const uint64_t limit_;     // nothing at or after it is read
  uint64_t next_ = 0;        // where the next chunk is expected
  uint64_t record_end_ = 0;  // of the last record or the header
  uint64_t record_offset_ = 0;
  uint64_t synced_length_ = 0;
  std::string buffer_;  // a piece of the file, from `buffer_offset_`
  uint64_t buffer_offset_ = 0;
  std::string record_;  // fragments put together
  LogEnd end_;
};

}  // namespace fathom
