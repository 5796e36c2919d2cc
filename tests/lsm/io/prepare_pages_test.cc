#include "lsm/io/prepare_pages.h"

#include <doctest/doctest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

namespace fathom {
namespace {

class FreshPages {
 public:
  explicit FreshPages(size_t pages)
      : pages_(pages),
        memory_(
            ::mmap(nullptr, bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {
    REQUIRE(memory_ != MAP_FAILED);
    ::madvise(memory_, bytes(), MADV_NOHUGEPAGE);
  }
  ~FreshPages() { ::munmap(memory_, bytes()); }
  FreshPages(const FreshPages&) = delete;
  FreshPages& operator=(const FreshPages&) = delete;

  static size_t page_bytes() { return static_cast<size_t>(::sysconf(_SC_PAGESIZE)); }
  char* begin() { return static_cast<char*>(memory_); }
  size_t bytes() const { return pages_ * page_bytes(); }

  // Which are there, by the system's own word.
  std::vector<bool> Present() const {
    std::vector<unsigned char> told(pages_);
    REQUIRE(::mincore(memory_, bytes(), told.data()) == 0);
    std::vector<bool> present;
    for (const unsigned char page : told) {
      present.push_back((page & 1) != 0);
    }
    return present;
  }

 private:
  const size_t pages_;
  void* const memory_;
};

#ifdef MADV_POPULATE_WRITE
bool SystemKnowsHow() {
  FreshPages pages(1);
  return ::madvise(pages.begin(), pages.bytes(), MADV_POPULATE_WRITE) == 0 || errno != EINVAL;
}
#else
bool SystemKnowsHow() { return false; }
#endif

TEST_CASE("whole pages are made ready, those at the ends that are not whole are not") {
  FreshPages pages(5);
  const size_t page = FreshPages::page_bytes();
  PreparePages(pages.begin() + 1, 4 * page);
  if (SystemKnowsHow()) {
    CHECK(pages.Present() == std::vector<bool>{false, true, true, true, false});
  }
  PreparePages(pages.begin(), page - 1);
  PreparePages(pages.begin() + 1, page);
  PreparePages(pages.begin(), 0);
  CHECK_FALSE(pages.Present()[0]);
}

TEST_CASE("what pages hold stays as they are made ready") {
  FreshPages pages(3);
  std::memset(pages.begin(), 'x', pages.bytes());
  PreparePages(pages.begin(), pages.bytes());
  CHECK(std::vector<char>(pages.begin(), pages.begin() + pages.bytes()) ==
        std::vector<char>(pages.bytes(), 'x'));
}

}  // namespace
}  // namespace fathom
