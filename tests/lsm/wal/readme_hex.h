// The hex dumps in the README files, so that a test can hold them to the truth.
#pragma once

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace fathom {

// The bytes of the first block fenced as ```hex in the README.md of `folder` (of the source tree).
// A line of it is `offset: bytes ; meaning`. A dump whose offsets do not add up gives nothing.
inline std::string ReadmeHex(absl::string_view folder) {
  std::ifstream file(absl::StrCat(FATHOM_SOURCE_DIR, "/", folder, "/README.md"));
  std::stringstream text;
  text << file.rdbuf();
  const std::string whole = text.str();
  const std::vector<absl::string_view> fenced =
      absl::StrSplit(whole, absl::MaxSplits("```hex\n", 1));
  if (fenced.size() != 2) {
    return "";
  }
  std::string bytes;
  const absl::string_view dump = fenced[1].substr(0, fenced[1].find("```"));
  for (const absl::string_view line : absl::StrSplit(dump, '\n', absl::SkipEmpty())) {
    const std::vector<absl::string_view> parts = absl::StrSplit(line, absl::ByAnyChar(":;"));
    if (parts.size() < 3 || parts[0] != absl::StrCat(absl::Hex(bytes.size(), absl::kZeroPad3))) {
      return "";
    }
    bytes += absl::HexStringToBytes(absl::StrReplaceAll(parts[1], {{" ", ""}}));
  }
  return bytes;
}

// For failures: what the bytes are, to compare with the README by eye.
inline std::string ToHex(absl::string_view bytes) { return absl::BytesToHexString(bytes); }

}  // namespace fathom
