// Says where a compaction's output is cut into tables: at a target size, and rather at a boundary
// of the level below the target, so that a table overlaps few tables there when its own turn comes.
// Never between two versions of one user key.
//
// One thread at a time.
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "lsm/manifest/version.h"

namespace fathom {

class OutputSplitter {
 public:
  // `below` are the tables under the target level, in key order; must outlive the splitter.
  OutputSplitter(uint64_t target_bytes, const Version::Tables& below)
      : target_bytes_(target_bytes), below_(below) {}

  // Whether the entry `internal_key` must begin a new table, where the one at hand has
  // `table_bytes` (0: there is none yet). REQUIRES: keys come in order.
  bool CutBefore(absl::string_view internal_key, uint64_t table_bytes);

 private:
  // A table that overlaps more than so many times its own size below is cut early.
  static constexpr uint64_t kMaxOverlap = 10;

  const uint64_t target_bytes_;
  const Version::Tables& below_;
  size_t next_below_ = 0;       // the first table that is not wholly before the last key
  uint64_t overlap_bytes_ = 0;  // of tables below that the table at hand has passed
  std::string user_key_;
  bool any_ = false;
};

}  // namespace fathom
