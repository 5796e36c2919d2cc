#include "node/data_dir.h"
#include "handlers/temp_dir.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "lsm/io/mem_file_system.h"

namespace fathom {
namespace {

TEST_CASE("data_dir: a node's name must be the name of a directory") {
  for (const char* good : {"n1", "a b", "...", "-", "\xc3\xa9", ".hidden"}) {
    CHECK(CheckNodeId(good).ok());
  }
  CHECK(CheckNodeId(std::string(255, 'n')).ok());
  for (const char* bad : {"", ".", "..", "/", "a/b", "../x", "/etc"}) {
    CAPTURE(std::string(bad));
    CHECK(absl::IsInvalidArgument(CheckNodeId(bad)));
  }
  CHECK_FALSE(CheckNodeId(std::string(256, 'n')).ok());
  CHECK_FALSE(CheckNodeId(absl::string_view("a\0b", 3)).ok());
}

TEST_CASE("data_dir: missing parents are made, durably") {
  for (const char* data_dir : {"/a/b/c", "/a/b/c/", "/a//b/c", "/"}) {
    MemFileSystem fs;
    const auto dir = MakeStoreDir(&fs, data_dir, "n1");
    REQUIRE(dir.ok());
    CHECK(*dir == std::string(data_dir) + "/n1");
    CHECK(fs.CrashClone(1, 0)->List(*dir).ok());
    CHECK(MakeStoreDir(&fs, data_dir, "n1").ok());
  }
}

TEST_CASE("data_dir: what a dead process had made is made durable") {
  for (const bool store_too : {false, true}) {
    MemFileSystem fs;
    REQUIRE(fs.CreateDir("/a").ok());
    REQUIRE((!store_too || (fs.SyncDir("/").ok() && fs.CreateDir("/a/n1").ok())));
    CHECK(MakeStoreDir(&fs, "/a", "n1").ok());
    CHECK(fs.CrashClone(1, 0)->List("/a/n1").ok());
  }
}

TEST_CASE("data_dir: what stands in the way is an error") {
  MemFileSystem fs;
  REQUIRE(fs.Create("/file").ok());
  CHECK_FALSE(MakeStoreDir(&fs, "/file/x", "n1").ok());
  CHECK_FALSE(MakeStoreDir(&fs, "/file", "n1").ok());
}

TEST_CASE("data_dir: a relative directory works on the real file system") {
  const auto temp = TempDir::Make();
  REQUIRE(temp.ok());
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path((*temp)->path());
  CHECK(MakeStoreDir(PosixFileSystem(), "x/y", "n1").value() == "x/y/n1");
  CHECK(MakeStoreDir(PosixFileSystem(), ".", "n2").ok());
  CHECK(MakeStoreDir(PosixFileSystem(), "x/..", "n3").ok());
  std::filesystem::current_path(before);
  CHECK(std::filesystem::is_directory((*temp)->path() + "/x/y/n1"));
  CHECK(std::filesystem::is_directory((*temp)->path() + "/n3"));
}

TEST_CASE("data_dir: a temporary directory is removed with all that it holds") {
  std::string path;
  {
    const auto temp = TempDir::Make();
    REQUIRE(temp.ok());
    path = (*temp)->path();
    std::ofstream(path + "/file") << "x";
    CHECK(std::filesystem::is_directory(path));
  }
  CHECK_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace fathom
