#include "lsm/verify.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "lsm/format/file_names.h"
#include "lsm/store_check.h"

namespace fathom {

absl::StatusOr<StoreCheck> VerifyStore(const Options& options, const std::string& dir,
                                       const TellProgress& tell) {
  FileSystem* const fs = options.file_system;
  const absl::StatusOr<std::vector<std::string>> names = fs->List(dir);
  if (!names.ok()) {
    return names.status();
  }
  if (!HoldsStore(fs, dir)) {
    return absl::NotFoundError(absl::StrCat(dir, ": there is no store here"));
  }
  // Without the file nobody has the store open; making it would be a write.
  std::unique_ptr<FileLock> lock;
  std::optional<std::string> unlocked;
  if (std::ranges::find(*names, kLockFileName) != names->end()) {
    absl::StatusOr<std::unique_ptr<FileLock>> taken =
        fs->Lock(absl::StrCat(dir, "/", kLockFileName));
    if (absl::IsUnavailable(taken.status())) {
      return absl::UnavailableError(absl::StrCat(dir, ": the store is open in another process"));
    }
    if (taken.ok()) {
      lock = *std::move(taken);
    } else {  // on a file system mounted read-only, say
      unlocked = absl::StrCat(kLockFileName,
                              ": cannot be taken, and so the store may change while "
                              "it is checked: ",
                              taken.status().message());
    }
  }
  absl::StatusOr<StoreCheck> check = CheckStore(fs, dir, tell);
  if (check.ok() && unlocked.has_value()) {
    check->notes.push_back(*unlocked);
  }
  return check;
}

bool HoldsStore(FileSystem* fs, const std::string& dir) {
  const absl::StatusOr<std::vector<std::string>> names = fs->List(dir);
  return names.ok() && std::ranges::any_of(*names, [](const std::string& name) {
           const std::optional<ParsedFileName> parsed = ParseFileName(name);
           return parsed.has_value() && parsed->kind != FileKind::kLock;
         });
}

}  // namespace fathom
