#include "lsm/options.h"

#include "absl/strings/str_cat.h"

namespace fathom {
namespace {

template <typename T>
void Require(const char* option, T value, T min, absl::Status* status) {
  if (value < min) {
    status->Update(absl::InvalidArgumentError(
        absl::StrCat("Options::", option, ": expected at least ", min, ", found ", value)));
  }
}

}  // namespace

absl::Status CheckOptions(const Options& options) {
  absl::Status status;
  if (options.file_system == nullptr) {
    status = absl::InvalidArgumentError("Options::file_system: expected one, found null");
  }
  Require<size_t>("memtable_bytes", options.memtable_bytes, 1, &status);
  Require("max_immutable_memtables", options.max_immutable_memtables, 1, &status);
  Require<size_t>("block_bytes", options.block_bytes, 1, &status);
  Require("level0_compaction_tables", options.level0_compaction_tables, 1, &status);
  Require("level0_slowdown_tables", options.level0_slowdown_tables, 1, &status);
  Require("level0_stop_tables", options.level0_stop_tables, 2, &status);
  Require<uint64_t>("level0_bytes", options.level0_bytes, 1, &status);
  Require("level_ratio", options.level_ratio, 2, &status);
  Require<uint64_t>("table_bytes", options.table_bytes, 1, &status);
  Require("compaction_threads", options.compaction_threads, 0, &status);
  Require("sync_interval_millis", options.sync_interval_millis, 0, &status);
  return status;
}

}  // namespace fathom
