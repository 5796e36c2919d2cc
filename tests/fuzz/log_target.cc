// The log reader against any file.
//
//   u8 flags      1: make the checksums right   2: read exactly up to `must reach`
//   u16           `must reach`
//   u16 filler    0: what follows is the whole file. Else it stands after a header and a record of
//                 so many bytes, so that a short input comes to the end of a block, and passes it.
//   bytes
#include <string>
#include <vector>

#include "lsm/wal/batch.h"
#include "tests/fuzz/byte_tape.h"
#include "tests/fuzz/ensure.h"
#include "tests/fuzz/targets.h"
#include "tests/lsm/wal/log_files.h"

namespace fathom {
namespace {

constexpr uint8_t kHealLog = 1;
constexpr uint8_t kExact = 2;

// Makes the checksums of the chunks from `offset` on right, as far as their lengths lead.
void Heal(size_t offset, std::string* log) {
  constexpr size_t kChecksumBytes = 4;
  while (offset + kChunkHeaderBytes <= log->size()) {
    const size_t left = kLogBlockBytes - offset % kLogBlockBytes;
    if (left < kChunkHeaderBytes) {
      offset += left;
      continue;
    }
    const absl::string_view chunk = absl::string_view(*log).substr(offset);
    const size_t length =
        static_cast<uint8_t>(chunk[4]) | static_cast<size_t>(static_cast<uint8_t>(chunk[5])) << 8;
    const size_t bytes = kChunkHeaderBytes + length;
    const bool zeros = chunk.substr(0, kChunkHeaderBytes) == std::string(kChunkHeaderBytes, '\0');
    if (zeros || bytes > left || bytes > chunk.size()) {
      return;
    }
    EncodeFixed32(
        log->data() + offset,
        LogChecksum(kTestLogNumber, offset, chunk.substr(kChecksumBytes, bytes - kChecksumBytes)));
    offset += bytes;
  }
}

void ReadAsBatch(absl::string_view record) {
  BatchReader reader(record);
  uint32_t writes = 0;
  for (BatchEntry entry; reader.Next(&entry);) {
    ++writes;
  }
  EnsureOkOrDataLoss(reader.status(), "a batch is whole or damaged");
  Ensure(!reader.status().ok() || writes == reader.count(), "a whole batch has all its writes");
}

// What holds of a log that was read to its end.
void CheckEnd(const std::string& file, const LogContents& log) {
  Ensure(log.end.length <= file.size(), "a log is not worth more than its file");
  Ensure(log.end.length + log.end.dropped_bytes <= file.size(), "no more is dropped than is there");
  const LogContents again = ReadLog(file, kTestLogNumber, log.end.length, /*exact=*/true);
  EnsureOk(again.status, "what recovery settled on is read again");
  Ensure(again.records == log.records, "what recovery settled on is what it read");
  Ensure(again.end.length == log.end.length, "what recovery settled on ends there");
  const LogContents cut = ReadLog(file.substr(0, log.end.length));
  EnsureOk(cut.status, "a log cut behind its last record is read");
  Ensure(cut.records == log.records, "a log cut behind its last record is the same");
  Ensure(cut.end.reason.empty(), "a log cut behind its last record ends there", cut.end.reason);
}

void CheckWrittenAnew(const std::vector<std::string>& records) {
  LogBuilder builder;
  for (const std::string& record : records) {
    EnsureOk(builder.Append(record), "a record is written");
  }
  const LogContents read = ReadLog(builder.Bytes());
  EnsureOk(read.status, "a log is read back");
  Ensure(read.records == records, "a log is read back as it was written");
}

}  // namespace

bool FuzzLog(absl::string_view input) {
  ByteTape tape(input);
  const uint8_t flags = tape.U8();
  const uint64_t must_reach = tape.U16();
  const size_t filler = tape.U16();
  std::string file;
  if (filler > 0) {
    LogBuilder builder;
    EnsureOk(builder.Append(std::string(filler, 'f')), "a record is written");
    file = builder.Bytes();
  }
  const size_t offset = file.size();
  file.append(tape.rest().data(), tape.rest().size());
  if ((flags & kHealLog) != 0) {
    Heal(offset, &file);
  }

  const LogContents log =
      ReadLog(file, kTestLogNumber, must_reach, /*exact=*/(flags & kExact) != 0);
  EnsureOkOrDataLoss(log.status, "a log is whole, torn or damaged");
  for (size_t i = 0; i < log.records.size(); ++i) {
    Ensure(i == 0 || log.offsets[i - 1] < log.offsets[i], "records stand in order");
    ReadAsBatch(log.records[i]);
  }
  if (!log.status.ok()) {
    return false;
  }
  CheckEnd(file, log);
  CheckWrittenAnew(log.records);
  return log.header.has_value() && log.end.reason.empty();
}

}  // namespace fathom
