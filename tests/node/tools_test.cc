// The tools, run as their users run them: the real program on a real directory.
#include "node/tools.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "handlers/temp_dir.h"
#include "tests/node/child.h"

namespace fathom {
namespace {

struct Outcome {
  int status = -1;
  std::string output;
  std::string errors;
};

Outcome Run(const std::vector<std::string>& arguments) {
  Child child(arguments);
  child.CloseInput();
  Outcome outcome;
  outcome.output = child.ReadAll();
  outcome.status = child.Wait();
  outcome.errors = child.Errors();
  return outcome;
}

std::string Ask(Child* node, const std::string& body) {
  return node->Ask(absl::StrCat(R"({"src":"c","dest":"n1","body":)", body, "}"));
}

// A data directory with a store that a node wrote: one table, and a write in the log.
struct DataDir {
  std::unique_ptr<TempDir> temp;
  std::string store;

  DataDir() : temp(*TempDir::Make()), store(temp->path() + "/n1") {
    Child node({"--data-dir=" + temp->path()});
    node.Write(kInitLine);
    REQUIRE(node.ReadLine() == kInitReply);
    std::string puts;
    for (int i = 0; i < 300; ++i) {
      absl::StrAppend(&puts, R"({"src":"c","dest":"n1","body":{"type":"lsm_put","key":"k)", i,
                      R"(","value":"a value)", std::string(100, ' '), "\"}}\n");
    }
    node.Write(puts);
    for (int i = 0; i < 300; ++i) {
      REQUIRE(absl::StrContains(node.ReadLine(), "lsm_put_ok"));
    }
    Ask(&node, R"({"type":"sstable_flush"})");
    Ask(&node, R"({"type":"lsm_put","key":"last","value":"in the log"})");
    node.Finish();
  }

  std::map<std::string, std::string> Files() const {
    std::map<std::string, std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(store)) {
      if (entry.is_regular_file()) {
        std::ifstream file(entry.path());
        files[entry.path().filename()] =
            std::string(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
      }
    }
    return files;
  }
  void Flip(const std::string& name, std::streamoff offset) const {
    std::fstream file(store + "/" + name, std::ios::in | std::ios::out | std::ios::binary);
    REQUIRE(file.is_open());
    file.seekg(offset);
    const char byte = static_cast<char>(file.get() ^ 0x40);
    file.seekp(offset);
    file.put(byte);
  }
};

TEST_CASE("tools: verify tells a sound store with status 0 and changes nothing") {
  const DataDir data;
  const auto before = data.Files();
  for (const std::string& dir : {data.store, data.temp->path(), data.temp->path() + "/"}) {
    const Outcome outcome = Run({"verify", dir});
    CHECK(outcome.status == 0);
    CHECK(absl::StartsWith(outcome.output, data.store + ": sound\n  checked: "));
    CHECK(absl::StrContains(outcome.output, "1 table with 300 entries in "));
    CHECK(absl::StrContains(outcome.output, "1 record, "));
    CHECK(outcome.errors.empty());
  }
  CHECK(data.Files() == before);
}

TEST_CASE("tools: verify tells damage with status 1, a line each, and repair mends it") {
  const DataDir data;
  data.Flip("L0_001.sst", 20);
  data.Flip("L0_001.sst", 9000);
  const Outcome verify = Run({"verify", data.temp->path()});
  CHECK(verify.status == 1);
  CHECK(absl::StartsWith(verify.output, data.store + ": 2 problems\n"));
  CHECK(absl::StrContains(verify.output, absl::StrCat("  damage: ", data.store,
                                                      "/L0_001.sst: damaged at offset 0: block "
                                                      "checksum: expected ")));
  const Outcome repair = Run({"repair", data.temp->path()});
  CHECK(repair.status == 1);
  CHECK(absl::StartsWith(repair.output, data.store + ": repaired, with losses\n"));
  CHECK(absl::StrContains(repair.output, "  lost: L0_001.sst: damaged blocks: 2: "));
  CHECK(absl::StrContains(repair.output, ", of keys \"k0\" to "));
  CHECK(absl::StrContains(repair.output, "  beware: "));
  CHECK(absl::StrContains(repair.output,
                          absl::StrCat("  aside: ", data.store, "/damaged-001 keeps ")));
  CHECK(std::filesystem::exists(data.store + "/damaged-001/L0_001.sst"));
  CHECK(Run({"verify", data.store}).status == 0);
  const Outcome again = Run({"repair", data.store});
  CHECK(again.status == 0);
  CHECK(again.output == data.store + ": nothing to repair\n");

  Child node({"--data-dir=" + data.temp->path()});
  node.Write(kInitLine);
  REQUIRE(node.ReadLine() == kInitReply);
  CHECK(absl::StrContains(Ask(&node, R"({"type":"lsm_get","key":"last"})"), "in the log"));
  CHECK(absl::StrContains(Ask(&node, R"({"type":"lsm_get","key":"k99"})"), "a value"));
  node.Finish();
}

TEST_CASE("tools: a repair that loses nothing ends with status 0") {
  const DataDir data;
  std::filesystem::remove(data.store + "/CURRENT");
  CHECK(Run({"verify", data.store}).status == 1);
  const Outcome repair = Run({"repair", data.store});
  CHECK(repair.status == 0);
  CHECK(absl::StartsWith(repair.output, data.store + ": repaired, nothing is lost\n"));
  CHECK(Run({"verify", data.store}).status == 0);
}

TEST_CASE("tools: of several stores the worst gives the status") {
  const DataDir data;
  std::filesystem::copy(data.store, data.temp->path() + "/n0");
  data.Flip("L0_001.sst", 20);
  const Outcome outcome = Run({"verify", data.temp->path()});
  CHECK(outcome.status == 1);
  CHECK(absl::StrContains(outcome.output, "/n0: sound\n"));
  CHECK(absl::StrContains(outcome.output, "/n1: 1 problem\n"));
}

TEST_CASE("tools: a store in use is refused with status 2, and so is what is none") {
  const DataDir data;
  Child node({"--data-dir=" + data.temp->path()});
  node.Write(kInitLine);
  REQUIRE(node.ReadLine() == kInitReply);
  const auto temp = TempDir::Make();
  REQUIRE(temp.ok());
  for (const char* tool : {"verify", "repair"}) {
    const Outcome in_use = Run({tool, data.store});
    CHECK(in_use.status == 2);
    CHECK(absl::StrContains(in_use.errors, "open in another process"));
    CHECK(in_use.output.empty());
    const Outcome empty = Run({tool, (*temp)->path()});
    CHECK(empty.status == 2);
    CHECK(absl::StrContains(empty.errors, "there is no store here"));
    const Outcome missing = Run({tool, (*temp)->path() + "/missing"});
    CHECK(missing.status == 2);
    CHECK(absl::StrContains(missing.errors, "No such file"));
    CHECK(Run({tool, FATHOM_BINARY}).status == 2);
  }
}

TEST_CASE("tools: a wrong command line is status 2, and --help shows examples") {
  for (const char* tool : {"verify", "repair"}) {
    for (const std::vector<std::string>& arguments :
         {std::vector<std::string>{tool}, {tool, "a", "b"}, {tool, "--nonsense"}, {tool, ""}}) {
      const Outcome outcome = Run(arguments);
      CHECK(outcome.status == 2);
      CHECK(absl::StrContains(outcome.errors, absl::StrCat("see fathom ", tool, " --help")));
    }
    const Outcome help = Run({tool, "--help"});
    CHECK(help.status == 0);
    CHECK(absl::StartsWith(help.output, absl::StrCat("Usage: fathom ", tool, " DIR\n")));
    CHECK(absl::StrContains(help.output, "Examples:"));
    for (const absl::string_view line : absl::StrSplit(help.output, '\n')) {
      CHECK(line.size() <= 110);
    }
    CHECK(absl::StrContains(Run({"--help"}).output, absl::StrCat("fathom ", tool, " DIR")));
  }
}

TEST_CASE("tools: a report that cannot be printed is status 2") {
  const DataDir data;
  Child child({"verify", data.store}, "/dev/full");
  child.CloseInput();
  CHECK(child.Wait() == 2);
  CHECK(absl::StrContains(child.Errors(), "cannot print"));
}

}  // namespace
}  // namespace fathom
