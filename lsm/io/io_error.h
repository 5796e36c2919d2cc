// How both file systems word their errors.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace fathom {

// "<path>: <call>: <text of `error`>", with the code that file_system.h gives for `error`, an errno
// value.
absl::Status IoError(absl::string_view path, absl::string_view call, int error);

// The path part of an error that concerns two names.
std::string TwoPaths(absl::string_view from, absl::string_view to);

}  // namespace fathom
