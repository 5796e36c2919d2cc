#include "tests/bench/store/report.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "tests/bench/records.h"
#include "tests/bench/store/machine.h"

namespace fathom {
namespace {

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

// With some three digits that mean something.
std::string Number(double v) {
  return v == 0 ? "-" : absl::StrFormat("%.*f", v >= 100 ? 0 : (v >= 10 ? 1 : 2), v);
}

const char* CompressionName(const EngineSettings& settings) {
  return settings.compression == CompressionKind::kNone ? "none" : "usual";
}

// Of the checks of what gets and scans read.
const char* ChecksName(const EngineSettings& settings) {
  return settings.read_checks == ReadChecks::kUsual ? "as each engine does by default" : "by all";
}

double Mib(size_t bytes) { return static_cast<double>(bytes) / (1 << 20); }

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

Report::Medians Report::MediansOf(size_t workload, const Measure& measure) const {
  const bool more = measure.better == Better::kMore;
  Medians medians;
  double best_peer = 0;
  for (size_t engine = 0; engine < engines_.size(); ++engine) {
    std::vector<double> values;
    for (const Sample& sample : samples_[workload][engine]) {
      values.push_back(measure.figure(sample));
    }
    const double median = Median(std::move(values));
    medians.figures.push_back(median);
    const bool better = more ? median > best_peer : median < best_peer;
    if (engine > 0 && median > 0 && (best_peer == 0 || better)) {
      best_peer = median;
    }
  }
  const double own = medians.figures.front();
  medians.ratio = more ? Ratio(own, best_peer) : Ratio(best_peer, own);
  return medians;
}

template <typename Selected>
Table Report::MakeTable(const std::vector<Measure>& measures, Selected selected) const {
  Table table;
  table.columns.push_back({"", "workload"});
  for (const Measure& measure : measures) {
    for (const EngineKind& engine : engines_) {
      table.columns.push_back({measure.name, engine.name});
    }
    if (measure.has_ratio) {
      table.columns.push_back({measure.name, "ratio"});
    }
  }
  for (size_t workload = 0; workload < workloads_.size(); ++workload) {
    std::vector<std::string> row = {workloads_[workload].name};
    bool any = false;
    for (const Measure& measure : measures) {
      const Medians medians = MediansOf(workload, measure);
      for (const double figure : medians.figures) {
        row.push_back(Number(figure));
        any = any || figure > 0;
      }
      if (measure.has_ratio) {
        const bool behind = medians.ratio > 0 && medians.ratio < 1;
        row.push_back(absl::StrCat(Number(medians.ratio), behind ? "!" : " "));
      }
    }
    if (any && selected(workloads_[workload])) {
      table.rows.push_back(std::move(row));
    }
  }
  return table;
}

std::vector<Table> Report::Tables() const {
  const auto many = [](const Workload& workload) { return !workload.once; };
  const auto once = [](const Workload& workload) { return workload.once; };
  const auto all = [](const Workload&) { return true; };
  std::vector<Table> tables = {
      MakeTable({{"1000 op/s", ThousandsPerSecond, Better::kMore, true},
                 {"CPU us/op", CpuMicros, Better::kLess, true}},
                many),
      MakeTable({{"ms", Millis, Better::kLess, true}, {"CPU ms", CpuMillis, Better::kLess, true}},
                once),
      MakeTable({{"p50, us", P50, Better::kLess, true},
                 {"p99, us", P99, Better::kLess, true},
                 {"p99.9, us", P999, Better::kLess, true}},
                many),
      MakeTable({{"peak memory, MiB", PeakMib, Better::kLess, false},
                 {"write amplification", WriteAmplification, Better::kLess, false},
                 {"space amplification", SpaceAmplification, Better::kLess, false}},
                all)};
  tables.erase(std::remove_if(tables.begin(), tables.end(),
                              [](const Table& table) { return table.rows.empty(); }),
               tables.end());
  return tables;
}

std::vector<std::string> Report::Head() const {
  std::vector<std::string> lines = {
      absl::StrCat(Now(), ", ", DescribeMachine()),
      absl::StrFormat(
          "%d records of %d + %d bytes, rounds: %d, of which medians; memtable %g MiB, block "
          "cache %g MiB, blocks of %d bytes",
          settings_.records, kRecordKeyBytes, kValueBytes, settings_.rounds,
          Mib(settings_.engine.memtable_bytes), Mib(settings_.engine.block_cache_bytes),
          settings_.engine.block_bytes),
      absl::StrCat("compression: ", CompressionName(settings_.engine),
                   "; log written for each operation, and synced only in fillsync and fillsync8"),
      absl::StrCat("blocks compared with their checksums when read: ",
                   ChecksName(settings_.engine))};
  for (const EngineKind& engine : engines_) {
    lines.push_back(absl::StrCat(engine.name, " ", engine.about));
  }
  lines.push_back("ratios are to the better peer, above 1 fathom is ahead, ! marks those below");
  lines.push_back(settings_.command);
  return lines;
}

std::string Report::Text() const {
  std::string text = absl::StrJoin(Head(), "\n") + "\n";
  for (const Table& table : Tables()) {
    absl::StrAppend(&text, "\n", TerminalTable(table));
  }
  return text;
}

std::string Report::Markdown() const {
  std::vector<std::string> head = Head();
  head.back() = absl::StrCat("`", head.back(), "`");
  std::string text = absl::StrCat("- ", absl::StrJoin(head, "\n- "), "\n");
  for (const Table& table : Tables()) {
    absl::StrAppend(&text, "\n", MarkdownTable(table));
  }
  return text;
}

BarChart Report::Chart() const {
  BarChart chart;
  chart.title = Head();
  chart.title.pop_back();  // the command is long
  chart.series = {"throughput", "CPU an operation"};
  for (size_t workload = 0; workload < workloads_.size(); ++workload) {
    chart.rows.push_back({workloads_[workload].name,
                          {MediansOf(workload, {"", ThousandsPerSecond, Better::kMore, true}).ratio,
                           MediansOf(workload, {"", CpuMicros, Better::kLess, true}).ratio}});
  }
  return chart;
}

std::string Report::Json() const {
  nlohmann::ordered_json json;
  json["date"] = Now();
  json["machine"] = DescribeMachine();
  json["command"] = settings_.command;
  json["records"] = settings_.records;
  json["key_bytes"] = kRecordKeyBytes;
  json["value_bytes"] = kValueBytes;
  json["rounds"] = settings_.rounds;
  json["write_rate"] = settings_.write_rate;
  json["memtable_bytes"] = settings_.engine.memtable_bytes;
  json["block_bytes"] = settings_.engine.block_bytes;
  json["block_cache_bytes"] = settings_.engine.block_cache_bytes;
  json["compression"] = CompressionName(settings_.engine);
  json["checks"] = ChecksName(settings_.engine);
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
