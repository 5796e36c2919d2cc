#include "node/message_loop.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "lsm/io/mem_file_system.h"

namespace fathom {
namespace {

constexpr char kInit[] =
    R"({"src":"c","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1"]}})"
    "\n";

std::string Put(int key) {
  return absl::StrCat(R"({"src":"c","dest":"n1","body":{"type":"lsm_put","msg_id":2,"key":)", key,
                      R"(,"value":"v"}})", "\n");
}

std::string Get(int key) {
  return absl::StrCat(R"({"src":"c","dest":"n1","body":{"type":"lsm_get","msg_id":3,"key":)", key,
                      "}}\n");
}

// Gives one part a read, then the end or what `at_end` says.
class PartsSource : public ByteSource {
 public:
  explicit PartsSource(std::vector<std::string> parts, absl::Status at_end = absl::OkStatus())
      : parts_(parts.begin(), parts.end()), at_end_(std::move(at_end)) {}

  absl::StatusOr<size_t> Read(char* to, size_t n) override {
    if (parts_.empty()) {
      return at_end_.ok() ? absl::StatusOr<size_t>(size_t{0}) : at_end_;
    }
    const size_t taken = std::min(n, parts_.front().size());
    std::memcpy(to, parts_.front().data(), taken);
    parts_.front().erase(0, taken);
    if (parts_.front().empty()) {
      parts_.pop_front();
    }
    return taken;
  }

 private:
  std::deque<std::string> parts_;
  absl::Status at_end_;
};

// Keeps what is written, one string a write, and calls back before each.
class KeepingSink : public ByteSink {
 public:
  absl::Status Write(absl::string_view bytes) override {
    absl::Status status = before_write ? before_write(bytes) : absl::OkStatus();
    if (status.ok()) {
      writes.push_back(std::string(bytes));
    }
    return status;
  }

  std::function<absl::Status(absl::string_view)> before_write;
  std::vector<std::string> writes;
};

// A node over a file system in memory, driven by a loop.
struct Rig {
  absl::Status Run(std::vector<std::string> parts, absl::Status at_end = absl::OkStatus(),
                   LoopOptions loop = LoopOptions()) {
    NodeOptions options;
    options.data_dir = "/data";
    options.store.file_system = &fs;
    const auto note = [this](absl::string_view line) { notes.push_back(std::string(line)); };
    Node node(options, note);
    PartsSource source(std::move(parts), std::move(at_end));
    const absl::Status run = MessageLoop(loop, &node, &source, &sink, note).Run();
    closed = node.Close();
    return run;
  }

  std::string Output() const {
    std::string all;
    for (const std::string& written : sink.writes) {
      all += written;
    }
    return all;
  }

  MemFileSystem fs;
  KeepingSink sink;
  std::vector<std::string> notes;
  absl::Status closed;
};

size_t CountOf(absl::string_view text, absl::string_view what) {
  size_t n = 0;
  for (size_t at = text.find(what); at != absl::string_view::npos; at = text.find(what, at + 1)) {
    ++n;
  }
  return n;
}

TEST_CASE("message_loop: the replies to one read are written at once") {
  Rig rig;
  REQUIRE(rig.Run({kInit, Put(1) + Put(2) + Get(1), Get(2)}).ok());
  REQUIRE(rig.sink.writes.size() == 3);
  CHECK(CountOf(rig.sink.writes[1], "\n") == 3);
  CHECK(rig.closed.ok());
}

TEST_CASE("message_loop: a batch of writes shares one sync, and reads need none") {
  Rig rig;
  std::vector<uint64_t> syncs;
  rig.sink.before_write = [&](absl::string_view) {
    syncs.push_back(rig.fs.op_count(FileOp::kSync));
    return absl::OkStatus();
  };
  std::string puts;
  for (int i = 0; i < 100; ++i) {
    puts += Put(i);
  }
  REQUIRE(rig.Run({kInit, Get(1), puts, Get(1)}).ok());
  REQUIRE(syncs.size() == 4);
  CHECK(syncs[1] == syncs[0]);
  CHECK(syncs[2] == syncs[1] + 1);
  CHECK(syncs[3] == syncs[2]);
}

// Crash case 63.
TEST_CASE("message_loop: a reply leaves only when a power loss could not undo its write") {
  Rig rig;
  size_t acknowledged = 0;
  rig.sink.before_write = [&](absl::string_view replies) {
    acknowledged += CountOf(replies, "lsm_put_ok");
    const std::unique_ptr<MemFileSystem> crashed = rig.fs.CrashClone(acknowledged, 0);
    Options options;
    options.file_system = crashed.get();
    auto db = DB::Open(options, "/data/n1");
    REQUIRE(db.ok());
    const std::unique_ptr<Iterator> it = (*db)->NewIterator(ReadOptions());
    size_t survived = 0;
    for (it->SeekToFirst(); it->Valid(); it->Next()) {
      ++survived;
    }
    CHECK(survived == acknowledged);
    return absl::OkStatus();
  };
  std::vector<std::string> parts = {kInit};
  for (int i = 0; i < 60; i += 3) {
    parts.push_back(Put(i) + Put(i + 1) + Put(i + 2));
  }
  REQUIRE(rig.Run(parts).ok());
  CHECK(acknowledged == 60);
}

// Crash cases 10 and 63.
TEST_CASE("message_loop: if the sync fails no write of the batch is acknowledged") {
  Rig rig;
  rig.sink.before_write = [&](absl::string_view) {
    rig.fs.SetHook([](FileOp op, const std::string&, uint64_t) {
      return op == FileOp::kSync ? absl::InternalError("input/output error") : absl::OkStatus();
    });
    return absl::OkStatus();
  };
  REQUIRE(rig.Run({kInit, Get(1) + Put(1) + Get(1) + Put(2), Put(3), Get(1)}).ok());
  REQUIRE(rig.sink.writes.size() == 4);
  const std::string& batch = rig.sink.writes[1];
  CHECK(CountOf(batch, "\n") == 4);
  CHECK(absl::StartsWith(batch, R"({"src": "n1", "dest": "c", "body": {"type": "lsm_get_ok", )"
                                R"("in_reply_to": 3, "value": null, "msg_id": 1}})"));
  CHECK(CountOf(batch, R"("code": 13, )") == 3);
  CHECK(CountOf(batch, "_ok") == 1);
  CHECK(absl::EndsWith(batch, "\"msg_id\": 4}}\n"));
  CHECK(absl::StrContains(batch, "input/output error"));
  // Read-only from here on: later writes did not happen, reads go on.
  CHECK(absl::StrContains(rig.sink.writes[2], R"("code": 11, )"));
  CHECK(absl::StrContains(rig.sink.writes[3], "lsm_get_ok"));
  CHECK(absl::StrContains(rig.notes.at(rig.notes.size() - 1), "could not be made durable"));
}

TEST_CASE("message_loop: a full disk is error 13 for the batch that met it") {
  Rig rig;
  rig.sink.before_write = [&](absl::string_view) {
    rig.fs.SetHook([](FileOp op, const std::string&, uint64_t) {
      return op == FileOp::kAppend || op == FileOp::kPreallocate
                 ? absl::ResourceExhaustedError("no space left on device")
                 : absl::OkStatus();
    });
    return absl::OkStatus();
  };
  REQUIRE(rig.Run({kInit, Put(1) + Put(2), Get(7)}).ok());
  REQUIRE(rig.sink.writes.size() == 3);
  CHECK(CountOf(rig.sink.writes[1], R"("code": 13, )") == 2);
  CHECK(absl::StrContains(rig.sink.writes[1], "no space left on device"));
  CHECK(absl::StrContains(rig.sink.writes[2], "lsm_get_ok"));
}

// Crash case 65.
TEST_CASE("message_loop: an empty line is no end, and the last line may lack its end") {
  Rig rig;
  const std::string last = Get(1);
  REQUIRE(rig.Run({absl::StrCat("\n\r\n", kInit, "\n"), last.substr(0, last.size() - 1)}).ok());
  CHECK(CountOf(rig.Output(), "_ok") == 2);
}

TEST_CASE("message_loop: bytes that come one by one make the same replies") {
  Rig whole;
  const std::string input = absl::StrCat(kInit, Put(1), Get(1), "oops\n", Get(2));
  REQUIRE(whole.Run({input}).ok());
  Rig single;
  std::vector<std::string> bytes;
  for (const char c : input) {
    bytes.push_back(std::string(1, c));
  }
  REQUIRE(single.Run(bytes).ok());
  CHECK(single.Output() == whole.Output());
}

// Crash case 65.
TEST_CASE("message_loop: a line that is too long is skipped with a note") {
  Rig rig;
  LoopOptions options;
  options.max_line_bytes = 1000;
  std::string put = Put(1);
  put.insert(put.size() - 3, std::string(2000, ' '));
  REQUIRE(rig.Run({kInit, put + Put(2)}, absl::OkStatus(), options).ok());
  CHECK(CountOf(rig.Output(), "lsm_put_ok") == 1);
  REQUIRE(rig.notes.size() == 1);
  CHECK(rig.notes[0] == absl::StrCat("skipped a line of ", put.size() - 1,
                                     " bytes: expected at most 1000 (1 skipped so far)"));
}

TEST_CASE("message_loop: a line of 64 MiB is taken, one byte more is skipped") {
  Rig rig;
  const std::string head =
      R"({"src":"c","dest":"n1","body":{"type":"lsm_put","msg_id":2,"key":"big","value":")";
  const std::string tail = "\"}}\n";
  const std::string value((size_t{64} << 20) + 1 - head.size() - tail.size(), 'x');
  REQUIRE(rig.Run({kInit, head + value + tail, head + "x" + value + tail,
                   R"({"src":"c","dest":"n1","body":{"type":"lsm_get","key":"big"}})"})
              .ok());
  REQUIRE(rig.sink.writes.size() == 3);
  CHECK(absl::StrContains(rig.sink.writes[1], "lsm_put_ok"));
  CHECK(rig.sink.writes[2].size() > value.size());
  REQUIRE(rig.notes.size() >= 1);
  CHECK(absl::StartsWith(rig.notes.back(), "skipped a line of 67108865 bytes"));
}

TEST_CASE("message_loop: many replies are written before all lines are handled") {
  Rig rig;
  std::string input = kInit;
  const std::string value(50000, 'x');
  input += absl::StrCat(R"({"src":"c","dest":"n1","body":{"type":"lsm_put","key":1,"value":")",
                        value, "\"}}\n");
  for (int i = 0; i < 200; ++i) {
    input += Get(1);
  }
  REQUIRE(rig.Run({input}).ok());
  CHECK(rig.sink.writes.size() >= 9);
  for (const std::string& written : rig.sink.writes) {
    CHECK(written.size() < (size_t{1} << 20) + 2 * value.size());
  }
}

TEST_CASE("message_loop: asked to stop, it drops a line cut short and ends well") {
  Rig rig;
  CHECK(rig.Run({kInit, Put(1) + "{\"src\""}, absl::CancelledError("stop")).ok());
  CHECK(CountOf(rig.Output(), "_ok") == 2);
  CHECK(rig.notes.empty());
  CHECK(rig.closed.ok());
}

TEST_CASE("message_loop: errors of the streams end it and are told") {
  Rig source;
  CHECK(absl::IsInternal(source.Run({kInit}, absl::InternalError("read"))));
  CHECK(CountOf(source.Output(), "_ok") == 1);
  Rig sink;
  sink.sink.before_write = [](absl::string_view) { return absl::InternalError("write"); };
  CHECK(absl::IsInternal(sink.Run({kInit, Put(1)})));
  CHECK(sink.closed.ok());
}

}  // namespace
}  // namespace fathom
