#include "node/reply_batch.h"

#include <doctest/doctest.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace fathom {
namespace {

std::string Ok(int id) {
  return absl::StrCat(R"({"src": "n1", "dest": "c1", "body": {"type": "t_ok", "in_reply_to": )", id,
                      R"(, "value": 7, "msg_id": )", id, "}}\n");
}

std::string Failed(int id) {
  return absl::StrCat(R"({"src": "n1", "dest": "c1", "body": {"type": "error", "in_reply_to": )",
                      id, R"(, "code": 13, "text": "lost", "msg_id": )", id, "}}\n");
}

void AddReply(ReplyBatch* batch, int id, bool wrote) {
  Reply reply(Style::kSpaced, batch->buffer());
  const std::string text = absl::StrCat(id);
  reply.Begin({.src = "n1",
               .dest = "c1",
               .type = "t_ok",
               .in_reply_to = text,
               .msg_id = static_cast<uint64_t>(id)});
  reply.Uint("value", 7);
  reply.End();
  batch->Add(reply.mark(), wrote);
}

TEST_CASE("reply_batch: replies from the first write on fail, those before stay") {
  ReplyBatch batch(Style::kSpaced);
  AddReply(&batch, 1, false);
  AddReply(&batch, 2, true);
  AddReply(&batch, 3, false);
  AddReply(&batch, 4, true);
  CHECK(batch.has_write());
  CHECK(batch.text() == absl::StrCat(Ok(1), Ok(2), Ok(3), Ok(4)));
  batch.FailFromFirstWrite({ErrorCode::kCrash, "lost"});
  CHECK(batch.text() == absl::StrCat(Ok(1), Failed(2), Failed(3), Failed(4)));
}

TEST_CASE("reply_batch: without a write nothing fails") {
  ReplyBatch batch(Style::kSpaced);
  AddReply(&batch, 1, false);
  batch.FailFromFirstWrite({ErrorCode::kCrash, "lost"});
  CHECK(batch.text() == Ok(1));
}

TEST_CASE("reply_batch: a cleared batch starts anew") {
  ReplyBatch batch(Style::kSpaced);
  AddReply(&batch, 1, true);
  batch.Clear();
  CHECK(batch.text().empty());
  CHECK_FALSE(batch.has_write());
  AddReply(&batch, 2, true);
  batch.FailFromFirstWrite({ErrorCode::kCrash, "lost"});
  CHECK(batch.text() == Failed(2));
}

}  // namespace
}  // namespace fathom
