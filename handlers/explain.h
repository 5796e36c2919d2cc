// The `explain` object: what a request cost. Every figure is counted by the code that did the work
// or is the difference of the engine's counters around it; nothing is estimated. Without "explain":
// true in the request none of this costs anything.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "handlers/context.h"
#include "handlers/reply.h"
#include "lsm/stats.h"

namespace fathom {

// Opens `explain` and, when it goes, closes it with the microseconds since `start` as its last
// field.
class ExplainObject {
 public:
  ExplainObject(std::chrono::steady_clock::time_point start, Reply* reply);
  ~ExplainObject();

  ExplainObject(const ExplainObject&) = delete;
  ExplainObject& operator=(const ExplainObject&) = delete;

  void Uint(absl::string_view name, uint64_t v) { reply_->Uint(name, v); }
  void Bool(absl::string_view name, bool v) { reply_->Bool(name, v); }
  // found, deleted, and the cost.
  void Read(const ReadResult& result);
  // blocks_cached, blocks_read, bytes_read.
  void Blocks(const ReadCost& cost);

 private:
  const std::chrono::steady_clock::time_point start_;
  Reply* const reply_;
};

// Made before the work that is to be explained; asks clock and counters only if `explain` is asked
// for.
class Meter {
 public:
  explicit Meter(const HandlerContext& context);

  // For a request that changed the store: log_bytes, write_waits, write_wait_micros, flushes (that
  // ended meanwhile), then the memtable's entries and bytes.
  void ExplainWrite(ExplainObject* explain) const;
  std::chrono::steady_clock::time_point start() const { return start_; }

 private:
  const HandlerContext& context_;
  std::chrono::steady_clock::time_point start_;
  std::optional<Stats> before_;
};

}  // namespace fathom
