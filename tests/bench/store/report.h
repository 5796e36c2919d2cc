// The samples of a whole session, and how they are told: tables and a picture of medians for
// people, JSON with every round for programs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/bench/store/bars.h"
#include "tests/bench/store/measure.h"
#include "tests/bench/store/table.h"
#include "tests/bench/store/workloads.h"

namespace fathom {

struct ReportSettings {
  std::string command;  // that gives this report
  uint64_t records = 0;
  uint64_t rounds = 0;
  uint64_t write_rate = 0;
  EngineSettings engine;
};

class Report {
 public:
  // The first engine is the one that is compared with the better one of the others.
  Report(const ReportSettings& settings, std::vector<EngineKind> engines,
         std::vector<Workload> workloads);

  void Add(size_t workload, size_t engine, const Sample& sample);

  std::string Text() const;
  std::string Markdown() const;
  std::string Json() const;
  // The ratios of throughput and CPU.
  BarChart Chart() const;

 private:
  // A figure of a workload; 0 where there is none.
  using Figure = double (*)(const Sample&);
  enum class Better : bool { kMore, kLess };
  struct Measure {
    const char* name;
    Figure figure;
    Better better;
    bool has_ratio;
  };
  struct Medians {
    std::vector<double> figures;  // one an engine
    double ratio = 0;             // of the first engine to the best of the others; > 1 is better
  };

  Medians MediansOf(size_t workload, const Measure& measure) const;
  // Of the workloads that `selected` likes and that have a figure: a group of columns a measure.
  template <typename Selected>
  Table MakeTable(const std::vector<Measure>& measures, Selected selected) const;
  std::vector<Table> Tables() const;
  std::vector<std::string> Head() const;

  const ReportSettings settings_;
  const std::vector<EngineKind> engines_;
  const std::vector<Workload> workloads_;
  std::vector<std::vector<std::vector<Sample>>> samples_;  // [workload][engine][round]
};

}  // namespace fathom
