#include "lsm/wal/log_reader.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "lsm/format/checksum.h"
#include "lsm/format/coding.h"
#include "lsm/format/corruption.h"

namespace fathom {

namespace {

constexpr size_t kReadBytes = 8 * kLogBlockBytes;  // whole blocks, so that no chunk is split
constexpr size_t kTypeOffset = 6;
// What a kSynced chunk has between its checksum and the offset that it tells: length and type.
constexpr char kSyncMarkHead[] = {kSyncedPayloadBytes, 0, static_cast<char>(ChunkType::kSynced)};
constexpr size_t kMagicBytes = sizeof(kLogMagic) - 1;

bool AllZeros(absl::string_view bytes) {
  return bytes.find_first_not_of('\0') == absl::string_view::npos;
}

size_t PayloadLength(absl::string_view chunk) {
  return static_cast<size_t>(static_cast<uint8_t>(chunk[kChunkChecksumBytes])) |
         static_cast<size_t>(static_cast<uint8_t>(chunk[kChunkChecksumBytes + 1])) << 8;
}

std::string Hex(uint32_t v) { return absl::StrCat("0x", absl::Hex(v, absl::kZeroPad8)); }

}  // namespace

LogReader::LogReader(const ReadableFile* file, std::string name, uint64_t number,
                     uint64_t must_reach, bool exact)
    : file_(file),
      name_(std::move(name)),
      number_(number),
      must_reach_(must_reach),
      limit_(exact ? std::min(must_reach, file->size()) : file->size()) {}

absl::StatusOr<std::optional<LogHeader>> LogReader::ReadHeader() {
  Fault fault;
  absl::StatusOr<std::optional<Chunk>> read = ReadChunk(0, &fault);
  if (!read.ok()) {
    return read.status();
  }
  if (!read->has_value()) {
    absl::Status end = RefuseForeignHeader();
    if (end.ok()) {
      end = EndAt(fault);
    }
    if (!end.ok()) {
      return end;
    }
    return std::optional<LogHeader>();
  }
  const Chunk& chunk = **read;
  const absl::string_view payload = chunk.payload;
  if (chunk.type != ChunkType::kHeader || payload.size() <= kMagicBytes ||
      payload.substr(0, kMagicBytes) != kLogMagic) {
    return Misplaced(chunk, "a log header");
  }
  const auto version = static_cast<uint8_t>(payload[kMagicBytes]);
  if (version != kLogVersion) {
    return Corruption(name_, chunk.offset, "log version", kLogVersion, version);
  }
  if (payload.size() != kLogHeaderPayloadBytes) {
    return Corruption(name_, chunk.offset, "log header length", kLogHeaderPayloadBytes,
                      payload.size());
  }
  const char* fields = payload.data() + kMagicBytes + 1;
  const LogHeader header{.number = DecodeFixed64(fields),
                         .previous_number = DecodeFixed64(fields + 8),
                         .previous_length = DecodeFixed64(fields + 16)};
  if (header.number != number_) {
    return Corruption(name_, chunk.offset, "log number", number_, header.number);
  }
  next_ = record_end_ = chunk.end;
  return header;
}

absl::StatusOr<std::optional<absl::string_view>> LogReader::ReadRecord() {
  record_.clear();
  bool in_record = false;
  uint64_t begin = next_;
  uint64_t position = next_;
  for (;;) {
    Fault fault;
    absl::StatusOr<std::optional<Chunk>> read = ReadChunk(position, &fault);
    if (!read.ok()) {
      return read.status();
    }
    if (!read->has_value()) {
      if (absl::Status end = EndAt(fault); !end.ok()) {
        return end;
      }
      return std::optional<absl::string_view>();
    }
    const Chunk& chunk = **read;
    const bool continues = chunk.type == ChunkType::kMiddle || chunk.type == ChunkType::kLast;
    if (continues != in_record) {
      return Misplaced(chunk, in_record ? "the record's next part" : "the start of a record");
    }
    position = chunk.end;
    if (chunk.type == ChunkType::kSynced) {
      if (absl::Status taken = TakeSyncMark(chunk); !taken.ok()) {
        return taken;
      }
      next_ = chunk.end;
      continue;
    }
    if (chunk.type == ChunkType::kZero || chunk.type > ChunkType::kLast) {
      return Misplaced(chunk, "the start of a record");
    }
    if (!in_record) {
      begin = chunk.offset;
    }
    in_record = chunk.type == ChunkType::kFirst || chunk.type == ChunkType::kMiddle;
    // A record in one piece is handed out where it lies.
    if (chunk.type != ChunkType::kFull) {
      record_.append(chunk.payload.data(), chunk.payload.size());
    }
    if (!in_record) {
      record_offset_ = begin;
      next_ = record_end_ = chunk.end;
      return chunk.type == ChunkType::kFull ? chunk.payload : absl::string_view(record_);
    }
  }
}

absl::Status LogReader::TakeSyncMark(const Chunk& chunk) {
  if (chunk.payload.size() < kSyncedPayloadBytes && AllZeros(chunk.payload)) {
    return absl::OkStatus();
  }
  if (chunk.payload.size() != kSyncedPayloadBytes) {
    return Corruption(name_, chunk.offset, "sync mark length", kSyncedPayloadBytes,
                      chunk.payload.size());
  }
  const uint64_t synced = DecodeFixed64(chunk.payload.data());
  if (synced > chunk.offset) {
    return Corruption(name_, chunk.offset, "synced length", absl::StrCat("at most ", chunk.offset),
                      synced);
  }
  synced_length_ = std::max(synced_length_, synced);
  return absl::OkStatus();
}

absl::Status LogReader::Misplaced(const Chunk& chunk, absl::string_view expected) const {
  return Corruption(name_, chunk.offset, "intact chunk", expected,
                    absl::StrCat("type ", static_cast<int>(chunk.type)));
}

absl::Status LogReader::RefuseForeignHeader() {
  const absl::StatusOr<absl::string_view> bytes = Load(0);
  constexpr size_t kBytes = kChunkHeaderBytes + kLogHeaderPayloadBytes;
  if (!bytes.ok() || bytes->size() < kBytes) {
    return bytes.status();
  }
  const uint64_t number = DecodeFixed64(bytes->data() + kChunkHeaderBytes + kMagicBytes + 1);
  const absl::string_view covered =
      bytes->substr(kChunkChecksumBytes, kBytes - kChunkChecksumBytes);
  if (number == number_ || DecodeFixed32(bytes->data()) != LogChecksum(number, 0, covered)) {
    return absl::OkStatus();
  }
  return Corruption(name_, 0, "log number", number_, number);
}

absl::StatusOr<std::optional<LogReader::Chunk>> LogReader::ReadChunk(uint64_t offset,
                                                                     Fault* fault) {
  if (const uint64_t left = kLogBlockBytes - offset % kLogBlockBytes; left < kChunkHeaderBytes) {
    const absl::StatusOr<absl::string_view> trailer = Load(offset);
    if (!trailer.ok()) {
      return trailer.status();
    }
    if (!AllZeros(*trailer)) {
      *fault = {offset, "block trailer", "zeros", "other bytes"};
      return std::optional<Chunk>();
    }
    offset += left;
  }
  const absl::StatusOr<absl::string_view> bytes = Load(offset);
  if (!bytes.ok()) {
    return bytes.status();
  }
  return CheckChunk(*bytes, offset, fault);
}

std::optional<LogReader::Chunk> LogReader::CheckChunk(absl::string_view bytes, uint64_t offset,
                                                      Fault* fault) const {
  if (bytes.size() < kChunkHeaderBytes) {
    *fault = {offset, "chunk header", absl::StrCat(kChunkHeaderBytes, " bytes"),
              absl::StrCat(bytes.size(), " bytes to the end of the file")};
    return std::nullopt;
  }
  if (AllZeros(bytes.substr(0, kChunkHeaderBytes))) {
    *fault = {offset, "chunk header", "a chunk, or zeros to the end of the file", "zeros"};
    return std::nullopt;
  }
  const size_t length = PayloadLength(bytes);
  const uint64_t room = kLogBlockBytes - offset % kLogBlockBytes - kChunkHeaderBytes;
  if (length > room) {
    *fault = {offset, "chunk length", absl::StrCat("at most ", room), absl::StrCat(length)};
    return std::nullopt;
  }
  if (const size_t there = bytes.size() - kChunkHeaderBytes; length > there) {
    *fault = {offset, "chunk payload", absl::StrCat(length, " bytes"),
              absl::StrCat(there, " bytes to the end of the file")};
    return std::nullopt;
  }
  const absl::string_view chunk = bytes.substr(0, kChunkHeaderBytes + length);
  const uint32_t stored = DecodeFixed32(chunk.data());
  const uint32_t computed = LogChecksum(number_, offset, chunk.substr(kChunkChecksumBytes));
  if (stored != computed) {
    *fault = {offset, "chunk checksum", Hex(stored), Hex(computed)};
    return std::nullopt;
  }
  return Chunk{.type = static_cast<ChunkType>(chunk[kTypeOffset]),
               .offset = offset,
               .end = offset + chunk.size(),
               .payload = chunk.substr(kChunkHeaderBytes)};
}

absl::Status LogReader::EndAt(const Fault& fault) {
  if (record_end_ < must_reach_) {
    return Corruption(name_, fault.offset,
                      absl::StrCat(fault.what, " (the log is known to reach ", must_reach_, ")"),
                      fault.expected, fault.found);
  }
  const absl::StatusOr<Rest> rest = ScanRest(next_);
  if (!rest.ok()) {
    return rest.status();
  }
  if (rest->synced_length > fault.offset) {
    return Corruption(
        name_, fault.offset,
        absl::StrCat(fault.what, " (the log was durable up to ", rest->synced_length, ")"),
        fault.expected, fault.found);
  }
  end_ = LogEnd();
  end_.length = record_end_;
  if (rest->nonzero_end > next_) {
    end_.dropped_bytes = rest->nonzero_end - next_;
    end_.reason = absl::StrCat(fault.what, " at offset ", fault.offset, ": expected ",
                               fault.expected, ", found ", fault.found);
  }
  return absl::OkStatus();
}

absl::StatusOr<LogReader::Rest> LogReader::ScanRest(uint64_t from) {
  const absl::string_view head(kSyncMarkHead, sizeof(kSyncMarkHead));
  Rest rest;
  for (uint64_t offset = from;;) {
    const absl::StatusOr<absl::string_view> bytes = Load(offset);
    if (!bytes.ok() || bytes->empty()) {
      return bytes.ok() ? absl::StatusOr<Rest>(rest) : bytes.status();
    }
    if (const size_t last = bytes->find_last_not_of('\0'); last != absl::string_view::npos) {
      rest.nonzero_end = offset + last + 1;
    }
    // With the chain of lengths broken a mark may begin at any byte; the checksum, seeded with the
    // place, tells a true one from bytes that look like it.
    for (size_t at = bytes->find(head, kChunkChecksumBytes); at != absl::string_view::npos;
         at = bytes->find(head, at + 1)) {
      const size_t begin = at - kChunkChecksumBytes;
      rest.synced_length =
          std::max(rest.synced_length, SyncMarkAt(bytes->substr(begin), offset + begin));
    }
    offset += bytes->size();
  }
}

uint64_t LogReader::SyncMarkAt(absl::string_view bytes, uint64_t offset) const {
  constexpr size_t kBytes = kChunkHeaderBytes + kSyncedPayloadBytes;
  if (bytes.size() < kBytes) {
    return 0;
  }
  const uint64_t synced = DecodeFixed64(bytes.data() + kChunkHeaderBytes);
  const absl::string_view covered = bytes.substr(kChunkChecksumBytes, kBytes - kChunkChecksumBytes);
  const bool intact =
      synced <= offset && DecodeFixed32(bytes.data()) == LogChecksum(number_, offset, covered);
  return intact ? synced : 0;
}

absl::StatusOr<absl::string_view> LogReader::Load(uint64_t offset) {
  if (offset >= limit_) {
    return absl::string_view();
  }
  if (offset < buffer_offset_ || offset >= buffer_offset_ + buffer_.size()) {
    buffer_offset_ = offset / kReadBytes * kReadBytes;
    const size_t wanted = std::min<uint64_t>(kReadBytes, limit_ - buffer_offset_);
    buffer_.resize(wanted);
    const absl::StatusOr<size_t> got = file_->Read(buffer_offset_, wanted, buffer_.data());
    if (!got.ok() || *got != wanted) {
      buffer_.clear();
      return got.ok() ? Corruption(name_, buffer_offset_ + *got, "file length", limit_,
                                   buffer_offset_ + *got)
                      : got.status();
    }
  }
  const uint64_t block_end = (offset / kLogBlockBytes + 1) * kLogBlockBytes;
  return absl::string_view(buffer_).substr(offset - buffer_offset_, block_end - offset);
}

}  // namespace fathom
