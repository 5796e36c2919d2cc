#include "node/command_line.h"

#include <getopt.h>

#include <cstdint>
#include <iterator>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "node/tools.h"

namespace fathom {
namespace {

// One option: how it is given, what --help says of it, and what it does.
struct OptionSpec {
  const char* name;
  const char* argument;  // what --help calls it; null for an option without one
  const char* help;
  absl::Status (*apply)(absl::string_view value, CommandLine* line);
};

absl::Status ParseBytes(absl::string_view value, size_t min, size_t max, size_t* out) {
  size_t bytes = 0;
  if (!absl::SimpleAtoi(value, &bytes) || bytes < min || bytes > max) {
    return absl::InvalidArgumentError(absl::StrCat("expected a number of bytes from ", min, " to ",
                                                   max, ", found \"", value, "\""));
  }
  *out = bytes;
  return absl::OkStatus();
}

constexpr size_t kKiB = size_t{1} << 10;
constexpr size_t kMiB = size_t{1} << 20;
constexpr size_t kGiB = size_t{1} << 30;

absl::Status SetDataDir(absl::string_view value, CommandLine* line) {
  if (value.empty()) {
    return absl::InvalidArgumentError("expected a directory, found nothing");
  }
  line->node.data_dir.assign(value.data(), value.size());
  return absl::OkStatus();
}

absl::Status SetStyle(absl::string_view value, CommandLine* line) {
  if (value != "spaced" && value != "compact") {
    return absl::InvalidArgumentError(
        absl::StrCat("expected \"spaced\" or \"compact\", found \"", value, "\""));
  }
  line->node.style = value == "spaced" ? Style::kSpaced : Style::kCompact;
  return absl::OkStatus();
}

absl::Status SetMaxLineBytes(absl::string_view value, CommandLine* line) {
  return ParseBytes(value, kKiB, kGiB, &line->loop.max_line_bytes);
}

absl::Status SetMemtableBytes(absl::string_view value, CommandLine* line) {
  return ParseBytes(value, kKiB, kGiB, &line->node.store.memtable_bytes);
}

absl::Status SetBlockCacheBytes(absl::string_view value, CommandLine* line) {
  return ParseBytes(value, 0, 1024 * kGiB, &line->node.store.block_cache_bytes);
}

absl::Status SetBlockBytes(absl::string_view value, CommandLine* line) {
  return ParseBytes(value, 64, 16 * kMiB, &line->node.store.block_bytes);
}

absl::Status SetIndexCacheBytes(absl::string_view value, CommandLine* line) {
  return ParseBytes(value, 0, 1024 * kGiB, &line->node.store.index_cache_bytes);
}

absl::Status ParseCompression(absl::string_view value, Compression* out) {
  for (const auto& [name, compression] :
       {std::pair("none", Compression::kNone), std::pair("lz4", Compression::kLz4),
        std::pair("zstd", Compression::kZstd)}) {
    if (value == name) {
      *out = compression;
      return absl::OkStatus();
    }
  }
  return absl::InvalidArgumentError(
      absl::StrCat("expected \"none\", \"lz4\" or \"zstd\", found \"", value, "\""));
}

absl::Status SetCompression(absl::string_view value, CommandLine* line) {
  return ParseCompression(value, &line->node.store.compression);
}

absl::Status SetBottomCompression(absl::string_view value, CommandLine* line) {
  return ParseCompression(value, &line->node.store.bottom_compression);
}

absl::Status ParseCount(absl::string_view value, int min, int max, int* out) {
  int count = 0;
  if (!absl::SimpleAtoi(value, &count) || count < min || count > max) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected a number from ", min, " to ", max, ", found \"", value, "\""));
  }
  *out = count;
  return absl::OkStatus();
}

absl::Status SetMaxImmutableMemtables(absl::string_view value, CommandLine* line) {
  return ParseCount(value, 1, 64, &line->node.store.max_immutable_memtables);
}

absl::Status SetLevel0CompactionTables(absl::string_view value, CommandLine* line) {
  return ParseCount(value, 1, 1000, &line->node.store.level0_compaction_tables);
}

absl::Status SetLevel0SlowdownTables(absl::string_view value, CommandLine* line) {
  return ParseCount(value, 1, 10000, &line->node.store.level0_slowdown_tables);
}

absl::Status SetLevel0StopTables(absl::string_view value, CommandLine* line) {
  return ParseCount(value, 2, 10000, &line->node.store.level0_stop_tables);
}

absl::Status SetLevel0Bytes(absl::string_view value, CommandLine* line) {
  return ParseBytes(value, kKiB, 1024 * kGiB, &line->node.store.level0_bytes);
}

absl::Status SetLevelRatio(absl::string_view value, CommandLine* line) {
  return ParseCount(value, 2, 100, &line->node.store.level_ratio);
}

absl::Status SetTableBytes(absl::string_view value, CommandLine* line) {
  return ParseBytes(value, kKiB, 16 * kGiB, &line->node.store.table_bytes);
}

absl::Status SetCompactionThreads(absl::string_view value, CommandLine* line) {
  return ParseCount(value, 0, 64, &line->node.store.compaction_threads);
}

absl::Status SetSyncIntervalMillis(absl::string_view value, CommandLine* line) {
  return ParseCount(value, 0, 3'600'000, &line->node.store.sync_interval_millis);
}

absl::Status AskForHelp(absl::string_view, CommandLine* line) {
  line->action = CommandLine::Action::kPrintHelp;
  return absl::OkStatus();
}

absl::Status AskForVersion(absl::string_view, CommandLine* line) {
  line->action = CommandLine::Action::kPrintVersion;
  return absl::OkStatus();
}

constexpr OptionSpec kOptions[] = {
    {"data-dir", "DIR",
     "Keep the store in DIR/<node_id>; it survives a crash and a restart. Without it the store is "
     "a scratch one, gone when the process ends.",
     SetDataDir},
    {"style", "STYLE", "How replies are spelled: spaced (default) or compact.", SetStyle},
    {"max-line-bytes", "N", "Skip a longer line with a note. Default 67108864 (64 MiB).",
     SetMaxLineBytes},
    {"memtable-bytes", "N", "Flush a memtable that has grown to N bytes. Default 4194304 (4 MiB).",
     SetMemtableBytes},
    {"block-cache-bytes", "N", "Memory for blocks that were read. Default 67108864 (64 MiB).",
     SetBlockCacheBytes},
    {"index-cache-bytes", "N", "Memory for the index blocks of tables. Default 16777216 (16 MiB).",
     SetIndexCacheBytes},
    {"block-bytes", "N", "Size of the data blocks of new tables. Default 4096.", SetBlockBytes},
    {"max-immutable-memtables", "N",
     "Full memtables that may wait for their flush before writers wait too. Default 2.",
     SetMaxImmutableMemtables},
    {"level0-compaction-tables", "N", "Merge level 0 into level 1 at N tables. Default 4.",
     SetLevel0CompactionTables},
    {"level0-slowdown-tables", "N", "Slow writes down from N tables on level 0. Default 12.",
     SetLevel0SlowdownTables},
    {"level0-stop-tables", "N", "Let writes wait at N tables on level 0. Default 24.",
     SetLevel0StopTables},
    {"level0-bytes", "N", "Bytes that level 0 may hold. Default 41943040 (40 MiB).",
     SetLevel0Bytes},
    {"level-ratio", "N", "Each level may hold N times the one above. Default 10.", SetLevelRatio},
    {"table-bytes", "N", "Cut the tables that a compaction writes at N bytes. Default 8388608.",
     SetTableBytes},
    {"compaction-threads", "N",
     "Compactions at once. Default 2; 0 compacts only where lsm_compact asks for it.",
     SetCompactionThreads},
    {"compression", "KIND",
     "How compaction stores data blocks from level 2 down: none, lz4 (default) or zstd.",
     SetCompression},
    {"bottom-compression", "KIND", "The same for the deepest level that holds data. Default zstd.",
     SetBottomCompression},
    {"sync-interval-millis", "N",
     "Sync the log every N ms besides what each batch of requests asks for. Default 0: never.",
     SetSyncIntervalMillis},
    {"help", nullptr, "Print this and exit.", AskForHelp},
    {"version", nullptr, "Print the version and exit.", AskForVersion},
};

std::vector<option> GetoptTable() {
  std::vector<option> table;
  for (size_t i = 0; i < std::size(kOptions); ++i) {
    const int has_argument = kOptions[i].argument != nullptr ? required_argument : no_argument;
    table.push_back({kOptions[i].name, has_argument, nullptr, static_cast<int>(i)});
  }
  table.push_back({nullptr, 0, nullptr, 0});
  return table;
}

// "    first line\n    second line\n", broken between words.
std::string Wrapped(absl::string_view text) {
  constexpr size_t kWidth = 76;
  std::string out;
  while (!text.empty()) {
    size_t end = text.size();
    if (end > kWidth) {
      end = text.rfind(' ', kWidth);
    }
    absl::StrAppend(&out, "      ", text.substr(0, end), "\n");
    text.remove_prefix(end == text.size() ? end : end + 1);
  }
  return out;
}

constexpr char kUsage[] = R"(Usage: fathom [OPTION]...
       fathom TOOL DIR

A storage node: reads Maelstrom messages from standard input, one JSON object a line, runs them
against a log-structured merge tree, and answers on standard output. Notes go to standard error.

Options:
)";

constexpr char kExamples[] = R"(
Exit status: 0 after the end of the input or a signal to stop, 1 if the input or output failed,
2 for a wrong command line.

Examples:
  Put a key and read it back:
      printf '%s\n' \
        '{"src":"c","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1"]}}' \
        '{"src":"c","dest":"n1","body":{"type":"lsm_put","msg_id":2,"key":"x","value":100}}' \
        '{"src":"c","dest":"n1","body":{"type":"lsm_get","msg_id":3,"key":"x","explain":true}}' \
        | fathom
  Keep the store:
      fathom --data-dir /var/lib/fathom
)";

}  // namespace

absl::StatusOr<CommandLine> ParseCommandLine(int argc, char* const* argv) {
  static const std::vector<option> table = GetoptTable();
  CommandLine line;
  optind = 0;  // starts a new scan, in glibc
  opterr = 0;  // the caller reports
  for (;;) {
    const int current = optind == 0 ? 1 : optind;
    // '+' stops at the first argument that is no option, ':' tells a missing argument apart.
    const int index = getopt_long(argc, argv, "+:", table.data(), nullptr);
    if (index == -1) {
      break;
    }
    if (index == '?' || index == ':') {
      return absl::InvalidArgumentError(absl::StrCat(
          index == ':' ? "missing argument of " : "unknown or incomplete option ", argv[current]));
    }
    const OptionSpec& spec = kOptions[index];
    const absl::Status applied = spec.apply(optarg != nullptr ? optarg : "", &line);
    if (!applied.ok()) {
      return absl::InvalidArgumentError(absl::StrCat("--", spec.name, ": ", applied.message()));
    }
  }
  if (optind < argc) {
    return absl::InvalidArgumentError(absl::StrCat("unexpected argument ", argv[optind]));
  }
  return line;
}

std::string HelpText() {
  std::string text = kUsage;
  for (const OptionSpec& spec : kOptions) {
    absl::StrAppend(&text, "  --", spec.name, spec.argument != nullptr ? "=" : "",
                    spec.argument != nullptr ? spec.argument : "", "\n", Wrapped(spec.help));
  }
  return absl::StrCat(text, "\nTools, for a store that no process has open:\n", ToolsHelp(),
                      kExamples);
}

std::string VersionText() { return absl::StrCat("fathom ", FATHOM_VERSION, "\n"); }

}  // namespace fathom
