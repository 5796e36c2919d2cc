// Appending to the write-ahead log: records of one put of 16 + 100 bytes.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>

#include "lsm/io/file_system.h"
#include "lsm/wal/batch.h"
#include "lsm/wal/log_writer.h"
#include "tests/bench/records.h"
#include "tests/bench/scratch_dir.h"

namespace fathom {
namespace {

// The log starts anew here, so that the disk does not fill.
constexpr uint64_t kLogBytes = uint64_t{64} << 20;

std::string OnePut() {
  std::string batch(kBatchHeaderBytes, '\0');
  AppendPut(RecordKey(1).view(), RecordValues(100).Next(), &batch);
  return batch;
}

std::unique_ptr<LogWriter> NewLog(const std::string& path) {
  auto file = PosixFileSystem()->Create(path);
  if (!file.ok()) {
    return nullptr;
  }
  return std::make_unique<LogWriter>(*std::move(file), LogHeader{1, 0, 0}, /*preallocate=*/true);
}

// Calls `finish` after every append.
template <typename Finish>
void AppendLoop(benchmark::State& state, Finish finish) {
  const ScratchDir dir;
  const std::string record = OnePut();
  std::unique_ptr<LogWriter> log = NewLog(dir / "log");
  for (auto _ : state) {
    if (log == nullptr || !log->Append(record).ok() || !finish(log.get()).ok()) {
      state.SkipWithError("append failed");
      return;
    }
    if (log->length() > kLogBytes) {
      state.PauseTiming();
      log = NewLog(dir / "log");
      state.ResumeTiming();
    }
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(record.size()));
}

void BM_WalAppend_Buffered(benchmark::State& state) {
  AppendLoop(state, [](LogWriter*) { return absl::OkStatus(); });
}
BENCHMARK(BM_WalAppend_Buffered);

void BM_WalAppend_WriteEach(benchmark::State& state) {
  AppendLoop(state, [](LogWriter* log) { return log->Flush(); });
}
BENCHMARK(BM_WalAppend_WriteEach);

void BM_WalAppend_SyncEach(benchmark::State& state) {
  AppendLoop(state, [](LogWriter* log) { return log->Sync(); });
}
BENCHMARK(BM_WalAppend_SyncEach)->UseRealTime();

}  // namespace
}  // namespace fathom
