#include "node/reply_batch.h"

namespace fathom {
namespace {

// Replies that made the buffer larger than this have it given back.
constexpr size_t kKeepReplyBytes = size_t{4} << 20;

}  // namespace

void ReplyBatch::Add(const ReplyMark& mark, bool wrote) {
  if (wrote && !first_write_) {
    first_write_ = marks_.size();
  }
  marks_.push_back(mark);
}

void ReplyBatch::FailFromFirstWrite(const ProtocolError& error) {
  if (!first_write_) {
    return;
  }
  std::string failed = text_.substr(0, marks_[*first_write_].begin);
  for (size_t i = *first_write_; i < marks_.size(); ++i) {
    Reply::AppendAsError(style_, text_, marks_[i], error, &failed);
  }
  text_ = std::move(failed);
}

void ReplyBatch::Clear() {
  text_.clear();
  marks_.clear();
  first_write_.reset();
  if (text_.capacity() > kKeepReplyBytes) {
    text_.shrink_to_fit();
  }
}

}  // namespace fathom
