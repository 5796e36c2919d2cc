#include "tests/bench/store/machine.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <ctime>
#include <fstream>

#include "absl/strings/match.h"
#include "absl/strings/str_format.h"

namespace fathom {
namespace {

std::string CpuModel() {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);) {
    const size_t colon = line.find(": ");
    if (absl::StartsWith(line, "model name") && colon != std::string::npos) {
      return line.substr(colon + 2);
    }
  }
  return "an unnamed processor";
}

}  // namespace

std::string DescribeMachine() {
  utsname system = {};
  uname(&system);
  const double memory =
      static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
  return absl::StrFormat("%d cores of %s, %.1f GiB of memory, %s %s %s",
                         sysconf(_SC_NPROCESSORS_ONLN), CpuModel(), memory / (1 << 30),
                         system.sysname, system.release, system.machine);
}

std::string Now() {
  char text[32] = "";
  const std::time_t now = std::time(nullptr);
  std::tm local;
  if (localtime_r(&now, &local) != nullptr) {
    std::strftime(text, sizeof(text), "%Y-%m-%d %H:%M", &local);
  }
  return text;
}

}  // namespace fathom
