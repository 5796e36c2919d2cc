// The samples of a whole session, and how they are told: tables of medians for people, JSON with
// every round for programs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/bench/store/measure.h"
#include "tests/bench/store/workloads.h"

namespace fathom {

struct ReportSettings {
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

  void PrintTables() const;
  std::string Json() const;

 private:
  // A figure of a workload, per engine; 0 where there is none.
  using Figure = double (*)(const Sample&);
  struct Row {
    std::string name;
    std::vector<double> figures;  // one an engine
    double ratio = 0;             // of the first engine to the best of the others; > 1 is better
  };

  Row MakeRow(size_t workload, Figure figure, bool more_is_better) const;
  void PrintHead() const;
  void PrintSpeed(bool once, const char* left, Figure left_figure, bool more_is_better,
                  const char* right, Figure right_figure) const;
  void PrintLatencies() const;
  void PrintSpace() const;

  const ReportSettings settings_;
  const std::vector<EngineKind> engines_;
  const std::vector<Workload> workloads_;
  std::vector<std::vector<std::vector<Sample>>> samples_;  // [workload][engine][round]
};

}  // namespace fathom
