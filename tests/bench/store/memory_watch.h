// The most memory that this process has held, but for pages of mapped files, which are the file
// cache's. The system keeps no such peak, so a thread looks every few milliseconds: what comes and
// goes between two looks is missed.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>

namespace fathom {

class MemoryWatch {
 public:
  MemoryWatch();
  MemoryWatch(const MemoryWatch&) = delete;
  MemoryWatch& operator=(const MemoryWatch&) = delete;
  ~MemoryWatch();

  // Bytes held at most since this was made, above what was held then.
  uint64_t PeakBytes();

 private:
  void Look();

  const int statm_;
  const uint64_t base_pages_;
  std::atomic<uint64_t> peak_pages_;
  std::jthread thread_;  // the last: it uses the others
};

}  // namespace fathom
