// A file system in memory that keeps two images: what a running process sees (volatile) and what a
// power loss would leave (durable), for file bytes and for directory entries alike. Tests crash it
// at any operation and make any operation fail.
//
// Fault model:
//   - Synced bytes of a file survive. Of the bytes appended since, any subset of the 512-byte
//     sectors may: a lost sector below a surviving one reads as zeros.
//   - A directory entry (create, rename, link, remove) survives if its directory was synced after.
//     Of the later ones any subset may, but none without the earlier ones of the same name; and a
//     rename is all or nothing: never both names or neither. So a sync of either of its directories
//     makes the whole of it durable.
//   - Both choices are drawn from the seed given to `CrashClone`.
//
// `Create` gives a name a new file rather than emptying the one it had: whoever has that open still
// reads it, and it comes back if a crash undoes the change of the name.
//
// Thread safe. Files and locks must not outlive their file system.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "lsm/io/file_system.h"

namespace fathom {

class MemFile;
class MemTree;

// What a caller did; counted by kind, and the key by which a test makes it fail.
enum class FileOp : uint8_t {
  kOpenForRead,
  kRead,
  kCreate,
  kAppend,
  kSync,
  kPreallocate,
  kClose,
  kRemove,
  kRename,
  kLink,
  kList,
  kFileSize,
  kCreateDir,
  kRemoveDir,
  kSyncDir,
  kLock,
};
inline constexpr int kFileOpKinds = 16;

class MemFileSystem : public FileSystem {
 public:
  // Called before each operation with its kind, its path and its number (counted from 1 over all
  // kinds). A status that is not OK makes the operation fail with it: nothing is done, but a failed
  // Append writes half of its bytes first, and a failed sync leaves the bytes, or the changes of
  // the directory's names, volatile for ever.
  // Cancelled is for a process that is dead or a machine that is off: then truly nothing is done.
  // Runs under the file system's lock: it must not call back.
  using Hook = std::function<absl::Status(FileOp op, const std::string& path, uint64_t number)>;

  MemFileSystem();
  ~MemFileSystem() override;

  void SetHook(Hook hook) ABSL_LOCKS_EXCLUDED(mutex_);

  // The store as a power loss at this moment could leave it. `survival_percent` is the chance of
  // each unsynced sector and directory entry to survive: 0 gives exactly what was synced, 100 all.
  // The clone shares nothing with this file system, has no hook and no lock held.
  std::unique_ptr<MemFileSystem> CrashClone(uint64_t seed, int survival_percent) const
      ABSL_LOCKS_EXCLUDED(mutex_);

  // The store as the death of the process leaves it: every appended byte, no lock held. What was
  // not synced is still at risk in a later `CrashClone` of the clone.
  std::unique_ptr<MemFileSystem> KillClone() const ABSL_LOCKS_EXCLUDED(mutex_);

  uint64_t op_count(FileOp op) const ABSL_LOCKS_EXCLUDED(mutex_);
  uint64_t op_count() const ABSL_LOCKS_EXCLUDED(mutex_);
  // Handles open for reading now: a leak shows here.
  int open_readers() const ABSL_LOCKS_EXCLUDED(mutex_);

  // Direct access for tests that damage files. Durable and volatile image are both replaced, of the
  // bytes and of the name; whoever has the file open sees the new bytes.
  // REQUIRES: the directory exists.
  absl::StatusOr<std::string> Contents(const std::string& path) const ABSL_LOCKS_EXCLUDED(mutex_);
  void SetContents(const std::string& path, std::string bytes) ABSL_LOCKS_EXCLUDED(mutex_);

  absl::StatusOr<std::unique_ptr<ReadableFile>> OpenForRead(const std::string& path) override;
  absl::StatusOr<std::unique_ptr<WritableFile>> Create(const std::string& path) override;
  absl::Status Remove(const std::string& path) override;
  absl::Status Rename(const std::string& from, const std::string& to) override;
  absl::Status Link(const std::string& from, const std::string& to) override;
  absl::StatusOr<std::vector<std::string>> List(const std::string& dir) override;
  absl::StatusOr<uint64_t> FileSize(const std::string& path) override;
  absl::Status SyncFile(const std::string& path) override;
  absl::Status CreateDir(const std::string& dir) override;
  absl::Status RemoveDir(const std::string& dir) override;
  absl::Status SyncDir(const std::string& dir) override;
  absl::StatusOr<std::unique_ptr<FileLock>> Lock(const std::string& path) override;

 private:
  class Reader;
  class Writer;
  class HeldLock;

  explicit MemFileSystem(MemTree tree);
  // Counts an operation and asks the hook whether it may succeed.
  absl::Status Begin(FileOp op, const std::string& path) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable absl::Mutex mutex_;
  Hook hook_ ABSL_GUARDED_BY(mutex_);
  std::array<uint64_t, kFileOpKinds> op_counts_ ABSL_GUARDED_BY(mutex_) = {};
  uint64_t all_ops_ ABSL_GUARDED_BY(mutex_) = 0;
  int open_readers_ ABSL_GUARDED_BY(mutex_) = 0;
  std::set<const MemFile*> locked_ ABSL_GUARDED_BY(mutex_);
  const std::unique_ptr<MemTree> tree_ ABSL_PT_GUARDED_BY(mutex_);
};

}  // namespace fathom
