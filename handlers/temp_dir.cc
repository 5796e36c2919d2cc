#include "handlers/temp_dir.h"

#include <stdlib.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace fathom {

absl::StatusOr<std::unique_ptr<TempDir>> TempDir::Make() {
  const char* base = getenv("TMPDIR");
  const bool has_base = base != nullptr && *base != '\0';
  std::string path = absl::StrCat(has_base ? base : "/tmp", "/fathom-XXXXXX");
  if (mkdtemp(path.data()) == nullptr) {
    return absl::ErrnoToStatus(errno, absl::StrCat("mkdtemp ", path));
  }
  return std::unique_ptr<TempDir>(new TempDir(std::move(path)));
}

TempDir::~TempDir() {
  std::error_code ignored;  // nothing depends on what is left there
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace fathom
