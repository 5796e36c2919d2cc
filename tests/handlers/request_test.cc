#include "handlers/request.h"

#include <doctest/doctest.h>

#include <string>

namespace fathom {
namespace {

// A body and the request over it.
struct Body {
  explicit Body(absl::string_view json) { REQUIRE(document.Parse(json).ok()); }
  Request request() const { return Request(document.root()); }
  JsonDocument document;
};

std::string TextOf(const HandlerResult& result) {
  if (!result) {
    return "fine";
  }
  CHECK(result->code == ErrorCode::kMalformedRequest);
  return result->text;
}

std::string KeyError(absl::string_view json) {
  const Body body(json);
  std::string scratch;
  absl::string_view key;
  return TextOf(body.request().RequireKey("key", &scratch, &key));
}

std::string UintError(absl::string_view json) {
  const Body body(json);
  std::optional<uint64_t> v;
  return TextOf(body.request().OptionalUint("n", 1, 10, &v));
}

TEST_CASE("request: a key is a string or a number") {
  const std::string expected = "field \"key\": expected a string or a number, found ";
  CHECK(KeyError(R"({"key":""})") == "fine");
  CHECK(KeyError(R"({"key":-1.5})") == "fine");
  CHECK(KeyError("{}") == expected + "nothing");
  CHECK(KeyError(R"({"key":null})") == expected + "null");
  CHECK(KeyError(R"({"key":true})") == expected + "true");
  CHECK(KeyError(R"({"key":[1]})") == expected + "an array");
  CHECK(KeyError(R"({"key":{}})") == expected + "an object");
}

TEST_CASE("request: of a field given twice the last counts") {
  const Body body(R"({"key":"a","key":"b"})");
  std::string scratch;
  absl::string_view key;
  CHECK_FALSE(body.request().RequireKey("key", &scratch, &key));
  CHECK(key == "b");
}

TEST_CASE("request: a value may be null but not absent") {
  const Body body(R"({"value":null})");
  JsonValue value;
  CHECK_FALSE(body.request().RequireValue("value", &value));
  CHECK(value.is(JsonKind::kNull));
  CHECK(TextOf(body.request().RequireValue("v", &value)) ==
        "field \"v\": expected a value, found nothing");
}

TEST_CASE("request: strings, arrays and booleans must be of their kind") {
  const Body body(R"({"s":1,"a":"x","b":0,"t":true})");
  absl::string_view s;
  JsonValue a;
  bool b = false;
  CHECK(TextOf(body.request().RequireString("s", &s)) ==
        "field \"s\": expected a string, found a number");
  CHECK(TextOf(body.request().RequireArray("a", &a)) ==
        "field \"a\": expected an array, found a string");
  CHECK(TextOf(body.request().OptionalBool("b", &b)) ==
        "field \"b\": expected true or false, found a number");
  CHECK_FALSE(body.request().OptionalBool("t", &b));
  CHECK(b);
  CHECK_FALSE(body.request().OptionalBool("missing", &b));
  CHECK(b);
}

TEST_CASE("request: an integer out of its range is shown") {
  const std::string expected = "field \"n\": expected an integer from 1 to 10, found ";
  CHECK(UintError("{}") == "fine");
  CHECK(UintError(R"({"n":1})") == "fine");
  CHECK(UintError(R"({"n":10})") == "fine");
  CHECK(UintError(R"({"n":0})") == expected + "0");
  CHECK(UintError(R"({"n":11})") == expected + "11");
  CHECK(UintError(R"({"n":-5})") == expected + "-5");
  CHECK(UintError(R"({"n":1.5})") == expected + "1.5");
  CHECK(UintError(R"({"n":99999999999999999999999})") == expected + "99999999999999999999999");
  CHECK(UintError(R"({"n":"5"})") == expected + "a string");
}

TEST_CASE("request: an element's fields are named by its place") {
  const Body body(R"([{"op":"move"},7])");
  std::optional<Request> op;
  const JsonValue first = *body.document.root().elements().begin();
  REQUIRE_FALSE(Request::OverElement("ops", 0, first, &op));
  absl::string_view key;
  std::string scratch;
  CHECK(TextOf(op->RequireKey("key", &scratch, &key)) ==
        "field \"ops[0].key\": expected a string or a number, found nothing");
  CHECK(TextOf(op->WrongValue("op", "\"put\"", first.Find("op"))) ==
        "field \"ops[0].op\": expected \"put\", found \"move\"");
  CHECK(TextOf(Request::OverElement("ops", 1, first.Find("op"), &op)) ==
        "field \"ops[1]\": expected an object, found a string");
}

TEST_CASE("request: a long value is shown in part") {
  const Body body("{\"s\":\"" + std::string(1000, 'x') + "\"}");
  const HandlerResult error =
      body.request().WrongValue("s", "less", body.document.root().Find("s"));
  CHECK(error->text == "field \"s\": expected less, found \"" + std::string(40, 'x') + "...\"");
}

}  // namespace
}  // namespace fathom
