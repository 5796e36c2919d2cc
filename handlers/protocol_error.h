// The errors of Maelstrom's protocol, and how the engine's errors become them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"

namespace fathom {

// "Did not happen" and "may have happened" are promises to the client; Maelstrom's checkers hold
// the node to them.
enum class ErrorCode : uint8_t {
  kNotSupported = 10,            // did not happen
  kTemporarilyUnavailable = 11,  // did not happen
  kMalformedRequest = 12,        // did not happen
  kCrash = 13,                   // may have happened
  kAbort = 14,                   // did not happen
  kKeyDoesNotExist = 20,         // did not happen
  kKeyAlreadyExists = 21,        // did not happen
  kPreconditionFailed = 22,      // did not happen
};

struct ProtocolError {
  ErrorCode code;
  std::string text;  // for a person: what was wrong and what was expected
};

// What a handler returns: nothing if all went well.
using HandlerResult = std::optional<ProtocolError>;

// NotFound is code 20; InvalidArgument 12; FailedPrecondition (the store is read-only) and
// Unavailable 11; anything else, damage above all, 13. The text is the engine's. REQUIRES: `status`
// is not OK.
ProtocolError ErrorOfRead(const absl::Status& status);

// The same codes. The text of a code 13 says that the outcome is uncertain.
ProtocolError ErrorOfWrite(const absl::Status& status);

}  // namespace fathom
