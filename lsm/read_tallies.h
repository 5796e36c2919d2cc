// Counts what the gets of a store cost, without a lock, and without two readers that write to the
// same memory: each reader counts in the tally of the slot that it holds (view.h).
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "lsm/manifest/version.h"
#include "lsm/stats.h"
#include "lsm/view.h"

namespace fathom {

// Thread safe: any number add, each holding its slot, while others ask.
class ReadTallies {
 public:
  // `costs` are those of the levels; `result` tells where the get was answered.
  void Add(const ViewHolder::Pin& slot, const ReadResult& result, const LevelCosts& costs);
  // Looks into one table, which are no gets.
  void AddLookup(const ViewHolder::Pin& slot, const ReadResult& result);

  // Sets the figures of reads: Stats::gets, reads and level_reads.
  void Sum(Stats* stats) const;

 private:
  // Written by the one who holds the slot.
  class Count {
   public:
    void operator+=(uint64_t n) {
      count_.store(count_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
    }
    uint64_t value() const { return count_.load(std::memory_order_relaxed); }

   private:
    std::atomic<uint64_t> count_{0};
  };
  struct Level {
    Count levels_checked, tables_checked, found;
    Count filters_checked, filters_rejected;
    Count blocks_cached, blocks_read, bytes_read;

    void Add(const ReadCost& cost);
  };
  struct alignas(64) Tally {
    Count gets, memtables_checked;
    std::array<Level, kNumLevels> levels;
  };

  std::array<Tally, ViewHolder::kSlots> tallies_;
};

}  // namespace fathom
