// The workloads, by the names that users of db_bench know; README.md says what each does.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/bench/store/engine.h"
#include "tests/bench/store/measure.h"

namespace fathom {

inline constexpr size_t kValueBytes = 100;

struct WorkloadContext {
  EngineKind engine;
  EngineSettings settings;
  uint64_t records = 0;
  uint64_t write_rate = 0;  // of readwhilewriting's writer, operations a second
  uint64_t round = 0;       // from 0; rounds differ in their order of keys
};

struct Workload {
  const char* name;
  const char* store;  // workloads of one engine with the same name here share a directory
  const char* after;  // another that must have run in this round; null: starts from nothing
  bool once;          // one long operation, told in ms; others are told in operations a second
  // In a process of its own.
  Sample (*run)(const WorkloadContext& context);
};

// In the order in which they run.
const std::vector<Workload>& AllWorkloads();

}  // namespace fathom
