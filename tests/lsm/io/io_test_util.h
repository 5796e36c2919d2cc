// Verbs for tests over a FileSystem: each requires success.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "lsm/io/file_system.h"

namespace fathom {

inline std::unique_ptr<WritableFile> MustCreate(FileSystem* fs, const std::string& path) {
  absl::StatusOr<std::unique_ptr<WritableFile>> file = fs->Create(path);
  REQUIRE_MESSAGE(file.ok(), file.status().ToString());
  return *std::move(file);
}

inline std::unique_ptr<ReadableFile> MustOpen(FileSystem* fs, const std::string& path) {
  absl::StatusOr<std::unique_ptr<ReadableFile>> file = fs->OpenForRead(path);
  REQUIRE_MESSAGE(file.ok(), file.status().ToString());
  return *std::move(file);
}

// A closed file of these bytes, not synced.
inline void MustWrite(FileSystem* fs, const std::string& path, absl::string_view bytes) {
  const std::unique_ptr<WritableFile> file = MustCreate(fs, path);
  REQUIRE(file->Append(bytes).ok());
  REQUIRE(file->Close().ok());
}

// A closed file of these bytes, durable but for its name.
inline void MustWriteSynced(FileSystem* fs, const std::string& path, absl::string_view bytes) {
  const std::unique_ptr<WritableFile> file = MustCreate(fs, path);
  REQUIRE(file->Append(bytes).ok());
  REQUIRE(file->Sync().ok());
  REQUIRE(file->Close().ok());
}

inline std::string MustRead(FileSystem* fs, const std::string& path) {
  absl::StatusOr<std::string> bytes = ReadFileToString(fs, path, uint64_t{1} << 30);
  REQUIRE_MESSAGE(bytes.ok(), bytes.status().ToString());
  return *std::move(bytes);
}

// Through the name alone: a file of any length and content.
inline bool Exists(FileSystem* fs, const std::string& path) { return fs->FileSize(path).ok(); }

}  // namespace fathom
