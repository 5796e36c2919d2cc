// What only the machine's own file system can show: other processes, signals, full disks.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "lsm/io/file_system.h"
#include "tests/lsm/io/handle_limit.h"
#include "tests/lsm/io/io_test_util.h"
#include "tests/lsm/io/temp_dir.h"

namespace fathom {
namespace {

// A forked process that runs `body`, says so through a pipe, and then waits to be killed.
class Child {
 public:
  template <typename Body>
  explicit Child(Body body) {
    int ready[2];
    REQUIRE(::pipe(ready) == 0);
    pid_ = ::fork();
    REQUIRE(pid_ >= 0);
    if (pid_ == 0) {
      const char answer = body() ? 'y' : 'n';
      if (::write(ready[1], &answer, 1) != 1) {
        ::_exit(1);
      }
      for (;;) {
        ::pause();
      }
    }
    ::close(ready[1]);
    char answer = '?';
    REQUIRE(::read(ready[0], &answer, 1) == 1);
    succeeded_ = answer == 'y';
    ::close(ready[0]);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() { Kill(); }

  // What `body` returned.
  bool succeeded() const { return succeeded_; }

  void Kill() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
      pid_ = 0;
    }
  }

 private:
  pid_t pid_ = 0;
  bool succeeded_ = false;
};

// Whether the block at `offset` is reserved, but was never written. False where the file system
// does not tell.
bool IsUnwritten(const std::string& path, uint64_t offset) {
  alignas(fiemap) char memory[sizeof(fiemap) + sizeof(fiemap_extent)] = {};
  auto* const map = new (memory) fiemap{};
  map->fm_start = offset;
  map->fm_length = 1;
  map->fm_extent_count = 1;
  const int fd = ::open(path.c_str(), O_RDONLY);
  const bool told = ::ioctl(fd, FS_IOC_FIEMAP, map) == 0 && map->fm_mapped_extents == 1;
  ::close(fd);
  return told && (map->fm_extents[0].fe_flags & FIEMAP_EXTENT_UNWRITTEN) != 0;
}

bool IsLocked(const std::string& path) {
  return absl::IsUnavailable(PosixFileSystem()->Lock(path).status());
}

// Crash case 28.
TEST_CASE("posix: a lock held by another process is refused until that process is killed") {
  const TempDir dir;
  const std::string path = dir.path() + "/LOCK";
  std::unique_ptr<FileLock> kept;
  Child holder([&] {
    absl::StatusOr<std::unique_ptr<FileLock>> lock = PosixFileSystem()->Lock(path);
    kept = lock.ok() ? *std::move(lock) : nullptr;
    return kept != nullptr;
  });
  REQUIRE(holder.succeeded());
  CHECK(IsLocked(path));
  holder.Kill();
  CHECK(PosixFileSystem()->Lock(path).ok());
}

TEST_CASE("posix: another process is refused a lock held here") {
  const TempDir dir;
  const std::string path = dir.path() + "/LOCK";
  const absl::StatusOr<std::unique_ptr<FileLock>> held = PosixFileSystem()->Lock(path);
  REQUIRE(held.ok());
  const Child other([&] { return IsLocked(path); });
  CHECK(other.succeeded());
}

// Crash case 61.
TEST_CASE("posix: a forked child neither takes its parent's lock along nor lets go of it") {
  const TempDir dir;
  const std::string path = dir.path() + "/LOCK";
  absl::StatusOr<std::unique_ptr<FileLock>> held = PosixFileSystem()->Lock(path);
  REQUIRE(held.ok());
  const Child destroys([&] {
    held->reset();
    return true;
  });
  const Child keeps([] { return true; });
  CHECK(IsLocked(path));
  held->reset();
  CHECK(PosixFileSystem()->Lock(path).ok());
}

// Crash case 61.
TEST_CASE("posix: no descriptor is passed on to a program that is executed") {
  const TempDir dir;
  FileSystem* fs = PosixFileSystem();
  const auto count_inherited = [] {
    int count = 0;
    for (int fd = 0; fd < 1024; ++fd) {
      const int flags = ::fcntl(fd, F_GETFD);
      count += flags >= 0 && (flags & FD_CLOEXEC) == 0 ? 1 : 0;
    }
    return count;
  };
  const int before = count_inherited();
  const std::unique_ptr<WritableFile> writer = MustCreate(fs, dir.path() + "/f");
  const std::unique_ptr<ReadableFile> reader = MustOpen(fs, dir.path() + "/f");
  const absl::StatusOr<std::unique_ptr<FileLock>> lock = fs->Lock(dir.path() + "/LOCK");
  REQUIRE(lock.ok());
  CHECK(count_inherited() == before);
}

// Crash case 57.
TEST_CASE("posix: an append to a full disk is ResourceExhausted") {
  const std::unique_ptr<WritableFile> full = MustCreate(PosixFileSystem(), "/dev/full");
  const absl::Status status = full->Append("x");
  CHECK(absl::IsResourceExhausted(status));
  CHECK(status.message() == "/dev/full: write: No space left on device");
}

TEST_CASE("posix: a file system that cannot preallocate is no error") {
  const std::unique_ptr<WritableFile> file = MustCreate(PosixFileSystem(), "/proc/self/comm");
  CHECK(file->Preallocate(4096).ok());
}

// A limit on file sizes makes the kernel write as much as fits and refuse the next byte.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before_) == 0);
    handler_ = ::signal(SIGXFSZ, SIG_IGN);
    const rlimit lower = {bytes, before_.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &lower) == 0);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    ::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_;
  void (*handler_)(int);
};

// Crash case 58.
TEST_CASE("posix: a short write is continued, and the error of the rest is reported") {
  const TempDir dir;
  const std::string path = dir.path() + "/f";
  const std::unique_ptr<WritableFile> file = MustCreate(PosixFileSystem(), path);
  absl::Status status;
  {
    const FileSizeLimit limit(1000);
    status = file->Append(std::string(4096, 'x'));
  }
  CHECK(absl::IsInternal(status));
  CHECK(status.message() == path + ": write: File too large");
  CHECK(MustRead(PosixFileSystem(), path) == std::string(1000, 'x'));
}

TEST_CASE("posix: a preallocation that fails for want of room is reported and leaves no tail") {
  const TempDir dir;
  const std::string path = dir.path() + "/f";
  const std::unique_ptr<WritableFile> file = MustCreate(PosixFileSystem(), path);
  CHECK(file->Append("abc").ok());
  {
    const FileSizeLimit limit(1000);
    CHECK_FALSE(file->Preallocate(4096).ok());
  }
  CHECK(file->Close().ok());
  CHECK(MustRead(PosixFileSystem(), path) == "abc");
}

// A page that is gone raises SIGBUS where its mapping is touched, as a page on a bad disk does.
TEST_CASE("posix: a read of a file that was cut short ends where the file does") {
  const TempDir dir;
  const std::string path = dir.path() + "/f";
  const std::string bytes(100'000, 'x');
  REQUIRE(MustCreate(PosixFileSystem(), path)->Append(bytes).ok());
  const std::unique_ptr<ReadableFile> file = MustOpen(PosixFileSystem(), path);
  std::string scratch(4096, '\0');
  for (int round = 0; round < 3; ++round) {
    CHECK(file->Read(80'000, 4096, scratch.data()).value_or(0) == 4096);
    REQUIRE(::truncate(path.c_str(), 50'000) == 0);
    CHECK(file->Read(80'000, 4096, scratch.data()).value_or(1) == 0);
    CHECK(file->Read(40'000, 4096, scratch.data()).value_or(0) == 4096);
    REQUIRE(::truncate(path.c_str(), 100'000) == 0);
  }
}

TEST_CASE("posix: what a file has in memory can be asked for ahead, also what is gone by then") {
  const TempDir dir;
  const std::string path = dir.path() + "/f";
  REQUIRE(MustCreate(PosixFileSystem(), path)->Append(std::string(100'000, 'x')).ok());
  const std::unique_ptr<ReadableFile> file = MustOpen(PosixFileSystem(), path);
  PrefetchStream ahead = file->Ahead(80'000, 4096);
  REQUIRE(::truncate(path.c_str(), 50'000) == 0);
  int steps = 0;
  for (; !ahead.empty(); ahead.Step()) {
    ++steps;
  }
  CHECK(steps == 22);  // of three lines
  CHECK(file->Read(80'000, 4096, std::string(4096, '\0').data()).value_or(1) == 0);
  CHECK_FALSE(file->Ahead(100'000 - 10, 10).empty());
  CHECK(file->Ahead(100'000 - 10, 11).empty());
  CHECK(file->Ahead(100'001, 0).empty());
}

TEST_CASE("posix: threads that read what is gone beside what is there each get their own") {
  const TempDir dir;
  const std::string path = dir.path() + "/f";
  REQUIRE(MustCreate(PosixFileSystem(), path)->Append(std::string(100'000, 'x')).ok());
  const std::unique_ptr<ReadableFile> file = MustOpen(PosixFileSystem(), path);
  REQUIRE(::truncate(path.c_str(), 50'000) == 0);
  std::atomic<int> wrong{0};
  std::vector<std::thread> readers;
  for (const uint64_t offset : {10'000u, 80'000u, 20'000u, 90'000u}) {
    readers.emplace_back([&, offset] {
      const size_t expected = offset < 50'000 ? 4096 : 0;
      std::string scratch(4096, '\0');
      for (int i = 0; i < 200; ++i) {
        wrong += file->Read(offset, 4096, scratch.data()).value_or(1) == expected ? 0 : 1;
      }
    });
  }
  for (std::thread& reader : readers) {
    reader.join();
  }
  CHECK(wrong == 0);
}

TEST_CASE("posix: an append to preallocated space that was taken away is written all the same") {
  const TempDir dir;
  const std::string path = dir.path() + "/f";
  const std::unique_ptr<WritableFile> file = MustCreate(PosixFileSystem(), path);
  CHECK(file->Append("a").ok());
  CHECK(file->Preallocate(100'000).ok());
  CHECK(file->Append(std::string(9'999, 'b')).ok());
  REQUIRE(::truncate(path.c_str(), 10'000) == 0);
  CHECK(file->Append(std::string(20'000, 'c')).ok());
  CHECK(file->Append("d").ok());
  CHECK(file->Close().ok());
  CHECK((MustRead(PosixFileSystem(), path) ==
         "a" + std::string(9'999, 'b') + std::string(20'000, 'c') + "d"));
}

// Crash case 57.
TEST_CASE(
    "posix: an append to preallocated space that was taken away from a full disk is an error") {
  const TempDir dir;
  const std::string path = dir.path() + "/f";
  const std::unique_ptr<WritableFile> file = MustCreate(PosixFileSystem(), path);
  CHECK(file->Preallocate(100'000).ok());
  REQUIRE(::truncate(path.c_str(), 0) == 0);
  const FileSizeLimit limit(1000);
  const absl::Status status = file->Append(std::string(20'000, 'c'));
  CHECK(status.message() == path + ": write: File too large");
}

TEST_CASE("posix: a sync of a small append to preallocated space writes what follows, as zeros") {
  const TempDir dir;
  const std::string path = dir.path() + "/f";
  const std::unique_ptr<WritableFile> file = MustCreate(PosixFileSystem(), path);
  CHECK(file->Preallocate(300'001).ok());
  const bool knows_unwritten = IsUnwritten(path, 250'000);
  std::string expected;
  for (int i = 0; i < 400; ++i) {  // beyond the preallocated end, too
    const std::string bytes(1'000, static_cast<char>('a' + i % 26));
    expected += bytes;
    REQUIRE(file->Append(bytes).ok());
    REQUIRE(file->Sync().ok());
    if (i == 0) {
      CHECK_FALSE((knows_unwritten && IsUnwritten(path, 250'000)));
      CHECK((MustRead(PosixFileSystem(), path) == bytes + std::string(299'001, '\0')));
    }
  }
  CHECK(file->Close().ok());
  CHECK((MustRead(PosixFileSystem(), path) == expected));
}

TEST_CASE("posix: a bus error that is nobody's copy ends the process, sent or met") {
  const TempDir dir;
  const std::string path = dir.path() + "/f";
  REQUIRE(MustCreate(PosixFileSystem(), path)->Append("xy").ok());
  char byte = 0;
  // From a mapping, since it is not most of the file: the handler is installed.
  REQUIRE(MustOpen(PosixFileSystem(), path)->Read(0, 1, &byte).ok());
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  void* const page = ::mmap(nullptr, 1, PROT_READ, MAP_SHARED, fd, 0);
  REQUIRE(page != MAP_FAILED);
  REQUIRE(::truncate(path.c_str(), 0) == 0);
  for (const bool sent : {true, false}) {
    CAPTURE(sent);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      ::alarm(20);  // it must not meet the same fault for ever
      if (sent) {
        ::raise(SIGBUS);
      } else {
        byte = *static_cast<volatile char*>(page);
      }
      ::_exit(0);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK_FALSE((WIFEXITED(status) && WEXITSTATUS(status) == 0));
    CHECK_FALSE((WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM));
  }
  ::munmap(page, 1);
  ::close(fd);
}

std::atomic<int> signals_seen{0};

// Signals this thread every millisecond, and lets system calls be interrupted by it.
class Interruptions {
 public:
  Interruptions() {
    signals_seen = 0;
    struct sigaction action = {};
    action.sa_handler = [](int) { ++signals_seen; };
    REQUIRE(::sigaction(SIGALRM, &action, &before_) == 0);
    const itimerval every_millisecond = {{0, 1000}, {0, 1000}};
    REQUIRE(::setitimer(ITIMER_REAL, &every_millisecond, nullptr) == 0);
  }
  ~Interruptions() {
    const itimerval never = {};
    ::setitimer(ITIMER_REAL, &never, nullptr);
    ::sigaction(SIGALRM, &before_, nullptr);
  }

 private:
  struct sigaction before_;
};

// Crash case 58. A pipe, unlike a disk, lets a signal cut a write short or stop it before its first
// byte.
TEST_CASE("posix: an append that signals interrupt writes every byte once") {
  const TempDir dir;
  const std::string path = dir.path() + "/pipe";
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  std::string bytes;
  for (int i = 0; i < 1 << 20; ++i) {
    bytes.push_back(static_cast<char>(i * 131 >> 5));
  }

  std::string received;
  sigset_t alarm;
  sigemptyset(&alarm);
  sigaddset(&alarm, SIGALRM);
  ::pthread_sigmask(SIG_BLOCK, &alarm, nullptr);  // The slow reader inherits it.
  std::thread reader([&] {
    const int fd = ::open(path.c_str(), O_RDONLY);
    std::string chunk(1 << 15, '\0');
    ssize_t got = 0;
    while ((got = ::read(fd, chunk.data(), chunk.size())) > 0) {
      received.append(chunk, 0, static_cast<size_t>(got));
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    ::close(fd);
  });
  ::pthread_sigmask(SIG_UNBLOCK, &alarm, nullptr);

  absl::Status status;
  {
    const Interruptions interruptions;
    const std::unique_ptr<WritableFile> file = MustCreate(PosixFileSystem(), path);
    status = file->Append(bytes);
  }
  reader.join();
  CHECK_MESSAGE(status.ok(), status.ToString());
  CHECK(signals_seen > 0);
  CHECK((received == bytes));
}

TEST_CASE("posix: too many open files is ResourceExhausted") {
  const TempDir dir;
  absl::Status status;
  {
    const HandleLimit none(0);
    status = PosixFileSystem()->Create(dir.path() + "/f").status();
  }
  CHECK(absl::IsResourceExhausted(status));
}

TEST_CASE("posix: more files than handles are open for reading, and leave some to others") {
  constexpr int kFiles = 100;
  constexpr size_t kLarge = size_t{300} << 10;  // too much for a copy from a mapping
  const TempDir dir;
  FileSystem* const fs = PosixFileSystem();
  const auto path = [&](int i) { return absl::StrCat(dir.path(), "/", i); };
  const auto byte = [](int i) { return static_cast<char>('0' + i); };
  for (int i = 0; i < kFiles; ++i) {
    MustWrite(fs, path(i), std::string(2 * kLarge, byte(i)));
  }
  const auto before = HandleLimit::Open();
  {
    const HandleLimit limit(64);
    std::vector<std::unique_ptr<ReadableFile>> files;
    for (int i = 0; i < kFiles; ++i) {
      files.push_back(MustOpen(fs, path(i)));
    }
    CHECK(HandleLimit::Open() - before == 32);
    std::string bytes(kLarge, ' ');
    for (int i = 0; i < kFiles; ++i) {
      for (const size_t n : {size_t{10}, kLarge}) {
        CHECK(files[static_cast<size_t>(i)]->Read(kLarge, n, bytes.data()).value() == n);
        CHECK((bytes.substr(0, n) == std::string(n, byte(i))));
      }
    }
    CHECK(HandleLimit::Open() - before == 32);

    CHECK(fs->Remove(path(kFiles - 1)).ok());
    CHECK(files.back()->Read(0, 10, bytes.data()).value() == 10);
    const absl::Status gone = files.back()->Read(0, kLarge, bytes.data()).status();
    CHECK(absl::IsNotFound(gone));
    CHECK(absl::StrContains(gone.message(), path(kFiles - 1)));
  }
  CHECK(HandleLimit::Open() == before);
  const auto again = MustOpen(fs, path(0));
  CHECK(HandleLimit::Open() == before + 1);
}

}  // namespace
}  // namespace fathom
