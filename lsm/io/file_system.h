// The seam between the engine and the machine: every byte that Fathom reads or writes, every
// directory entry it makes, passes through a FileSystem. `PosixFileSystem()` is the real one;
// `MemFileSystem` (mem_file_system.h) is the one that tests crash and break.
//
// Durability, as POSIX has it and as both implementations honour it:
//   1. Appended bytes are durable only after `WritableFile::Sync` returned OK.
//   2. A created, renamed, linked or removed name is durable only after `SyncDir` of its directory.
//   3. After a failed `Sync` nothing is known of the bytes written since the last good one; it
//      must not be retried (the kernel may have dropped the dirty pages and cleared the error).
//
// Errors: NotFound (no such file), AlreadyExists, ResourceExhausted (ENOSPC, EDQUOT, EMFILE,
// ENFILE), PermissionDenied, Unavailable (a lock held elsewhere), and Internal for any other errno.
// Each message names the path, the call and the errno text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "lsm/io/prefetch_stream.h"

namespace fathom {

// A file that is read by position. Thread safe.
class ReadableFile {
 public:
  virtual ~ReadableFile() = default;

  // Reads up to `n` bytes at `offset` into `scratch` (at least `n` bytes, the caller's) and returns
  // how many were read. Fewer than `n` only where the file ends; short reads and EINTR are retried
  // inside.
  virtual absl::StatusOr<size_t> Read(uint64_t offset, size_t n, char* scratch) const = 0;

  // Those bytes, if they lie in memory, from which small reads are copied: who reads in order has
  // nothing to gain from larger reads then. Of nothing otherwise.
  virtual PrefetchStream Ahead(uint64_t /*offset*/, size_t /*n*/) const { return {}; }

  // The file's length in bytes when it was opened.
  virtual uint64_t size() const = 0;
};

// A file that grows at its end. Unbuffered: `Append` hands the bytes to the operating system, so
// they survive the death of the process. One thread at a time.
class WritableFile {
 public:
  // Closes the file if `Close` was not called; an error is then lost.
  virtual ~WritableFile() = default;

  // Appends all of `data`. On error any part of it may have been written.
  virtual absl::Status Append(absl::string_view data) = 0;

  // Begins to write to disk what was appended, so that a later Sync waits for less. Advisory:
  // promises nothing, and what fails is for that Sync to say.
  virtual void StartSync() {}

  // Makes everything appended so far durable (fdatasync). See rule 3 above.
  virtual absl::Status Sync() = 0;

  // Reserves disk space up to `length` bytes so that later appends need no metadata update. The
  // file may read as zeros between its appended end and `length` until `Close` cuts it there.
  // Advisory: a file system that cannot do it answers OK; a full disk is ResourceExhausted.
  virtual absl::Status Preallocate(uint64_t length) = 0;

  // Cuts a preallocated tail off and closes. Does not sync. Must be called at most once.
  virtual absl::Status Close() = 0;
};

// Held for as long as the object lives; released by the death of the process too.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

// Thread safe. Paths are joined with '/'.
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  // Many files may be open at once: those for which handles are scarce are opened again, by name,
  // when they are read, so the name must stay for as long as somebody reads.
  virtual absl::StatusOr<std::unique_ptr<ReadableFile>> OpenForRead(const std::string& path) = 0;

  // Creates an empty file, or empties an existing one.
  virtual absl::StatusOr<std::unique_ptr<WritableFile>> Create(const std::string& path) = 0;

  virtual absl::Status Remove(const std::string& path) = 0;
  // Replaces `to` atomically if it exists.
  virtual absl::Status Rename(const std::string& from, const std::string& to) = 0;
  // A second name for the same file; AlreadyExists if `to` does.
  virtual absl::Status Link(const std::string& from, const std::string& to) = 0;

  // The names in `dir`, without "." and "..", in no order.
  virtual absl::StatusOr<std::vector<std::string>> List(const std::string& dir) = 0;
  virtual absl::StatusOr<uint64_t> FileSize(const std::string& path) = 0;
  // The sizes of `names` in `dir`, in their order: for many files of one directory, which the
  // system then looks up once.
  virtual std::vector<absl::StatusOr<uint64_t>> FileSizes(const std::string& dir,
                                                          const std::vector<std::string>& names);

  // Makes the bytes of an existing file durable, whoever wrote them: a process that died, say, or
  // one whose sync failed, after which they can be read but no sync alone would write them. So they
  // are written again first. REQUIRES: nobody writes the file.
  virtual absl::Status SyncFile(const std::string& path) = 0;

  // Makes `dir`; its parent must exist. AlreadyExists only if `dir` is not a directory.
  virtual absl::Status CreateDir(const std::string& dir) = 0;
  // Removes an empty directory.
  virtual absl::Status RemoveDir(const std::string& dir) = 0;
  // Makes the entries of `dir` durable.
  virtual absl::Status SyncDir(const std::string& dir) = 0;

  // Creates `path` if missing and locks it against other processes and other holders in this one.
  // Unavailable if somebody holds it.
  virtual absl::StatusOr<std::unique_ptr<FileLock>> Lock(const std::string& path) = 0;
};

// The machine's own. Never destroyed.
FileSystem* PosixFileSystem();

// Reads a whole file. `max_bytes` bounds the allocation: a longer file is DataLoss.
absl::StatusOr<std::string> ReadFileToString(FileSystem* fs, const std::string& path,
                                             uint64_t max_bytes);

}  // namespace fathom
