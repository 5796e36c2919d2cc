#include "node/envelope.h"

#include "absl/strings/str_cat.h"
#include "handlers/request.h"

namespace fathom {
namespace {

void ReadBody(Envelope* envelope) {
  JsonValue msg_id;
  for (const JsonMember member : envelope->body.members()) {
    if (member.name == "msg_id") {
      msg_id = member.value;
    } else if (member.name == "in_reply_to") {
      envelope->is_reply = true;
    }
  }
  const Request body(envelope->body);
  if (msg_id && !msg_id.is(JsonKind::kInteger)) {
    envelope->error = body.WrongKind("msg_id", "an integer", msg_id);
    return;
  }
  envelope->msg_id = msg_id ? msg_id.text() : absl::string_view();
  envelope->error = body.RequireString("type", &envelope->type);
}

}  // namespace

absl::Status ReadEnvelope(JsonValue message, Envelope* envelope) {
  if (!message.is(JsonKind::kObject)) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected a JSON object, found ", DescribeKind(message.kind())));
  }
  JsonValue src;
  for (const JsonMember member : message.members()) {
    if (member.name == "src") {
      src = member.value;
    } else if (member.name == "dest" && member.value.is(JsonKind::kString)) {
      envelope->dest = member.value.text();
    } else if (member.name == "body") {
      envelope->body = member.value;
    }
  }
  const Request outer(message);
  if (!src || !src.is(JsonKind::kString)) {
    return absl::InvalidArgumentError(outer.WrongKind("src", "a string", src).text);
  }
  envelope->src = src.text();
  if (!envelope->body || !envelope->body.is(JsonKind::kObject)) {
    envelope->error = outer.WrongKind("body", "an object", envelope->body);
    return absl::OkStatus();
  }
  ReadBody(envelope);
  return absl::OkStatus();
}

}  // namespace fathom
