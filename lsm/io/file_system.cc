#include "lsm/io/file_system.h"

#include "absl/strings/str_cat.h"

namespace fathom {

std::vector<absl::StatusOr<uint64_t>> FileSystem::FileSizes(const std::string& dir,
                                                            const std::vector<std::string>& names) {
  std::vector<absl::StatusOr<uint64_t>> sizes;
  sizes.reserve(names.size());
  for (const std::string& name : names) {
    sizes.push_back(FileSize(absl::StrCat(dir, "/", name)));
  }
  return sizes;
}

absl::StatusOr<std::string> ReadFileToString(FileSystem* fs, const std::string& path,
                                             uint64_t max_bytes) {
  absl::StatusOr<std::unique_ptr<ReadableFile>> file = fs->OpenForRead(path);
  if (!file.ok()) {
    return file.status();
  }
  const uint64_t size = (*file)->size();
  if (size > max_bytes) {
    return absl::DataLossError(absl::StrCat(path, ": damaged at offset ", max_bytes,
                                            ": file length: expected at most ", max_bytes,
                                            ", found ", size));
  }
  std::string bytes(size, '\0');
  const absl::StatusOr<size_t> got = (*file)->Read(0, bytes.size(), bytes.data());
  if (!got.ok()) {
    return got.status();
  }
  bytes.resize(*got);
  return bytes;
}

}  // namespace fathom
