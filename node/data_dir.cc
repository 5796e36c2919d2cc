#include "node/data_dir.h"

#include "absl/strings/str_cat.h"
#include "lsm/format/file_names.h"

namespace fathom {
namespace {

constexpr size_t kMaxNameBytes = 255;

// The roots of the recursion ("/" and ".") always exist.
absl::Status MakeDirs(FileSystem* fs, const std::string& dir) {
  const std::string parent = ParentOf(dir);
  if (fs->List(dir).ok()) {
    return fs->SyncDir(parent);  // a process that died may have made it, and no more
  }
  if (parent != dir) {
    absl::Status made = MakeDirs(fs, parent);
    if (!made.ok()) {
      return made;
    }
  }
  absl::Status made = fs->CreateDir(dir);
  return made.ok() ? fs->SyncDir(parent) : made;
}

}  // namespace

absl::Status CheckNodeId(absl::string_view node_id) {
  const bool fits = !node_id.empty() && node_id.size() <= kMaxNameBytes;
  const bool is_name = node_id.find('/') == absl::string_view::npos &&
                       node_id.find('\0') == absl::string_view::npos && node_id != "." &&
                       node_id != "..";
  if (fits && is_name) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("field \"node_id\": expected a name of 1 to ", kMaxNameBytes,
                   " bytes that can be a directory's, found ", node_id.size(), " bytes",
                   fits ? " with a '/', a byte of zero, or \".\" or \"..\"" : ""));
}

absl::StatusOr<std::string> MakeStoreDir(FileSystem* fs, const std::string& data_dir,
                                         absl::string_view node_id) {
  std::string dir = absl::StrCat(data_dir, "/", node_id);
  absl::Status made = MakeDirs(fs, dir);
  if (!made.ok()) {
    return made;
  }
  return dir;
}

}  // namespace fathom
