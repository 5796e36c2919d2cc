#include "lsm/wal/log_writer.h"

#include <cassert>
#include <utility>

#include "lsm/format/checksum.h"
#include "lsm/format/coding.h"

namespace fathom {
namespace {

std::string HeaderPayload(const LogHeader& header) {
  std::string payload(kLogMagic);
  payload.push_back(static_cast<char>(kLogVersion));
  PutFixed64(&payload, header.number);
  PutFixed64(&payload, header.previous_number);
  PutFixed64(&payload, header.previous_length);
  return payload;
}

ChunkType FragmentType(bool first, bool last) {
  if (first) {
    return last ? ChunkType::kFull : ChunkType::kFirst;
  }
  return last ? ChunkType::kLast : ChunkType::kMiddle;
}

}  // namespace

LogWriter::LogWriter(std::unique_ptr<WritableFile> file, const LogHeader& header, bool preallocate)
    : file_(std::move(file)), number_(header.number), preallocate_(preallocate) {
  AppendChunk(ChunkType::kHeader, HeaderPayload(header));
  record_end_ = length_;
}

LogWriter::~LogWriter() = default;

absl::Status LogWriter::Append(absl::string_view record) {
  if (!status_.ok()) {
    return status_;
  }
  has_records_ = true;
  MarkSync();
  bool first = true;
  do {
    PadBlock();
    const absl::string_view fragment = record.substr(0, PayloadRoom());
    record.remove_prefix(fragment.size());
    AppendChunk(FragmentType(first, record.empty()), fragment);
    first = false;
    if (buffer_.size() > kBufferBytes) {
      if (absl::Status flushed = Flush(); !flushed.ok()) {
        return flushed;
      }
    }
  } while (!record.empty());
  record_end_ = length_;
  return absl::OkStatus();
}

absl::Status LogWriter::Flush() {
  if (!status_.ok() || buffer_.empty()) {
    return status_;
  }
  status_ = Reserve();
  if (status_.ok()) {
    status_ = file_->Append(buffer_);
  }
  buffer_.clear();
  return status_;
}

absl::Status LogWriter::Sync() {
  if (absl::Status flushed = Flush(); !flushed.ok() || synced()) {
    return flushed;
  }
  status_ = file_->Sync();
  if (status_.ok()) {
    synced_length_ = length_;
  }
  return status_;
}

void LogWriter::MarkSync() {
  if (synced_length_ <= marked_length_) {
    return;
  }
  PadBlock();
  if (const size_t room = PayloadRoom(); room < kSyncedPayloadBytes) {
    AppendChunk(ChunkType::kSynced, std::string(room, '\0'));
  }
  std::string payload;
  PutFixed64(&payload, synced_length_);
  AppendChunk(ChunkType::kSynced, payload);
  marked_length_ = synced_length_;
}

absl::Status LogWriter::Close() {
  if (status_.ok()) {
    MarkSync();
  }
  absl::Status result = Flush();
  // After an error too: the file's handle must go.
  result.Update(file_->Close());
  status_ = result.ok() ? absl::FailedPreconditionError("the log is closed") : result;
  return result;
}

absl::Status LogWriter::Reserve() {
  // A log that nobody writes to, as that of a store which is only read, needs no space.
  if (!preallocate_ || !has_records_ || length_ <= reserved_) {
    return absl::OkStatus();
  }
  reserved_ = (length_ + kPreallocateBytes - 1) / kPreallocateBytes * kPreallocateBytes;
  return file_->Preallocate(reserved_);
}

void LogWriter::AppendChunk(ChunkType type, absl::string_view payload) {
  assert(payload.size() <= PayloadRoom());
  const size_t start = buffer_.size();
  char header[kChunkHeaderBytes] = {};  // the checksum comes last
  header[kChunkChecksumBytes] = static_cast<char>(payload.size() & 0xff);
  header[kChunkChecksumBytes + 1] = static_cast<char>(payload.size() >> 8);
  header[kChunkChecksumBytes + 2] = static_cast<char>(type);
  buffer_.append(header, sizeof(header));
  buffer_.append(payload.data(), payload.size());
  const absl::string_view covered = absl::string_view(buffer_).substr(start + kChunkChecksumBytes);
  EncodeFixed32(buffer_.data() + start, LogChecksum(number_, length_, covered));
  length_ += kChunkHeaderBytes + payload.size();
}

void LogWriter::PadBlock() {
  const size_t left = kLogBlockBytes - length_ % kLogBlockBytes;
  if (left < kChunkHeaderBytes) {
    buffer_.append(left, '\0');
    length_ += left;
  }
}

size_t LogWriter::PayloadRoom() const {
  return kLogBlockBytes - length_ % kLogBlockBytes - kChunkHeaderBytes;
}

}  // namespace fathom
