#include "tests/bench/store/workload_parts.h"

#include <random>
#include <string>

namespace fathom {

void Require(bool condition, const char* what) {
  if (!condition) {
    std::fprintf(stderr, "store_bench: wrong answer: %s\n", what);
    std::exit(1);
  }
}

std::unique_ptr<Engine> OpenEngine(const WorkloadContext& context) {
  return context.engine.open(context.settings);
}

void WarmUp(const WorkloadContext& context, Engine* engine) {
  std::mt19937_64 random(600 + context.round);
  std::string value;
  for (uint64_t i = 0; i < context.records / 2; ++i) {
    Require(engine->Get(RecordKey(KeyNumber(random() % context.records)).view(), &value),
            "a record was not found");
  }
}

void SetLatencies(const Latencies& latencies, Sample* sample) {
  sample->p50_micros = latencies.Percentile(50);
  sample->p99_micros = latencies.Percentile(99);
  sample->p999_micros = latencies.Percentile(99.9);
}

}  // namespace fathom
