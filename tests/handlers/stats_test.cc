#include <doctest/doctest.h>

#include "absl/strings/match.h"
#include "tests/handlers/session.h"

namespace fathom {
namespace {

TEST_CASE("lsm_level_info: an empty store has three levels") {
  CHECK(Session::Started()->Ask(R"("type":"lsm_level_info")") ==
        R"(lsm_level_info_ok "levels": [)"
        R"({"level":0,"sstables":0,"total_bytes":0,"sorted":false,"max_bytes":41943040},)"
        R"({"level":1,"sstables":0,"total_bytes":0,"sorted":true,"max_bytes":419430400},)"
        R"({"level":2,"sstables":0,"total_bytes":0,"sorted":true,"max_bytes":4194304000}])");
}

TEST_CASE("lsm_level_info: tables and their true bytes are counted") {
  const auto session = Session::Started();
  session->Ask(R"("type":"lsm_put","key":"a","value":1)");
  session->Ask(R"("type":"sstable_flush")");
  session->Ask(R"("type":"lsm_put","key":"b","value":1)");
  session->Ask(R"("type":"sstable_flush")");
  const uint64_t bytes = session->fs()->FileSize("/data/n1/L0_001.sst").value() +
                         session->fs()->FileSize("/data/n1/L0_002.sst").value();
  CHECK(absl::StrContains(
      session->Ask(R"("type":"lsm_level_info")"),
      absl::StrCat(R"([{"level":0,"sstables":2,"total_bytes":)", bytes, R"(,"sorted":false,)")));
}

TEST_CASE("lsm_stats: counts what was done") {
  const auto session = Session::Started();
  session->Ask(R"("type":"lsm_put","key":"a","value":1)");
  session->Ask(R"("type":"lsm_delete","key":"b")");
  session->Ask(R"("type":"lsm_get","key":"a")");
  const std::string before = session->Ask(R"("type":"lsm_stats")");
  CHECK(absl::StartsWith(before, R"(lsm_stats_ok "puts": 1 "deletes": 1 )"));
  CHECK(absl::StrContains(before, R"("gets": 1 )"));
  CHECK(absl::StrContains(before, R"("memtable_entries": 2 )"));
  session->Ask(R"("type":"sstable_flush")");
  const std::string after = session->Ask(R"("type":"lsm_stats")");
  CHECK(absl::StrContains(after, R"("flushes": 1 "flushed_entries": 2 )"));
  CHECK(absl::StrContains(after, R"("memtable_entries": 0 )"));
  CHECK(absl::StrContains(after, R"("tables": 1 )"));
}

TEST_CASE("lsm_stats: tells for each level how useful filters and cache were") {
  const auto session = Session::Started();
  CHECK(absl::StrContains(session->Ask(R"("type":"lsm_stats")"), R"("read_levels": [])"));
  for (const char* const table : {R"("a")", R"("b")"}) {  // newer is first: both are asked for "a"
    session->Ask(absl::StrCat(R"("type":"lsm_put","key":"Z","value":1)"));
    session->Ask(absl::StrCat(R"("type":"lsm_put","key":"c","value":1)"));
    session->Ask(absl::StrCat(R"("type":"lsm_put","key":)", table, R"(,"value":1)"));
    session->Ask(R"("type":"sstable_flush")");
  }
  session->Ask(R"("type":"lsm_get","key":"a")");
  session->Ask(R"("type":"lsm_get","key":"a")");
  CHECK(absl::StrContains(session->Ask(R"("type":"lsm_stats")"),
                          R"("read_levels": [{"level":0,"tables_checked":4,"found":2,)"
                          R"("filters_checked":4,"filters_rejected":2,"filter_usefulness":1.0,)"
                          R"("blocks_cached":2,"blocks_read":2,"cache_usefulness":0.5}])"));
}

TEST_CASE("lsm_level_info, lsm_stats: explain tells the time") {
  const auto session = Session::Started();
  CHECK(session->Explained(R"("type":"lsm_level_info")", "micros") >= 0);
  CHECK(session->Explained(R"("type":"lsm_stats")", "micros") >= 0);
}

}  // namespace
}  // namespace fathom
