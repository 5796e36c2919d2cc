// The files of a store's directory and what their names mean:
//
//   CURRENT          one line: the name of the live manifest
//   CURRENT.tmp      the next CURRENT before its rename
//   MANIFEST-nnnnnn  the log of version edits
//   LOCK             held by the process that has the store open
//   nnnnnn.wal       a write-ahead log
//   L<level>_<nnn>.sst  a table: the level it was born on and its number
//
// Manifests and logs share one sequence of numbers; tables have their own, from 1. Numbers are
// padded to six digits (tables: three) and grow longer when they must.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace fathom {

inline constexpr char kCurrentFileName[] = "CURRENT";
inline constexpr char kCurrentTempFileName[] = "CURRENT.tmp";
inline constexpr char kLockFileName[] = "LOCK";

std::string ManifestFileName(uint64_t number);
std::string LogFileName(uint64_t number);
std::string TableFileName(int born_level, uint64_t number);

enum class FileKind : uint8_t { kCurrent, kCurrentTemp, kLock, kManifest, kLog, kTable };

struct ParsedFileName {
  FileKind kind;
  uint64_t number = 0;  // 0 where the kind has none
  int born_level = 0;   // of a table
};

// What `name` (no directory) means; nothing if it is not a name that this store writes: such a file
// is somebody else's and is left alone.
std::optional<ParsedFileName> ParseFileName(absl::string_view name);

// The directory whose sync makes the name of directory `dir` durable. Of "/" it is "/".
std::string ParentOf(const std::string& dir);

}  // namespace fathom
