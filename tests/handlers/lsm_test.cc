#include <doctest/doctest.h>

#include "absl/strings/match.h"
#include "tests/handlers/session.h"

namespace fathom {
namespace {

TEST_CASE("lsm_put: what was put is got") {
  const auto session = Session::Started();
  CHECK(session->Ask(R"("type":"lsm_put","key":"x","value":100)") == "lsm_put_ok");
  CHECK(session->Ask(R"("type":"lsm_get","key":"x")") == R"(lsm_get_ok "value": 100)");
  CHECK(session->Ask(R"("type":"lsm_get","key":"y")") == R"(lsm_get_ok "value": null)");
}

TEST_CASE("lsm_read: tells where the value was found") {
  const auto session = Session::Started();
  session->Ask(R"("type":"lsm_put","key":"x","value":1)");
  CHECK(session->Ask(R"("type":"lsm_read","key":"x")") ==
        R"(lsm_read_ok "value": 1 "found_at": "memtable" "levels_checked": 0)");
  session->Ask(R"("type":"sstable_flush")");
  CHECK(session->Ask(R"("type":"lsm_read","key":"x")") ==
        R"(lsm_read_ok "value": 1 "found_at": "L0" "levels_checked": 1)");
  CHECK(absl::StartsWith(session->Ask(R"("type":"lsm_read","key":"none")"),
                         R"(lsm_read_ok "value": null "found_at": null "levels_checked": )"));
}

TEST_CASE("lsm_delete: hides a value in a table, and an absent key is no error") {
  const auto session = Session::Started();
  CHECK(session->Ask(R"("type":"lsm_delete","key":"x")") == "lsm_delete_ok");
  session->Ask(R"("type":"lsm_put","key":"x","value":1)");
  session->Ask(R"("type":"sstable_flush")");
  CHECK(session->Ask(R"("type":"lsm_delete","key":"x")") == "lsm_delete_ok");
  CHECK(session->Ask(R"("type":"lsm_get","key":"x")") == R"(lsm_get_ok "value": null)");
  CHECK(session->Ask(R"("type":"lsm_read","key":"x")") ==
        R"(lsm_read_ok "value": null "found_at": null "levels_checked": 0)");
  CHECK(session->Explained(R"("type":"lsm_get","key":"x")", "deleted") == 1);
  CHECK(session->Explained(R"("type":"lsm_delete","key":"x")", "log_bytes") > 0);
}

TEST_CASE("lsm_get, lsm_read, lsm_delete: a missing key field is error 12") {
  const auto session = Session::Started();
  for (const char* type : {"lsm_get", "lsm_read", "lsm_delete", "lsm_put"}) {
    CHECK(session->Ask(absl::StrCat(R"("type":")", type, R"(","value":1)")) ==
          "error 12 field \"key\": expected a string or a number, found nothing");
  }
}

std::unique_ptr<Session> WithKeys() {
  auto session = Session::Started();
  session->Ask(R"("type":"lsm_put","key":"a","value":1)");
  session->Ask(R"("type":"lsm_put","key":"c","value":"old")");
  session->Ask(R"("type":"sstable_flush")");
  session->Ask(R"("type":"lsm_put","key":"b","value":2)");
  session->Ask(R"("type":"lsm_put","key":"c","value":3)");
  session->Ask(R"("type":"lsm_put","key":"d","value":4)");
  return session;
}

TEST_CASE("lsm_scan: the newest values of memtable and tables, start included, end not") {
  const auto session = WithKeys();
  CHECK(
      session->Ask(R"("type":"lsm_scan","start":"a","end":"d")") ==
      R"(lsm_scan_ok "entries": [{"key":"a","value":1},{"key":"b","value":2},{"key":"c","value":3}])");
  CHECK(session->Ask(R"("type":"lsm_scan","start":"aa","end":"bb")") ==
        R"(lsm_scan_ok "entries": [{"key":"b","value":2}])");
  CHECK(session->Ask(R"("type":"lsm_scan","start":"d","end":"a")") ==
        R"(lsm_scan_ok "entries": [])");
}

TEST_CASE("lsm_scan: reverse gives the same range from its end") {
  const auto session = WithKeys();
  CHECK(
      session->Ask(R"("type":"lsm_scan","start":"a","end":"d","reverse":true)") ==
      R"(lsm_scan_ok "entries": [{"key":"c","value":3},{"key":"b","value":2},{"key":"a","value":1}])");
  CHECK(
      session->Ask(R"("type":"lsm_scan","start":"b","end":"zz","reverse":true)") ==
      R"(lsm_scan_ok "entries": [{"key":"d","value":4},{"key":"c","value":3},{"key":"b","value":2}])");
  CHECK(session->Ask(R"("type":"lsm_scan","start":"","end":"a","reverse":true)") ==
        R"(lsm_scan_ok "entries": [])");
}

TEST_CASE("lsm_scan: a limit ends it early, in either direction") {
  const auto session = WithKeys();
  CHECK(session->Ask(R"("type":"lsm_scan","start":"a","end":"z","limit":1)") ==
        R"(lsm_scan_ok "entries": [{"key":"a","value":1}])");
  CHECK(session->Ask(R"("type":"lsm_scan","start":"a","end":"z","limit":1,"reverse":true)") ==
        R"(lsm_scan_ok "entries": [{"key":"d","value":4}])");
  CHECK(session->Ask(R"("type":"lsm_scan","start":"a","end":"z","limit":0)") ==
        R"(lsm_scan_ok "entries": [])");
}

TEST_CASE("lsm_scan: entries are spaced in the default style") {
  CHECK(WithKeys()->Send(
            R"({"src":"c","dest":"n1","body":{"type":"lsm_scan","start":"b","end":"d"}})") ==
        R"({"src": "n1", "dest": "c", "body": {"type": "lsm_scan_ok", )"
        R"("entries": [{"key": "b", "value": 2}, {"key": "c", "value": 3}], "msg_id": 7}})"
        "\n");
}

TEST_CASE("lsm_scan: mistyped fields are error 12") {
  const auto session = WithKeys();
  CHECK(session->Ask(R"("type":"lsm_scan","start":"a")") ==
        "error 12 field \"end\": expected a string or a number, found nothing");
  CHECK(session->Ask(R"("type":"lsm_scan","start":"a","end":"b","limit":-1)") ==
        "error 12 field \"limit\": expected an integer from 0 to 4294967296, found -1");
  CHECK(session->Ask(R"("type":"lsm_scan","start":"a","end":"b","reverse":"yes")") ==
        "error 12 field \"reverse\": expected true or false, found a string");
}

TEST_CASE("lsm_scan: explain counts keys and blocks") {
  const auto session = WithKeys();
  const std::string scan = R"("type":"lsm_scan","start":"a","end":"z")";
  CHECK(session->Explained(scan, "keys_scanned") == 4);
  CHECK(session->Explained(scan, "blocks_read") + session->Explained(scan, "blocks_cached") >= 1);
}

TEST_CASE("lsm_write: all operations take effect, later ones over earlier") {
  const auto session = WithKeys();
  CHECK(session->Ask(R"("type":"lsm_write","ops":[{"op":"put","key":"x","value":{"n":1}},)"
                     R"({"op":"delete","key":"a"},{"op":"put","key":"b","value":0},)"
                     R"({"op":"put","key":"b","value":5}])") == "lsm_write_ok");
  CHECK(
      session->Ask(R"("type":"lsm_scan","start":"a","end":"z")") ==
      R"(lsm_scan_ok "entries": [{"key":"b","value":5},{"key":"c","value":3},{"key":"d","value":4},)"
      R"({"key":"x","value":{"n":1}}])");
  CHECK(session->Ask(R"("type":"lsm_write","ops":[])") == "lsm_write_ok");
}

TEST_CASE("lsm_write: one bad operation and nothing happens") {
  const auto session = Session::Started();
  const auto ask = [&](absl::string_view second) {
    return session->Ask(absl::StrCat(
        R"("type":"lsm_write","ops":[{"op":"put","key":"x","value":1},)", second, "]"));
  };
  CHECK(ask(R"({"op":"move","key":"y"})") ==
        "error 12 field \"ops[1].op\": expected \"put\" or \"delete\", found \"move\"");
  CHECK(ask(R"({"op":7,"key":"y"})") ==
        "error 12 field \"ops[1].op\": expected \"put\" or \"delete\", found a number");
  CHECK(ask(R"({"key":"y"})") == "error 12 field \"ops[1].op\": expected a value, found nothing");
  CHECK(ask(R"({"op":"put","key":"y"})") ==
        "error 12 field \"ops[1].value\": expected a value, found nothing");
  CHECK(ask(R"({"op":"delete"})") ==
        "error 12 field \"ops[1].key\": expected a string or a number, found nothing");
  CHECK(ask("[]") == "error 12 field \"ops[1]\": expected an object, found an array");
  CHECK(session->Ask(R"("type":"lsm_write","ops":{})") ==
        "error 12 field \"ops\": expected an array, found an object");
  CHECK(session->Ask(R"("type":"lsm_get","key":"x")") == R"(lsm_get_ok "value": null)");
}

TEST_CASE("lsm_write: explain counts operations and the log's bytes") {
  const auto session = Session::Started();
  const std::string write =
      R"("type":"lsm_write","ops":[{"op":"put","key":"x","value":1},{"op":"delete","key":"y"}])";
  CHECK(session->Explained(write, "operations") == 2);
  CHECK(session->Explained(write, "log_bytes") > 0);
}

TEST_CASE("lsm_put: a full disk is error 13, then the store is read-only and says so") {
  const auto session = Session::Started();
  session->Ask(R"("type":"lsm_put","key":"a","value":1)");
  session->fs()->SetHook([](FileOp op, const std::string&, uint64_t) {
    return op == FileOp::kAppend ? absl::ResourceExhaustedError("no space left on device")
                                 : absl::OkStatus();
  });
  const std::string big(size_t{1} << 20, 'x');
  const std::string put = absl::StrCat(R"("type":"lsm_put","key":"b","value":")", big, "\"");
  const std::string reply = session->Ask(put);
  CHECK(absl::StartsWith(reply, "error 13 the write may or may not survive a restart: "));
  CHECK(absl::StrContains(reply, "no space left"));
  CHECK(absl::StartsWith(session->Ask(put), "error 11 "));
  CHECK(session->Ask(R"("type":"lsm_get","key":"a")") == R"(lsm_get_ok "value": 1)");
}

}  // namespace
}  // namespace fathom
