#include "node/node.h"

#include <doctest/doctest.h>

#include "absl/strings/match.h"
#include "tests/handlers/session.h"

namespace fathom {
namespace {

std::string Init(absl::string_view fields) {
  return absl::StrCat(R"({"src":"c0","dest":"n1","body":{"type":"init","msg_id":1,)", fields, "}}");
}

std::string Error(int in_reply_to, int code, absl::string_view text, int msg_id) {
  return absl::StrCat(R"({"src": "n1", "dest": "c0", "body": {"type": "error", "in_reply_to": )",
                      in_reply_to, ", \"code\": ", code, ", \"text\": \"", text,
                      "\", \"msg_id\": ", msg_id, "}}\n");
}

TEST_CASE("node: init is answered, and again with the same name") {
  Session session;
  const std::string init = Init(R"("node_id":"n1","node_ids":["n1","n2"])");
  CHECK(session.Send(init) ==
        R"({"src": "n1", "dest": "c0", "body": {"type": "init_ok", "in_reply_to": 1, "msg_id": 0}})"
        "\n");
  session.Ask(R"("type":"lsm_put","key":1,"value":2)");
  CHECK(session.Send(init) ==
        R"({"src": "n1", "dest": "c0", "body": {"type": "init_ok", "in_reply_to": 1, "msg_id": 2}})"
        "\n");
  CHECK(session.Ask(R"("type":"lsm_get","key":1)") == R"(lsm_get_ok "value": 2)");
}

TEST_CASE("node: an init with another name is error 12 and changes nothing") {
  const auto session = Session::Started();
  CHECK(session->Send(Init(R"("node_id":"n2","node_ids":["n2"])")) ==
        Error(1, 12,
              R"(field \"node_id\": expected \"n1\", as this node was named before, found \"n2\")",
              1));
  CHECK(absl::StartsWith(session->Send(Init(R"("node_id":"n1")")), R"({"src": "n1")"));
}

TEST_CASE("node: anything before init is error 11") {
  Session session;
  CHECK(session.Send(R"({"src":"c0","dest":"n1","body":{"type":"echo","msg_id":5,"echo":1}})") ==
        Error(5, 11, R"(expected \"init\" as the first message, found \"echo\")", 0));
  CHECK(absl::StrContains(session.Send(Init(R"("node_id":"n1")")), R"("init_ok")"));
}

TEST_CASE("node: an init with missing or mistyped fields is error 12, and may be tried again") {
  Session session;
  CHECK(session.Send(Init(R"("node_ids":["n1"])")) ==
        Error(1, 12, R"(field \"node_id\": expected a string, found nothing)", 0));
  CHECK(session.Send(Init(R"("node_id":1)")) ==
        Error(1, 12, R"(field \"node_id\": expected a string, found a number)", 1));
  CHECK(session.Send(Init(R"("node_id":"n1","node_ids":"n1")")) ==
        Error(1, 12, R"(field \"node_ids\": expected an array of strings, found a string)", 2));
  CHECK(session.Send(Init(R"("node_id":"n1","node_ids":["n1",2])")) ==
        Error(1, 12, R"(field \"node_ids[1]\": expected a string, found a number)", 3));
  for (const char* id : {"", ".", "..", "../n1", "a/b", "/tmp/x", "a\\u0000"}) {
    CAPTURE(std::string(id));
    CHECK(absl::StrContains(session.Send(Init(absl::StrCat(R"("node_id":")", id, "\""))),
                            R"("code": 12, )"));
  }
  CHECK(absl::StrContains(session.Send(Init(R"("node_id":"n1")")), R"("init_ok")"));
}

TEST_CASE("node: a store that cannot be opened is error 13, and the operator is told") {
  Session session;
  session.fs()->SetHook([](FileOp op, const std::string&, uint64_t) {
    return op == FileOp::kCreate ? absl::ResourceExhaustedError("no space left on device")
                                 : absl::OkStatus();
  });
  const std::string reply = session.Send(Init(R"("node_id":"n1")"));
  CHECK(absl::StrContains(reply, R"("code": 13, "text": ")"));
  CHECK(absl::StrContains(reply, "no space left"));
  REQUIRE_FALSE(session.notes().empty());
  CHECK(absl::StartsWith(session.notes()[0], "cannot open the store: "));
  session.fs()->SetHook(nullptr);
  CHECK(absl::StrContains(session.Send(Init(R"("node_id":"n1")")), R"("init_ok")"));
}

TEST_CASE("node: explain of init tells what recovery did") {
  Session session;
  const std::string init = R"("type":"init","node_id":"n1")";
  CHECK(session.Explained(init, "created") == 1);
  CHECK(session.Explained(init, "durable") == 1);
  CHECK(session.Explained(init, "torn_bytes") == 0);
}

TEST_CASE("node: an unknown type is error 10 that names it") {
  const auto session = Session::Started();
  CHECK(session->Ask(R"("type":"lsm_fly")") ==
        "error 10 this node knows no messages of type \"lsm_fly\"");
  CHECK(session->Ask(absl::StrCat(R"("type":")", std::string(5000, 'x'), "\"")).size() < 200);
}

TEST_CASE("node: a message without a type, or with a mistyped one, is error 12") {
  const auto session = Session::Started();
  CHECK(session->Ask("") == "error 12 field \"type\": expected a string, found nothing");
  CHECK(session->Ask(R"("type":7)") ==
        "error 12 field \"type\": expected a string, found a number");
  CHECK(session->Send(R"({"src":"c0","dest":"n1"})") ==
        R"({"src": "n1", "dest": "c0", "body": {"type": "error", "code": 12, )"
        R"("text": "field \"body\": expected an object, found nothing", "msg_id": 3}})"
        "\n");
  CHECK(absl::StrContains(session->Send(R"({"src":"c0","dest":"n1","body":[]})"),
                          R"(field \"body\": expected an object, found an array)"));
}

TEST_CASE("node: a mistyped msg_id or explain is error 12") {
  const auto session = Session::Started();
  CHECK(session->Send(R"({"src":"c0","dest":"n1","body":{"type":"echo","echo":1,"msg_id":"2"}})") ==
        R"({"src": "n1", "dest": "c0", "body": {"type": "error", "code": 12, )"
        R"("text": "field \"msg_id\": expected an integer, found a string", "msg_id": 1}})"
        "\n");
  CHECK(session->Ask(R"("type":"echo","echo":1,"explain":1)") ==
        "error 12 field \"explain\": expected true or false, found a number");
}

TEST_CASE("node: a message without msg_id is answered without in_reply_to") {
  CHECK(Session::Started()->Send(R"({"src":"c0","dest":"n1","body":{"type":"echo","echo":1}})") ==
        R"({"src": "n1", "dest": "c0", "body": {"type": "echo_ok", "echo": 1, "msg_id": 1}})"
        "\n");
}

TEST_CASE("node: any integer will do as msg_id") {
  const auto session = Session::Started();
  for (const char* id : {"0", "-1", "18446744073709551615"}) {
    CHECK(absl::StrContains(
        session->Send(absl::StrCat(
            R"({"src":"c","dest":"n1","body":{"type":"echo","echo":1,"msg_id":)", id, "}}")),
        absl::StrCat("\"in_reply_to\": ", id, ", ")));
  }
}

TEST_CASE("node: other fields, and another destination, are ignored") {
  CHECK(
      Session::Started()->Send(
          R"({"id":17,"src":"c0","dest":"n9","body":{"type":"echo","echo":1,"msg_id":2,"x":{}}})") ==
      R"({"src": "n1", "dest": "c0", "body": {"type": "echo_ok", "in_reply_to": 2, "echo": 1, )"
      R"("msg_id": 1}})"
      "\n");
}

// Crash case 65.
TEST_CASE("node: a line that is no message gets no reply, a note, and harms nothing") {
  const auto session = Session::Started();
  const std::string deep(200000, '[');
  const std::vector<std::string> lines = {"not JSON",
                                          "{",
                                          "\xff\xfe",
                                          "{\"src\":\"c\xff\"}",
                                          "[]",
                                          "null",
                                          "7",
                                          "\"text\"",
                                          "{}",
                                          R"({"src":null,"dest":"n1","body":{"type":"echo"}})",
                                          R"({"src":7,"dest":"n1","body":{"type":"echo"}})",
                                          R"({"src":"c","body":{"n":1e999}})",
                                          deep,
                                          deep + std::string(200000, ']'),
                                          std::string("{}\0", 3)};
  for (size_t i = 0; i < lines.size(); ++i) {
    CAPTURE(i);
    CHECK(session->Send(lines[i]).empty());
    REQUIRE(session->notes().size() == i + 1);
    CHECK(absl::StartsWith(session->notes()[i], "skipped a line that is no message: "));
    CHECK(session->notes()[i].size() < 600);
    for (const char c : session->notes()[i]) {
      CHECK((c >= ' ' && c < 0x7f));
    }
  }
  CHECK(absl::StrContains(session->notes()[0], "at byte 2: "));
  CHECK(session->Ask(R"("type":"echo","echo":1)") == "echo_ok \"echo\": 1");
}

TEST_CASE("node: 200,000 levels of nesting are a value like any other") {
  const auto session = Session::Started();
  const std::string value = std::string(200000, '[') + std::string(200000, ']');
  CHECK(session->Ask(absl::StrCat(R"("type":"lsm_put","key":"deep","value":)", value)) ==
        "lsm_put_ok");
  CHECK(session->Ask(R"("type":"lsm_get","key":"deep")") ==
        absl::StrCat("lsm_get_ok \"value\": ", value));
}

TEST_CASE("node: a reply that nobody waits for is not answered") {
  const auto session = Session::Started();
  for (const char* body :
       {R"({"type":"error","in_reply_to":3,"code":10,"text":"x"})",
        R"({"type":"echo_ok","in_reply_to":3,"msg_id":9})", R"({"in_reply_to":3})"}) {
    CHECK(session->Send(absl::StrCat(R"({"src":"n2","dest":"n1","body":)", body, "}")).empty());
    CHECK(absl::StartsWith(session->notes().back(), "skipped a reply that nobody waits for: "));
  }
  CHECK(absl::StrContains(
      session->Send(R"({"src":"c","dest":"n1","body":{"type":"echo","echo":1,"in_reply_to":3}})"),
      "echo_ok"));
}

}  // namespace
}  // namespace fathom
