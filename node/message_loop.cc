#include "node/message_loop.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace fathom {
namespace {

constexpr size_t kReadBytes = size_t{256} << 10;
// Replies beyond this are written before more lines are handled.
constexpr size_t kBatchBytes = size_t{1} << 20;

}  // namespace

MessageLoop::MessageLoop(const LoopOptions& options, Node* node, ByteSource* source, ByteSink* sink,
                         std::function<void(absl::string_view line)> note)
    : node_(node),
      source_(source),
      sink_(sink),
      note_(std::move(note)),
      max_line_bytes_(options.max_line_bytes),
      framer_(options.max_line_bytes),
      batch_(node->style()) {}

absl::Status MessageLoop::Run() {
  for (;;) {
    char* room = framer_.Prepare(kReadBytes);
    const absl::StatusOr<size_t> got = source_->Read(room, kReadBytes);
    if (absl::IsCancelled(got.status())) {
      return absl::OkStatus();
    }
    if (!got.ok()) {
      return got.status();
    }
    framer_.Commit(*got);
    const bool at_end = *got == 0;
    absl::Status handled = HandleLines(at_end);
    if (!handled.ok() || at_end) {
      return handled;
    }
  }
}

absl::Status MessageLoop::HandleLines(bool at_end) {
  absl::string_view line;
  for (;;) {
    const LineFramer::Result next = at_end ? framer_.NextAtEnd(&line) : framer_.Next(&line);
    if (next == LineFramer::Result::kNeedMore) {
      return WriteReplies();
    }
    if (next == LineFramer::Result::kTooLong) {
      note_(absl::StrCat("skipped a line of ", framer_.skipped_bytes(), " bytes: expected at most ",
                         max_line_bytes_, " (", framer_.skipped_lines(), " skipped so far)"));
      continue;
    }
    node_->HandleLine(line, &batch_);
    if (batch_.text().size() > kBatchBytes) {
      absl::Status written = WriteReplies();
      if (!written.ok()) {
        return written;
      }
    }
  }
}

absl::Status MessageLoop::WriteReplies() {
  if (batch_.text().empty()) {
    return absl::OkStatus();
  }
  if (batch_.has_write()) {
    const absl::Status synced = node_->MakeDurable();
    if (!synced.ok()) {
      note_(absl::StrCat("writes could not be made durable: ", synced.message()));
      batch_.FailFromFirstWrite(
          {ErrorCode::kCrash,
           absl::StrCat("writes before this reply may not survive a restart: ", synced.message())});
    }
  }
  absl::Status written = sink_->Write(batch_.text());
  batch_.Clear();
  return written;
}

}  // namespace fathom
