#include "handlers/reply.h"

#include <doctest/doctest.h>

#include <string>

namespace fathom {
namespace {

constexpr Reply::Head kHead = {
    .src = "n1", .dest = "c1", .type = "t_ok", .in_reply_to = "2", .msg_id = 7};

void WritePayload(Reply* reply) {
  reply->Null("a");
  reply->Bool("b", true);
  reply->Uint("c", 18446744073709551615u);
  reply->String("d", "x\"y");
  reply->Json("e", R"({"f":[1,2]})");
  reply->OpenArray("g");
  reply->OpenElement();
  reply->Uint("h", 1);
  reply->Uint("i", 2);
  reply->CloseObject();
  reply->OpenElement();
  reply->CloseObject();
  reply->CloseArray();
  reply->OpenObject("j");
  reply->Bool("k", false);
  reply->CloseObject();
}

TEST_CASE("reply: the spaced style has msg_id last") {
  std::string out;
  Reply reply(Style::kSpaced, &out);
  reply.Begin(kHead);
  WritePayload(&reply);
  reply.End();
  CHECK(out ==
        R"({"src": "n1", "dest": "c1", "body": {"type": "t_ok", "in_reply_to": 2, "a": null, )"
        R"("b": true, "c": 18446744073709551615, "d": "x\"y", "e": {"f": [1, 2]}, )"
        R"("g": [{"h": 1, "i": 2}, {}], "j": {"k": false}, "msg_id": 7}})"
        "\n");
}

TEST_CASE("reply: the compact style has msg_id before the payload") {
  std::string out;
  Reply reply(Style::kCompact, &out);
  reply.Begin(kHead);
  WritePayload(&reply);
  reply.End();
  CHECK(out == R"({"src":"n1","dest":"c1","body":{"type":"t_ok","in_reply_to":2,"msg_id":7,)"
               R"("a":null,"b":true,"c":18446744073709551615,"d":"x\"y","e":{"f":[1,2]},)"
               R"("g":[{"h":1,"i":2},{}],"j":{"k":false}}})"
               "\n");
}

TEST_CASE("reply: in_reply_to is left out where there is none, and names are escaped") {
  std::string out;
  Reply reply(Style::kSpaced, &out);
  reply.Begin({.src = "n\"1", .dest = "", .type = "t_ok", .in_reply_to = "", .msg_id = 0});
  reply.End();
  CHECK(out == R"({"src": "n\"1", "dest": "", "body": {"type": "t_ok", "msg_id": 0}})"
               "\n");
}

TEST_CASE("reply: an error drops the payload written so far and leaves earlier replies alone") {
  std::string out = "earlier\n";
  Reply reply(Style::kSpaced, &out);
  reply.Begin(kHead);
  reply.OpenArray("half");
  reply.EndAsError({ErrorCode::kMalformedRequest, "bad \xff byte"});
  CHECK(out ==
        "earlier\n"
        R"({"src": "n1", "dest": "c1", "body": {"type": "error", "in_reply_to": 2, )"
        R"("code": 12, "text": "bad \\xff byte", "msg_id": 7}})"
        "\n");
}

TEST_CASE("reply: a finished reply is written again as an error") {
  for (const Style style : {Style::kSpaced, Style::kCompact}) {
    std::string out;
    Reply first(style, &out);
    first.Begin(kHead);
    first.End();
    Reply second(style, &out);
    second.Begin(kHead);
    WritePayload(&second);
    second.End();
    std::string failed;
    Reply::AppendAsError(style, out, second.mark(), {ErrorCode::kCrash, "lost"}, &failed);
    std::string expected;
    Reply error(style, &expected);
    error.Begin(kHead);
    error.EndAsError({ErrorCode::kCrash, "lost"});
    CHECK(failed == expected);
  }
}

}  // namespace
}  // namespace fathom
