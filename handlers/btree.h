// The B-tree that lsm_benchmark measures the LSM tree against: LMDB, where the build found it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace fathom {

// What a benchmark of one engine measured.
struct EngineFigures {
  double write_ops_sec = 0;
  double read_p50_us = 0;
  double space_amplification = 0;  // bytes on disk for each byte of keys and values
};

// One key and one value each, in the order in which they are written.
using BenchmarkRecords = std::vector<std::pair<std::string, std::string>>;

// Writes `records` to a fresh B-tree in the directory `dir`, each in a transaction of its own and
// none synced, then reads those with the numbers in `reads`. Unimplemented in a build without LMDB.
absl::StatusOr<EngineFigures> BenchmarkBtree(const std::string& dir,
                                             const BenchmarkRecords& records,
                                             const std::vector<size_t>& reads);

// The median of `micros`, which is reordered. REQUIRES: not empty.
double Median(std::vector<double>* micros);

}  // namespace fathom
