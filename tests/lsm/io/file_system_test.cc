// What every FileSystem promises: the same sentences for all of them.
#include "lsm/io/file_system.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "lsm/io/mem_file_system.h"
#include "lsm/io/unsynced_file_system.h"
#include "tests/lsm/io/io_test_util.h"
#include "tests/lsm/io/temp_dir.h"

namespace fathom {
namespace {

struct Posix {
  FileSystem* fs() { return PosixFileSystem(); }
  std::string At(const std::string& name) { return dir.path() + "/" + name; }

  TempDir dir;
};

struct Memory {
  Memory() { REQUIRE(mem.CreateDir("/dir").ok()); }
  FileSystem* fs() { return &mem; }
  std::string At(const std::string& name) { return "/dir/" + name; }

  MemFileSystem mem;
};

struct Unsynced : Posix {
  FileSystem* fs() { return &unsynced; }

  UnsyncedFileSystem unsynced{PosixFileSystem()};
};

std::vector<std::string> SortedNames(FileSystem* fs, const std::string& dir) {
  absl::StatusOr<std::vector<std::string>> names = fs->List(dir);
  REQUIRE_MESSAGE(names.ok(), names.status().ToString());
  std::sort(names->begin(), names->end());
  return *names;
}

// The file's bytes [offset, offset + n), as far as there are any.
std::string ReadAt(const ReadableFile& file, uint64_t offset, size_t n) {
  std::string bytes(n, '?');
  const absl::StatusOr<size_t> got = file.Read(offset, n, bytes.data());
  REQUIRE_MESSAGE(got.ok(), got.status().ToString());
  bytes.resize(*got);
  return bytes;
}

#define ALL_FILE_SYSTEMS Posix, Memory, Unsynced

TEST_CASE_TEMPLATE("file system: appended bytes are read back", T, ALL_FILE_SYSTEMS) {
  T t;
  const std::unique_ptr<WritableFile> file = MustCreate(t.fs(), t.At("f"));
  CHECK(file->Append("one ").ok());
  CHECK(file->Append("").ok());
  CHECK(file->Append(absl::string_view("\0two", 4)).ok());
  CHECK(MustRead(t.fs(), t.At("f")) == std::string("one \0two", 8));
  CHECK(file->Sync().ok());
  CHECK(file->Close().ok());
  CHECK(MustRead(t.fs(), t.At("f")) == std::string("one \0two", 8));
  CHECK(*t.fs()->FileSize(t.At("f")) == 8);
}

// Crash case 58.
TEST_CASE_TEMPLATE("file system: a read is short only where the file ends", T, ALL_FILE_SYSTEMS) {
  T t;
  MustWrite(t.fs(), t.At("f"), "0123456789");
  const std::unique_ptr<ReadableFile> file = MustOpen(t.fs(), t.At("f"));
  CHECK(file->size() == 10);
  CHECK(ReadAt(*file, 0, 10) == "0123456789");
  CHECK(ReadAt(*file, 3, 4) == "3456");
  CHECK(ReadAt(*file, 8, 100) == "89");
  CHECK(ReadAt(*file, 5, 0).empty());
  CHECK(ReadAt(*file, 10, 1).empty());
  CHECK(ReadAt(*file, 11, 1).empty());
  CHECK(ReadAt(*file, uint64_t{1} << 40, 1).empty());
  CHECK(ReadAt(*file, std::numeric_limits<int64_t>::max(), 8).empty());
  CHECK(ReadAt(*file, std::numeric_limits<uint64_t>::max(), 8).empty());
}

TEST_CASE_TEMPLATE("file system: a large file is read back whole", T, ALL_FILE_SYSTEMS) {
  T t;
  std::string bytes;
  for (int i = 0; i < 3 << 20; ++i) {
    bytes.push_back(static_cast<char>(i * 31 >> 3));
  }
  MustWrite(t.fs(), t.At("f"), bytes);
  CHECK((MustRead(t.fs(), t.At("f")) == bytes));
}

TEST_CASE_TEMPLATE("file system: create empties an existing file", T, ALL_FILE_SYSTEMS) {
  T t;
  MustWrite(t.fs(), t.At("f"), "old");
  const std::unique_ptr<WritableFile> file = MustCreate(t.fs(), t.At("f"));
  CHECK(MustRead(t.fs(), t.At("f")).empty());
  CHECK(file->Append("new").ok());
  CHECK(MustRead(t.fs(), t.At("f")) == "new");
}

TEST_CASE_TEMPLATE("file system: a preallocated tail reads as zeros until close cuts it", T, Posix,
                   Memory) {
  T t;
  const std::unique_ptr<WritableFile> file = MustCreate(t.fs(), t.At("f"));
  CHECK(file->Append("abc").ok());
  CHECK(file->Preallocate(5000).ok());
  CHECK(file->Preallocate(2).ok());
  CHECK(MustRead(t.fs(), t.At("f")) == "abc" + std::string(4997, '\0'));
  CHECK(file->Append("def").ok());
  CHECK(MustRead(t.fs(), t.At("f")) == "abcdef" + std::string(4994, '\0'));
  CHECK(file->Sync().ok());
  CHECK(file->Close().ok());
  CHECK(MustRead(t.fs(), t.At("f")) == "abcdef");
}

TEST_CASE_TEMPLATE("file system: a file may grow beyond what was preallocated", T,
                   ALL_FILE_SYSTEMS) {
  T t;
  const std::unique_ptr<WritableFile> file = MustCreate(t.fs(), t.At("f"));
  CHECK(file->Preallocate(4).ok());
  CHECK(file->Append("abcdef").ok());
  CHECK(MustRead(t.fs(), t.At("f")) == "abcdef");
  CHECK(file->Close().ok());
  CHECK(MustRead(t.fs(), t.At("f")) == "abcdef");
}

TEST_CASE_TEMPLATE("file system: a dropped writer cuts its preallocated tail", T,
                   ALL_FILE_SYSTEMS) {
  T t;
  std::unique_ptr<WritableFile> file = MustCreate(t.fs(), t.At("f"));
  CHECK(file->Append("abc").ok());
  CHECK(file->Preallocate(5000).ok());
  file.reset();
  CHECK(MustRead(t.fs(), t.At("f")) == "abc");
}

TEST_CASE_TEMPLATE("file system: what is missing is NotFound, for every call", T,
                   ALL_FILE_SYSTEMS) {
  T t;
  MustWrite(t.fs(), t.At("f"), "x");
  const std::string missing = t.At("missing");
  const std::string inside = missing + "/f";
  for (const std::string& path : {missing, inside}) {
    CHECK(absl::IsNotFound(t.fs()->OpenForRead(path).status()));
    CHECK(absl::IsNotFound(t.fs()->Remove(path)));
    CHECK(absl::IsNotFound(t.fs()->Rename(path, t.At("to"))));
    CHECK(absl::IsNotFound(t.fs()->Link(path, t.At("to"))));
    CHECK(absl::IsNotFound(t.fs()->List(path).status()));
    CHECK(absl::IsNotFound(t.fs()->FileSize(path).status()));
    CHECK(absl::IsNotFound(t.fs()->RemoveDir(path)));
  }
  CHECK(absl::IsNotFound(t.fs()->Create(inside).status()));
  CHECK(absl::IsNotFound(t.fs()->Rename(t.At("f"), inside)));
  CHECK(absl::IsNotFound(t.fs()->Link(t.At("f"), inside)));
  CHECK(absl::IsNotFound(t.fs()->CreateDir(inside)));
  CHECK(absl::IsNotFound(t.fs()->Lock(inside).status()));
  CHECK(absl::IsNotFound(ReadFileToString(t.fs(), missing, 10).status()));
  CHECK(SortedNames(t.fs(), t.At("")) == std::vector<std::string>{"f"});
}

TEST_CASE_TEMPLATE("file system: the sizes of many files, in order, each with its own error", T,
                   ALL_FILE_SYSTEMS) {
  T t;
  REQUIRE(t.fs()->CreateDir(t.At("d")).ok());
  MustWrite(t.fs(), t.At("d/five"), "12345");
  MustWrite(t.fs(), t.At("d/empty"), "");
  REQUIRE(t.fs()->CreateDir(t.At("d/e")).ok());
  const std::vector<absl::StatusOr<uint64_t>> sizes =
      t.fs()->FileSizes(t.At("d"), {"missing", "five", "e", "empty"});
  REQUIRE(sizes.size() == 4);
  CHECK(absl::IsNotFound(sizes[0].status()));
  CHECK(sizes[0].status() == t.fs()->FileSize(t.At("d/missing")).status());
  CHECK(*sizes[1] == 5);
  CHECK(sizes[2].status() == t.fs()->FileSize(t.At("d/e")).status());
  CHECK(*sizes[3] == 0);
  for (const std::string& dir : {t.At("missing"), t.At("d/five")}) {
    const std::vector<absl::StatusOr<uint64_t>> none = t.fs()->FileSizes(dir, {"a", "b"});
    REQUIRE(none.size() == 2);
    CHECK(!none[0].ok());
    CHECK(!none[1].ok());
  }
}

TEST_CASE_TEMPLATE("file system: syncing what is missing is NotFound", T, Posix, Memory) {
  T t;
  MustWrite(t.fs(), t.At("f"), "f");
  CHECK(t.fs()->SyncFile(t.At("f")).ok());
  CHECK(absl::IsNotFound(t.fs()->SyncFile(t.At("missing"))));
  CHECK(t.fs()->SyncDir(t.At("")).ok());
  CHECK(absl::IsNotFound(t.fs()->SyncDir(t.At("missing"))));
}

TEST_CASE_TEMPLATE("file system: syncing a file of others leaves its bytes as they are", T, Posix,
                   Memory) {
  T t;
  for (const size_t size : std::initializer_list<size_t>{0, 1, 4096, 300'000}) {
    CAPTURE(size);
    std::string bytes;
    for (size_t i = 0; i < size; ++i) {
      bytes += static_cast<char>(i / 50'000 % 2 == 0 ? i * 31 % 251 : 0);
    }
    MustWrite(t.fs(), t.At("f"), bytes);
    CHECK(t.fs()->SyncFile(t.At("f")).ok());
    CHECK(MustRead(t.fs(), t.At("f")) == bytes);
  }
}

TEST_CASE_TEMPLATE("file system: what exists is AlreadyExists", T, ALL_FILE_SYSTEMS) {
  T t;
  MustWrite(t.fs(), t.At("f"), "f");
  MustWrite(t.fs(), t.At("g"), "g");
  CHECK(absl::IsAlreadyExists(t.fs()->Link(t.At("f"), t.At("g"))));
  CHECK(absl::IsAlreadyExists(t.fs()->CreateDir(t.At("f"))));
  CHECK(MustRead(t.fs(), t.At("g")) == "g");
}

TEST_CASE_TEMPLATE("file system: a directory is no file and a file no directory", T,
                   ALL_FILE_SYSTEMS) {
  T t;
  MustWrite(t.fs(), t.At("f"), "f");
  CHECK(t.fs()->CreateDir(t.At("d")).ok());
  const std::vector<absl::Status> refused = {t.fs()->OpenForRead(t.At("d")).status(),
                                             t.fs()->Create(t.At("d")).status(),
                                             t.fs()->Remove(t.At("d")),
                                             t.fs()->FileSize(t.At("d")).status(),
                                             t.fs()->Rename(t.At("f"), t.At("d")),
                                             t.fs()->Rename(t.At("d"), t.At("f")),
                                             t.fs()->Rename(t.At("d"), t.At("d/e")),
                                             t.fs()->Lock(t.At("d")).status(),
                                             t.fs()->List(t.At("f")).status(),
                                             t.fs()->RemoveDir(t.At("f")),
                                             t.fs()->OpenForRead(t.At("f/g")).status()};
  for (const absl::Status& status : refused) {
    CHECK_MESSAGE(absl::IsInternal(status), status.ToString());
  }
  CHECK(SortedNames(t.fs(), t.At("")) == std::vector<std::string>{"d", "f"});
}

TEST_CASE_TEMPLATE("file system: an error names the path, the call and the reason", T,
                   ALL_FILE_SYSTEMS) {
  T t;
  const std::string a = t.At("a");
  const std::string b = t.At("b");
  CHECK(t.fs()->OpenForRead(a).status().message() == a + ": open: No such file or directory");
  CHECK(t.fs()->Rename(a, b).message() == a + " -> " + b + ": rename: No such file or directory");
}

TEST_CASE_TEMPLATE("file system: directories are made, listed and removed when empty", T,
                   ALL_FILE_SYSTEMS) {
  T t;
  CHECK(t.fs()->CreateDir(t.At("d")).ok());
  CHECK(t.fs()->CreateDir(t.At("d")).ok());
  CHECK(SortedNames(t.fs(), t.At("d")).empty());
  MustWrite(t.fs(), t.At("d/b"), "");
  MustWrite(t.fs(), t.At("d/a"), "");
  CHECK(SortedNames(t.fs(), t.At("d")) == std::vector<std::string>{"a", "b"});
  CHECK(absl::IsInternal(t.fs()->RemoveDir(t.At("d"))));
  CHECK(t.fs()->Remove(t.At("d/a")).ok());
  CHECK(t.fs()->Remove(t.At("d/b")).ok());
  CHECK(t.fs()->RemoveDir(t.At("d")).ok());
  CHECK(SortedNames(t.fs(), t.At("")).empty());
}

TEST_CASE_TEMPLATE("file system: a rename moves a file and replaces the one in its way", T,
                   ALL_FILE_SYSTEMS) {
  T t;
  MustWrite(t.fs(), t.At("from"), "new");
  MustWrite(t.fs(), t.At("to"), "old");
  CHECK(t.fs()->Rename(t.At("from"), t.At("to")).ok());
  CHECK(t.fs()->Rename(t.At("to"), t.At("to")).ok());
  CHECK(MustRead(t.fs(), t.At("to")) == "new");
  CHECK(SortedNames(t.fs(), t.At("")) == std::vector<std::string>{"to"});
}

TEST_CASE_TEMPLATE("file system: a directory moves with what is in it", T, ALL_FILE_SYSTEMS) {
  T t;
  CHECK(t.fs()->CreateDir(t.At("d")).ok());
  MustWrite(t.fs(), t.At("d/f"), "f");
  CHECK(t.fs()->Rename(t.At("d"), t.At("e")).ok());
  CHECK(MustRead(t.fs(), t.At("e/f")) == "f");
  CHECK(SortedNames(t.fs(), t.At("")) == std::vector<std::string>{"e"});
}

TEST_CASE_TEMPLATE("file system: a linked file lives until its last name goes", T,
                   ALL_FILE_SYSTEMS) {
  T t;
  MustWrite(t.fs(), t.At("one"), "bytes");
  CHECK(t.fs()->Link(t.At("one"), t.At("two")).ok());
  CHECK(t.fs()->Rename(t.At("one"), t.At("two")).ok());  // POSIX: does nothing.
  CHECK(SortedNames(t.fs(), t.At("")) == std::vector<std::string>{"one", "two"});
  CHECK(t.fs()->Remove(t.At("one")).ok());
  CHECK(MustRead(t.fs(), t.At("two")) == "bytes");
}

TEST_CASE_TEMPLATE("file system: an open file is readable after its removal", T, ALL_FILE_SYSTEMS) {
  T t;
  MustWrite(t.fs(), t.At("f"), "bytes");
  const std::unique_ptr<ReadableFile> file = MustOpen(t.fs(), t.At("f"));
  CHECK(t.fs()->Remove(t.At("f")).ok());
  CHECK_FALSE(Exists(t.fs(), t.At("f")));
  CHECK(ReadAt(*file, 0, 5) == "bytes");
}

TEST_CASE_TEMPLATE("file system: a file longer than the bound is DataLoss", T, ALL_FILE_SYSTEMS) {
  T t;
  MustWrite(t.fs(), t.At("f"), "12345");
  CHECK(*ReadFileToString(t.fs(), t.At("f"), 5) == "12345");
  const absl::Status status = ReadFileToString(t.fs(), t.At("f"), 4).status();
  CHECK(absl::IsDataLoss(status));
  CHECK(status.message() ==
        t.At("f") + ": damaged at offset 4: file length: expected at most 4, found 5");
}

// Crash case 28.
TEST_CASE_TEMPLATE("file system: a lock is refused twice in one process until it is let go", T,
                   ALL_FILE_SYSTEMS) {
  T t;
  absl::StatusOr<std::unique_ptr<FileLock>> held = t.fs()->Lock(t.At("LOCK"));
  REQUIRE(held.ok());
  CHECK(Exists(t.fs(), t.At("LOCK")));
  CHECK(absl::IsUnavailable(t.fs()->Lock(t.At("LOCK")).status()));
  CHECK(absl::IsUnavailable(t.fs()->Lock(t.At("LOCK")).status()));
  CHECK(t.fs()->Lock(t.At("OTHER")).ok());
  held->reset();
  CHECK(t.fs()->Lock(t.At("LOCK")).ok());
}

}  // namespace
}  // namespace fathom
