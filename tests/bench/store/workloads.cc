#include "tests/bench/store/workloads.h"

#include "tests/bench/store/workload_parts.h"

namespace fathom {

const std::vector<Workload>& AllWorkloads() {
  static const std::vector<Workload> workloads = {
      {"fillseq", "seq", nullptr, false, FillSeq},
      {"deleterandom", "seq", "fillseq", false, DeleteRandom},
      {"fillrandom", "random", nullptr, false, FillRandom},
      {"readrandom", "random", "fillrandom", false, ReadRandom},
      {"readmissing", "random", "fillrandom", false, ReadMissing},
      {"readseq", "random", "fillrandom", false, ReadSeq},
      {"readreverse", "random", "fillrandom", false, ReadReverse},
      {"seekrandom", "random", "fillrandom", false, SeekRandom},
      {"readwhilewriting", "random", "fillrandom", false, ReadWhileWriting},
      {"mixed", "random", "fillrandom", false, Mixed},
      {"overwrite", "random", "fillrandom", false, Overwrite},
      {"fillsync", "sync", nullptr, false, FillSync},
      {"fillsync8", "sync8", nullptr, false, FillSync8},
      {"compact", "random", "overwrite", true, CompactOnce},
      {"flush", "flush", nullptr, true, FlushOnce},
      {"reopen", "large", nullptr, true, Reopen},
      {"replay", "replay", nullptr, true, Replay},
  };
  return workloads;
}

}  // namespace fathom
