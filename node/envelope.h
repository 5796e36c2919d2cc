// The outer part of a message: who sends it to whom, and what kind it is.
//
//   {"src": "c1", "dest": "n1", "body": {"type": "...", "msg_id": 2, ...}}
//
// Other members, of the envelope and of the body, are ignored. Thread safe.
#pragma once

#include <optional>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "handlers/json.h"
#include "handlers/protocol_error.h"

namespace fathom {

// Views of the document that it was read from.
struct Envelope {
  absl::string_view src;
  absl::string_view dest;    // empty if there is none
  absl::string_view msg_id;  // an integer's text; empty if there is none
  absl::string_view type;
  JsonValue body;
  bool is_reply = false;  // has in_reply_to
  // What keeps the message from being handled, where its sender is known and can be told.
  HandlerResult error;
};

// InvalidArgument if the message has no sender that could be answered.
absl::Status ReadEnvelope(JsonValue message, Envelope* envelope);

}  // namespace fathom
