#include "lsm/io/io_error.h"

#include <cerrno>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace fathom {
namespace {

absl::StatusCode CodeOf(int error) {
  switch (error) {
    case ENOENT:
      return absl::StatusCode::kNotFound;
    case EEXIST:
      return absl::StatusCode::kAlreadyExists;
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
      return absl::StatusCode::kResourceExhausted;
    case EACCES:
    case EPERM:
      return absl::StatusCode::kPermissionDenied;
    case EWOULDBLOCK:  // Only a lock answers so: no file is opened non-blocking.
      return absl::StatusCode::kUnavailable;
    default:
      return absl::StatusCode::kInternal;
  }
}

}  // namespace

absl::Status IoError(absl::string_view path, absl::string_view call, int error) {
  return absl::Status(CodeOf(error),
                      absl::StrCat(path, ": ", call, ": ", std::generic_category().message(error)));
}

std::string TwoPaths(absl::string_view from, absl::string_view to) {
  return absl::StrCat(from, " -> ", to);
}

}  // namespace fathom
