// The Bloom filter. A lookup hashes its key once (BM_FilterHash) and probes a filter a table.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <vector>

#include "lsm/format/checksum.h"
#include "lsm/table/bloom_filter.h"
#include "tests/bench/records.h"

namespace fathom {
namespace {

constexpr uint64_t kAbsentKeys = 200'000;
constexpr size_t kAsked = size_t{1} << 12;  // hashes asked for in turn; they stay in the cache

uint64_t HashOf(uint64_t number) { return FilterHash(RecordKey(number).view()); }

// Of the keys 0 to n - 1.
std::string FilterOf(uint64_t n) {
  BloomFilterBuilder builder;
  for (uint64_t number = 0; number < n; ++number) {
    builder.Add(HashOf(number));
  }
  return builder.Finish();
}

double FalsePositivePercent(const BloomFilter& filter, uint64_t n) {
  uint64_t positives = 0;
  for (uint64_t number = n; number < n + kAbsentKeys; ++number) {
    positives += filter.MayContain(HashOf(number)) ? 1 : 0;
  }
  return 100.0 * static_cast<double>(positives) / static_cast<double>(kAbsentKeys);
}

// Asks for keys from `first` on.
void ProbeLoop(benchmark::State& state, uint64_t n, uint64_t first) {
  const std::string block = FilterOf(n);
  const BloomFilter filter(block);
  std::vector<uint64_t> hashes;
  for (uint64_t i = 0; i < kAsked; ++i) {
    hashes.push_back(HashOf(first + i));
  }
  size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(filter.MayContain(hashes[i++ % kAsked]));
  }
  state.counters["false_positive_%"] = FalsePositivePercent(filter, n);
  state.counters["bits/key"] = static_cast<double>(filter.num_bits()) / static_cast<double>(n);
}

void BM_FilterProbe_Hit(benchmark::State& state) {
  ProbeLoop(state, static_cast<uint64_t>(state.range(0)), 0);
}
BENCHMARK(BM_FilterProbe_Hit)->Arg(50'000);

void BM_FilterProbe_Miss(benchmark::State& state) {
  const auto n = static_cast<uint64_t>(state.range(0));
  ProbeLoop(state, n, n);
}
BENCHMARK(BM_FilterProbe_Miss)->Arg(50'000);

void BM_FilterHash(benchmark::State& state) {
  const RecordKey key(42);
  for (auto _ : state) {
    benchmark::DoNotOptimize(FilterHash(key.view()));
  }
}
BENCHMARK(BM_FilterHash);

void BM_FilterBuild(benchmark::State& state) {
  const auto n = static_cast<uint64_t>(state.range(0));
  for (auto _ : state) {
    benchmark::DoNotOptimize(FilterOf(n));
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_FilterBuild)->Arg(50'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace fathom
