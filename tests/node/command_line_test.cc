#include "node/command_line.h"

#include <doctest/doctest.h>

#include <initializer_list>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"

namespace fathom {
namespace {

absl::StatusOr<CommandLine> Parse(std::initializer_list<const char*> arguments) {
  std::vector<char*> argv = {const_cast<char*>("fathom")};
  for (const char* argument : arguments) {
    argv.push_back(const_cast<char*>(argument));
  }
  argv.push_back(nullptr);
  return ParseCommandLine(static_cast<int>(argv.size()) - 1, argv.data());
}

std::string ErrorOf(std::initializer_list<const char*> arguments) {
  return std::string(Parse(arguments).status().message());
}

TEST_CASE("command_line: no arguments run the node with a scratch store") {
  const auto line = Parse({});
  REQUIRE(line.ok());
  CHECK(line->action == CommandLine::Action::kRunNode);
  CHECK(line->node.data_dir.empty());
  CHECK(line->node.style == Style::kSpaced);
  CHECK(line->node.store.memtable_bytes == 4194304);
  CHECK(line->loop.max_line_bytes == 67108864);
}

TEST_CASE("command_line: every option is taken, joined or apart") {
  const auto line =
      Parse({"--data-dir", "/d", "--style=compact", "--max-line-bytes=2048", "--memtable-bytes",
             "65536", "--block-cache-bytes=0", "--block-bytes=512", "--index-cache-bytes=4096",
             "--compression=none", "--bottom-compression", "lz4", "--sync-interval-millis=20"});
  REQUIRE(line.ok());
  CHECK(line->node.data_dir == "/d");
  CHECK(line->node.style == Style::kCompact);
  CHECK(line->loop.max_line_bytes == 2048);
  CHECK(line->node.store.memtable_bytes == 65536);
  CHECK(line->node.store.block_cache_bytes == 0);
  CHECK(line->node.store.block_bytes == 512);
  CHECK(line->node.store.index_cache_bytes == 4096);
  CHECK(line->node.store.compression == Compression::kNone);
  CHECK(line->node.store.bottom_compression == Compression::kLz4);
  CHECK(line->node.store.sync_interval_millis == 20);
  CHECK(Parse({"--style=spaced"})->node.style == Style::kSpaced);
}

TEST_CASE("command_line: help and version are actions") {
  CHECK(Parse({"--help"})->action == CommandLine::Action::kPrintHelp);
  CHECK(Parse({"--version"})->action == CommandLine::Action::kPrintVersion);
}

TEST_CASE("command_line: a wrong argument is named") {
  CHECK(ErrorOf({"--nonsense"}) == "unknown or incomplete option --nonsense");
  CHECK(ErrorOf({"-q"}) == "unknown or incomplete option -q");
  CHECK(ErrorOf({"--compression=snappy"}) ==
        "--compression: expected \"none\", \"lz4\" or \"zstd\", found \"snappy\"");
  CHECK(ErrorOf({"file"}) == "unexpected argument file");
  CHECK(ErrorOf({"--style=compact", "file"}) == "unexpected argument file");
  CHECK(ErrorOf({"--data-dir"}) == "missing argument of --data-dir");
  CHECK(ErrorOf({"--data-dir="}) == "--data-dir: expected a directory, found nothing");
  CHECK(ErrorOf({"--style=x"}) == "--style: expected \"spaced\" or \"compact\", found \"x\"");
  CHECK(ErrorOf({"--block-bytes=63"}) ==
        "--block-bytes: expected a number of bytes from 64 to 16777216, found \"63\"");
  for (const char* bytes : {"--memtable-bytes=-1", "--memtable-bytes=4M", "--memtable-bytes=",
                            "--memtable-bytes=99999999999999999999", "--max-line-bytes=1"}) {
    CHECK(
        absl::StrContains(ErrorOf({bytes}), "expected a number of bytes from 1024 to 1073741824"));
  }
}

TEST_CASE("command_line: the help names every option and fits a terminal") {
  const std::string help = HelpText();
  for (const char* option :
       {"--data-dir=DIR", "--style=STYLE", "--max-line-bytes=N", "--memtable-bytes=N",
        "--block-cache-bytes=N", "--block-bytes=N", "--help\n", "--version\n"}) {
    CHECK(absl::StrContains(help, option));
  }
  for (const absl::string_view line : absl::StrSplit(help, '\n')) {
    CHECK(line.size() <= 110);
  }
}

}  // namespace
}  // namespace fathom
