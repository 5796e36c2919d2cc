// Fathom beside LevelDB and RocksDB: the same workloads, sizes and settings, taking turns in one
// session. See tests/bench/README.md.
#include <getopt.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "tests/bench/scratch_dir.h"
#include "tests/bench/store/isolated.h"
#include "tests/bench/store/measure.h"
#include "tests/bench/store/report.h"
#include "tests/bench/store/workloads.h"

namespace fathom {
namespace {

constexpr char kUsage[] = R"(Usage: store_bench [OPTION]...
  --records=N          records in a store; default 200000
  --rounds=N           default 3
  --engines=A,B        of fathom, leveldb, rocksdb; default: all that this was built with
  --workloads=A,B      default: all; those that they need are run too
  --profile=P          small (memtable 4 MiB, block cache 64 MiB; default) or big (64 MiB, 1 GiB)
  --compression=C      none (default) or usual: what each engine does by default
  --checks=C           usual (default), or all: LevelDB, too, compares blocks with their checksums
                       when it reads them; the others always do
  --write-rate=N       of readwhilewriting's writer, a second; 0 for no limit; default 20000
  --dir=DIR            where stores are made; default: the directory for temporary files
  --markdown=FILE      the tables go there, too
  --svg=FILE           a picture of the ratios
  --json=FILE          every sample
)";

struct BenchOptions {
  ReportSettings settings{
      .command = "", .records = 200'000, .rounds = 3, .write_rate = 20'000, .engine = {}};
  std::vector<std::string> engines;
  std::vector<std::string> workloads;
  std::string dir;
  std::string markdown;
  std::string svg;
  std::string json;
};

[[noreturn]] void Die(const std::string& what) {
  std::fprintf(stderr, "store_bench: %s\n%s", what.c_str(), kUsage);
  std::exit(2);
}

template <typename Number>
void ParseNumber(const char* name, Number least, Number* number) {
  if (!absl::SimpleAtoi(optarg, number) || *number < least) {
    Die(absl::StrCat("--", name, ": expected a number from ", least, ", found ", optarg));
  }
}

// Whether the second was chosen.
bool ParseChoice(const char* name, absl::string_view first, absl::string_view second) {
  if (optarg != first && optarg != second) {
    Die(absl::StrCat("--", name, ": expected ", first, " or ", second, ", found ", optarg));
  }
  return optarg == second;
}

BenchOptions ParseOptions(int argc, char** argv) {
  BenchOptions parsed;
  parsed.settings.command = absl::StrJoin(argv, argv + argc, " ");
  const option table[] = {{"records", required_argument, nullptr, 'n'},
                          {"rounds", required_argument, nullptr, 'r'},
                          {"engines", required_argument, nullptr, 'e'},
                          {"workloads", required_argument, nullptr, 'w'},
                          {"profile", required_argument, nullptr, 'p'},
                          {"compression", required_argument, nullptr, 'c'},
                          {"checks", required_argument, nullptr, 'k'},
                          {"write-rate", required_argument, nullptr, 'a'},
                          {"dir", required_argument, nullptr, 'd'},
                          {"markdown", required_argument, nullptr, 'm'},
                          {"svg", required_argument, nullptr, 's'},
                          {"json", required_argument, nullptr, 'j'},
                          {"help", no_argument, nullptr, 'h'},
                          {nullptr, 0, nullptr, 0}};
  ReportSettings& settings = parsed.settings;
  for (int c = 0; (c = getopt_long(argc, argv, "", table, nullptr)) != -1;) {
    switch (c) {
      case 'n':
        ParseNumber<uint64_t>("records", 1000, &settings.records);
        break;
      case 'r':
        ParseNumber<uint64_t>("rounds", 1, &settings.rounds);
        break;
      case 'e':
        parsed.engines = absl::StrSplit(optarg, ',');
        break;
      case 'w':
        parsed.workloads = absl::StrSplit(optarg, ',');
        break;
      case 'p':
        if (ParseChoice("profile", "small", "big")) {
          settings.engine.memtable_bytes = size_t{64} << 20;
          settings.engine.block_cache_bytes = size_t{1} << 30;
        }
        break;
      case 'c':
        if (ParseChoice("compression", "none", "usual")) {
          settings.engine.compression = CompressionKind::kUsual;
        }
        break;
      case 'k':
        if (ParseChoice("checks", "usual", "all")) {
          settings.engine.read_checks = ReadChecks::kAll;
        }
        break;
      case 'a':
        ParseNumber<uint64_t>("write-rate", 0, &settings.write_rate);
        break;
      case 'd':
        parsed.dir = optarg;
        break;
      case 'm':
        parsed.markdown = optarg;
        break;
      case 's':
        parsed.svg = optarg;
        break;
      case 'j':
        parsed.json = optarg;
        break;
      case 'h':
        std::fputs(kUsage, stdout);
        std::exit(0);
      default:
        Die("unknown option");
    }
  }
  if (optind < argc) {
    Die(absl::StrCat("unexpected argument ", argv[optind]));
  }
  if (settings.records > UINT32_MAX) {
    Die("--records: expected less than 2^32");
  }
  return parsed;
}

bool Contains(const std::vector<std::string>& names, const char* name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Fathom first, then the peers that were asked for.
std::vector<EngineKind> SelectEngines(const std::vector<std::string>& asked) {
  const std::vector<EngineKind> all = {
      FathomEngine(),
#ifdef FATHOM_BENCH_LEVELDB
      LevelDbEngine(),
#endif
#ifdef FATHOM_BENCH_ROCKSDB
      RocksDbEngine(),
#endif
  };
  std::vector<EngineKind> selected;
  for (const EngineKind& engine : all) {
    if (asked.empty() || Contains(asked, engine.name)) {
      selected.push_back(engine);
    }
  }
  if (selected.size() < asked.size() || selected.empty()) {
    Die("--engines: unknown here");
  }
  return selected;
}

std::vector<Workload> SelectWorkloads(std::vector<std::string> asked) {
  const std::vector<Workload>& all = AllWorkloads();
  std::vector<Workload> selected;
  // A workload stands after those that it needs.
  for (auto workload = all.rbegin(); workload != all.rend(); ++workload) {
    const bool wanted = asked.empty() || Contains(asked, workload->name);
    if (wanted) {
      selected.insert(selected.begin(), *workload);
      if (!asked.empty() && workload->after != nullptr) {
        asked.push_back(workload->after);
      }
    }
  }
  for (const std::string& name : asked) {
    if (!std::any_of(all.begin(), all.end(), [&](const Workload& w) { return w.name == name; })) {
      Die(absl::StrCat("--workloads: ", name, " is unknown"));
    }
  }
  return selected;
}

Sample RunOnce(const Workload& workload, const WorkloadContext& context) {
  if (workload.after == nullptr) {
    std::error_code ignored;
    std::filesystem::remove_all(context.settings.dir, ignored);
  }
  SyncDisk(std::filesystem::path(context.settings.dir).parent_path());
  return RunIsolated([&] { return workload.run(context); });
}

// One line that is written over, where there is a terminal to show it.
class Progress {
 public:
  void Show(const std::string& what) const {
    if (shown_) {
      std::fprintf(stderr, "\r%-60s\r%s", "", what.c_str());
    }
  }

 private:
  const bool shown_ = isatty(STDERR_FILENO) == 1;
};

// Does nothing if there is no name.
void WriteFile(const std::string& name, const std::string& text) {
  if (!name.empty() && !(std::ofstream(name) << text).flush()) {
    std::fprintf(stderr, "store_bench: cannot write %s\n", name.c_str());
    std::exit(1);
  }
}

int Main(int argc, char** argv) {
  const BenchOptions options = ParseOptions(argc, argv);
  const std::vector<EngineKind> engines = SelectEngines(options.engines);
  const std::vector<Workload> workloads = SelectWorkloads(options.workloads);
  static const ScratchDir dir(options.dir);  // goes when a failed run ends the process, too
  const Progress progress;
  Report report(options.settings, engines, workloads);
  for (uint64_t round = 0; round < options.settings.rounds; ++round) {
    for (size_t w = 0; w < workloads.size(); ++w) {
      for (size_t turn = 0; turn < engines.size(); ++turn) {
        // Whoever goes first may find the disk still busy with the workload before: take turns.
        const size_t e = (turn + round) % engines.size();
        WorkloadContext context{.engine = engines[e],
                                .settings = options.settings.engine,
                                .records = options.settings.records,
                                .write_rate = options.settings.write_rate,
                                .round = round};
        context.settings.dir =
            absl::StrCat(dir.path(), "/", engines[e].name, "_", workloads[w].store);
        progress.Show(
            absl::StrCat("round ", round + 1, ", ", workloads[w].name, ", ", engines[e].name));
        report.Add(w, e, RunOnce(workloads[w], context));
      }
    }
  }
  progress.Show("");
  std::fputs(report.Text().c_str(), stdout);
  WriteFile(options.markdown, report.Markdown());
  WriteFile(options.svg, SvgBars(report.Chart()));
  WriteFile(options.json, report.Json());
  return 0;
}

}  // namespace
}  // namespace fathom

int main(int argc, char** argv) {
  // As node/main.cc does, and for its reasons.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  return fathom::Main(argc, argv);
}
