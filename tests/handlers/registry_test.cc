#include "handlers/registry.h"

#include <doctest/doctest.h>

namespace fathom {
namespace {

HandlerResult Nothing(const Request&, HandlerContext*, Reply*) { return std::nullopt; }

TEST_CASE("registry: a type finds its handler and its reply's type") {
  Registry registry;
  registry.Add("a", Nothing);
  REQUIRE(registry.Find("a") != nullptr);
  CHECK((registry.Find("a")->handler == Nothing));
  CHECK(registry.Find("a")->reply_type == "a_ok");
  CHECK(registry.Find("b") == nullptr);
  CHECK(registry.Find("") == nullptr);
}

TEST_CASE("registry: every documented type has a handler") {
  for (const char* type : {"echo", "memtable_put", "memtable_get", "memtable_scan", "sstable_flush",
                           "sstable_lookup", "lsm_put", "lsm_get", "lsm_read", "lsm_delete",
                           "lsm_scan", "lsm_write", "lsm_level_info", "lsm_stats"}) {
    CAPTURE(std::string(type));
    CHECK(AllHandlers().Find(type) != nullptr);
  }
}

}  // namespace
}  // namespace fathom
