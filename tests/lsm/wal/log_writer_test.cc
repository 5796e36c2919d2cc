#include "lsm/wal/log_writer.h"

#include <doctest/doctest.h>

#include "tests/lsm/wal/log_files.h"
#include "tests/lsm/wal/readme_hex.h"

namespace fathom {
namespace {

// Makes the `nth` operation of kind `op` from now fail, once.
void FailOnce(MemFileSystem* fs, FileOp op, absl::Status error, int nth = 1) {
  fs->SetHook([=, left = nth](FileOp done, const std::string&, uint64_t) mutable {
    return done == op && --left == 0 ? error : absl::OkStatus();
  });
}

void CheckRefusesEverything(LogWriter* writer, const absl::Status& error) {
  CHECK(writer->Append("more") == error);
  CHECK(writer->Flush() == error);
  CHECK(writer->Sync() == error);
}

TEST_CASE("wal: the README's log is what the writer writes") {
  MemFileSystem fs;
  LogWriter writer(*fs.Create(kTestLog), LogHeader{7, 6, 1234}, false);
  REQUIRE(writer.Append("hello").ok());
  REQUIRE(writer.Sync().ok());
  REQUIRE(writer.Append("").ok());
  REQUIRE(writer.Close().ok());
  CHECK(ToHex(*fs.Contents(kTestLog)) == ToHex(ReadmeHex("lsm/wal")));
}

TEST_CASE("wal: nothing reaches the file before a flush, all of it after") {
  LogBuilder log;
  REQUIRE(log.Append("a record").ok());
  CHECK(log.fs.Contents(kTestLog)->empty());
  REQUIRE(log.writer.Flush().ok());
  CHECK(log.fs.Contents(kTestLog)->size() == log.writer.length());
}

TEST_CASE("wal: the buffer is handed on by itself when it is full") {
  LogBuilder log;
  REQUIRE(log.Append(std::string(LogWriter::kBufferBytes, 'x')).ok());
  CHECK(log.fs.Contents(kTestLog)->size() > LogWriter::kBufferBytes);
}

TEST_CASE("wal: a flush does not sync and a sync is not repeated for nothing") {
  LogBuilder log;
  REQUIRE(log.Append("a").ok());
  REQUIRE(log.writer.Flush().ok());
  CHECK(log.fs.op_count(FileOp::kSync) == 0);
  CHECK_FALSE(log.writer.synced());
  REQUIRE(log.writer.Sync().ok());
  CHECK(log.writer.synced());
  REQUIRE(log.writer.Sync().ok());
  CHECK(log.fs.op_count(FileOp::kSync) == 1);
  REQUIRE(log.Append("b").ok());
  CHECK_FALSE(log.writer.synced());
}

TEST_CASE("wal: each sync is told once, before the next record or at the close") {
  LogBuilder log;
  REQUIRE(log.AppendAndSync("a").ok());
  const uint64_t first = log.writer.length();
  REQUIRE(log.Append("b").ok());
  REQUIRE(log.Append("c").ok());
  CHECK(ReadLog(log.Bytes()).synced_length == first);
  REQUIRE(log.writer.Sync().ok());
  const uint64_t second = log.writer.length();
  REQUIRE(log.writer.Close().ok());
  CHECK(log.writer.length() == second);
  const LogContents contents = ReadLog(&log.fs);
  CHECK(contents.synced_length == second);
  CHECK(contents.records == log.records);
  CHECK(contents.end.length == second);
  CHECK(contents.end.reason.empty());
}

TEST_CASE("wal: a sync mark that does not fit in the block opens the next") {
  for (size_t left = 0; left < 20; ++left) {
    CAPTURE(left);
    LogBuilder log;
    const size_t room = kLogBlockBytes - log.writer.length() - kChunkHeaderBytes;
    REQUIRE(log.AppendAndSync(std::string(room - left, 'x')).ok());
    const uint64_t synced = log.writer.length();
    REQUIRE(log.Append("after").ok());
    const LogContents contents = ReadLog(log.Bytes());
    CHECK(contents.status.ok());
    CHECK(contents.records == log.records);
    CHECK(contents.synced_length == synced);
  }
}

TEST_CASE("wal: an append error sticks and no byte follows it") {
  // Crash case 8.
  LogBuilder log;
  REQUIRE(log.AppendAndSync("durable").ok());
  const absl::Status full = absl::ResourceExhaustedError("no space");
  FailOnce(&log.fs, FileOp::kAppend, full);
  REQUIRE(log.Append("lost").ok());
  CHECK(log.writer.Flush() == full);
  const std::string after = *log.fs.Contents(kTestLog);
  CheckRefusesEverything(&log.writer, full);
  CHECK(log.writer.Close() == full);
  CHECK(*log.fs.Contents(kTestLog) == after);
  const LogContents contents = ReadLog(&log.fs);
  CHECK(contents.status.ok());
  CHECK(contents.records == std::vector<std::string>{"durable"});
}

TEST_CASE("wal: an append error in the middle of a long record is told by its append") {
  LogBuilder log;
  const absl::Status full = absl::ResourceExhaustedError("no space");
  FailOnce(&log.fs, FileOp::kAppend, full, 2);
  CHECK(log.Append(std::string(5 * LogWriter::kBufferBytes, 'x')) == full);
  CheckRefusesEverything(&log.writer, full);
  CHECK(ReadLog(&log.fs).records.empty());
}

TEST_CASE("wal: after a failed sync every call fails") {
  // Crash case 10.
  LogBuilder log;
  REQUIRE(log.AppendAndSync("durable").ok());
  const absl::Status error = absl::InternalError("fdatasync: Input/output error");
  FailOnce(&log.fs, FileOp::kSync, error);
  CHECK(log.AppendAndSync("uncertain") == error);
  CHECK_FALSE(log.writer.synced());
  CheckRefusesEverything(&log.writer, error);
  CHECK(log.fs.op_count(FileOp::kSync) == 2);
  CHECK(log.writer.Close() == error);
}

TEST_CASE("wal: a close that fails says so") {
  // Crash case 11.
  LogBuilder log;
  REQUIRE(log.AppendAndSync("durable").ok());
  const absl::Status error = absl::InternalError("close: Input/output error");
  FailOnce(&log.fs, FileOp::kClose, error);
  CHECK(log.writer.Close() == error);
  CheckRefusesEverything(&log.writer, error);
}

TEST_CASE("wal: nothing is appended after the close") {
  LogBuilder log;
  REQUIRE(log.Append("a").ok());
  REQUIRE(log.writer.Close().ok());
  CHECK(absl::IsFailedPrecondition(log.writer.Append("b")));
  CHECK(absl::IsFailedPrecondition(log.writer.Sync()));
}

TEST_CASE("wal: disk space is reserved in steps and reads as the log's end") {
  // Crash case 5.
  LogBuilder log(/*preallocate=*/true);
  REQUIRE(log.AppendAndSync("a").ok());
  REQUIRE(log.AppendAndSync("b").ok());
  CHECK(log.fs.op_count(FileOp::kPreallocate) == 1);
  CHECK(log.Bytes().size() == LogWriter::kPreallocateBytes);
  const LogContents contents = ReadLog(log.Bytes());
  CHECK(contents.status.ok());
  CHECK(contents.records == log.records);
  CHECK(contents.end.length == log.writer.length());
  CHECK(contents.end.dropped_bytes == 0);
  CHECK(contents.end.reason.empty());

  REQUIRE(log.Append(std::string(LogWriter::kPreallocateBytes, 'x')).ok());
  REQUIRE(log.writer.Close().ok());
  CHECK(log.fs.op_count(FileOp::kPreallocate) == 2);
  CHECK(ReadLog(&log.fs).records == log.records);
}

TEST_CASE("wal: for a log without records no space is reserved") {
  LogBuilder log(/*preallocate=*/true);
  REQUIRE(log.writer.Sync().ok());
  CHECK(log.fs.op_count(FileOp::kPreallocate) == 0);
  REQUIRE(log.AppendAndSync("a").ok());
  CHECK(log.fs.op_count(FileOp::kPreallocate) == 1);
  REQUIRE(log.writer.Close().ok());
  CHECK(ReadLog(&log.fs).records == log.records);
}

TEST_CASE("wal: space that cannot be reserved is an append error") {
  LogBuilder log(/*preallocate=*/true);
  const absl::Status full = absl::ResourceExhaustedError("no space");
  FailOnce(&log.fs, FileOp::kPreallocate, full);
  CHECK(log.AppendAndSync("a") == full);
  CheckRefusesEverything(&log.writer, full);
  CHECK(log.fs.Contents(kTestLog)->empty());
}

}  // namespace
}  // namespace fathom
