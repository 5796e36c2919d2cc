// Lowers how many file handles this process may have, for a test's while.
#pragma once

#include <doctest/doctest.h>
#include <sys/resource.h>

#include <filesystem>
#include <iterator>

namespace fathom {

class HandleLimit {
 public:
  explicit HandleLimit(rlim_t handles) {
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
    const rlimit lowered = {handles, before_.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &lowered) == 0);
  }
  HandleLimit(const HandleLimit&) = delete;
  HandleLimit& operator=(const HandleLimit&) = delete;
  ~HandleLimit() { ::setrlimit(RLIMIT_NOFILE, &before_); }

  // The handles that the process has open. Takes one itself for that.
  static auto Open() {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                         std::filesystem::directory_iterator()) -
           1;
  }

 private:
  rlimit before_;
};

}  // namespace fathom
