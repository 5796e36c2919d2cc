// What the tools tell: progress on standard error, their report as text. One thread at a time.
#pragma once

#include <string>

#include "absl/time/time.h"
#include "lsm/repair.h"
#include "lsm/verify.h"

namespace fathom {

// A line that tells how far a check has come: on a terminal over and over in the same place, else a
// new one every few seconds.
class ProgressLine {
 public:
  explicit ProgressLine(std::string store);

  void Tell(const CheckProgress& progress);
  // Leaves a terminal as if nothing had been told.
  void Clear();

 private:
  const std::string store_;
  const bool terminal_;
  absl::Time next_;
};

std::string VerifyText(const std::string& store, const StoreCheck& check);
std::string RepairText(const std::string& store, const RepairReport& report);

}  // namespace fathom
