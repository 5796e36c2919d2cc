// A file system that makes nothing durable: for scratch stores that are thrown away with the
// process, which an fsync would only slow down. Everything else is the base file system's.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "lsm/io/file_system.h"

namespace fathom {

class UnsyncedFileSystem : public FileSystem {
 public:
  // `base` is not owned and must outlive this.
  explicit UnsyncedFileSystem(FileSystem* base) : base_(base) {}

  absl::StatusOr<std::unique_ptr<ReadableFile>> OpenForRead(const std::string& path) override {
    return base_->OpenForRead(path);
  }
  absl::StatusOr<std::unique_ptr<WritableFile>> Create(const std::string& path) override;
  absl::Status Remove(const std::string& path) override { return base_->Remove(path); }
  absl::Status Rename(const std::string& from, const std::string& to) override {
    return base_->Rename(from, to);
  }
  absl::Status Link(const std::string& from, const std::string& to) override {
    return base_->Link(from, to);
  }
  absl::StatusOr<std::vector<std::string>> List(const std::string& dir) override {
    return base_->List(dir);
  }
  absl::StatusOr<uint64_t> FileSize(const std::string& path) override {
    return base_->FileSize(path);
  }
  absl::Status SyncFile(const std::string&) override { return absl::OkStatus(); }
  absl::Status CreateDir(const std::string& dir) override { return base_->CreateDir(dir); }
  absl::Status RemoveDir(const std::string& dir) override { return base_->RemoveDir(dir); }
  absl::Status SyncDir(const std::string&) override { return absl::OkStatus(); }
  absl::StatusOr<std::unique_ptr<FileLock>> Lock(const std::string& path) override {
    return base_->Lock(path);
  }

 private:
  FileSystem* const base_;
};

}  // namespace fathom
