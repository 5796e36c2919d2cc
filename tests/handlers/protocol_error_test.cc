#include "handlers/protocol_error.h"

#include <doctest/doctest.h>

namespace fathom {
namespace {

TEST_CASE("protocol_error: the engine's errors have their codes") {
  CHECK(ErrorOfRead(absl::NotFoundError("x")).code == ErrorCode::kKeyDoesNotExist);
  CHECK(ErrorOfRead(absl::InvalidArgumentError("x")).code == ErrorCode::kMalformedRequest);
  CHECK(ErrorOfRead(absl::DataLossError("x")).code == ErrorCode::kCrash);
  CHECK(ErrorOfRead(absl::DataLossError("x")).text == "x");
}

TEST_CASE("protocol_error: a write that failed is uncertain unless the store was read-only") {
  CHECK(ErrorOfWrite(absl::FailedPreconditionError("read-only")).code ==
        ErrorCode::kTemporarilyUnavailable);
  CHECK(ErrorOfWrite(absl::FailedPreconditionError("read-only")).text == "read-only");
  CHECK(ErrorOfWrite(absl::ResourceExhaustedError("disk full")).code == ErrorCode::kCrash);
  CHECK(ErrorOfWrite(absl::ResourceExhaustedError("disk full")).text ==
        "the write may or may not survive a restart: disk full");
}

}  // namespace
}  // namespace fathom
