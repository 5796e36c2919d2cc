// The one way to report damaged bytes: DataLoss that names the file, the offset, what was expected
// and what was found.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace fathom {

// `what` says which part is damaged ("block checksum"), `expected` and `found` are numbers or
// texts.
inline absl::Status Corruption(absl::string_view file, uint64_t offset, absl::string_view what,
                               const absl::AlphaNum& expected, const absl::AlphaNum& found) {
  return absl::DataLossError(absl::StrCat(file, ": damaged at offset ", offset, ": ", what,
                                          ": expected ", expected, ", found ", found));
}

}  // namespace fathom
