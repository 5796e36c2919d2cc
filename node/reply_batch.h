// The replies of a batch of messages, in order, before they are written: the text, and where each
// reply stands in it. Not thread safe.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "handlers/reply.h"

namespace fathom {

class ReplyBatch {
 public:
  explicit ReplyBatch(Style style) : style_(style) {}

  // Where a Reply appends to.
  std::string* buffer() { return &text_; }
  // Takes note of the reply that was appended last. `wrote`: it acknowledges a write.
  void Add(const ReplyMark& mark, bool wrote);

  absl::string_view text() const { return text_; }
  bool has_write() const { return first_write_.has_value(); }

  // Makes every reply from the first that acknowledges a write on an error reply to the same
  // request: for when those writes turned out not to be durable, and later replies may have told of
  // them.
  void FailFromFirstWrite(const ProtocolError& error);

  void Clear();

 private:
  const Style style_;
  std::string text_;
  std::vector<ReplyMark> marks_;
  std::optional<size_t> first_write_;  // index in marks_
};

}  // namespace fathom
