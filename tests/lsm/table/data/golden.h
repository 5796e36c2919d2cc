// Access to the golden tables of this folder.
#pragma once

#include <doctest/doctest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "lsm/io/file_system.h"

namespace fathom {

// Those of RocksDB's that hold GoldenContents.
inline constexpr const char* kGoldenTables[] = {
    "default",
    "v2_crc32c_none",
    "v3_xxhash_lz4",
    "v4_xxhash64_zstd",
    "v5_lz4hc_delta_index_filter",
    "no_shortening_ribbon",
    "partitioned_index_and_filter",
    "hash_index",
    "index_with_first_key",
    "hash_in_data_blocks",
    "aligned_blocks",
};

// The bytes of a table of this folder.
inline std::string GoldenBytes(const std::string& name) {
  constexpr uint64_t kMost = 1 << 20;
  absl::StatusOr<std::string> bytes = ReadFileToString(
      PosixFileSystem(), absl::StrCat(FATHOM_SOURCE_DIR, "/tests/lsm/table/data/", name, ".sst"),
      kMost);
  REQUIRE_MESSAGE(bytes.ok(), bytes.status().ToString());
  return *std::move(bytes);
}

}  // namespace fathom
