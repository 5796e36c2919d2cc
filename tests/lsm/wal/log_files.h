// Makes, reads and forges log files for tests.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "lsm/format/checksum.h"
#include "lsm/format/coding.h"
#include "lsm/io/mem_file_system.h"
#include "lsm/wal/log_reader.h"
#include "lsm/wal/log_writer.h"

namespace fathom {

inline constexpr char kTestLog[] = "000007.wal";
inline constexpr uint64_t kTestLogNumber = 7;

// A log being written, in a file system of its own.
struct LogBuilder {
  explicit LogBuilder(bool preallocate = false)
      : writer(*fs.Create(kTestLog), LogHeader{kTestLogNumber, 6, 1234}, preallocate) {
    ends.push_back(writer.length());
  }

  // As far as they work, else the first error.
  absl::Status Append(std::string record) {
    absl::Status status = writer.Append(record);
    if (status.ok()) {
      records.push_back(std::move(record));
      ends.push_back(writer.length());
    }
    return status;
  }
  absl::Status AppendAndSync(std::string record) {
    absl::Status status = Append(std::move(record));
    status.Update(writer.Sync());
    return status;
  }
  // The file as the death of the process would leave it.
  std::string Bytes() {
    (void)writer.Flush();
    return *fs.KillClone()->Contents(kTestLog);
  }

  MemFileSystem fs;
  LogWriter writer;
  std::vector<std::string> records;
  std::vector<uint64_t> ends;  // of the header, then of each record
};

// All that a reader makes of a log.
struct LogContents {
  absl::Status status;
  std::optional<LogHeader> header;
  std::vector<std::string> records;
  std::vector<uint64_t> offsets;  // where each record begins
  LogEnd end;                     // if `status` is OK
  uint64_t synced_length = 0;
};

inline LogContents ReadLog(FileSystem* fs, uint64_t number = kTestLogNumber,
                           uint64_t must_reach = 0, bool exact = false) {
  LogContents contents;
  const auto file = fs->OpenForRead(kTestLog);
  if (!file.ok()) {
    contents.status = file.status();
    return contents;
  }
  LogReader reader(file->get(), kTestLog, number, must_reach, exact);
  const auto header = reader.ReadHeader();
  contents.status = header.status();
  if (header.ok()) {
    contents.header = *header;
  }
  while (contents.header.has_value()) {
    const auto record = reader.ReadRecord();
    contents.status = record.status();
    if (!record.ok() || !record->has_value()) {
      break;
    }
    contents.records.emplace_back(**record);
    contents.offsets.push_back(reader.record_offset());
  }
  contents.end = reader.end();
  contents.synced_length = reader.synced_length();
  return contents;
}

inline LogContents ReadLog(const std::string& bytes, uint64_t number = kTestLogNumber,
                           uint64_t must_reach = 0, bool exact = false) {
  MemFileSystem fs;
  fs.SetContents(kTestLog, bytes);
  return ReadLog(&fs, number, must_reach, exact);
}

// A chunk with a right checksum for its place, whatever it says.
inline std::string ForgeChunk(int type, absl::string_view payload, uint64_t offset,
                              uint64_t number = kTestLogNumber) {
  std::string covered;
  covered.push_back(static_cast<char>(payload.size() & 0xff));
  covered.push_back(static_cast<char>(payload.size() >> 8));
  covered.push_back(static_cast<char>(type));
  covered.append(payload.data(), payload.size());
  std::string chunk;
  PutFixed32(&chunk, LogChecksum(number, offset, covered));
  return chunk + covered;
}

inline std::string ForgeChunk(ChunkType type, absl::string_view payload, uint64_t offset) {
  return ForgeChunk(static_cast<int>(type), payload, offset);
}

inline bool Says(const absl::Status& status, absl::string_view text) {
  return status.message().find(text) != absl::string_view::npos;
}

}  // namespace fathom
