#include "node/envelope.h"

#include <doctest/doctest.h>

namespace fathom {
namespace {

TEST_CASE("envelope: the parts of a message are found in any order") {
  JsonDocument document;
  REQUIRE(
      document.Parse(R"({"id":1,"body":{"msg_id":2,"key":1,"type":"t"},"dest":"n1","src":"c1"})")
          .ok());
  Envelope envelope;
  REQUIRE(ReadEnvelope(document.root(), &envelope).ok());
  CHECK(envelope.src == "c1");
  CHECK(envelope.dest == "n1");
  CHECK(envelope.type == "t");
  CHECK(envelope.msg_id == "2");
  CHECK(envelope.body.Find("key").text() == "1");
  CHECK_FALSE(envelope.is_reply);
  CHECK_FALSE(envelope.error.has_value());
}

TEST_CASE("envelope: without a sender a message is no message") {
  for (const char* text :
       {"[]", "1", "{}", R"({"src":1})", R"({"src":null,"body":{"type":"t"}})"}) {
    JsonDocument document;
    REQUIRE(document.Parse(text).ok());
    Envelope envelope;
    CHECK(absl::IsInvalidArgument(ReadEnvelope(document.root(), &envelope)));
  }
}

TEST_CASE("envelope: with a sender, what is wrong is kept to be told") {
  for (const char* text :
       {R"({"src":"c"})", R"({"src":"c","body":7})", R"({"src":"c","body":{}})",
        R"({"src":"c","body":{"type":1}})", R"({"src":"c","body":{"type":"t","msg_id":1.5}})"}) {
    JsonDocument document;
    REQUIRE(document.Parse(text).ok());
    Envelope envelope;
    REQUIRE(ReadEnvelope(document.root(), &envelope).ok());
    CHECK(envelope.src == "c");
    REQUIRE(envelope.error.has_value());
    CHECK(envelope.error->code == ErrorCode::kMalformedRequest);
  }
}

TEST_CASE("envelope: a message with in_reply_to is a reply") {
  JsonDocument document;
  REQUIRE(document.Parse(R"({"src":"n2","body":{"type":"t_ok","in_reply_to":0}})").ok());
  Envelope envelope;
  REQUIRE(ReadEnvelope(document.root(), &envelope).ok());
  CHECK(envelope.is_reply);
}

}  // namespace
}  // namespace fathom
