// Drives a node through pipes and prints what it costs: to start, to answer the course's two
// messages, and a message of each kind. See README.md.
#include <getopt.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"
#include "tests/bench/child_process.h"
#include "tests/bench/node_messages.h"
#include "tests/bench/parse_only_node.h"
#include "tests/bench/scratch_dir.h"

namespace fathom {
namespace {

constexpr char kParseOnlyFlag[] = "--parse-only-node";

struct BenchOptions {
  std::string binary = FATHOM_BINARY;
  uint64_t messages = 500'000;
  uint64_t runs = 5;
};

[[noreturn]] void Die(const std::string& what) {
  std::fprintf(stderr, "node_bench: %s\n", what.c_str());
  std::exit(1);
}

double Seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

void ExpectCleanEnd(ChildProcess* node) {
  if (!node->Wait()) {
    Die("the node ended with an error");
  }
}

// From before the process is started until its answer to init is read.
double TimeStart(const BenchOptions& options) {
  const double start = Seconds();
  ChildProcess node({options.binary});
  node.Write(kInitMessage);
  std::string reply;
  node.ReadLines(1, &reply);
  const double seconds = Seconds() - start;
  if (!absl::StrContains(reply, "init_ok")) {
    Die("expected init_ok, found " + reply);
  }
  ExpectCleanEnd(&node);
  return seconds;
}

// From before the process is started until it has ended.
double TimeSample(const BenchOptions& options) {
  const double start = Seconds();
  ChildProcess node({options.binary});
  node.Write(std::string(kInitMessage) + kFlushMessage + kLookupMessage);
  node.CloseInput();
  std::string replies;
  node.ReadLines(UINT64_MAX, &replies);
  ExpectCleanEnd(&node);
  const double seconds = Seconds() - start;
  if (!absl::StrContains(replies, R"("entries": 50000)") ||
      !absl::StrContains(replies, R"("value": "Alice")")) {
    Die("wrong replies to the course's sample: " + replies);
  }
  return seconds;
}

void PrintTimes(const char* what, const BenchOptions& options, double (*time)(const BenchOptions&),
                double target_ms) {
  constexpr uint64_t kRunsPerRun = 5;  // they are short
  std::vector<double> ms;
  for (uint64_t i = 0; i < kRunsPerRun * options.runs; ++i) {
    ms.push_back(1e3 * time(options));
  }
  const auto [least, most] = std::minmax_element(ms.begin(), ms.end());
  std::printf("%-34s %9.2f %9.2f %9.2f   below %g ms\n", what, Median(ms), *least, *most,
              target_ms);
}

struct Figures {
  double per_second = 0;
  double cpu_micros = 0;  // of the node, a message
  double peak_mib = 0;
};

ChildProcess StartNode(const BenchOptions& options, const Conversation& conversation,
                       const ScratchDir& dir) {
  if (conversation.parse_only) {
    return ChildProcess({"/proc/self/exe", kParseOnlyFlag});
  }
  if (conversation.durable) {
    return ChildProcess({options.binary, "--data-dir", dir.path()});
  }
  return ChildProcess({options.binary});
}

// Sends `lines` on a thread of its own and waits for `count` replies, none of them an error.
void Exchange(ChildProcess* node, absl::string_view lines, uint64_t count, const char* what) {
  std::string replies;
  std::thread writer([node, lines] { node->Write(lines); });
  const uint64_t came = node->ReadLines(count, &replies);
  writer.join();
  if (came != count || absl::StrContains(replies, R"("type": "error")")) {
    Die(std::string(what) + ": an error or a missing reply");
  }
}

Figures Converse(const BenchOptions& options, const Conversation& conversation) {
  const ScratchDir dir;
  ChildProcess node = StartNode(options, conversation, dir);
  Exchange(&node, std::string(kInitMessage) + conversation.setup, conversation.setup_lines + 1,
           conversation.name.c_str());
  const double cpu_start = node.CpuSeconds();
  const double start = Seconds();
  Exchange(&node, conversation.messages, conversation.count, conversation.name.c_str());
  const double seconds = Seconds() - start;
  const double cpu = node.CpuSeconds() - cpu_start;
  const uint64_t peak_bytes = node.PeakMemoryBytes();
  ExpectCleanEnd(&node);
  const auto count = static_cast<double>(conversation.count);
  return {.per_second = count / seconds,
          .cpu_micros = 1e6 * cpu / count,
          .peak_mib = static_cast<double>(peak_bytes) / (1 << 20)};
}

void PrintConversations(const BenchOptions& options) {
  const std::vector<Conversation> conversations = Conversations(options.messages);
  std::vector<std::vector<Figures>> figures(conversations.size());
  for (uint64_t run = 0; run < options.runs; ++run) {
    for (size_t i = 0; i < conversations.size(); ++i) {
      figures[i].push_back(Converse(options, conversations[i]));
    }
  }
  const auto median = [](const std::vector<Figures>& runs, double Figures::*field) {
    std::vector<double> values;
    for (const Figures& run : runs) {
      values.push_back(run.*field);
    }
    return Median(values);
  };
  for (size_t i = 0; i < conversations.size(); ++i) {
    std::printf("%-34s %9.0f %9.3f %9.1f\n", conversations[i].name.c_str(),
                median(figures[i], &Figures::per_second), median(figures[i], &Figures::cpu_micros),
                median(figures[i], &Figures::peak_mib));
  }
}

BenchOptions ParseOptions(int argc, char** argv) {
  BenchOptions parsed;
  const option table[] = {{"binary", required_argument, nullptr, 'b'},
                          {"messages", required_argument, nullptr, 'm'},
                          {"runs", required_argument, nullptr, 'r'},
                          {nullptr, 0, nullptr, 0}};
  for (int c = 0; (c = getopt_long(argc, argv, "", table, nullptr)) != -1;) {
    bool good = c == 'b';
    if (c == 'b') {
      parsed.binary = optarg;
    } else if (c == 'm') {
      good = absl::SimpleAtoi(optarg, &parsed.messages) && parsed.messages > 0;
    } else if (c == 'r') {
      good = absl::SimpleAtoi(optarg, &parsed.runs) && parsed.runs > 0;
    }
    if (!good) {
      Die("usage: node_bench [--binary FATHOM] [--messages N] [--runs N]");
    }
  }
  return parsed;
}

int Main(int argc, char** argv) {
  if (argc == 2 && absl::string_view(argv[1]) == kParseOnlyFlag) {
    return RunParseOnlyNode();
  }
  const BenchOptions options = ParseOptions(argc, argv);
  signal(SIGPIPE, SIG_IGN);
  std::printf("%-34s %9s %9s %9s   %s\n", "ms", "median", "least", "most", "aim");
  PrintTimes("start to init_ok", options, TimeStart, 20);
  PrintTimes("course's sample, start to exit", options, TimeSample, 150);
  std::printf("\n%llu messages through a pipe, medians of %llu\n%-34s %9s %9s %9s\n",
              static_cast<unsigned long long>(options.messages),
              static_cast<unsigned long long>(options.runs), "", "a second", "CPU us", "peak MiB");
  PrintConversations(options);
  return 0;
}

}  // namespace
}  // namespace fathom

int main(int argc, char** argv) { return fathom::Main(argc, argv); }
