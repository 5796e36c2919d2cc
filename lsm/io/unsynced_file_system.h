// A file system that makes nothing durable: for scratch stores that are thrown away with the
// process, which an fsync would only slow down. Everything else is the base file system's.
#pragma once

#include <memory>
#include <string>

#include "lsm/io/forwarding_file_system.h"

namespace fathom {

class UnsyncedFileSystem : public ForwardingFileSystem {
 public:
  using ForwardingFileSystem::ForwardingFileSystem;

  absl::StatusOr<std::unique_ptr<WritableFile>> Create(const std::string& path) override;
  absl::Status SyncFile(const std::string&) override { return absl::OkStatus(); }
  absl::Status SyncDir(const std::string&) override { return absl::OkStatus(); }
};

}  // namespace fathom
