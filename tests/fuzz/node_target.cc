// A node over a store in memory, against any lines. The disk is sound and the store has been
// written, so no reply may be a crash.
//
//   u8 flags      1: compact replies   2: a memtable of a few KiB
//                 the rest, divided by 4: bytes that a read gives, at least 1 (0: all there are)
//   bytes         what comes in on stdin, after an init and a write
#include <algorithm>
#include <cstring>
#include <string>

#include "absl/strings/str_split.h"
#include "handlers/json.h"
#include "lsm/io/mem_file_system.h"
#include "node/message_loop.h"
#include "tests/crash/gated_file_system.h"
#include "tests/fuzz/byte_tape.h"
#include "tests/fuzz/ensure.h"
#include "tests/fuzz/targets.h"

namespace fathom {
namespace {

constexpr uint8_t kCompact = 1;
constexpr uint8_t kSmallMemtable = 2;
constexpr char kStart[] =
    R"({"src":"c","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1"]}}
{"src":"c","dest":"n1","body":{"type":"lsm_put","msg_id":2,"key":"k","value":1}}
)";

class PiecesSource : public ByteSource {
 public:
  PiecesSource(absl::string_view bytes, size_t piece) : tape_(bytes), piece_(piece) {}
  absl::StatusOr<size_t> Read(char* to, size_t n) override {
    const absl::string_view taken = tape_.Take(std::min(n, piece_));
    std::copy(taken.begin(), taken.end(), to);
    return taken.size();
  }

 private:
  ByteTape tape_;
  const size_t piece_;
};

class StringSink : public ByteSink {
 public:
  absl::Status Write(absl::string_view bytes) override {
    written.append(bytes.data(), bytes.size());
    return absl::OkStatus();
  }
  std::string written;
};

// The lines without those that run a benchmark on the machine's own disk.
std::string Harmless(absl::string_view lines) {
  std::string kept;
  JsonDocument document;
  for (const absl::string_view line : absl::StrSplit(lines, '\n')) {
    if (document.Parse(line).ok()) {
      const JsonValue body = document.root().Find("body");
      const JsonValue type = body ? body.Find("type") : JsonValue();
      if (type && type.text() == "lsm_benchmark") {
        continue;
      }
    }
    absl::StrAppend(&kept, line, "\n");
  }
  return kept;
}

std::string NamesOf(JsonValue object) {
  std::string names;
  for (const JsonMember member : object.members()) {
    absl::StrAppend(&names, member.name, " ");
  }
  return names;
}

// False if `line` is an error reply.
bool CheckReply(absl::string_view line, int64_t number) {
  JsonDocument reply;
  EnsureOk(reply.Parse(line), "a reply is JSON");
  Ensure(NamesOf(reply.root()) == "src dest body ", "a reply has an envelope", line);
  Ensure(reply.root().Find("src").text() == "n1", "a reply comes from this node", line);
  const JsonValue body = reply.root().Find("body");
  const JsonValue msg_id = body.Find("msg_id");
  int64_t value = -1;
  Ensure(msg_id && msg_id.AsInt64(&value) && value == number, "msg_id counts the replies", line);
  const JsonValue type = body.Find("type");
  Ensure(type && type.is(JsonKind::kString), "a reply has a type", line);
  if (type.text() != "error") {
    return true;
  }
  const JsonValue code = body.Find("code");
  Ensure(code && code.AsInt64(&value) && value != static_cast<int64_t>(ErrorCode::kCrash),
         "an error has a code, which is not that of a crash", line);
  return false;
}

}  // namespace

bool FuzzNode(absl::string_view input) {
  ByteTape tape(input);
  const uint8_t flags = tape.U8();
  const std::string lines = absl::StrCat(kStart, Harmless(tape.rest()));

  MemFileSystem memory;
  GatedFileSystem fs(&memory);  // open: it only reserves less
  NodeOptions options;
  options.data_dir = "/data";
  options.style = (flags & kCompact) != 0 ? Style::kCompact : Style::kSpaced;
  options.store.file_system = &fs;
  options.store.compaction_threads = 0;
  options.store.memtable_bytes = (flags & kSmallMemtable) != 0 ? size_t{4} << 10 : size_t{1} << 20;
  const auto note = [](absl::string_view) {};
  Node node(options, note);
  PiecesSource source(lines, flags / 4 == 0 ? lines.size() : flags / 4);
  StringSink sink;
  EnsureOk(MessageLoop(LoopOptions(), &node, &source, &sink, note).Run(), "the loop ends well");
  EnsureOk(node.Close(), "the store is closed");

  Ensure(sink.written.ends_with('\n'), "the last reply is a line");
  bool sound = true;
  int64_t replies = 0;
  for (const absl::string_view line : absl::StrSplit(sink.written, '\n', absl::SkipEmpty())) {
    sound = CheckReply(line, replies++) && sound;
  }
  Ensure(replies <= std::count(lines.begin(), lines.end(), '\n'), "a line has one reply at most");
  return sound;
}

}  // namespace fathom
