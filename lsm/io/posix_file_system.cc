// The FileSystem of the machine, over POSIX calls and Linux's fallocate, flock and
// sync_file_range.

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cassert>
#include <cerrno>
#include <cstdio>
#include <limits>
#include <utility>

#include "absl/base/call_once.h"
#include "absl/strings/str_cat.h"
#include "lsm/io/file_mapping.h"
#include "lsm/io/file_system.h"
#include "lsm/io/io_error.h"

namespace fathom {
namespace {

// Repeats `call` for as long as a signal interrupts it. Not for fsync and fdatasync, which are
// never repeated, and not for close, which frees the descriptor even so.
template <typename Call>
auto RetryInterrupted(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) {
    result = call();
  }
  return result;
}

// Owns a file descriptor.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() { Close(); }

  int get() const { return fd_; }

  // 0 or an errno value.
  int Close() {
    if (fd_ < 0) {
      return 0;
    }
    const bool failed = ::close(std::exchange(fd_, -1)) != 0;
    return failed && errno != EINTR ? errno : 0;
  }

 private:
  int fd_;
};

absl::StatusOr<Descriptor> Open(const std::string& path, int flags) {
  const int fd =
      RetryInterrupted([&] { return ::open(path.c_str(), flags | O_CLOEXEC, mode_t{0644}); });
  if (fd < 0) {
    return IoError(path, "open", errno);
  }
  return Descriptor(fd);
}

// The size of the file `name` in the open directory `dir`. Errors name what `path` makes.
template <typename Path>
absl::StatusOr<uint64_t> SizeIn(int dir, const std::string& name, Path path) {
  struct stat info;
  if (::fstatat(dir, name.c_str(), &info, 0) != 0) {
    return IoError(path(), "stat", errno);
  }
  if (S_ISDIR(info.st_mode)) {
    return IoError(path(), "stat", EISDIR);
  }
  return static_cast<uint64_t>(info.st_size);
}

// Writes the bytes of a file once more, where they are; but for zeros, of which a preallocated tail
// would become written space.
absl::Status WriteAgain(int fd, const std::string& path) {
  std::vector<char> piece(size_t{64} << 10);
  for (off_t at = 0;;) {
    const ssize_t got =
        RetryInterrupted([&] { return ::pread(fd, piece.data(), piece.size(), at); });
    if (got <= 0) {
      return got == 0 ? absl::OkStatus() : IoError(path, "pread", errno);
    }
    ssize_t done = got;
    if (std::any_of(piece.begin(), piece.begin() + got, [](char c) { return c != 0; })) {
      done = RetryInterrupted(
          [&] { return ::pwrite(fd, piece.data(), static_cast<size_t>(got), at); });
      if (done < 0) {
        return IoError(path, "pwrite", errno);
      }
    }
    at += done;
  }
}

// A place among the descriptors that files open for reading keep: half of those that the process
// may have. The others are left to logs and directories, and to the program around the engine.
class DescriptorPlace {
 public:
  DescriptorPlace() {
    rlimit limit;
    taken_ = all_taken.fetch_add(1, std::memory_order_relaxed) <
             (::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur / 2 : 0);
    if (!taken_) {
      all_taken.fetch_sub(1, std::memory_order_relaxed);
    }
  }
  DescriptorPlace(const DescriptorPlace&) = delete;
  DescriptorPlace& operator=(const DescriptorPlace&) = delete;
  ~DescriptorPlace() {
    if (taken_) {
      all_taken.fetch_sub(1, std::memory_order_relaxed);
    }
  }

  bool taken() const { return taken_; }

 private:
  static inline std::atomic<rlim_t> all_taken = 0;
  bool taken_ = false;
};

// Small reads are copies from a mapping, which comes with the first of them; large ones, and those
// that the mapping fails, are calls. A file that finds no place for its descriptor is mapped at
// once, and opened again for each call.
class PosixReadableFile final : public ReadableFile {
 public:
  PosixReadableFile(std::string path, Descriptor fd, uint64_t size)
      : path_(std::move(path)), fd_(std::move(fd)), size_(size) {
    if (!place_.taken()) {
      Mapping();
      fd_.Close();
    }
  }

  absl::StatusOr<size_t> Read(uint64_t offset, size_t n, char* scratch) const override {
    if (n <= kMaxMappedRead && n <= size_ / 2 && Mapping().CopyOut(offset, n, scratch)) {
      return n;
    }
    return ReadByCall(offset, n, scratch);
  }

  PrefetchStream Ahead(uint64_t offset, size_t n) const override {
    return Mapping().Ahead(offset, n);
  }

  uint64_t size() const override { return size_; }

 private:
  // More, or most of the file, is read by who passes over it once: a call is as fast then, and
  // needs no page faults.
  static constexpr size_t kMaxMappedRead = size_t{64} << 10;

  const FileMapping& Mapping() const {
    absl::call_once(mapped_, [this] {
      mapping_ = FileMapping::Map(fd_.get(), 0, size_, FileMapping::Access::kRead);
    });
    return mapping_;
  }

  absl::StatusOr<size_t> ReadByCall(uint64_t offset, size_t n, char* scratch) const {
    if (place_.taken()) {
      return ReadFrom(fd_.get(), offset, n, scratch);
    }
    const absl::StatusOr<Descriptor> fd = Open(path_, O_RDONLY);
    return fd.ok() ? ReadFrom(fd->get(), offset, n, scratch) : fd.status();
  }

  absl::StatusOr<size_t> ReadFrom(int fd, uint64_t offset, size_t n, char* scratch) const {
    constexpr uint64_t kMaxOffset = std::numeric_limits<off_t>::max();
    if (offset > kMaxOffset) {
      return 0;  // No file is that long: beyond the end, like any other such offset.
    }
    n = std::min(n, static_cast<size_t>(kMaxOffset - offset));
    size_t done = 0;
    while (done < n) {
      const ssize_t got = RetryInterrupted(
          [&] { return ::pread(fd, scratch + done, n - done, static_cast<off_t>(offset + done)); });
      if (got < 0) {
        return IoError(path_, "pread", errno);
      }
      if (got == 0) {
        break;
      }
      done += static_cast<size_t>(got);
    }
    return done;
  }

  const std::string path_;
  const DescriptorPlace place_;
  Descriptor fd_;  // closed if it has no place
  const uint64_t size_;
  mutable absl::once_flag mapped_;
  mutable FileMapping mapping_;
};

// Appends to preallocated space are copies into a mapping of it; others, and those that the mapping
// fails, are calls. Not with O_APPEND, which would write after the preallocated tail.
class PosixWritableFile final : public WritableFile {
 public:
  PosixWritableFile(std::string path, Descriptor fd) : path_(std::move(path)), fd_(std::move(fd)) {}

  ~PosixWritableFile() override {
    if (fd_.get() >= 0) {
      Close().IgnoreError();
    }
  }

  absl::Status Append(absl::string_view data) override {
    assert(fd_.get() >= 0);
    PrepareFor(appended_ + data.size());
    if (mapping_.CopyIn(appended_, data)) {
      appended_ += data.size();
      return absl::OkStatus();
    }
    mapping_ = FileMapping();  // it ends here, or is not to be trusted any more
    if (position_ != appended_ && ::lseek(fd_.get(), static_cast<off_t>(appended_), SEEK_SET) < 0) {
      return IoError(path_, "lseek", errno);
    }
    while (!data.empty()) {
      const ssize_t written =
          RetryInterrupted([&] { return ::write(fd_.get(), data.data(), data.size()); });
      if (written < 0) {
        return IoError(path_, "write", errno);
      }
      appended_ += static_cast<uint64_t>(written);
      position_ = appended_;
      data.remove_prefix(static_cast<size_t>(written));
    }
    return absl::OkStatus();
  }

  void StartSync() override {
    const uint64_t from = std::exchange(sync_started_, appended_);
    ::sync_file_range(fd_.get(), static_cast<off_t>(from), static_cast<off_t>(appended_ - from),
                      SYNC_FILE_RANGE_WRITE);
  }

  absl::Status Sync() override {
    assert(fd_.get() >= 0);
    ZeroAhead();
    return ::fdatasync(fd_.get()) == 0 ? absl::OkStatus() : IoError(path_, "fdatasync", errno);
  }

  absl::Status Preallocate(uint64_t length) override {
    assert(fd_.get() >= 0);
    if (length <= appended_) {
      return absl::OkStatus();
    }
    preallocated_ = true;  // Even a call that fails may have made the file longer.
    const int result = RetryInterrupted([&] {
      return ::fallocate(fd_.get(), 0, static_cast<off_t>(appended_),
                         static_cast<off_t>(length - appended_));
    });
    if (result == 0) {
      mapping_ = FileMapping::Map(fd_.get(), appended_, length, FileMapping::Access::kReadWrite);
      return absl::OkStatus();
    }
    if (errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL) {
      return absl::OkStatus();
    }
    return IoError(path_, "fallocate", errno);
  }

  absl::Status Close() override {
    assert(fd_.get() >= 0);
    mapping_ = FileMapping();
    int cut_error = 0;
    if (preallocated_ && RetryInterrupted([&] {
                           return ::ftruncate(fd_.get(), static_cast<off_t>(appended_));
                         }) != 0) {
      cut_error = errno;
    }
    const int close_error = fd_.Close();
    if (cut_error != 0) {
      return IoError(path_, "ftruncate", cut_error);
    }
    return close_error == 0 ? absl::OkStatus() : IoError(path_, "close", close_error);
  }

 private:
  // The first write to a block of preallocated space changes the file's metadata, so that its sync
  // waits for the file system's journal. Where small appends are synced each, that would be each
  // thirtieth of them: so the first one to get there writes zeros to the blocks that follow.
  void ZeroAhead() {
    constexpr uint64_t kAheadBytes = uint64_t{256} << 10;
    static constexpr char kZeros[4096] = {};
    const uint64_t since_sync = appended_ - std::exchange(synced_, appended_);
    if (appended_ <= zeroed_ || since_sync > kAheadBytes / 16) {
      return;
    }
    zeroed_ = appended_;
    while (zeroed_ < appended_ + kAheadBytes &&
           mapping_.CopyIn(zeroed_, absl::string_view(kZeros, sizeof(kZeros)))) {
      zeroed_ += sizeof(kZeros);
    }
  }

  // Appends come one by one: the first that gets so far has all pages of a piece made ready, and
  // writes to each a zero that is there: under some hypervisors a page that is ready still costs
  // its first write. Pieces are small, so that no append waits for long.
  void PrepareFor(uint64_t length) {
    constexpr uint64_t kPieceBytes = uint64_t{16} << 10;
    constexpr uint64_t kLeastPageBytes = 4096;
    if (length <= prepared_) {
      return;
    }
    const uint64_t end = (length + kPieceBytes - 1) / kPieceBytes * kPieceBytes;
    mapping_.PrepareToWrite(prepared_, end - prepared_);
    const absl::string_view zero("", 1);
    while (prepared_ < end && mapping_.CopyIn(prepared_, zero)) {
      prepared_ += kLeastPageBytes;
    }
    prepared_ = end;
  }

  const std::string path_;
  Descriptor fd_;
  FileMapping mapping_;  // of preallocated space
  uint64_t appended_ = 0;
  uint64_t position_ = 0;  // the descriptor's: copies leave it behind
  uint64_t sync_started_ = 0;
  uint64_t synced_ = 0;
  uint64_t prepared_ = 0;  // up to where PrepareFor has come
  uint64_t zeroed_ = 0;    // up to where ZeroAhead has come
  bool preallocated_ = false;
};

// An flock belongs to the open file, not to the process: a second open in this process is refused
// like one elsewhere. A forked child shares it, hence the care in the destructor.
class PosixFileLock final : public FileLock {
 public:
  explicit PosixFileLock(Descriptor fd) : fd_(std::move(fd)), owner_(::getpid()) {}

  // Unlocks, so that the lock goes even if a child still has the descriptor; but not in a child,
  // which would take it from its parent.
  ~PosixFileLock() override {
    if (::getpid() == owner_) {
      ::flock(fd_.get(), LOCK_UN);
    }
  }

 private:
  Descriptor fd_;
  const pid_t owner_;
};

class PosixFileSystemImpl final : public FileSystem {
 public:
  absl::StatusOr<std::unique_ptr<ReadableFile>> OpenForRead(const std::string& path) override {
    absl::StatusOr<Descriptor> fd = Open(path, O_RDONLY);
    if (!fd.ok()) {
      return fd.status();
    }
    struct stat info;
    if (::fstat(fd->get(), &info) != 0) {
      return IoError(path, "fstat", errno);
    }
    if (S_ISDIR(info.st_mode)) {
      return IoError(path, "open", EISDIR);
    }
    return std::make_unique<PosixReadableFile>(path, *std::move(fd),
                                               static_cast<uint64_t>(info.st_size));
  }

  absl::StatusOr<std::unique_ptr<WritableFile>> Create(const std::string& path) override {
    absl::StatusOr<Descriptor> fd = Open(path, O_RDWR | O_CREAT | O_TRUNC);
    if (!fd.ok()) {
      return fd.status();
    }
    return std::make_unique<PosixWritableFile>(path, *std::move(fd));
  }

  absl::Status Remove(const std::string& path) override {
    return ::unlink(path.c_str()) == 0 ? absl::OkStatus() : IoError(path, "unlink", errno);
  }

  absl::Status Rename(const std::string& from, const std::string& to) override {
    return ::rename(from.c_str(), to.c_str()) == 0 ? absl::OkStatus()
                                                   : IoError(TwoPaths(from, to), "rename", errno);
  }

  absl::Status Link(const std::string& from, const std::string& to) override {
    return ::link(from.c_str(), to.c_str()) == 0 ? absl::OkStatus()
                                                 : IoError(TwoPaths(from, to), "link", errno);
  }

  absl::StatusOr<std::vector<std::string>> List(const std::string& dir) override {
    const std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(dir.c_str()), &::closedir);
    if (stream == nullptr) {
      return IoError(dir, "opendir", errno);
    }
    std::vector<std::string> names;
    errno = 0;  // The only way to tell readdir's end from its failure.
    while (const dirent* entry = ::readdir(stream.get())) {
      const absl::string_view name = entry->d_name;
      if (name != "." && name != "..") {
        names.emplace_back(name);
      }
      errno = 0;
    }
    if (errno != 0) {
      return IoError(dir, "readdir", errno);
    }
    return names;
  }

  absl::StatusOr<uint64_t> FileSize(const std::string& path) override {
    return SizeIn(AT_FDCWD, path, [&path] { return path; });
  }

  std::vector<absl::StatusOr<uint64_t>> FileSizes(const std::string& dir,
                                                  const std::vector<std::string>& names) override {
    const absl::StatusOr<Descriptor> fd = Open(dir, O_PATH | O_DIRECTORY);
    if (!fd.ok()) {
      return std::vector<absl::StatusOr<uint64_t>>(names.size(), fd.status());
    }
    std::vector<absl::StatusOr<uint64_t>> sizes;
    sizes.reserve(names.size());
    for (const std::string& name : names) {
      sizes.push_back(SizeIn(fd->get(), name, [&] { return absl::StrCat(dir, "/", name); }));
    }
    return sizes;
  }

  absl::Status SyncFile(const std::string& path) override {
    const absl::StatusOr<Descriptor> fd = Open(path, O_RDWR);
    if (!fd.ok()) {
      return fd.status();
    }
    if (absl::Status written = WriteAgain(fd->get(), path); !written.ok()) {
      return written;
    }
    return ::fdatasync(fd->get()) == 0 ? absl::OkStatus() : IoError(path, "fdatasync", errno);
  }

  absl::Status CreateDir(const std::string& dir) override {
    if (::mkdir(dir.c_str(), 0755) == 0) {
      return absl::OkStatus();
    }
    const int error = errno;
    struct stat info;
    if (error == EEXIST && ::stat(dir.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) {
      return absl::OkStatus();
    }
    return IoError(dir, "mkdir", error);
  }

  absl::Status RemoveDir(const std::string& dir) override {
    return ::rmdir(dir.c_str()) == 0 ? absl::OkStatus() : IoError(dir, "rmdir", errno);
  }

  absl::Status SyncDir(const std::string& dir) override {
    const absl::StatusOr<Descriptor> fd = Open(dir, O_RDONLY | O_DIRECTORY);
    if (!fd.ok()) {
      return fd.status();
    }
    return ::fsync(fd->get()) == 0 ? absl::OkStatus() : IoError(dir, "fsync", errno);
  }

  absl::StatusOr<std::unique_ptr<FileLock>> Lock(const std::string& path) override {
    absl::StatusOr<Descriptor> fd = Open(path, O_RDWR | O_CREAT);
    if (!fd.ok()) {
      return fd.status();
    }
    if (RetryInterrupted([&] { return ::flock(fd->get(), LOCK_EX | LOCK_NB); }) != 0) {
      return IoError(path, "flock", errno);
    }
    return std::make_unique<PosixFileLock>(*std::move(fd));
  }
};

}  // namespace

FileSystem* PosixFileSystem() {
  static PosixFileSystemImpl* const file_system = new PosixFileSystemImpl;
  return file_system;
}

}  // namespace fathom
