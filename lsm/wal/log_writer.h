// Appends records to a log file (log_format.h).
//
// Records gather in a buffer; `Flush` hands them to the operating system, `Sync` makes them
// durable. One thread at a time. After the first error every call returns it again: the file's end
// is then unknown, and nothing more may be promised of it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "lsm/io/file_system.h"
#include "lsm/wal/log_format.h"

namespace fathom {

class LogWriter {
 public:
  // The buffer is handed on by itself when it exceeds this many bytes.
  static constexpr size_t kBufferBytes = size_t{64} * 1024;
  // Disk space is reserved in steps of this many bytes (if `preallocate`).
  static constexpr uint64_t kPreallocateBytes = uint64_t{1} << 20;

  // Takes an empty file and buffers its header chunk.
  LogWriter(std::unique_ptr<WritableFile> file, const LogHeader& header, bool preallocate);
  // Closes the file if `Close` was not called; records still in the buffer are then lost.
  ~LogWriter();

  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  // `record` may be empty and of any length; it is copied once, into the buffer. Errors are those
  // of the file; ResourceExhausted also where no space could be reserved.
  absl::Status Append(absl::string_view record);
  // Hands the buffer to the operating system: what was appended survives the death of the process.
  absl::Status Flush();
  // Flush, then fdatasync. Does nothing if nothing was appended since the last one.
  absl::Status Sync();
  // Buffers what tells the reader of the last sync, as the next record or the close would: for a
  // log that waits without either.
  void MarkSync();
  // Flush and close; does not sync. At most once; every call after it is FailedPrecondition or the
  // error that came first.
  absl::Status Close();

  // Where the last appended record ends, in bytes from the file's start.
  uint64_t length() const { return record_end_; }
  uint64_t number() const { return number_; }
  bool synced() const { return synced_length_ >= record_end_; }

 private:
  void AppendChunk(ChunkType type, absl::string_view payload);
  // Zeros to the next block if no chunk header fits in this one.
  void PadBlock();
  // Payload bytes that fit in this block. REQUIRES: a chunk header does.
  size_t PayloadRoom() const;
  absl::Status Reserve();

  const std::unique_ptr<WritableFile> file_;
  const uint64_t number_;
  const bool preallocate_;
  bool has_records_ = false;
  std::string buffer_;          // chunks not yet given to the file
  uint64_t length_ = 0;         // of the log, buffer included
  uint64_t record_end_ = 0;     // where the last record (or the header) ends
  uint64_t synced_length_ = 0;  // below it everything is durable
  uint64_t marked_length_ = 0;  // the last synced length that a kSynced chunk told
  uint64_t reserved_ = 0;       // the file has disk space up to here
  absl::Status status_;
};

}  // namespace fathom
