#include "tests/bench/parse_only_node.h"

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "handlers/json.h"
#include "handlers/reply.h"
#include "node/envelope.h"
#include "node/line_framer.h"
#include "node/streams.h"

namespace fathom {
namespace {

constexpr size_t kReadBytes = size_t{256} << 10;

// False if the line is no message.
bool Answer(absl::string_view line, JsonDocument* document, uint64_t msg_id, std::string* replies) {
  Envelope envelope;
  if (!document->Parse(line).ok() || !ReadEnvelope(document->root(), &envelope).ok()) {
    return false;
  }
  Reply reply(Style::kSpaced, replies);
  reply.Begin({.src = envelope.dest,
               .dest = envelope.src,
               .type = "parsed_ok",
               .in_reply_to = envelope.msg_id,
               .msg_id = msg_id});
  reply.String("value", "value of user 1234");
  reply.End();
  return true;
}

}  // namespace

int RunParseOnlyNode() {
  FdSource source(STDIN_FILENO);
  FdSink sink(STDOUT_FILENO);
  LineFramer framer(size_t{64} << 20);
  JsonDocument document;
  std::string replies;
  uint64_t msg_id = 0;
  for (;;) {
    const absl::StatusOr<size_t> got = source.Read(framer.Prepare(kReadBytes), kReadBytes);
    if (!got.ok() || *got == 0) {
      return got.ok() ? 0 : 1;
    }
    framer.Commit(*got);
    replies.clear();
    for (absl::string_view line; framer.Next(&line) == LineFramer::Result::kLine;) {
      if (!Answer(line, &document, msg_id++, &replies)) {
        return 1;
      }
    }
    if (!sink.Write(replies).ok()) {
      return 1;
    }
  }
}

}  // namespace fathom
