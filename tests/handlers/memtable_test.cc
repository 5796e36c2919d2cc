#include <doctest/doctest.h>

#include "absl/strings/match.h"
#include "tests/handlers/session.h"

namespace fathom {
namespace {

TEST_CASE("memtable_put: what was put is got, from the memtable") {
  const auto session = Session::Started();
  CHECK(session->Ask(R"("type":"memtable_put","key":"k1","value":"v1")") == "memtable_put_ok");
  CHECK(session->Ask(R"("type":"memtable_get","key":"k1")") ==
        R"(memtable_get_ok "value": "v1" "source": "memtable")");
}

TEST_CASE("memtable_get: a key that does not exist is null, from the memtable") {
  CHECK(Session::Started()->Ask(R"("type":"memtable_get","key":"nonexistent")") ==
        R"(memtable_get_ok "value": null "source": "memtable")");
}

TEST_CASE("memtable_get: after a flush the value comes from a table") {
  const auto session = Session::Started();
  session->Ask(R"("type":"memtable_put","key":"k1","value":"v1")");
  session->Ask(R"("type":"sstable_flush")");
  CHECK(session->Ask(R"("type":"memtable_get","key":"k1")") ==
        R"(memtable_get_ok "value": "v1" "source": "sstable")");
  session->Ask(R"("type":"lsm_delete","key":"k1")");
  session->Ask(R"("type":"sstable_flush")");
  CHECK(session->Ask(R"("type":"memtable_get","key":"k1")") ==
        R"(memtable_get_ok "value": null "source": "memtable")");
}

TEST_CASE("memtable_put: values keep their type, and null is a value") {
  const auto session = Session::Started();
  for (const char* value : {"100", "\"100\"", "100.0", "true", "null", "[]", "{\"a\":{\"b\":[1]}}",
                            "\"\"", "123456789012345678901234567890"}) {
    session->Ask(absl::StrCat(R"("type":"memtable_put","key":"k","value":)", value));
    CHECK(session->Ask(R"("type":"memtable_get","key":"k")") ==
          absl::StrCat("memtable_get_ok \"value\": ", value, " \"source\": \"memtable\""));
    CHECK(session->Explained(R"("type":"memtable_get","key":"k")", "found") == 1);
  }
  CHECK(session->Explained(R"("type":"memtable_get","key":"none")", "found") == 0);
}

TEST_CASE("memtable_put: a number and the string of its digits are two keys, as is the empty one") {
  const auto session = Session::Started();
  session->Ask(R"("type":"memtable_put","key":1,"value":"number")");
  session->Ask(R"("type":"memtable_put","key":"1","value":"string")");
  session->Ask(R"("type":"memtable_put","key":"","value":"empty")");
  CHECK(absl::StrContains(session->Ask(R"("type":"memtable_get","key":1.0)"), "\"number\""));
  CHECK(absl::StrContains(session->Ask(R"("type":"memtable_get","key":"1")"), "\"string\""));
  CHECK(absl::StrContains(session->Ask(R"("type":"memtable_get","key":"")"), "\"empty\""));
}

TEST_CASE("memtable_put: missing and mistyped fields are error 12") {
  const auto session = Session::Started();
  CHECK(session->Ask(R"("type":"memtable_put","value":1)") ==
        "error 12 field \"key\": expected a string or a number, found nothing");
  CHECK(session->Ask(R"("type":"memtable_put","key":["k"],"value":1)") ==
        "error 12 field \"key\": expected a string or a number, found an array");
  CHECK(session->Ask(R"("type":"memtable_put","key":"k")") ==
        "error 12 field \"value\": expected a value, found nothing");
  CHECK(session->Ask(R"("type":"memtable_get","key":null)") ==
        "error 12 field \"key\": expected a string or a number, found null");
}

TEST_CASE("memtable_put: a key over the engine's limit is error 12") {
  const std::string key(2 << 20, 'k');
  CHECK(absl::StartsWith(Session::Started()->Ask(
                             absl::StrCat(R"("type":"memtable_put","value":1,"key":")", key, "\"")),
                         "error 12 "));
}

TEST_CASE("memtable_scan: entries of the range in key order, numbers after strings") {
  const auto session = Session::Started();
  for (const char* key : {"\"b\"", "\"a\"", "\"c\"", "10", "9", "-1.5"}) {
    session->Ask(absl::StrCat(R"("type":"memtable_put","value":[1],"key":)", key));
  }
  session->Ask(R"("type":"lsm_delete","key":"b")");
  CHECK(session->Ask(R"("type":"memtable_scan","start":"a","end":10)") ==
        R"(memtable_scan_ok "entries": [{"key":"a","value":[1]},{"key":"c","value":[1]},)"
        R"({"key":-1.5,"value":[1]},{"key":9,"value":[1]}])");
  CHECK(session->Ask(R"("type":"memtable_scan","start":"b","end":"b")") ==
        R"(memtable_scan_ok "entries": [])");
  CHECK(session->Ask(R"("type":"memtable_scan","start":"z","end":"a")") ==
        R"(memtable_scan_ok "entries": [])");
}

TEST_CASE("memtable_scan: what was flushed is not listed") {
  const auto session = Session::Started();
  session->Ask(R"("type":"memtable_put","key":"a","value":1)");
  session->Ask(R"("type":"sstable_flush")");
  session->Ask(R"("type":"memtable_put","key":"b","value":2)");
  CHECK(session->Ask(R"("type":"memtable_scan","start":"","end":"z")") ==
        R"(memtable_scan_ok "entries": [{"key":"b","value":2}])");
  CHECK(session->Explained(R"("type":"memtable_scan","start":"","end":"z")", "keys_scanned") == 1);
}

TEST_CASE("memtable_scan: both bounds are required") {
  const auto session = Session::Started();
  CHECK(session->Ask(R"("type":"memtable_scan","end":"a")") ==
        "error 12 field \"start\": expected a string or a number, found nothing");
  CHECK(session->Ask(R"("type":"memtable_scan","start":"a","end":{})") ==
        "error 12 field \"end\": expected a string or a number, found an object");
}

TEST_CASE("memtable_get: explain counts the memtables and tables that were asked") {
  const auto session = Session::Started();
  session->Ask(R"("type":"memtable_put","key":"k1","value":"v1")");
  CHECK(session->Explained(R"("type":"memtable_get","key":"k1")", "memtables_checked") == 1);
  CHECK(session->Explained(R"("type":"memtable_get","key":"k1")", "levels_checked") == 0);
  session->Ask(R"("type":"sstable_flush")");
  CHECK(session->Explained(R"("type":"memtable_get","key":"k1")", "blocks_read") == 2);
  CHECK(session->Explained(R"("type":"memtable_get","key":"k1")", "blocks_cached") == 2);
  CHECK(session->Explained(R"("type":"memtable_get","key":"k1")", "filters_checked") == 1);
}

TEST_CASE("memtable_put: explain counts the log's bytes") {
  const auto session = Session::Started();
  const int64_t short_put =
      session->Explained(R"("type":"memtable_put","key":"k","value":"1")", "log_bytes");
  const int64_t long_put =
      session->Explained(R"("type":"memtable_put","key":"k","value":"12345678901")", "log_bytes");
  CHECK(short_put > 0);
  CHECK(long_put == short_put + 10);
  CHECK(session->Explained(R"("type":"memtable_put","key":"k","value":1)", "memtable_entries") ==
        3);
}

}  // namespace
}  // namespace fathom
