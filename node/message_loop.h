// Moves lines from a source to a node and replies from the node to a sink, in batches:
//
//   1. read what there is
//   2. handle every complete line, in order; the replies gather in one buffer
//   3. make the writes among them durable, with one sync
//   4. write the replies, in one go
//
// so a reply to a write leaves the process only when the write is durable, and many writes share
// one sync. If the sync fails, every reply of the batch from the first write on becomes an
// error 13.
//
// Not thread safe.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "node/line_framer.h"
#include "node/node.h"
#include "node/reply_batch.h"
#include "node/streams.h"

namespace fathom {

struct LoopOptions {
  // A longer line is skipped, with a note. Default: 64 MiB.
  size_t max_line_bytes = size_t{64} << 20;
};

class MessageLoop {
 public:
  // Nothing is owned. `note` tells the operator one line.
  MessageLoop(const LoopOptions& options, Node* node, ByteSource* source, ByteSink* sink,
              std::function<void(absl::string_view line)> note);

  // Runs until the source ends or is asked to stop; then all that was read is answered, but for a
  // last line without an end that a stop cut off. An error is one of the source or the sink; a
  // failed sync is not, as the senders are told and reads may go on.
  absl::Status Run();

 private:
  // Handles the lines that are complete; at the end of the stream, the last one too.
  absl::Status HandleLines(bool at_end);
  absl::Status WriteReplies();

  Node* const node_;
  ByteSource* const source_;
  ByteSink* const sink_;
  const std::function<void(absl::string_view)> note_;
  const size_t max_line_bytes_;
  LineFramer framer_;
  ReplyBatch batch_;
};

}  // namespace fathom
