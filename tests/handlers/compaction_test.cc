#include <doctest/doctest.h>

#include "absl/strings/match.h"
#include "tests/handlers/session.h"

namespace fathom {
namespace {

// Two level-0 tables that share 10 of their 20 keys each.
std::unique_ptr<Session> WithTwoTables() {
  auto session = Session::Started();
  for (const int first : {0, 10}) {
    for (int i = first; i < first + 20; ++i) {
      session->Ask(absl::StrCat(R"("type":"lsm_put","key":)", i, R"(,"value":)", first));
    }
    session->Ask(R"("type":"sstable_flush")");
  }
  return session;
}

TEST_CASE("lsm_compact: merges level 0 into level 1 and counts what it did") {
  const auto session = WithTwoTables();
  const std::string reply =
      session->Ask(R"("type":"lsm_compact","source_level":0,"target_level":1)");
  CHECK(absl::StartsWith(
      reply, R"(lsm_compact_ok "sstables_merged": 2 "new_sstables": 1 "keys_deduplicated": 10 )"));
  CHECK(session->Ask(R"("type":"lsm_read","key":15)") ==
        R"(lsm_read_ok "value": 10 "found_at": "L1" "levels_checked": 2)");
  CHECK(session->Ask(R"("type":"lsm_read","key":5)") ==
        R"(lsm_read_ok "value": 0 "found_at": "L1" "levels_checked": 2)");
  // The tables that were merged are gone.
  CHECK(absl::StartsWith(session->Ask(R"("type":"sstable_lookup","sstable":"L0_001.sst","key":1)"),
                         "error 20"));
}

TEST_CASE("lsm_compact: an empty source answers with zeros") {
  const auto session = Session::Started();
  CHECK(session->Ask(R"("type":"lsm_compact","source_level":0,"target_level":1)") ==
        R"(lsm_compact_ok "sstables_merged": 0 "new_sstables": 0 "keys_deduplicated": 0 )"
        R"("bytes_read": 0 "bytes_written": 0 "write_amplification": 0.0)");
}

TEST_CASE(
    "lsm_compact: levels that do not follow one another are refused, and missing ones named") {
  const auto session = WithTwoTables();
  for (const char* levels :
       {R"("source_level":0,"target_level":2)", R"("source_level":1,"target_level":0)",
        R"("source_level":0,"target_level":0)", R"("source_level":6,"target_level":7)",
        R"("source_level":-1,"target_level":0)", R"("source_level":"0","target_level":1)",
        R"("source_level":0)"}) {
    CAPTURE(levels);
    CHECK(absl::StartsWith(session->Ask(absl::StrCat(R"("type":"lsm_compact",)", levels)),
                           "error 12"));
  }
}

TEST_CASE("lsm_compact: the deepest level merged with itself loses its tombstones") {
  const auto session = WithTwoTables();
  session->Ask(R"("type":"lsm_compact","source_level":0,"target_level":1)");
  CHECK(absl::StartsWith(session->Ask(R"("type":"lsm_compact","source_level":1,"target_level":1)"),
                         R"(lsm_compact_ok "sstables_merged": 1 "new_sstables": 1 )"));
}

TEST_CASE("lsm_compact_status: counts compactions and their bytes") {
  const auto session = WithTwoTables();
  CHECK(session->Ask(R"("type":"lsm_compact_status")") ==
        R"(lsm_compact_status_ok "pending_compactions": 0 "total_compactions": 0 )"
        R"("total_bytes_compacted": 0)");
  session->Ask(R"("type":"lsm_compact","source_level":0,"target_level":1)");
  const std::string status = session->Ask(R"("type":"lsm_compact_status")");
  CHECK(absl::StrContains(status, R"("total_compactions": 1)"));
  CHECK_FALSE(absl::StrContains(status, R"("total_bytes_compacted": 0)"));
}

TEST_CASE("lsm_verify: a sound store has no problems, a damaged one names file and offset") {
  const auto session = WithTwoTables();
  CHECK(absl::EndsWith(session->Ask(R"("type":"lsm_verify")"), R"("problems": [])"));
  const std::string table = "/data/n1/L0_001.sst";
  std::string bytes = session->fs()->Contents(table).value();
  bytes[3] = static_cast<char>(bytes[3] ^ 1);
  session->fs()->SetContents(table, bytes);
  const std::string reply = session->Ask(R"("type":"lsm_verify")");
  CHECK(absl::StrContains(reply, "L0_001.sst: damaged at offset 0"));
}

TEST_CASE("lsm_checkpoint: makes a store that a node of its name opens") {
  const auto session = WithTwoTables();
  CHECK(session->Ask(R"("type":"lsm_checkpoint","name":"copy")") ==
        R"(lsm_checkpoint_ok "name": "copy")");
  CHECK(absl::StartsWith(session->Ask(R"("type":"lsm_checkpoint","name":"copy")"), "error 21"));
  Options options;
  options.file_system = session->fs();
  const absl::StatusOr<std::unique_ptr<DB>> copy = DB::Open(options, "/data/copy");
  REQUIRE_MESSAGE(copy.ok(), copy.status().ToString());
  CHECK((*copy)->GetStats().tables == 2);
}

TEST_CASE("lsm_checkpoint: names that are paths, hidden or taken are refused") {
  const auto session = WithTwoTables();
  for (const char* name : {"", "a/b", "..", ".", ".hidden", "/tmp/x"}) {
    CAPTURE(name);
    CHECK(absl::StartsWith(
        session->Ask(absl::StrCat(R"("type":"lsm_checkpoint","name":")", name, "\"")), "error 12"));
  }
  CHECK(absl::StartsWith(session->Ask(R"("type":"lsm_checkpoint","name":"n1")"), "error 21"));
}

TEST_CASE("lsm_stats: amplifications are measured") {
  const auto session = WithTwoTables();
  CHECK(absl::StrContains(session->Ask(R"("type":"lsm_stats")"), R"("write_amplification": 1.0)"));
  session->Ask(R"("type":"lsm_compact","source_level":0,"target_level":1)");
  const std::string stats = session->Ask(R"("type":"lsm_stats")");
  CHECK_FALSE(absl::StrContains(stats, R"("write_amplification": 1.0)"));
  CHECK(absl::StrContains(stats, R"("space_amplification": 1.0)"));
  CHECK(absl::StrContains(stats, R"("versions_dropped": 10)"));
}

}  // namespace
}  // namespace fathom
