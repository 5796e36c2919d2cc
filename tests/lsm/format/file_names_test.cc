#include "lsm/format/file_names.h"

#include <doctest/doctest.h>

#include <limits>

namespace fathom {
namespace {

constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();

void CheckParses(const std::string& name, FileKind kind, uint64_t number, int born_level) {
  CAPTURE(name);
  const auto parsed = ParseFileName(name);
  REQUIRE(parsed.has_value());
  CHECK(parsed->kind == kind);
  CHECK(parsed->number == number);
  CHECK(parsed->born_level == born_level);
}

TEST_CASE("file names: numbers are padded and grow longer when they must") {
  CHECK(ManifestFileName(1) == "MANIFEST-000001");
  CHECK(ManifestFileName(1234567) == "MANIFEST-1234567");
  CHECK(LogFileName(42) == "000042.wal");
  CHECK(LogFileName(999999) == "999999.wal");
  CHECK(LogFileName(1000000) == "1000000.wal");
  CHECK(TableFileName(0, 1) == "L0_001.sst");
  CHECK(TableFileName(6, 1000) == "L6_1000.sst");
}

TEST_CASE("file names: each name that is written is understood") {
  CheckParses("CURRENT", FileKind::kCurrent, 0, 0);
  CheckParses("CURRENT.tmp", FileKind::kCurrentTemp, 0, 0);
  CheckParses("LOCK", FileKind::kLock, 0, 0);
  for (const uint64_t number :
       {uint64_t{1}, uint64_t{999}, uint64_t{1000}, uint64_t{999999}, uint64_t{1000000}, kMax}) {
    CheckParses(ManifestFileName(number), FileKind::kManifest, number, 0);
    CheckParses(LogFileName(number), FileKind::kLog, number, 0);
    for (int level = 0; level <= 6; ++level) {
      CheckParses(TableFileName(level, number), FileKind::kTable, number, level);
    }
  }
}

TEST_CASE("file names: every other name is somebody else's") {
  for (const char* name :
       {"", ".", "..", "current", "CURRENT ", "CURRENT.tmp2", "LOCK.", "LOCKS",
        // Another padding, another sign, another base.
        "1.wal", "0000001.wal", "+00001.wal", " 00001.wal", "00001 .wal", "-00001.wal",
        "0x0001.wal", "MANIFEST-1", "MANIFEST-0000001", "MANIFEST-+00001", "L0_0001.sst",
        "L0_1.sst", "L0_+01.sst", "L0_ 01.sst",
        // No number is 0.
        "000000.wal", "MANIFEST-000000", "L0_000.sst",
        // 2^64 and more.
        "18446744073709551616.wal", "MANIFEST-99999999999999999999", "L0_18446744073709551616.sst",
        // Levels that are none.
        "L7_001.sst", "L9_001.sst", "L-_001.sst", "L_001.sst", "L00_001.sst", "L10_001.sst",
        // Parts missing or too many.
        "MANIFEST-", "MANIFEST", ".wal", "wal", "000001", "000001.wal.tmp", "000001.log",
        "000001.WAL", "L0_.sst", "L0_001", "L0_001.sst~", "l0_001.sst", "L0-001.sst", "L0",
        "L0_001.sst.sst", "dir/000001.wal", "MANIFEST-000001.wal", "000001.sst", "00a001.wal"}) {
    CAPTURE(name);
    CHECK_FALSE(ParseFileName(name).has_value());
  }
  CHECK_FALSE(ParseFileName(absl::string_view("000001.wal\0", 11)).has_value());
  CHECK_FALSE(ParseFileName(absl::string_view("\0000001.wal", 10)).has_value());
}

}  // namespace
}  // namespace fathom
