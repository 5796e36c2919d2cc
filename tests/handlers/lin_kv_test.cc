#include <doctest/doctest.h>

#include "tests/handlers/session.h"

namespace fathom {
namespace {

TEST_CASE("lin-kv: read, write and cas answer as Maelstrom expects") {
  const auto session = Session::Started();
  CHECK(session->Ask(R"("type":"read","key":1)") == "error 20 key does not exist");
  CHECK(session->Ask(R"("type":"write","key":1,"value":3)") == "write_ok");
  CHECK(session->Ask(R"("type":"read","key":1)") == "read_ok \"value\": 3");
  CHECK(session->Ask(R"("type":"cas","key":1,"from":3,"to":4)") == "cas_ok");
  CHECK(session->Ask(R"("type":"cas","key":1,"from":3,"to":5)") == "error 22 expected 3, found 4");
  CHECK(session->Ask(R"("type":"read","key":1)") == "read_ok \"value\": 4");
}

TEST_CASE("lin-kv: cas of a missing key is error 20, or creates it if asked to") {
  const auto session = Session::Started();
  CHECK(session->Ask(R"("type":"cas","key":"k","from":1,"to":2)") == "error 20 key does not exist");
  CHECK(session->Ask(R"("type":"cas","key":"k","from":1,"to":2,"create_if_not_exists":true)") ==
        "cas_ok");
  CHECK(session->Ask(R"("type":"read","key":"k")") == "read_ok \"value\": 2");
  CHECK(session->Ask(R"("type":"cas","key":"k","from":1,"to":3,"create_if_not_exists":true)") ==
        "error 22 expected 1, found 2");
}

TEST_CASE("lin-kv: keys and values are any JSON, and each key is its own") {
  const auto session = Session::Started();
  const char* const keys[] = {"1", R"("1")", "[1]", R"({"a":1})", "true", "null", R"("")", "1.5"};
  for (const char* key : keys) {
    REQUIRE(session->Ask(absl::StrCat(R"("type":"write","key":)", key, R"(,"value":[)", key,
                                      "]")) == "write_ok");
  }
  for (const char* key : keys) {
    CHECK(session->Ask(absl::StrCat(R"("type":"read","key":)", key)) ==
          absl::StrCat("read_ok \"value\": [", key, "]"));
  }
  const std::string scan = session->Ask(R"("type":"lsm_scan","start":"","end":1e300)");
  for (const char* key : {"[1]", R"({"a":1})", "true", "null"}) {
    CHECK(scan.find(absl::StrCat(R"({"key":)", key, ",")) != std::string::npos);
  }
}

TEST_CASE("lin-kv: null is a value, not absence") {
  const auto session = Session::Started();
  session->Ask(R"("type":"write","key":1,"value":null)");
  CHECK(session->Ask(R"("type":"read","key":1)") == "read_ok \"value\": null");
  CHECK(session->Ask(R"("type":"cas","key":1,"from":null,"to":0)") == "cas_ok");
}

TEST_CASE("lin-kv: in a cluster of more than one node it is error 10") {
  Session session;
  session.Send(
      R"({"src":"c","dest":"n1","body":{"type":"init","node_id":"n1","node_ids":["n1","n2"]}})");
  for (const char* body : {R"("type":"read","key":1)", R"("type":"write","key":1,"value":1)",
                           R"("type":"cas","key":1,"from":1,"to":2)"}) {
    CHECK(session.Ask(body).substr(0, 9) == "error 10 ");
  }
  CHECK(session.Ask(R"("type":"lsm_get","key":1)") == "lsm_get_ok \"value\": null");
}

TEST_CASE("lin-kv: missing fields are named, and nothing is written") {
  const auto session = Session::Started();
  CHECK(session->Ask(R"("type":"write","key":1)").substr(0, 22) == "error 12 field \"value\"");
  CHECK(session->Ask(R"("type":"cas","key":1,"from":1)").substr(0, 19) == "error 12 field \"to\"");
  CHECK(session->Ask(R"("type":"read")").substr(0, 20) == "error 12 field \"key\"");
  CHECK(session->Ask(R"("type":"read","key":1)") == "error 20 key does not exist");
}

}  // namespace
}  // namespace fathom
