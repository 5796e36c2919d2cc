// Every fuzz target over its seeds and past findings, with any compiler.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "lsm/io/file_system.h"
#include "tests/fuzz/targets.h"

namespace fathom {
namespace {

constexpr uint64_t kMaxSeedBytes = uint64_t{1} << 20;

std::vector<std::string> SeedsOf(const FuzzTarget& target) {
  std::vector<std::string> paths;
  const std::string dir = absl::StrCat(FATHOM_SOURCE_DIR, "/tests/fuzz/corpus/", target.name);
  for (const auto& entry : std::filesystem::directory_iterator(dir)) {
    paths.push_back(entry.path().string());
  }
  std::ranges::sort(paths);
  return paths;
}

TEST_CASE("fuzz: every target keeps its promises over its corpus, and sound seeds are sound") {
  for (const FuzzTarget& target : kFuzzTargets) {
    int sound = 0;
    for (const std::string& path : SeedsOf(target)) {
      CAPTURE(path);
      const auto bytes = ReadFileToString(PosixFileSystem(), path, kMaxSeedBytes);
      REQUIRE(bytes.ok());
      const bool found_sound = target.run(*bytes);
      if (absl::StrContains(path, "/sound-")) {
        CHECK(found_sound);
        ++sound;
      }
    }
    CHECK_MESSAGE(sound > 0, "no sound seed for " << std::string(target.name));
  }
}

TEST_CASE("fuzz: every target takes an empty input, and one byte of each value") {
  for (const FuzzTarget& target : kFuzzTargets) {
    CAPTURE(std::string(target.name));
    target.run("");
    for (int byte = 0; byte < 256; ++byte) {
      CAPTURE(byte);
      target.run(std::string(1, static_cast<char>(byte)));
    }
  }
}

}  // namespace
}  // namespace fathom
