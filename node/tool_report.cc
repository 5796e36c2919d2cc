#include "node/tool_report.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "node/streams.h"

namespace fathom {
namespace {

constexpr absl::Duration kOnTerminal = absl::Milliseconds(100);
constexpr absl::Duration kElsewhere = absl::Seconds(5);
constexpr char kClearLine[] = "\r\x1b[K";

std::string Count(uint64_t n, absl::string_view one, absl::string_view many) {
  return absl::StrCat(n, " ", n == 1 ? one : many);
}

std::string Quoted(absl::string_view key) {
  return absl::StrCat("\"", absl::CHexEscape(key), "\"");
}

std::string LostText(const LostPart& part) {
  std::string text = part.file.empty() ? part.what : absl::StrCat(part.file, ": ", part.what);
  absl::StrAppend(&text, ": ",
                  part.entries.has_value() ? Count(*part.entries, "entry", "entries")
                                           : "nothing tells how many entries");
  if (part.keys.empty()) {
    return text + ", of any keys";
  }
  absl::string_view separator = ", of keys ";
  for (const auto& [first, last] : part.keys) {
    absl::StrAppend(&text, separator, Quoted(first), " to ", Quoted(last));
    separator = ", ";
  }
  return text;
}

}  // namespace

ProgressLine::ProgressLine(std::string store)
    : store_(std::move(store)),
      terminal_(isatty(STDERR_FILENO) == 1),
      next_(absl::Now() + (terminal_ ? kOnTerminal : kElsewhere)) {}

void ProgressLine::Tell(const CheckProgress& progress) {
  const absl::Time now = absl::Now();
  if (now < next_) {
    return;
  }
  next_ = now + (terminal_ ? kOnTerminal : kElsewhere);
  const uint64_t percent = 100 * progress.bytes / std::max<uint64_t>(progress.total_bytes, 1);
  (void)FdSink(STDERR_FILENO)
      .Write(absl::StrCat(terminal_ ? kClearLine : "", store_, ": ", percent, " % of ",
                          progress.total_bytes, " bytes, now ", progress.file,
                          terminal_ ? "" : "\n"));  // progress is not worth an error
}

void ProgressLine::Clear() {
  if (terminal_) {
    (void)FdSink(STDERR_FILENO).Write(kClearLine);
  }
}

std::string VerifyText(const std::string& store, const StoreCheck& check) {
  std::string text = absl::StrCat(
      store, ": ",
      check.damage.empty() ? "sound" : Count(check.damage.size(), "problem", "problems"),
      "\n  checked: ", Count(check.manifest_edits, "manifest edit", "manifest edits"), ", ",
      Count(check.tables, "table", "tables"), " with ", Count(check.entries, "entry", "entries"),
      " in ", Count(check.blocks, "block", "blocks"), ", ", Count(check.logs, "log", "logs"),
      " with ", Count(check.log_records, "record", "records"), ", ", check.bytes, " bytes\n");
  for (const std::string& line : check.damage) {
    absl::StrAppend(&text, "  damage: ", line, "\n");
  }
  for (const std::string& line : check.notes) {
    absl::StrAppend(&text, "  note: ", line, "\n");
  }
  return text;
}

std::string RepairText(const std::string& store, const RepairReport& report) {
  if (report.check.damage.empty()) {
    return absl::StrCat(store, ": nothing to repair\n");
  }
  std::string text = absl::StrCat(store, ": repaired, ",
                                  report.lost.empty() ? "nothing is lost" : "with losses", "\n");
  for (const std::string& line : report.check.damage) {
    absl::StrAppend(&text, "  damage: ", line, "\n");
  }
  for (const std::string& line : report.saved) {
    absl::StrAppend(&text, "  saved: ", line, "\n");
  }
  for (const LostPart& part : report.lost) {
    absl::StrAppend(&text, "  lost: ", LostText(part), "\n");
  }
  absl::StrAppend(&text, "  aside: ", report.aside_dir, " keeps ",
                  Count(report.aside.size(), "file", "files"),
                  " that the store does not use any more\n");
  if (!report.lost.empty()) {
    absl::StrAppend(&text,
                    "  beware: of keys among the lost, older values may show now, and deleted ones "
                    "may be back\n");
  }
  if (report.manifest_rebuilt) {
    absl::StrAppend(&text,
                    "  beware: the manifest could not be believed, and so nothing tells whether "
                    "tables are missing; if files were left that it did not name any more, deleted "
                    "keys may be back\n");
  }
  return text;
}

}  // namespace fathom
