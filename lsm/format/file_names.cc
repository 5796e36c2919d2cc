#include "lsm/format/file_names.h"

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace fathom {

namespace {

constexpr absl::string_view kManifestPrefix = "MANIFEST-";
constexpr absl::string_view kLogSuffix = ".wal";
constexpr absl::string_view kTableSuffix = ".sst";

// The name is `parsed`'s if writing `parsed` gives it again: other paddings, signs and spaces are
// foreign.
std::optional<ParsedFileName> IfWrittenAs(absl::string_view name, const std::string& written,
                                          const ParsedFileName& parsed) {
  if (parsed.number == 0 || name != written) {
    return std::nullopt;
  }
  return parsed;
}

std::optional<ParsedFileName> ParseTableFileName(absl::string_view name) {
  ParsedFileName parsed{.kind = FileKind::kTable};
  // L<level>_<number>.sst
  if (name.size() < 3 || name[0] != 'L' || name[1] < '0' || name[1] > '6' || name[2] != '_') {
    return std::nullopt;
  }
  parsed.born_level = name[1] - '0';
  const absl::string_view digits = absl::StripSuffix(name.substr(3), kTableSuffix);
  if (!absl::SimpleAtoi(digits, &parsed.number)) {
    return std::nullopt;
  }
  return IfWrittenAs(name, TableFileName(parsed.born_level, parsed.number), parsed);
}

}  // namespace

std::string ManifestFileName(uint64_t number) {
  return absl::StrCat(kManifestPrefix, absl::Dec(number, absl::kZeroPad6));
}

std::string LogFileName(uint64_t number) {
  return absl::StrCat(absl::Dec(number, absl::kZeroPad6), kLogSuffix);
}

std::string TableFileName(int born_level, uint64_t number) {
  return absl::StrCat("L", born_level, "_", absl::Dec(number, absl::kZeroPad3), kTableSuffix);
}

std::optional<ParsedFileName> ParseFileName(absl::string_view name) {
  if (name == kCurrentFileName) {
    return ParsedFileName{.kind = FileKind::kCurrent};
  }
  if (name == kCurrentTempFileName) {
    return ParsedFileName{.kind = FileKind::kCurrentTemp};
  }
  if (name == kLockFileName) {
    return ParsedFileName{.kind = FileKind::kLock};
  }
  uint64_t number = 0;
  absl::string_view digits = name;
  if (absl::ConsumePrefix(&digits, kManifestPrefix) && absl::SimpleAtoi(digits, &number)) {
    return IfWrittenAs(name, ManifestFileName(number),
                       {.kind = FileKind::kManifest, .number = number});
  }
  if (absl::ConsumeSuffix(&digits, kLogSuffix) && absl::SimpleAtoi(digits, &number)) {
    return IfWrittenAs(name, LogFileName(number), {.kind = FileKind::kLog, .number = number});
  }
  return ParseTableFileName(name);
}

std::string ParentOf(const std::string& dir) {
  const size_t last = dir.find_last_not_of('/');
  const size_t slash = dir.find_last_of('/', last);
  if (slash == std::string::npos) {
    return ".";
  }
  const size_t end = dir.find_last_not_of('/', slash);
  return end == std::string::npos ? "/" : dir.substr(0, end + 1);
}

}  // namespace fathom
