#include "node/process.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "handlers/temp_dir.h"
#include "node/data_dir.h"
#include "tests/node/child.h"

namespace fathom {
namespace {

std::string Put(int key) {
  return absl::StrCat(R"({"src":"c","dest":"n1","body":{"type":"lsm_put","msg_id":2,"key":)", key,
                      R"(,"value":"v)", key, "\"}}\n");
}

// The value of a key as the node tells it.
std::string Get(Child* node, int key) {
  const std::string reply = node->Ask(
      absl::StrCat(R"({"src":"c","dest":"n1","body":{"type":"lsm_get","key":)", key, "}}"));
  const size_t value = reply.find("\"value\": ");
  return value == std::string::npos ? reply
                                    : reply.substr(value + 9, reply.find(", \"msg_id") - value - 9);
}

int StatusOfShell(const std::string& command) {
  const int status = std::system(command.c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_CASE("process: --help and --version print and end well") {
  Child help({"--help"});
  const std::string text = help.Finish();
  CHECK(absl::StartsWith(text, "Usage: fathom "));
  CHECK(absl::StrContains(text, "--data-dir=DIR"));
  CHECK(absl::StrContains(text, "Examples:"));
  Child version({"--version"});
  CHECK(absl::StartsWith(version.Finish(), "fathom 0."));
}

TEST_CASE("process: a wrong command line is told on standard error with status 2") {
  for (const char* argument : {"--nonsense", "-x", "extra", "--style=fancy", "--data-dir",
                               "--memtable-bytes=many", "--help=1"}) {
    CAPTURE(std::string(argument));
    Child child({argument});
    child.CloseInput();
    CHECK(child.ReadAll().empty());
    CHECK(child.Wait() == 2);
    CHECK(absl::StartsWith(child.Errors(), "fathom: "));
    CHECK(absl::StrContains(child.Errors(), "see fathom --help"));
  }
}

TEST_CASE("process: the examples of --help run") {
  Child help({"--help"});
  const std::string text = help.Finish();
  const size_t begin = text.find("printf ");
  const size_t end = text.find("| fathom\n", begin);
  REQUIRE(end != std::string::npos);
  const std::string command =
      absl::StrCat(text.substr(begin, end - begin), "| ", FATHOM_BINARY, " 2>/dev/null");
  FILE* run = popen(command.c_str(), "r");
  REQUIRE(run != nullptr);
  char output[4096] = {};
  const size_t n = fread(output, 1, sizeof(output) - 1, run);
  CHECK(pclose(run) == 0);
  CHECK(n > 0);
  CHECK(absl::StrContains(output,
                          R"("type": "lsm_get_ok", "in_reply_to": 3, "value": 100, "explain": )"));
}

TEST_CASE("process: the end of the input is a clean end, also right at the start") {
  Child node;
  CHECK(node.Finish().empty());
}

TEST_CASE("process: standard output carries nothing but messages") {
  Child node;
  node.Write(absl::StrCat("\nnot JSON\n", kInitLine, "[1]\n\r\n"));
  CHECK(node.Finish() == kInitReply);
  CHECK(absl::StrContains(node.Errors(), "\"not JSON\""));
}

TEST_CASE("process: a signal to stop ends it cleanly, with all that was read answered") {
  const auto temp = TempDir::Make();
  REQUIRE(temp.ok());
  setenv("TMPDIR", (*temp)->path().c_str(), 1);
  for (const int signal_number : {SIGTERM, SIGINT, SIGHUP}) {
    Child node;
    node.Write(absl::StrCat(kInitLine, "{\"half a line"));
    CHECK(node.ReadLine() == kInitReply);
    node.Signal(signal_number);
    CHECK(node.ReadAll().empty());
    CHECK(node.Wait() == 0);
    CHECK(std::filesystem::is_empty((*temp)->path()));
  }
  unsetenv("TMPDIR");
}

TEST_CASE("process: the scratch store is gone after the end, and nothing of it was synced") {
  const auto temp = TempDir::Make();
  REQUIRE(temp.ok());
  setenv("TMPDIR", (*temp)->path().c_str(), 1);
  Child node;
  node.Write(absl::StrCat(kInitLine, Put(1)));
  CHECK(node.ReadLine() == kInitReply);
  node.ReadLine();
  CHECK_FALSE(std::filesystem::is_empty((*temp)->path()));
  CHECK(absl::StrContains(node.Ask(R"({"src":"c","dest":"n1","body":{"type":"lsm_stats"}})"),
                          "\"log_syncs\": 0"));
  node.Finish();
  CHECK(std::filesystem::is_empty((*temp)->path()));
  unsetenv("TMPDIR");
}

TEST_CASE("process: with a data directory the store outlives the process") {
  const auto temp = TempDir::Make();
  REQUIRE(temp.ok());
  const std::string data_dir = "--data-dir=" + (*temp)->path() + "/not/yet/there";
  {
    Child node({data_dir});
    node.Write(absl::StrCat(kInitLine, Put(7)));
    CHECK(node.ReadLine() == kInitReply);
    node.Finish();
  }
  Child node({data_dir});
  node.Write(kInitLine);
  CHECK(node.ReadLine() == kInitReply);
  CHECK(Get(&node, 7) == "\"v7\"");
  node.Finish();
}

// Crash case 28.
TEST_CASE("process: a second process on the same store is refused until the first is gone") {
  const auto temp = TempDir::Make();
  REQUIRE(temp.ok());
  const std::string data_dir = "--data-dir=" + (*temp)->path();
  Child first({data_dir});
  first.Write(kInitLine);
  CHECK(first.ReadLine() == kInitReply);
  Child second({data_dir});
  second.Write(kInitLine);
  CHECK(absl::StartsWith(second.ReadLine(),
                         R"({"src": "n1", "dest": "c0", "body": {"type": "error", )"
                         R"("in_reply_to": 1, "code": 11, "text": )"));
  first.Signal(SIGKILL);
  first.Wait();
  second.Write(kInitLine);
  CHECK(absl::StrContains(second.ReadLine(), "init_ok"));
  second.Finish();
}

TEST_CASE("process: a closed or full standard output ends it with status 1 and a note") {
  Child closed;
  closed.CloseOutput();
  closed.Write(kInitLine);
  CHECK(closed.Wait() == 1);
  CHECK(absl::StrContains(closed.Errors(), "output failed"));
  Child full({}, "/dev/full");
  full.Write(kInitLine);
  CHECK(full.Wait() == 1);
  CHECK(absl::StrContains(full.Errors(), "No space left"));
  Child help({"--help"}, "/dev/full");
  CHECK(help.Wait() == 1);
}

TEST_CASE("process: without standard input or output it does not start") {
  const std::string binary = FATHOM_BINARY;
  CHECK(StatusOfShell(binary + " 2>/dev/null >&- </dev/null") == 1);
  CHECK(StatusOfShell(binary + " 2>/dev/null <&-") == 1);
  CHECK(StatusOfShell(binary + " 2>&- </dev/null") == 0);
}

TEST_CASE("process: more messages than a pipe holds are answered in order") {
  Child node;
  node.Write(kInitLine);
  CHECK(node.ReadLine() == kInitReply);
  for (int round = 0; round < 50; ++round) {
    std::string puts;
    for (int i = 0; i < 500; ++i) {
      puts += Put(round * 500 + i);
    }
    node.Write(puts);
    for (int i = 1; i <= 500; ++i) {
      REQUIRE(
          absl::EndsWith(node.ReadLine(), absl::StrCat("\"msg_id\": ", round * 500 + i, "}}\n")));
    }
  }
  node.Finish();
}

}  // namespace
}  // namespace fathom
