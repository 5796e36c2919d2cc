#include "lsm/db_impl.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace fathom {

DBImpl::DBImpl(const Options& options, std::string dir)
    : options_(options),
      dir_(std::move(dir)),
      fs_(options.file_system),
      cache_(options.block_cache_bytes) {}

DBImpl::~DBImpl() {
  bool closed = false;
  {
    absl::MutexLock lock(&mutex_);
    closed = closed_;
  }
  if (!closed) {
    const absl::Status status = Close();
    if (!status.ok()) {
      Log(absl::StrCat(dir_, ": close failed: ", status.ToString()));
    }
  }
}

std::string DBImpl::Path(absl::string_view name) const { return absl::StrCat(dir_, "/", name); }

void DBImpl::Log(absl::string_view line) const {
  if (options_.log) {
    options_.log(line);
  }
}

Stats DBImpl::GetStats() const {
  Stats s;
  s.puts = counters_.puts;
  s.deletes = counters_.deletes;
  s.batches = counters_.batches;
  s.gets = counters_.gets;
  s.iterators = counters_.iterators;
  s.user_bytes = counters_.user_bytes;
  s.log_bytes = counters_.log_bytes;
  s.log_syncs = counters_.log_syncs;
  s.reads.memtables_checked = counters_.memtables_checked;
  s.reads.levels_checked = counters_.levels_checked;
  s.reads.tables_checked = counters_.tables_checked;
  s.reads.filters_checked = counters_.filters_checked;
  s.reads.filters_rejected = counters_.filters_rejected;
  s.reads.blocks_cached = counters_.blocks_cached;
  s.reads.blocks_read = counters_.blocks_read;
  s.reads.bytes_read = counters_.bytes_read;
  s.last_sequence = last_sequence_;

  const BlockCache::Counters cache = cache_.counters();
  s.cache_hits = cache.hits;
  s.cache_misses = cache.misses;
  s.cache_evictions = cache.evictions;
  s.cache_bytes = cache.bytes;

  absl::MutexLock lock(&mutex_);
  s.flushes = flushes_;
  s.flushed_entries = flushed_entries_;
  s.flushed_bytes = flushed_bytes_;
  s.write_waits = write_waits_;
  s.write_wait_micros = write_wait_micros_;
  s.memtable_entries = memtable_->entries();
  s.memtable_bytes = memtable_->charge();
  s.memtable_memory_bytes = memtable_->memory_bytes();
  s.immutable_memtables = immutables_.size();
  for (const Immutable& immutable : immutables_) {
    s.memtable_memory_bytes += immutable.memtable->memory_bytes();
  }
  for (int level = 0; level < kNumLevels; ++level) {
    s.tables += version_->level(level).size();
    s.table_bytes += version_->LevelBytes(level);
    for (const std::shared_ptr<LiveTable>& table : version_->level(level)) {
      s.table_memory_bytes += table->reader().memory_bytes();
    }
  }
  return s;
}

}  // namespace fathom
