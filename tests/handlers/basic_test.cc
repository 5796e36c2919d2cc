#include <doctest/doctest.h>

#include "tests/handlers/session.h"

namespace fathom {
namespace {

TEST_CASE("echo: any value comes back") {
  const auto session = Session::Started();
  for (const char* value : {"null", "\"Please echo 35\"", "[1,{\"a\":2.50}]",
                            "18446744073709551616", "\"\\u0000\\\"\"", "{}"}) {
    CHECK(session->Ask(absl::StrCat(R"("type":"echo","echo":)", value)) ==
          absl::StrCat("echo_ok \"echo\": ", value));
  }
}

TEST_CASE("echo: a nested value is spaced in the default style") {
  const auto session = Session::Started();
  CHECK(
      session->Send(
          R"({"src":"c1","dest":"n1","body":{"type":"echo","msg_id":2,"echo":{"a":[1,"b,c"]}}})") ==
      R"({"src": "n1", "dest": "c1", "body": {"type": "echo_ok", "in_reply_to": 2, )"
      R"("echo": {"a": [1, "b,c"]}, "msg_id": 1}})"
      "\n");
}

TEST_CASE("echo: without a value it is error 12") {
  CHECK(Session::Started()->Ask(R"("type":"echo")") ==
        "error 12 field \"echo\": expected a value, found nothing");
}

TEST_CASE("echo: explain tells the time") {
  CHECK(Session::Started()->Explained(R"("type":"echo","echo":1)", "micros") >= 0);
}

}  // namespace
}  // namespace fathom
