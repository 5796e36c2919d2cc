#include "node/tools.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "lsm/io/file_system.h"
#include "lsm/verify.h"
#include "node/streams.h"
#include "node/tool_report.h"

namespace fathom {
namespace {

constexpr int kExitSound = 0;
constexpr int kExitDamage = 1;
constexpr int kExitCannot = 2;

int Cannot(absl::string_view why) {
  (void)FdSink(STDERR_FILENO).Write(absl::StrCat("fathom: ", why, "\n"));  // nowhere else to tell
  return kExitCannot;
}

int Print(const std::string& text, int exit_status) {
  const absl::Status written = FdSink(STDOUT_FILENO).Write(text);
  return written.ok() ? exit_status : Cannot(absl::StrCat("cannot print: ", written.message()));
}

int Verify(const std::string& store) {
  ProgressLine progress(store);
  const absl::StatusOr<StoreCheck> check =
      VerifyStore(Options(), store, [&](const CheckProgress& p) { progress.Tell(p); });
  progress.Clear();
  if (!check.ok()) {
    return Cannot(absl::StrCat("cannot verify: ", check.status().message()));
  }
  return Print(VerifyText(store, *check), check->damage.empty() ? kExitSound : kExitDamage);
}

int Repair(const std::string& store) {
  ProgressLine progress(store);
  const absl::StatusOr<RepairReport> report =
      RepairStore(Options(), store, [&](const CheckProgress& p) { progress.Tell(p); });
  progress.Clear();
  if (!report.ok()) {
    return Cannot(absl::StrCat("cannot repair: ", report.status().message()));
  }
  return Print(RepairText(store, *report), report->lost.empty() ? kExitSound : kExitDamage);
}

constexpr char kVerifyHelp[] = R"(Usage: fathom verify DIR

Reads every byte of a closed store and checks it, and every rule that its files must keep: CURRENT,
the manifest's edits, the order of the levels, each table's checksums, order, counts and filter, and
the records of each log. Changes nothing. DIR is a store, or a data directory: then each store in it.
All damage is listed, one line each, with file, offset, what was expected and what was found.

Exit status: 0 if all is sound, 1 if there is damage, 2 if it cannot be checked: there is no store, it
is in use, or it may not be read.

Examples:
      fathom verify /var/lib/fathom/n1
      fathom verify /var/lib/fathom && echo all sound
)";

constexpr char kRepairHelp[] = R"(Usage: fathom repair DIR

Repairs a damaged store as far as it can be, without a question. Sound files stay. The sound blocks of
a damaged table, and what can be read of the logs, are written to new tables; without a manifest that
can be believed, all tables are merged into one level. Files that are not used any more are not
deleted but kept in DIR/damaged-NNN. A store in which nothing is damaged is left as it is. DIR is a
store, or a data directory: then each store in it.

Where something is lost, an older version of a key may show, and a deleted key may be back. The report
says which keys that concerns, as far as anything still tells.

It needs room for what it writes anew: at most as much as the store takes.

Exit status: 0 if nothing was damaged, or nothing is lost; 1 if the store is repaired but something is
lost; 2 if it is not repaired: there is no store, it is in use, or reading or writing failed. It is then
as it was, and can be repaired later.

Examples:
      fathom repair /var/lib/fathom/n1
      cp -a /var/lib/fathom /backup && fathom repair /var/lib/fathom
)";

constexpr Tool kTools[] = {
    {"verify", "check every byte of a closed store", kVerifyHelp, Verify},
    {"repair", "mend a damaged one, and tell what is lost", kRepairHelp, Repair},
};

// `dir` if it is a store, else the stores in it.
std::vector<std::string> StoresIn(const std::string& dir) {
  FileSystem* const fs = PosixFileSystem();
  if (HoldsStore(fs, dir)) {
    return {dir};
  }
  std::vector<std::string> stores;
  const std::vector<std::string> names = fs->List(dir).value_or(std::vector<std::string>());
  for (const std::string& name : names) {
    const std::string inner = absl::StrCat(dir, absl::EndsWith(dir, "/") ? "" : "/", name);
    if (HoldsStore(fs, inner)) {
      stores.push_back(inner);
    }
  }
  std::ranges::sort(stores);
  return stores;
}

}  // namespace

const Tool* FindTool(absl::string_view name) {
  const auto* const tool =
      std::ranges::find_if(kTools, [name](const Tool& t) { return name == t.name; });
  return tool == std::end(kTools) ? nullptr : tool;
}

int RunTool(const Tool& tool, int argc, char* const* argv) {
  signal(SIGPIPE, SIG_IGN);  // a closed output is an error like any other
  if (argc == 2 && absl::string_view(argv[1]) == "--help") {
    return Print(tool.help, kExitSound);
  }
  if (argc != 2 || absl::StartsWith(argv[1], "-") || *argv[1] == '\0') {
    return Cannot(
        absl::StrCat(tool.name, ": expected one directory; see fathom ", tool.name, " --help"));
  }
  const std::string dir = argv[1];
  const absl::Status listed = PosixFileSystem()->List(dir).status();
  if (!listed.ok()) {
    return Cannot(listed.message());
  }
  const std::vector<std::string> stores = StoresIn(dir);
  if (stores.empty()) {
    return Cannot(absl::StrCat(dir, ": there is no store here, nor in a directory of it"));
  }
  int exit_status = kExitSound;
  for (const std::string& store : stores) {
    exit_status = std::max(exit_status, tool.run(store));
  }
  return exit_status;
}

std::string ToolsHelp() {
  std::string text;
  for (const Tool& tool : kTools) {
    absl::StrAppend(&text, "  fathom ", tool.name, " DIR    ", tool.summary, "; see fathom ",
                    tool.name, " --help\n");
  }
  return text;
}

}  // namespace fathom
