#include "lsm/io/unsynced_file_system.h"

#include <utility>

namespace fathom {
namespace {

class UnsyncedFile : public WritableFile {
 public:
  explicit UnsyncedFile(std::unique_ptr<WritableFile> base) : base_(std::move(base)) {}

  absl::Status Append(absl::string_view data) override { return base_->Append(data); }
  absl::Status Sync() override { return absl::OkStatus(); }
  absl::Status Preallocate(uint64_t) override { return absl::OkStatus(); }
  absl::Status Close() override { return base_->Close(); }

 private:
  const std::unique_ptr<WritableFile> base_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<WritableFile>> UnsyncedFileSystem::Create(const std::string& path) {
  absl::StatusOr<std::unique_ptr<WritableFile>> base = ForwardingFileSystem::Create(path);
  if (!base.ok()) {
    return base.status();
  }
  return std::make_unique<UnsyncedFile>(*std::move(base));
}

}  // namespace fathom
