#include "handlers/protocol_error.h"

#include <cassert>

#include "absl/strings/str_cat.h"

namespace fathom {
namespace {

ErrorCode CodeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kNotFound:
      return ErrorCode::kKeyDoesNotExist;
    case absl::StatusCode::kInvalidArgument:
      return ErrorCode::kMalformedRequest;
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kUnavailable:
      return ErrorCode::kTemporarilyUnavailable;
    default:
      return ErrorCode::kCrash;
  }
}

}  // namespace

ProtocolError ErrorOfRead(const absl::Status& status) {
  assert(!status.ok());
  return {CodeOf(status), std::string(status.message())};
}

ProtocolError ErrorOfWrite(const absl::Status& status) {
  ProtocolError error = ErrorOfRead(status);
  if (error.code == ErrorCode::kCrash) {
    error.text = absl::StrCat("the write may or may not survive a restart: ", error.text);
  }
  return error;
}

}  // namespace fathom
