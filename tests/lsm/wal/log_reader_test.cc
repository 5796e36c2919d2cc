#include "lsm/wal/log_reader.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "absl/strings/str_cat.h"
#include "tests/lsm/wal/log_files.h"

namespace fathom {
namespace {

using Records = std::vector<std::string>;

std::string Flipped(std::string bytes, size_t bit) {
  bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
  return bytes;
}

std::string Zeroed(std::string bytes, uint64_t begin, uint64_t end) {
  std::fill(bytes.begin() + static_cast<ptrdiff_t>(begin),
            bytes.begin() + static_cast<ptrdiff_t>(end), '\0');
  return bytes;
}

bool IsPrefix(const Records& part, const Records& whole) {
  return part.size() <= whole.size() && std::equal(part.begin(), part.end(), whole.begin());
}

// The log ends, without error, after the first `count` records of `log`.
void CheckEndsAfter(const LogContents& contents, const LogBuilder& log, size_t count) {
  CHECK(contents.status == absl::OkStatus());
  CHECK(contents.records ==
        Records(log.records.begin(), log.records.begin() + static_cast<ptrdiff_t>(count)));
  CHECK(contents.end.length == log.ends[count]);
}

// Torn there: bytes were dropped, and the reason is told.
void CheckTornAfter(const LogContents& contents, const LogBuilder& log, size_t count) {
  CheckEndsAfter(contents, log, count);
  CHECK(contents.end.dropped_bytes > 0);
  CHECK_FALSE(contents.end.reason.empty());
}

void CheckDamagedAt(const LogContents& contents, uint64_t offset) {
  CHECK(absl::IsDataLoss(contents.status));
  INFO(contents.status);
  CHECK(Says(contents.status, absl::StrCat(kTestLog, ": damaged at offset ", offset, ":")));
}

TEST_CASE("wal: the header and the records come back") {
  LogBuilder log;
  for (const char* record : {"one", "", "three"}) {
    REQUIRE(log.Append(record).ok());
  }
  const LogContents contents = ReadLog(log.Bytes());
  REQUIRE(contents.header.has_value());
  CHECK(contents.header->number == kTestLogNumber);
  CHECK(contents.header->previous_number == 6);
  CHECK(contents.header->previous_length == 1234);
  CheckEndsAfter(contents, log, 3);
  CHECK(contents.end.dropped_bytes == 0);
  CHECK(contents.end.reason.empty());
  CHECK(contents.offsets == std::vector<uint64_t>{log.ends[0], log.ends[1], log.ends[2]});
}

TEST_CASE("wal: records of every awkward length come back") {
  // Crash case 6: filling the block exactly, 7 and 6 bytes left, empty, spanning three blocks.
  for (size_t left = 0; left < 16; ++left) {
    CAPTURE(left);
    LogBuilder log;
    const size_t room = kLogBlockBytes - log.writer.length() - kChunkHeaderBytes;
    for (const size_t length : {room - left, size_t{0}, size_t{1}, 2 * kLogBlockBytes + 100}) {
      REQUIRE(log.Append(std::string(length, static_cast<char>('a' + left))).ok());
    }
    CheckEndsAfter(ReadLog(log.Bytes()), log, 4);
  }
}

TEST_CASE("wal: a record of many megabytes comes back") {
  LogBuilder log;
  std::string record(9 << 20, '\0');
  std::mt19937_64 random(1);
  std::generate(record.begin(), record.end(), [&] { return static_cast<char>(random()); });
  REQUIRE(log.Append(record).ok());
  CHECK(ReadLog(log.Bytes()).records == log.records);
}

TEST_CASE("wal: a log cut anywhere gives the records before the cut") {
  // Crash case 1.
  LogBuilder log;
  REQUIRE(log.Append("one").ok());
  REQUIRE(log.AppendAndSync("").ok());
  REQUIRE(log.AppendAndSync("three").ok());
  REQUIRE(log.Append(std::string(300, 'x')).ok());
  const std::string bytes = log.Bytes();
  for (size_t cut = 0; cut <= bytes.size(); ++cut) {
    CAPTURE(cut);
    const LogContents contents = ReadLog(bytes.substr(0, cut));
    if (cut < log.ends[0]) {
      CHECK(contents.status.ok());
      CHECK_FALSE(contents.header.has_value());
      CHECK(contents.end.length == 0);
    } else {
      const auto next = std::upper_bound(log.ends.begin(), log.ends.end(), cut);
      CheckEndsAfter(contents, log, static_cast<size_t>(next - log.ends.begin()) - 1);
      CHECK(contents.end.dropped_bytes <= cut - contents.end.length);
    }
  }
}

TEST_CASE("wal: a record over three blocks that is cut anywhere is not there") {
  // Crash case 1.
  LogBuilder log;
  REQUIRE(log.Append("first").ok());
  REQUIRE(log.Append(std::string(2 * kLogBlockBytes + 100, 'x')).ok());
  const std::string bytes = log.Bytes();
  const auto check = [&](size_t cut) {
    CAPTURE(cut);
    CheckTornAfter(ReadLog(bytes.substr(0, cut)), log, 1);
  };
  for (size_t cut = log.ends[1] + kChunkHeaderBytes; cut < bytes.size(); cut += 997) {
    check(cut);
  }
  for (size_t near = 0; near < 20; ++near) {
    check(kLogBlockBytes - 10 + near);
    check(2 * kLogBlockBytes - 10 + near);
    check(bytes.size() - 1 - near);
  }
}

TEST_CASE("wal: a last record with a header and a body of zeros is a torn tail") {
  // Crash case 2.
  LogBuilder log;
  REQUIRE(log.AppendAndSync("one").ok());
  REQUIRE(log.Append("two").ok());
  const std::string bytes = log.Bytes();
  CheckTornAfter(ReadLog(Zeroed(bytes, bytes.size() - 3, bytes.size())), log, 1);
}

TEST_CASE("wal: a hole before records that were synced after it is damage") {
  // Crash case 3.
  LogBuilder log;
  for (const char* record : {"one", "two", "three", "four"}) {
    REQUIRE(log.AppendAndSync(record).ok());
  }
  const std::string bytes = log.Bytes();
  const uint64_t hole = log.ends[1] + kChunkHeaderBytes + kSyncedPayloadBytes;
  CheckDamagedAt(ReadLog(Zeroed(bytes, hole, log.ends[2])), hole);
  CheckDamagedAt(ReadLog(Zeroed(bytes, log.ends[2] - 1, log.ends[2])), hole);
}

TEST_CASE("wal: a hole that no sync vouches for ends the log, and what follows is not read") {
  // Crash case 3.
  LogBuilder log;
  REQUIRE(log.AppendAndSync("one").ok());
  for (const char* record : {"two", "three", "four"}) {
    REQUIRE(log.Append(record).ok());
  }
  const std::string bytes = log.Bytes();
  const LogContents zeros = ReadLog(Zeroed(bytes, log.ends[2], log.ends[3]));
  CheckTornAfter(zeros, log, 2);
  CHECK(zeros.end.dropped_bytes == bytes.size() - log.ends[2]);
  CHECK(zeros.end.reason ==
        absl::StrCat("chunk header at offset ", log.ends[2],
                     ": expected a chunk, or zeros to the end of the file, found zeros"));
  const LogContents torn = ReadLog(Zeroed(bytes, log.ends[3] - 1, log.ends[3]));
  CheckTornAfter(torn, log, 2);
  CHECK(torn.end.reason.find("chunk checksum at offset") == 0);
}

TEST_CASE("wal: a mark in a far block vouches across damaged blocks between") {
  LogBuilder log;
  REQUIRE(log.AppendAndSync("one").ok());
  REQUIRE(log.AppendAndSync(std::string(4 * kLogBlockBytes, 'x')).ok());
  REQUIRE(log.Append("last").ok());
  const std::string bytes = log.Bytes();
  const uint64_t hole = log.ends[1] + kChunkHeaderBytes + kSyncedPayloadBytes;
  CheckDamagedAt(ReadLog(Zeroed(bytes, hole, 4 * kLogBlockBytes)), hole);
  // The same without the mark.
  const uint64_t mark = log.ends[2];
  CheckTornAfter(ReadLog(Zeroed(Zeroed(bytes, hole, 4 * kLogBlockBytes), mark, mark + 15)), log, 1);
}

TEST_CASE("wal: a wrong length is not believed and no record is found inside a record") {
  // Crash case 4. The payload is a record that is true for its place.
  LogBuilder log;
  const uint64_t inside = log.writer.length() + kChunkHeaderBytes;
  REQUIRE(log.Append(ForgeChunk(ChunkType::kFull, "inner", inside) + "outer").ok());
  REQUIRE(log.Append("second").ok());
  const std::string bytes = log.Bytes();
  CheckEndsAfter(ReadLog(bytes), log, 2);
  for (size_t bit = 0; bit < 16; ++bit) {
    CAPTURE(bit);
    CheckTornAfter(ReadLog(Flipped(bytes, (log.ends[0] + 4) * 8 + bit)), log, 0);
  }
}

TEST_CASE("wal: a flip of any bit is damage below the last mark and a torn tail above it") {
  // Crash case 5.
  LogBuilder log;
  for (const char* record : {"one", "two", "three"}) {
    REQUIRE(log.AppendAndSync(record).ok());
  }
  const std::string bytes = log.Bytes();
  const uint64_t vouched = ReadLog(bytes).synced_length;
  REQUIRE(vouched == log.ends[2]);
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    CAPTURE(bit);
    const LogContents contents = ReadLog(Flipped(bytes, bit));
    if (bit / 8 < vouched) {
      CHECK(absl::IsDataLoss(contents.status));
      CHECK(IsPrefix(contents.records, log.records));
    } else {
      CheckTornAfter(contents, log, 2);
    }
  }
}

TEST_CASE("wal: after a clean close a flip of any bit of a synced record is damage") {
  // Crash case 5.
  LogBuilder log;
  REQUIRE(log.Append("one").ok());
  REQUIRE(log.AppendAndSync("two").ok());
  REQUIRE(log.writer.Close().ok());
  const std::string bytes = *log.fs.Contents(kTestLog);
  for (size_t bit = 0; bit < log.writer.length() * 8; ++bit) {
    CAPTURE(bit);
    CHECK(absl::IsDataLoss(ReadLog(Flipped(bytes, bit)).status));
  }
}

TEST_CASE("wal: a flip of any bit around a block's end is seen") {
  // Crash case 5: the zeros that fill the block, and the chunk after them.
  LogBuilder log;
  const size_t room = kLogBlockBytes - log.writer.length() - kChunkHeaderBytes;
  REQUIRE(log.Append(std::string(room - 6, 'x')).ok());
  REQUIRE(log.AppendAndSync("second").ok());
  const std::string unmarked = log.Bytes();
  REQUIRE(log.Append("third").ok());
  const std::string marked = log.Bytes();
  for (size_t bit = (kLogBlockBytes - 6) * 8; bit < log.ends[2] * 8; ++bit) {
    CAPTURE(bit);
    CheckTornAfter(ReadLog(Flipped(unmarked, bit)), log, 1);
    CHECK(absl::IsDataLoss(ReadLog(Flipped(marked, bit)).status));
  }
}

TEST_CASE("wal: zeros after the last record are its end, zeros and then bytes are not") {
  // Crash case 5.
  LogBuilder log;
  REQUIRE(log.Append("one").ok());
  const std::string bytes = log.Bytes();
  for (const size_t zeros : {size_t{1}, size_t{6}, size_t{7}, size_t{100}, 3 * kLogBlockBytes}) {
    CAPTURE(zeros);
    const LogContents clean = ReadLog(bytes + std::string(zeros, '\0'));
    CheckEndsAfter(clean, log, 1);
    CHECK(clean.end.dropped_bytes == 0);
    CHECK(clean.end.reason.empty());
    const LogContents torn = ReadLog(bytes + std::string(zeros, '\0') + "x");
    CheckTornAfter(torn, log, 1);
    CHECK(torn.end.dropped_bytes == zeros + 1);
  }
}

TEST_CASE("wal: a file that is empty or all zeros is a log that holds nothing") {
  for (const size_t length : {size_t{0}, size_t{1}, size_t{39}, 2 * kLogBlockBytes}) {
    CAPTURE(length);
    const LogContents contents = ReadLog(std::string(length, '\0'));
    CHECK(contents.status.ok());
    CHECK_FALSE(contents.header.has_value());
    CHECK(contents.end.reason.empty());
    CHECK(contents.end.dropped_bytes == 0);
  }
}

TEST_CASE("wal: a torn header is a log that holds nothing unless something vouches for it") {
  LogBuilder log;
  REQUIRE(log.AppendAndSync("one").ok());
  const LogContents torn = ReadLog(Zeroed(log.Bytes(), 10, 11));
  CHECK(torn.status.ok());
  CHECK_FALSE(torn.header.has_value());
  CHECK(torn.end.dropped_bytes == log.writer.length());
  CHECK(torn.end.reason.find("chunk checksum at offset 0") == 0);

  CheckDamagedAt(ReadLog(Zeroed(log.Bytes(), 10, 11), kTestLogNumber, log.ends[0]), 0);
  REQUIRE(log.Append("two").ok());
  CheckDamagedAt(ReadLog(Zeroed(log.Bytes(), 10, 11)), 0);
}

TEST_CASE("wal: a log under another number is refused") {
  LogBuilder log;
  REQUIRE(log.Append("one").ok());
  const LogContents contents = ReadLog(log.Bytes(), kTestLogNumber + 1);
  CheckDamagedAt(contents, 0);
  CHECK(Says(contents.status, "log number: expected 8, found 7"));
}

TEST_CASE("wal: a header of another version or with another number inside is refused") {
  const std::string fields(3 * 8, '\0');
  const LogContents newer =
      ReadLog(ForgeChunk(ChunkType::kHeader, "FTHMLOG\x02" + fields + "new", 0));
  CHECK(absl::IsDataLoss(newer.status));
  CHECK(Says(newer.status, "log version: expected 1, found 2"));
  CHECK(Says(ReadLog(ForgeChunk(ChunkType::kHeader, "FTHMLOG\x01" + fields, 0)).status,
             "log number: expected 7, found 0"));
  CHECK(Says(ReadLog(ForgeChunk(ChunkType::kHeader, "FTHMLOG\x01", 0)).status,
             "log header length: expected 32, found 8"));
  for (const char* magic : {"", "FTHMLOG", "OTHERLOG"}) {
    CHECK(Says(ReadLog(ForgeChunk(ChunkType::kHeader, magic, 0)).status,
               "intact chunk: expected a log header"));
  }
  CHECK(Says(ReadLog(ForgeChunk(ChunkType::kFull, "FTHMLOG\x01", 0)).status, "found type 1"));
}

TEST_CASE("wal: a chunk of another file or of another place is refused") {
  // Crash case 53, for logs.
  LogBuilder log;
  REQUIRE(log.Append("one").ok());
  const std::string bytes = log.Bytes();
  const uint64_t here = bytes.size();
  const int full = static_cast<int>(ChunkType::kFull);
  CHECK(ReadLog(bytes + ForgeChunk(full, "x", here)).records.size() == 2);
  CheckTornAfter(ReadLog(bytes + ForgeChunk(full, "x", here, kTestLogNumber + 1)), log, 1);
  CheckTornAfter(ReadLog(bytes + ForgeChunk(full, "x", here + 1)), log, 1);
  CheckTornAfter(ReadLog(bytes + bytes.substr(log.ends[0])), log, 1);
}

TEST_CASE("wal: an intact chunk where none of its type may be is damage") {
  LogBuilder log;
  REQUIRE(log.Append("one").ok());
  const std::string bytes = log.Bytes();
  const uint64_t here = bytes.size();
  for (const int type : {0, 3, 4, 5, 7, 255}) {
    CAPTURE(type);
    CheckDamagedAt(ReadLog(bytes + ForgeChunk(type, "x", here)), here);
  }
  const std::string first = bytes + ForgeChunk(ChunkType::kFirst, "x", here);
  for (const int type : {0, 1, 2, 5, 6, 7}) {
    CAPTURE(type);
    CheckDamagedAt(ReadLog(first + ForgeChunk(type, "x", first.size())), first.size());
  }
  CheckTornAfter(ReadLog(first), log, 1);
  CHECK(ReadLog(first + ForgeChunk(ChunkType::kLast, "y", first.size())).records ==
        Records{"one", "xy"});
}

TEST_CASE("wal: a sync mark that cannot be true is damage") {
  LogBuilder log;
  REQUIRE(log.Append("one").ok());
  const std::string bytes = log.Bytes();
  const uint64_t here = bytes.size();
  const auto with_mark = [&](absl::string_view payload) {
    return ReadLog(bytes + ForgeChunk(ChunkType::kSynced, payload, here));
  };
  std::string payload;
  PutFixed64(&payload, here);
  CheckEndsAfter(with_mark(payload), log, 1);
  CHECK(with_mark(payload).synced_length == here);
  CheckEndsAfter(with_mark(std::string(7, '\0')), log, 1);
  CheckDamagedAt(with_mark("short"), here);
  CheckDamagedAt(with_mark(payload + "x"), here);
  EncodeFixed64(payload.data(), here + 1);
  CheckDamagedAt(with_mark(payload), here);
}

TEST_CASE(
    "wal: bytes in a torn record vouch for nothing unless they are a mark true to its place") {
  LogBuilder log;
  const auto torn_with_mark = [&](uint64_t synced, uint64_t misplaced_by) {
    std::string payload;
    PutFixed64(&payload, synced);
    const uint64_t inside = log.ends[0] + kChunkHeaderBytes;
    const std::string mark = ForgeChunk(ChunkType::kSynced, payload, inside + misplaced_by);
    const std::string bytes = log.Bytes();
    return ReadLog(bytes + ForgeChunk(ChunkType::kFull, mark, 0));  // a checksum of elsewhere
  };
  const uint64_t inside = log.ends[0] + kChunkHeaderBytes;
  CheckDamagedAt(torn_with_mark(inside, 0), log.ends[0]);
  CheckTornAfter(torn_with_mark(log.ends[0], 0), log, 0);  // not above the torn record's start
  CheckTornAfter(torn_with_mark(inside + 1, 0), log, 0);   // above the mark itself
  CheckTornAfter(torn_with_mark(inside, 1), log, 0);
}

TEST_CASE("wal: a length known from elsewhere makes a shorter log damage") {
  LogBuilder log;
  REQUIRE(log.Append("one").ok());
  REQUIRE(log.Append("two").ok());
  const std::string bytes = log.Bytes();
  CheckEndsAfter(ReadLog(bytes, kTestLogNumber, log.ends[2]), log, 2);
  CheckEndsAfter(ReadLog(bytes, kTestLogNumber, log.ends[1]), log, 2);
  CheckDamagedAt(ReadLog(bytes.substr(0, log.ends[1]), kTestLogNumber, log.ends[2]), log.ends[1]);
  const std::string torn = Zeroed(bytes, bytes.size() - 1, bytes.size());
  CheckDamagedAt(ReadLog(torn, kTestLogNumber, log.ends[2]), log.ends[1]);
  CheckTornAfter(ReadLog(torn, kTestLogNumber, log.ends[1]), log, 1);
  CHECK(absl::IsDataLoss(ReadLog(std::string(), kTestLogNumber, 1).status));
}

TEST_CASE("wal: a log read exactly to a length ends there, whatever follows") {
  LogBuilder log;
  for (const char* record : {"one", "two", "three"}) {
    REQUIRE(log.AppendAndSync(record).ok());
  }
  const std::string bytes = log.Bytes();
  for (const std::string& tail :
       {bytes.substr(log.ends[2]), std::string("garbage"), std::string()}) {
    const std::string whole = bytes.substr(0, log.ends[2]) + tail;
    const LogContents contents = ReadLog(whole, kTestLogNumber, log.ends[2], true);
    CheckEndsAfter(contents, log, 2);
    CHECK(contents.end.dropped_bytes == 0);
    CHECK(contents.end.reason.empty());
  }
  CHECK(absl::IsDataLoss(
      ReadLog(bytes.substr(0, log.ends[1]), kTestLogNumber, log.ends[2], true).status));
  // A length that no record ends at.
  CHECK(absl::IsDataLoss(ReadLog(bytes, kTestLogNumber, log.ends[2] - 1, true).status));
  CHECK_FALSE(ReadLog(bytes, kTestLogNumber, 0, true).header.has_value());
}

TEST_CASE("wal: a read error is not the end of the log") {
  LogBuilder log;
  for (int i = 0; i < 20; ++i) {
    REQUIRE(log.AppendAndSync(std::string(kLogBlockBytes, 'x')).ok());
  }
  const absl::Status error = absl::InternalError("pread: Input/output error");
  uint64_t reads = 0;
  log.fs.SetHook([&reads](FileOp op, const std::string&, uint64_t) {
    reads += op == FileOp::kRead ? 1 : 0;
    return absl::OkStatus();
  });
  CHECK(ReadLog(&log.fs).status.ok());
  REQUIRE(reads > 1);
  for (uint64_t failing = 1; failing <= reads; ++failing) {
    CAPTURE(failing);
    log.fs.SetHook([&, left = failing](FileOp op, const std::string&, uint64_t) mutable {
      return op == FileOp::kRead && --left == 0 ? error : absl::OkStatus();
    });
    CHECK(ReadLog(&log.fs).status == error);
  }
}

// A file that was cut after it was opened.
class ShrunkFile final : public ReadableFile {
 public:
  explicit ShrunkFile(std::string bytes) : bytes_(std::move(bytes)) {}

  absl::StatusOr<size_t> Read(uint64_t offset, size_t n, char* scratch) const override {
    return bytes_.copy(scratch, n, offset);
  }
  uint64_t size() const override { return bytes_.size() + 1; }

 private:
  const std::string bytes_;
};

TEST_CASE("wal: a file that is shorter than when it was opened is damage") {
  LogBuilder log;
  const ShrunkFile file(log.Bytes());
  LogReader reader(&file, kTestLog, kTestLogNumber, 0, false);
  CHECK(absl::IsDataLoss(reader.ReadHeader().status()));
}

// Writes a random log; gives how many of its records are durable.
size_t WriteRandomly(std::mt19937_64* random, LogBuilder* log) {
  size_t durable = 0;
  const size_t count = (*random)() % 20;
  for (size_t i = 0; i < count; ++i) {
    const size_t most = (*random)() % 8 == 0 ? 3 * kLogBlockBytes : 200;
    std::string record((*random)() % most, '\0');
    std::generate(record.begin(), record.end(), [&] { return static_cast<char>((*random)()); });
    REQUIRE(log->Append(std::move(record)).ok());
    if ((*random)() % 3 == 0) {
      REQUIRE(log->writer.Sync().ok());
      durable = log->records.size();
    } else if ((*random)() % 2 == 0) {
      REQUIRE(log->writer.Flush().ok());
    }
  }
  return durable;
}

TEST_CASE("wal: whatever a power loss leaves is read without error and holds what was synced") {
  // Crash cases 1, 2 and 14.
  for (uint64_t seed = 0; seed < 300; ++seed) {
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    LogBuilder log(/*preallocate=*/seed % 2 == 0);
    REQUIRE(log.fs.SyncDir("").ok());
    const size_t durable = WriteRandomly(&random, &log);
    for (const int percent : {0, 50, 90, 100}) {
      CAPTURE(percent);
      const LogContents contents = ReadLog(log.fs.CrashClone(seed, percent).get());
      CHECK(contents.status == absl::OkStatus());
      CHECK(contents.records.size() >= durable);
      CHECK(IsPrefix(contents.records, log.records));
    }
  }
}

TEST_CASE("wal: random cuts and flips give a prefix or an error, an error below a mark") {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    LogBuilder log;
    WriteRandomly(&random, &log);
    const std::string bytes = log.Bytes();
    const std::string cut = bytes.substr(0, random() % (bytes.size() + 1));
    const LogContents before = ReadLog(cut);
    CHECK(before.status.ok());
    CHECK(IsPrefix(before.records, log.records));
    if (cut.empty()) {
      continue;
    }
    const size_t bit = random() % (cut.size() * 8);
    const LogContents after = ReadLog(Flipped(cut, bit));
    CHECK(IsPrefix(after.records, before.records));
    CHECK(absl::IsDataLoss(after.status) == (bit / 8 < before.synced_length));
  }
}

}  // namespace
}  // namespace fathom
