// Runs the sessions that README.md and handlers/README.md show. A session is a block fenced as
//
//   ```fathom [option]...
//   > request
//   < reply
//
// in a process of its own, with those options. And a block fenced as ```fathom-shell, of commands
// after "$ " and what they print, is run by the shell in an empty directory. `<number>` stands for
// any digits; all else must come back byte for byte.
#include <doctest/doctest.h>

#include <cctype>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "handlers/temp_dir.h"
#include "tests/node/child.h"

namespace fathom {
namespace {

struct ReadmeSession {
  int line_number = 0;
  std::vector<std::string> options;
  std::vector<std::string> lines;
};

std::vector<ReadmeSession> SessionsIn(const std::string& name) {
  std::ifstream file(absl::StrCat(FATHOM_SOURCE_DIR, "/", name));
  REQUIRE(file.is_open());
  std::vector<ReadmeSession> sessions;
  bool inside = false;
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (inside && line == "```") {
      inside = false;
    } else if (inside) {
      sessions.back().lines.push_back(line);
    } else if (line == "```fathom" || absl::StartsWith(line, "```fathom ")) {
      inside = true;
      sessions.emplace_back();
      sessions.back().line_number = number;
      sessions.back().options = absl::StrSplit(line.substr(9), ' ', absl::SkipEmpty());
    }
  }
  CHECK_FALSE(inside);
  return sessions;
}

// The lines of each block fenced as ```fathom-shell.
std::vector<std::vector<std::string>> ShellBlocksIn(const std::string& name) {
  std::ifstream file(absl::StrCat(FATHOM_SOURCE_DIR, "/", name));
  REQUIRE(file.is_open());
  std::vector<std::vector<std::string>> blocks;
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    if (line == "```fathom-shell") {
      blocks.emplace_back();
      inside = true;
    } else if (inside && line == "```") {
      inside = false;
    } else if (inside) {
      blocks.back().push_back(line);
    }
  }
  return blocks;
}

// What `command` prints in directory `dir`, where "fathom" is the program.
std::string OutputOf(const std::string& command, const std::string& dir) {
  const std::filesystem::path binary = FATHOM_BINARY;
  const std::string line =
      absl::StrCat("cd ", dir, " && PATH=", binary.parent_path().string(), ":$PATH && ", command);
  FILE* const run = popen(line.c_str(), "r");
  REQUIRE(run != nullptr);
  std::string output(1 << 16, '\0');
  output.resize(fread(output.data(), 1, output.size(), run));
  pclose(run);
  return output;
}

bool Matches(absl::string_view pattern, absl::string_view text) {
  const std::vector<std::string> parts = absl::StrSplit(pattern, "<number>");
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) {
      size_t digits = 0;
      while (digits < text.size() && std::isdigit(static_cast<unsigned char>(text[digits])) != 0) {
        ++digits;
      }
      if (digits == 0) {
        return false;
      }
      text.remove_prefix(digits);
    }
    if (!absl::StartsWith(text, parts[i])) {
      return false;
    }
    text.remove_prefix(parts[i].size());
  }
  return text.empty();
}

void RunSession(const ReadmeSession& session) {
  Child node(session.options);
  for (const std::string& line : session.lines) {
    if (absl::StartsWith(line, "> ")) {
      REQUIRE(node.Write(line.substr(2) + "\n"));
      continue;
    }
    REQUIRE(absl::StartsWith(line, "< "));
    const std::string reply = node.ReadLine();
    CAPTURE(line);
    CAPTURE(reply);
    CHECK(Matches(line.substr(2) + "\n", reply));
  }
  CHECK(node.Finish().empty());
}

TEST_CASE("readme: a pattern matches its text, with digits for each number") {
  CHECK(Matches("a <number>, <number>", "a 1, 234"));
  CHECK(Matches("a", "a"));
  CHECK_FALSE(Matches("a <number>", "a "));
  CHECK_FALSE(Matches("a <number>", "a 1 "));
  CHECK_FALSE(Matches("a <number>", "a x"));
  CHECK_FALSE(Matches("a", "ab"));
}

TEST_CASE("readme: the sessions shown come out as shown") {
  for (const char* name : {"README.md", "handlers/README.md"}) {
    const std::vector<ReadmeSession> sessions = SessionsIn(name);
    CHECK_FALSE(sessions.empty());
    for (const ReadmeSession& session : sessions) {
      CAPTURE(std::string(name));
      CAPTURE(session.line_number);
      RunSession(session);
    }
  }
}

TEST_CASE("readme: the shell sessions shown come out as shown") {
  const std::vector<std::vector<std::string>> blocks = ShellBlocksIn("README.md");
  CHECK_FALSE(blocks.empty());
  for (const std::vector<std::string>& block : blocks) {
    const auto temp = TempDir::Make();
    REQUIRE(temp.ok());
    for (size_t i = 0; i < block.size();) {
      REQUIRE(absl::StartsWith(block[i], "$ "));
      const std::string command = block[i].substr(2);
      std::string expected;
      for (++i; i < block.size() && !absl::StartsWith(block[i], "$ "); ++i) {
        absl::StrAppend(&expected, block[i], "\n");
      }
      const std::string output = OutputOf(command, (*temp)->path());
      CAPTURE(command);
      CAPTURE(expected);
      CAPTURE(output);
      CHECK(Matches(expected, output));
    }
  }
}

}  // namespace
}  // namespace fathom
