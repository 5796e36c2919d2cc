// How a target says that a promise was broken: aborts, which a fuzzer takes for a finding and a
// test for a failure.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace fathom {

inline void Ensure(bool holds, absl::string_view promise, absl::string_view found = "") {
  if (!holds) {
    const std::string line = absl::StrCat("broken promise: ", promise, ": ", found, "\n");
    std::fputs(line.c_str(), stderr);
    std::abort();
  }
}

inline void EnsureOk(const absl::Status& status, absl::string_view promise) {
  Ensure(status.ok(), promise, status.message());
}

// Of bytes that nobody vouches for, a reader may say that they are damaged, and nothing else.
inline void EnsureOkOrDataLoss(const absl::Status& status, absl::string_view promise) {
  Ensure(status.ok() || absl::IsDataLoss(status), promise, status.ToString());
}

}  // namespace fathom
