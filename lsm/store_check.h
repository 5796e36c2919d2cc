// VerifyStore without the lock. Internal to lsm. Thread safe: calls share nothing.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "lsm/verify.h"

namespace fathom {

// As VerifyStore, for who holds the lock or needs none.
absl::StatusOr<StoreCheck> CheckStore(FileSystem* fs, const std::string& dir,
                                      const TellProgress& tell);

}  // namespace fathom
