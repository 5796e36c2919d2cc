// A file system that keeps the flush thread waiting at the table that it is about to create, until
// a test lets it go on. So a test decides how many memtables wait for their flush, and nothing
// happens beside its own calls: the same calls make the same operations in the same order. A write
// that switches memtables and syncs notes in the manifest which table number comes next: it waits
// at its sync until the flush thread has taken its own.
//
// It also reserves little space for files, so that copies of a disk are cheap.
//
// Thread safe.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/match.h"
#include "absl/synchronization/mutex.h"
#include "lsm/io/forwarding_file_system.h"

namespace fathom {

class GatedFileSystem : public ForwardingFileSystem {
 public:
  // The gate is open.
  using ForwardingFileSystem::ForwardingFileSystem;

  void SetOpen(bool open) ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    open_ = open;
    switched_ = false;
    changed_.SignalAll();
  }

  // Until the flush thread waits at the closed gate. REQUIRES: it has something to flush.
  void AwaitFlush() ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    while (!waits_) {
      changed_.Wait(&mutex_);
    }
  }

  absl::StatusOr<std::unique_ptr<WritableFile>> Create(const std::string& path) override
      ABSL_LOCKS_EXCLUDED(mutex_) {
    if (absl::StrContains(path, "/L0_")) {
      absl::MutexLock lock(&mutex_);
      waits_ = true;
      changed_.SignalAll();
      while (!open_) {
        changed_.Wait(&mutex_);
      }
      waits_ = false;
    } else if (absl::EndsWith(path, ".wal")) {
      absl::MutexLock lock(&mutex_);
      switched_ = !open_;
    } else if (absl::StrContains(path, "/MANIFEST-")) {
      absl::MutexLock lock(&mutex_);
      switched_ = false;  // the log before it was the store's first one
    }
    absl::StatusOr<std::unique_ptr<WritableFile>> file = base()->Create(path);
    if (!file.ok()) {
      return file;
    }
    return std::make_unique<File>(*std::move(file));
  }
  absl::Status SyncDir(const std::string& dir) override ABSL_LOCKS_EXCLUDED(mutex_) {
    {
      absl::MutexLock lock(&mutex_);
      while (switched_ && !waits_ && !open_) {
        changed_.Wait(&mutex_);
      }
      switched_ = false;
    }
    return base()->SyncDir(dir);
  }

 private:
  class File final : public WritableFile {
   public:
    explicit File(std::unique_ptr<WritableFile> base) : base_(std::move(base)) {}
    absl::Status Append(absl::string_view data) override { return base_->Append(data); }
    absl::Status Sync() override { return base_->Sync(); }
    absl::Status Preallocate(uint64_t length) override {
      return base_->Preallocate(std::min<uint64_t>(length, 4096));
    }
    absl::Status Close() override { return base_->Close(); }

   private:
    const std::unique_ptr<WritableFile> base_;
  };

  absl::Mutex mutex_;
  absl::CondVar changed_;  // open_ or waits_; ThreadSanitizer knows it, and not Mutex::Await
  bool open_ ABSL_GUARDED_BY(mutex_) = true;
  bool waits_ ABSL_GUARDED_BY(mutex_) = false;
  bool switched_ ABSL_GUARDED_BY(mutex_) = false;  // memtables, since the gate was closed
};

}  // namespace fathom
