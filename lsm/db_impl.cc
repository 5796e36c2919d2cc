#include "lsm/db_impl.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace fathom {

DBImpl::DBImpl(const Options& options, std::string dir)
    : options_(options),
      fs_(options.file_system),
      cache_(options.block_cache_bytes, options.block_bytes),
      index_budget_(options.index_cache_bytes),
      arena_blocks_(std::make_shared<ArenaBlocks>(
          2 * (options.memtable_bytes / ArenaBlocks::kBlockBytes + 1))),
      home_{fs_, std::move(dir), TableCaches(&cache_, &index_budget_)},
      throttle_(options) {
  level_targets_.level0_tables = options.level0_compaction_tables;
  level_targets_.level0_slowdown_tables = options.level0_slowdown_tables;
  level_targets_.max_bytes = LevelBytes(options.level0_bytes, options.level_ratio);
}

DBImpl::~DBImpl() {
  bool closed = false;
  {
    absl::MutexLock lock(&mutex_);
    closed = closed_;
  }
  if (!closed) {
    const absl::Status status = Close();
    if (!status.ok()) {
      Log(absl::StrCat(home_.dir, ": close failed: ", status.ToString()));
    }
  }
}

std::string DBImpl::Path(absl::string_view name) const {
  return absl::StrCat(home_.dir, "/", name);
}

void DBImpl::Log(absl::string_view line) const {
  if (options_.log) {
    options_.log(line);
  }
}

}  // namespace fathom
