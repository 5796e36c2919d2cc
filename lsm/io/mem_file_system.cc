#include "lsm/io/mem_file_system.h"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <utility>

#include "lsm/io/io_error.h"
#include "lsm/io/mem_file.h"
#include "lsm/io/mem_tree.h"

namespace fathom {

class MemFileSystem::Reader final : public ReadableFile {
 public:
  Reader(MemFileSystem* fs, std::string path, std::shared_ptr<MemFile> file)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(fs->mutex_)
      : fs_(fs), path_(std::move(path)), file_(std::move(file)), size_(file_->data().size()) {
    ++fs->open_readers_;
  }

  ~Reader() override {
    absl::MutexLock lock(&fs_->mutex_);
    --fs_->open_readers_;
  }

  absl::StatusOr<size_t> Read(uint64_t offset, size_t n, char* scratch) const override {
    absl::MutexLock lock(&fs_->mutex_);
    if (absl::Status status = fs_->Begin(FileOp::kRead, path_); !status.ok()) {
      return status;
    }
    const std::string& data = file_->data();
    return offset >= data.size() ? size_t{0} : data.copy(scratch, n, offset);
  }

  uint64_t size() const override { return size_; }

 private:
  MemFileSystem* const fs_;
  const std::string path_;
  const std::shared_ptr<MemFile> file_;
  const uint64_t size_;
};

class MemFileSystem::Writer final : public WritableFile {
 public:
  Writer(MemFileSystem* fs, std::string path, std::shared_ptr<MemFile> file)
      : fs_(fs), path_(std::move(path)), file_(std::move(file)) {}

  ~Writer() override {
    absl::MutexLock lock(&fs_->mutex_);
    if (file_ != nullptr) {
      file_->Cut();
    }
  }

  absl::Status Append(absl::string_view data) override {
    absl::MutexLock lock(&fs_->mutex_);
    assert(file_ != nullptr);
    absl::Status status = fs_->Begin(FileOp::kAppend, path_);
    if (!absl::IsCancelled(status)) {
      file_->Append(status.ok() ? data : data.substr(0, data.size() / 2));
    }
    return status;
  }

  absl::Status Sync() override {
    absl::MutexLock lock(&fs_->mutex_);
    assert(file_ != nullptr);
    absl::Status status = fs_->Begin(FileOp::kSync, path_);
    if (status.ok()) {
      file_->Sync();
    } else if (!absl::IsCancelled(status)) {
      file_->LoseUnsynced();
    }
    return status;
  }

  absl::Status Preallocate(uint64_t length) override {
    absl::MutexLock lock(&fs_->mutex_);
    assert(file_ != nullptr);
    absl::Status status = fs_->Begin(FileOp::kPreallocate, path_);
    if (status.ok()) {
      file_->Preallocate(length);
    }
    return status;
  }

  absl::Status Close() override {
    absl::MutexLock lock(&fs_->mutex_);
    assert(file_ != nullptr);
    absl::Status status = fs_->Begin(FileOp::kClose, path_);
    const std::shared_ptr<MemFile> closed = std::move(file_);
    if (status.ok()) {
      closed->Cut();
    }
    return status;
  }

 private:
  MemFileSystem* const fs_;
  const std::string path_;
  std::shared_ptr<MemFile> file_;  // Null once closed.
};

class MemFileSystem::HeldLock final : public FileLock {
 public:
  HeldLock(MemFileSystem* fs, std::shared_ptr<MemFile> file) : fs_(fs), file_(std::move(file)) {}

  ~HeldLock() override {
    absl::MutexLock lock(&fs_->mutex_);
    fs_->locked_.erase(file_.get());
  }

 private:
  MemFileSystem* const fs_;
  const std::shared_ptr<MemFile> file_;
};

MemFileSystem::MemFileSystem() : MemFileSystem(MemTree()) {}

MemFileSystem::MemFileSystem(MemTree tree) : tree_(std::make_unique<MemTree>(std::move(tree))) {}

MemFileSystem::~MemFileSystem() = default;

void MemFileSystem::SetHook(Hook hook) {
  absl::MutexLock lock(&mutex_);
  hook_ = std::move(hook);
}

std::unique_ptr<MemFileSystem> MemFileSystem::CrashClone(uint64_t seed,
                                                         int survival_percent) const {
  std::unique_ptr<MemFileSystem> clone = KillClone();
  absl::MutexLock lock(&clone->mutex_);
  Luck luck(seed, survival_percent);
  clone->tree_->Crash(&luck);
  return clone;
}

std::unique_ptr<MemFileSystem> MemFileSystem::KillClone() const {
  absl::MutexLock lock(&mutex_);
  return std::unique_ptr<MemFileSystem>(new MemFileSystem(tree_->Clone()));
}

uint64_t MemFileSystem::op_count(FileOp op) const {
  absl::MutexLock lock(&mutex_);
  return op_counts_[static_cast<size_t>(op)];
}

uint64_t MemFileSystem::op_count() const {
  absl::MutexLock lock(&mutex_);
  return all_ops_;
}

int MemFileSystem::open_readers() const {
  absl::MutexLock lock(&mutex_);
  return open_readers_;
}

absl::StatusOr<std::string> MemFileSystem::Contents(const std::string& path) const {
  absl::MutexLock lock(&mutex_);
  const absl::StatusOr<std::shared_ptr<MemFile>> file = tree_->FindFile(path, "read");
  if (!file.ok()) {
    return file.status();
  }
  return (*file)->data();
}

void MemFileSystem::SetContents(const std::string& path, std::string bytes) {
  absl::MutexLock lock(&mutex_);
  absl::StatusOr<std::shared_ptr<MemFile>> file = tree_->FindFile(path, "open");
  if (!file.ok()) {
    file = tree_->Create(path);
  }
  assert(file.ok());
  (*file)->Assign(std::move(bytes));
  tree_->SyncName(path);
}

absl::Status MemFileSystem::Begin(FileOp op, const std::string& path) {
  ++op_counts_[static_cast<size_t>(op)];
  ++all_ops_;
  return hook_ == nullptr ? absl::OkStatus() : hook_(op, path, all_ops_);
}

absl::StatusOr<std::unique_ptr<ReadableFile>> MemFileSystem::OpenForRead(const std::string& path) {
  absl::MutexLock lock(&mutex_);
  if (absl::Status status = Begin(FileOp::kOpenForRead, path); !status.ok()) {
    return status;
  }
  absl::StatusOr<std::shared_ptr<MemFile>> file = tree_->FindFile(path, "open");
  if (!file.ok()) {
    return file.status();
  }
  return std::make_unique<Reader>(this, path, *std::move(file));
}

absl::StatusOr<std::unique_ptr<WritableFile>> MemFileSystem::Create(const std::string& path) {
  absl::MutexLock lock(&mutex_);
  if (absl::Status status = Begin(FileOp::kCreate, path); !status.ok()) {
    return status;
  }
  absl::StatusOr<std::shared_ptr<MemFile>> file = tree_->Create(path);
  if (!file.ok()) {
    return file.status();
  }
  return std::make_unique<Writer>(this, path, *std::move(file));
}

absl::Status MemFileSystem::Remove(const std::string& path) {
  absl::MutexLock lock(&mutex_);
  absl::Status status = Begin(FileOp::kRemove, path);
  return status.ok() ? tree_->Remove(path) : status;
}

absl::Status MemFileSystem::Rename(const std::string& from, const std::string& to) {
  absl::MutexLock lock(&mutex_);
  absl::Status status = Begin(FileOp::kRename, from);
  return status.ok() ? tree_->Rename(from, to) : status;
}

absl::Status MemFileSystem::Link(const std::string& from, const std::string& to) {
  absl::MutexLock lock(&mutex_);
  absl::Status status = Begin(FileOp::kLink, from);
  return status.ok() ? tree_->Link(from, to) : status;
}

absl::StatusOr<std::vector<std::string>> MemFileSystem::List(const std::string& dir) {
  absl::MutexLock lock(&mutex_);
  if (absl::Status status = Begin(FileOp::kList, dir); !status.ok()) {
    return status;
  }
  return tree_->List(dir);
}

absl::StatusOr<uint64_t> MemFileSystem::FileSize(const std::string& path) {
  absl::MutexLock lock(&mutex_);
  if (absl::Status status = Begin(FileOp::kFileSize, path); !status.ok()) {
    return status;
  }
  const absl::StatusOr<std::shared_ptr<MemFile>> file = tree_->FindFile(path, "stat");
  if (!file.ok()) {
    return file.status();
  }
  return (*file)->data().size();
}

absl::Status MemFileSystem::SyncFile(const std::string& path) {
  absl::MutexLock lock(&mutex_);
  absl::Status status = Begin(FileOp::kSync, path);
  const absl::StatusOr<std::shared_ptr<MemFile>> file = tree_->FindFile(path, "open");
  if (!file.ok()) {
    status.Update(file.status());
  } else if (status.ok()) {
    (*file)->SyncAgain();
  } else if (!absl::IsCancelled(status)) {
    (*file)->LoseUnsynced();
  }
  return status;
}

absl::Status MemFileSystem::CreateDir(const std::string& dir) {
  absl::MutexLock lock(&mutex_);
  absl::Status status = Begin(FileOp::kCreateDir, dir);
  return status.ok() ? tree_->CreateDir(dir) : status;
}

absl::Status MemFileSystem::RemoveDir(const std::string& dir) {
  absl::MutexLock lock(&mutex_);
  absl::Status status = Begin(FileOp::kRemoveDir, dir);
  return status.ok() ? tree_->RemoveDir(dir) : status;
}

absl::Status MemFileSystem::SyncDir(const std::string& dir) {
  absl::MutexLock lock(&mutex_);
  absl::Status status = Begin(FileOp::kSyncDir, dir);
  if (status.ok()) {
    return tree_->SyncDir(dir);
  }
  if (!absl::IsCancelled(status)) {
    tree_->LoseUnsynced(dir);
  }
  return status;
}

absl::StatusOr<std::unique_ptr<FileLock>> MemFileSystem::Lock(const std::string& path) {
  absl::MutexLock lock(&mutex_);
  if (absl::Status status = Begin(FileOp::kLock, path); !status.ok()) {
    return status;
  }
  absl::StatusOr<std::shared_ptr<MemFile>> file = tree_->FindFile(path, "open");
  if (absl::IsNotFound(file.status())) {
    file = tree_->Create(path);
  }
  if (!file.ok()) {
    return file.status();
  }
  if (!locked_.insert(file->get()).second) {
    return IoError(path, "flock", EWOULDBLOCK);
  }
  return std::make_unique<HeldLock>(this, *std::move(file));
}

}  // namespace fathom
