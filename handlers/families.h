// The message families, one source file each. What each type does is told in README.md.
#pragma once

#include "handlers/registry.h"

namespace fathom {

void RegisterBasicHandlers(Registry* registry);     // echo
void RegisterMemtableHandlers(Registry* registry);  // memtable_put, memtable_get, memtable_scan
void RegisterSstableHandlers(Registry* registry);   // sstable_flush, sstable_lookup
void RegisterLsmHandlers(Registry* registry);       // lsm_put, lsm_get, lsm_read, lsm_delete, ...
void RegisterLinKvHandlers(Registry* registry);     // read, write, cas
void RegisterCompactionHandlers(
    Registry* registry);                             // lsm_compact, lsm_verify, lsm_checkpoint, ...
void RegisterBenchmarkHandlers(Registry* registry);  // lsm_benchmark
void RegisterStatsHandlers(Registry* registry);      // lsm_level_info, lsm_stats

}  // namespace fathom
