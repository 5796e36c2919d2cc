#include <doctest/doctest.h>

#include <set>

#include "absl/strings/match.h"
#include "tests/handlers/session.h"

namespace fathom {
namespace {

constexpr char kNothingFlushed[] =
    R"(sstable_flush_ok "sstable_file": null "entries": 0 "bloom_filter_bits": 0 "size_bytes": 0)";

TEST_CASE("sstable_flush: an empty memtable makes no file") {
  const auto session = Session::Started();
  CHECK(session->Ask(R"("type":"sstable_flush")") == kNothingFlushed);
  CHECK(session->Ask(R"("type":"sstable_flush")") == kNothingFlushed);
}

TEST_CASE("sstable_flush: the memtable becomes a table, named and counted") {
  const auto session = Session::Started();
  for (int i = 0; i < 100; ++i) {
    session->Ask(absl::StrCat(R"("type":"lsm_put","value":1,"key":)", i));
  }
  const std::string reply = session->Ask(R"("type":"sstable_flush")");
  CHECK(
      absl::StartsWith(reply, R"(sstable_flush_ok "sstable_file": "L0_001.sst" "entries": 100 )"));
  session->Ask(R"("type":"lsm_put","value":1,"key":1)");
  CHECK(absl::StartsWith(session->Ask(R"("type":"sstable_flush")"),
                         R"(sstable_flush_ok "sstable_file": "L0_002.sst" "entries": 1 )"));
}

TEST_CASE("sstable_flush: a store never written is filled with the sample set first") {
  const auto session = Session::Started();
  const std::string reply = session->Ask(R"("type":"sstable_flush","memtable_size_bytes":4194304)");
  const std::string head =
      R"(sstable_flush_ok "sstable_file": "L0_001.sst" "entries": 50000 "bloom_filter_bits": 480000 )"
      R"("size_bytes": )";
  REQUIRE(absl::StartsWith(reply, head));
  const uint64_t size_bytes = std::stoul(reply.substr(head.size()));
  CHECK(size_bytes >= 3800000);
  CHECK(size_bytes <= 4200000);
  CHECK(session->fs()->FileSize("/data/n1/L0_001.sst").value() == size_bytes);
  REQUIRE(session->notes().size() == 1);
  CHECK(session->notes()[0] == "the store is empty: made 50000 sample records to flush");
  CHECK(session->Ask(R"("type":"lsm_get","key":"user:42")") == R"(lsm_get_ok "value": "Alice")");
  CHECK(session->Ask(R"("type":"sstable_flush","memtable_size_bytes":4194304)") == kNothingFlushed);
}

TEST_CASE("sstable_flush: explain says how many sample records were made") {
  CHECK(Session::Started()->Explained(R"("type":"sstable_flush","memtable_size_bytes":10000)",
                                      "sample_records") > 50);
  CHECK(Session::Started()->Explained(R"("type":"sstable_flush")", "sample_records") == 0);
}

TEST_CASE("sstable_flush: the size asked for caps the sample set, from user:42 on") {
  const auto session = Session::Started();
  CHECK(absl::StrContains(session->Ask(R"("type":"sstable_flush","memtable_size_bytes":100)"),
                          R"("entries": 1 )"));
  CHECK(session->Ask(R"("type":"lsm_get","key":"user:42")") == R"(lsm_get_ok "value": "Alice")");
  const auto tiny = Session::Started();
  CHECK(tiny->Ask(R"("type":"sstable_flush","memtable_size_bytes":1)") == kNothingFlushed);
}

TEST_CASE("sstable_flush: the store's own memtable size caps the sample set too") {
  NodeOptions options;
  options.store.memtable_bytes = 8192;
  const auto session = Session::Started(options);
  const std::string reply = session->Ask(R"("type":"sstable_flush","memtable_size_bytes":4194304)");
  CHECK(absl::StrContains(reply, "\"sstable_file\": \"L0_001.sst\" \"entries\": 101 "));
  CHECK(
      absl::StrContains(session->Ask(R"("type":"lsm_level_info")"), R"("level":0,"sstables":1,)"));
}

TEST_CASE("sstable_flush: memtable_size_bytes changes nothing once the store was written") {
  const auto session = Session::Started();
  session->Ask(R"("type":"lsm_put","key":"k","value":1)");
  CHECK(absl::StrContains(session->Ask(R"("type":"sstable_flush","memtable_size_bytes":4194304)"),
                          R"("entries": 1 )"));
  session->Ask(R"("type":"lsm_delete","key":"k")");
  CHECK(absl::StrContains(session->Ask(R"("type":"sstable_flush","memtable_size_bytes":4194304)"),
                          R"("entries": 1 )"));
}

TEST_CASE("sstable_flush: memtable_size_bytes out of range is error 12") {
  const auto session = Session::Started();
  const std::string expected =
      "error 12 field \"memtable_size_bytes\": expected an integer from 1 to 1099511627776, found ";
  CHECK(session->Ask(R"("type":"sstable_flush","memtable_size_bytes":0)") == expected + "0");
  CHECK(session->Ask(R"("type":"sstable_flush","memtable_size_bytes":-1)") == expected + "-1");
  CHECK(session->Ask(R"("type":"sstable_flush","memtable_size_bytes":4e6)") == expected + "4e6");
  CHECK(session->Ask(R"("type":"sstable_flush","memtable_size_bytes":"x")") ==
        expected + "a string");
}

TEST_CASE("sstable_lookup: cold it costs two reads, warm none") {
  const auto session = Session::Started();
  session->Ask(R"("type":"lsm_put","key":"k","value":{"a":1})");
  session->Ask(R"("type":"sstable_flush")");
  const std::string lookup = R"("type":"sstable_lookup","sstable":"L0_001.sst","key":"k")";
  CHECK(
      session->Ask(lookup) ==
      R"(sstable_lookup_ok "found": true "value": {"a":1} "bloom_checked": true "disk_reads": 2)");
  CHECK(
      session->Ask(lookup) ==
      R"(sstable_lookup_ok "found": true "value": {"a":1} "bloom_checked": true "disk_reads": 0)");
  CHECK(session->Explained(lookup, "blocks_cached") == 2);
}

TEST_CASE("sstable_lookup: keys that the filter rejects cost no read") {
  const auto session = Session::Started();
  for (int i = 0; i < 1000; ++i) {
    session->Ask(absl::StrCat(R"("type":"lsm_put","value":1,"key":"user:)", i, "\""));
  }
  session->Ask(R"("type":"sstable_flush")");
  int rejected = 0;
  for (int i = 0; i < 100; ++i) {
    const std::string reply = session->Ask(
        absl::StrCat(R"("type":"sstable_lookup","sstable":"L0_001.sst","key":"user:5)", i, "x\""));
    CHECK(absl::StartsWith(reply, R"(sstable_lookup_ok "found": false "value": null )"));
    rejected += absl::StrContains(reply, R"("bloom_checked": true "disk_reads": 0)") ? 1 : 0;
  }
  CHECK(rejected >= 90);
}

TEST_CASE("sstable_lookup: a tombstone in the table is not found") {
  const auto session = Session::Started();
  session->Ask(R"("type":"lsm_delete","key":"k")");
  session->Ask(R"("type":"sstable_flush")");
  const std::string lookup = R"("type":"sstable_lookup","sstable":"L0_001.sst","key":"k")";
  CHECK(
      absl::StartsWith(session->Ask(lookup), R"(sstable_lookup_ok "found": false "value": null )"));
  CHECK(session->Explained(lookup, "deleted") == 1);
}

TEST_CASE("sstable_lookup: a name that is no live table is error 20, whatever it looks like") {
  const auto session = Session::Started();
  session->Ask(R"("type":"lsm_put","key":"k","value":1)");
  session->Ask(R"("type":"sstable_flush")");
  for (const char* name : {"L0_002.sst", "", ".", "..", "/", "../n1/L0_001.sst", "./L0_001.sst",
                           "/data/n1/L0_001.sst", "L0_001.sst/", "l0_001.sst", "L0_1.sst",
                           "CURRENT", "MANIFEST-000001", "L0_001.sst\\u0000", "L1_001.sst"}) {
    CAPTURE(std::string(name));
    CHECK(absl::StartsWith(
        session->Ask(absl::StrCat(R"("type":"sstable_lookup","key":"k","sstable":")", name, "\"")),
        "error 20 "));
  }
}

TEST_CASE("sstable_lookup: missing and mistyped fields are error 12") {
  const auto session = Session::Started();
  CHECK(session->Ask(R"("type":"sstable_lookup","key":"k")") ==
        "error 12 field \"sstable\": expected a string, found nothing");
  CHECK(session->Ask(R"("type":"sstable_lookup","sstable":1,"key":"k")") ==
        "error 12 field \"sstable\": expected a string, found a number");
  CHECK(session->Ask(R"("type":"sstable_lookup","sstable":"L0_001.sst")") ==
        "error 12 field \"key\": expected a string or a number, found nothing");
}

// Crash case 22 as a client sees it: damage is an error, never 'not found'.
TEST_CASE("sstable_lookup: a damaged block is error 13 that names the file") {
  const auto session = Session::Started();
  session->Ask(R"("type":"lsm_put","key":"k","value":1)");
  session->Ask(R"("type":"sstable_flush")");
  const std::string path = "/data/n1/L0_001.sst";
  std::string bytes = session->fs()->Contents(path).value();
  bytes[3] = static_cast<char>(bytes[3] ^ 1);
  session->fs()->SetContents(path, bytes);
  const std::string reply =
      session->Ask(R"("type":"sstable_lookup","sstable":"L0_001.sst","key":"k")");
  CHECK(absl::StartsWith(reply, "error 13 "));
  CHECK(absl::StrContains(reply, "L0_001.sst"));
  CHECK(absl::StartsWith(session->Ask(R"("type":"lsm_get","key":"k")"), "error 13 "));
}

}  // namespace
}  // namespace fathom
