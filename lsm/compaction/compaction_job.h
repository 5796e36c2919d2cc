// Carries one compaction out: merges its inputs, drops what nobody can need, writes the outputs,
// and checks them against what was merged before anybody may read them.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "lsm/compaction/compaction.h"
#include "lsm/compaction/table_writer.h"

namespace fathom {

// What a job needs of the store. Everything pointed to must outlive the job.
struct CompactionEnvironment {
  TableHome home;
  TableBuilderOptions table_options;
  uint64_t target_table_bytes = 0;
  std::vector<SequenceNumber> snapshots;       // live ones, ascending
  std::function<uint64_t()> new_table_number;  // called from several threads
  const std::atomic<bool>* cancel = nullptr;   // becomes true when the store closes
  int threads = 1;                             // at most so many ranges at once
};

struct CompactionOutput {
  Version::Tables tables;  // open, durable but for their names, in key order
  uint64_t entries_read = 0;
  uint64_t entries_written = 0;
  uint64_t shadowed = 0;    // versions dropped because a newer one, or a range, hides them
  uint64_t tombstones = 0;  // dropped because they hide nothing
  uint64_t bytes_read = 0;  // of input files
  uint64_t bytes_written = 0;
};

// On error no output is left behind (or none that anything names), and the inputs are as they were.
// DataLoss if an input is damaged or does not hold the entries that the manifest says, or if an
// output read back is not what was merged; Cancelled if the store closes.
absl::StatusOr<CompactionOutput> RunCompaction(const Compaction& compaction,
                                               const CompactionEnvironment& env);

}  // namespace fathom
