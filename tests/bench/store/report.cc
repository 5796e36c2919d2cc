#include "tests/bench/store/report.h"

#include <sys/utsname.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>
#include <utility>

#include "tests/bench/records.h"

namespace fathom {
namespace {

constexpr int kNameWidth = 17;

double Ratio(double a, double b) { return b > 0 ? a / b : 0; }

double ThousandsPerSecond(const Sample& s) {
  return Ratio(static_cast<double>(s.operations), s.seconds) / 1e3;
}
double CpuMicros(const Sample& s) {
  return Ratio(1e6 * s.cpu_seconds, static_cast<double>(s.operations));
}
double Millis(const Sample& s) { return 1e3 * s.seconds; }
double CpuMillis(const Sample& s) { return 1e3 * s.cpu_seconds; }
double P50(const Sample& s) { return s.p50_micros; }
double P99(const Sample& s) { return s.p99_micros; }
double P999(const Sample& s) { return s.p999_micros; }
double PeakMib(const Sample& s) { return static_cast<double>(s.peak_bytes) / (1 << 20); }
double WriteAmplification(const Sample& s) {
  return Ratio(static_cast<double>(s.written_bytes), static_cast<double>(s.user_bytes));
}
double SpaceAmplification(const Sample& s) {
  return Ratio(static_cast<double>(s.disk_bytes), static_cast<double>(s.live_bytes));
}

double Median(std::vector<double> values) {
  if (values.empty()) {
    return 0;
  }
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

// In `width` columns, with some three digits that mean something.
void PrintNumber(int width, double v) {
  if (v == 0) {
    std::printf("%*s", width, "-");
  } else {
    std::printf("%*.*f", width, v >= 100 ? 0 : (v >= 10 ? 1 : 2), v);
  }
}

void PrintRatio(double ratio) {
  PrintNumber(7, ratio);
  std::printf("%c", ratio > 0 && ratio < 0.5 ? '!' : ' ');
}

std::string Today() {
  char text[32] = "";
  const std::time_t now = std::time(nullptr);
  std::tm local;
  if (localtime_r(&now, &local) != nullptr) {
    std::strftime(text, sizeof(text), "%Y-%m-%d %H:%M", &local);
  }
  return text;
}

}  // namespace

Report::Report(const ReportSettings& settings, std::vector<EngineKind> engines,
               std::vector<Workload> workloads)
    : settings_(settings),
      engines_(std::move(engines)),
      workloads_(std::move(workloads)),
      samples_(workloads_.size(), std::vector<std::vector<Sample>>(engines_.size())) {}

void Report::Add(size_t workload, size_t engine, const Sample& sample) {
  samples_[workload][engine].push_back(sample);
}

Report::Row Report::MakeRow(size_t workload, Figure figure, bool more_is_better) const {
  Row row{.name = workloads_[workload].name, .figures = {}};
  double best_peer = 0;
  for (size_t engine = 0; engine < engines_.size(); ++engine) {
    std::vector<double> values;
    for (const Sample& sample : samples_[workload][engine]) {
      values.push_back(figure(sample));
    }
    const double median = Median(std::move(values));
    row.figures.push_back(median);
    const bool better = more_is_better ? median > best_peer : median < best_peer;
    if (engine > 0 && median > 0 && (best_peer == 0 || better)) {
      best_peer = median;
    }
  }
  const double own = row.figures.front();
  row.ratio = more_is_better ? Ratio(own, best_peer) : Ratio(best_peer, own);
  return row;
}

void Report::PrintHead() const {
  utsname machine = {};
  uname(&machine);
  std::printf("%s, %s %s\n", Today().c_str(), machine.sysname, machine.machine);
  for (const EngineKind& engine : engines_) {
    std::printf("%s: %s\n", engine.name, engine.about);
  }
  std::printf(
      "%llu records of %zu + %zu bytes, rounds: %llu, of which medians; memtable %.3g MiB, blocks "
      "%zu B, "
      "block cache %.3g MiB,\nno compression, log not synced. Ratios are to the better peer; above "
      "1 fathom is ahead; '!' marks one below 0.5.\n",
      static_cast<unsigned long long>(settings_.records), kRecordKeyBytes, kValueBytes,
      static_cast<unsigned long long>(settings_.rounds),
      static_cast<double>(settings_.engine.memtable_bytes) / (1 << 20),
      settings_.engine.block_bytes,
      static_cast<double>(settings_.engine.block_cache_bytes) / (1 << 20));
}

void Report::PrintSpeed(bool once, const char* left, Figure left_figure, bool more_is_better,
                        const char* right, Figure right_figure) const {
  if (std::none_of(workloads_.begin(), workloads_.end(),
                   [once](const Workload& w) { return w.once == once; })) {
    return;
  }
  const int width = 10 * static_cast<int>(engines_.size()) + 8;
  std::printf("\n%-*s%*s%*s\n%-*s", kNameWidth, "", width, left, width, right, kNameWidth, "");
  for (int side = 0; side < 2; ++side) {
    for (const EngineKind& engine : engines_) {
      std::printf("%10s", engine.name);
    }
    std::printf("%7s ", "ratio");
  }
  std::printf("\n");
  for (size_t workload = 0; workload < workloads_.size(); ++workload) {
    if (workloads_[workload].once != once) {
      continue;
    }
    std::printf("%-*s", kNameWidth, workloads_[workload].name);
    for (const Row& row : {MakeRow(workload, left_figure, more_is_better),
                           MakeRow(workload, right_figure, /*more_is_better=*/false)}) {
      for (const double figure : row.figures) {
        PrintNumber(10, figure);
      }
      PrintRatio(row.ratio);
    }
    std::printf("\n");
  }
}

void Report::PrintLatencies() const {
  constexpr std::pair<const char*, Figure> kColumns[] = {
      {"p50", P50}, {"p99", P99}, {"p99.9", P999}};
  std::printf("\n%-*s", kNameWidth, "latency, us");
  for (const auto& [column, figure] : kColumns) {
    for (const EngineKind& engine : engines_) {
      std::printf("%10s", engine.name);
    }
    std::printf("  %-6s", column);
  }
  std::printf("\n");
  for (size_t workload = 0; workload < workloads_.size(); ++workload) {
    if (workloads_[workload].once || MakeRow(workload, P50, false).figures.front() == 0) {
      continue;
    }
    std::printf("%-*s", kNameWidth, workloads_[workload].name);
    for (const auto& [column, figure] : kColumns) {
      const Row row = MakeRow(workload, figure, false);
      for (const double value : row.figures) {
        PrintNumber(10, value);
      }
      PrintRatio(row.ratio);
    }
    std::printf("\n");
  }
}

void Report::PrintSpace() const {
  constexpr std::pair<const char*, Figure> kColumns[] = {
      {"peak memory, MiB", PeakMib},
      {"write amplification", WriteAmplification},
      {"space amplification", SpaceAmplification}};
  const int width = 10 * static_cast<int>(engines_.size());
  std::printf("\n%-*s", kNameWidth, "");
  for (const auto& [column, figure] : kColumns) {
    std::printf("%*s", std::max(width, 22), column);
  }
  std::printf("\n%-*s", kNameWidth, "");
  for (size_t i = 0; i < std::size(kColumns); ++i) {
    std::printf("%*s", std::max(22 - width, 0), "");
    for (const EngineKind& engine : engines_) {
      std::printf("%10s", engine.name);
    }
  }
  std::printf("\n");
  for (size_t workload = 0; workload < workloads_.size(); ++workload) {
    std::printf("%-*s", kNameWidth, workloads_[workload].name);
    for (const auto& [column, figure] : kColumns) {
      std::printf("%*s", std::max(22 - width, 0), "");
      for (const double value : MakeRow(workload, figure, false).figures) {
        PrintNumber(10, value);
      }
    }
    std::printf("\n");
  }
}

void Report::PrintTables() const {
  PrintHead();
  PrintSpeed(/*once=*/false, "1000 op/s", ThousandsPerSecond, true, "CPU us/op", CpuMicros);
  PrintSpeed(/*once=*/true, "ms", Millis, false, "CPU ms", CpuMillis);
  PrintLatencies();
  PrintSpace();
}

std::string Report::Json() const {
  nlohmann::ordered_json json;
  json["date"] = Today();
  json["records"] = settings_.records;
  json["key_bytes"] = kRecordKeyBytes;
  json["value_bytes"] = kValueBytes;
  json["rounds"] = settings_.rounds;
  json["write_rate"] = settings_.write_rate;
  json["memtable_bytes"] = settings_.engine.memtable_bytes;
  json["block_bytes"] = settings_.engine.block_bytes;
  json["block_cache_bytes"] = settings_.engine.block_cache_bytes;
  for (const EngineKind& engine : engines_) {
    json["engines"][engine.name] = engine.about;
  }
  for (size_t workload = 0; workload < workloads_.size(); ++workload) {
    for (size_t engine = 0; engine < engines_.size(); ++engine) {
      for (const Sample& s : samples_[workload][engine]) {
        json["samples"].push_back({{"workload", workloads_[workload].name},
                                   {"engine", engines_[engine].name},
                                   {"operations", s.operations},
                                   {"seconds", s.seconds},
                                   {"cpu_seconds", s.cpu_seconds},
                                   {"p50_micros", s.p50_micros},
                                   {"p99_micros", s.p99_micros},
                                   {"p999_micros", s.p999_micros},
                                   {"peak_bytes", s.peak_bytes},
                                   {"user_bytes", s.user_bytes},
                                   {"written_bytes", s.written_bytes},
                                   {"live_bytes", s.live_bytes},
                                   {"disk_bytes", s.disk_bytes},
                                   {"side_per_second", s.side_per_second}});
      }
    }
  }
  return json.dump(1) + "\n";
}

}  // namespace fathom
