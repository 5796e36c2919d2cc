#include "handlers/json.h"

#include <doctest/doctest.h>

#include <random>
#include <string>

#include "absl/strings/match.h"

namespace fathom {
namespace {

// What `text` says when it is parsed and written again; the error if it cannot be parsed.
std::string Again(absl::string_view text) {
  JsonDocument document;
  const absl::Status parsed = document.Parse(text);
  if (!parsed.ok()) {
    return std::string(parsed.message());
  }
  std::string out;
  document.root().AppendCompact(&out);
  return out;
}

std::string RandomText(std::mt19937* random, int depth) {
  const auto pick = [random](size_t n) { return static_cast<size_t>((*random)()) % n; };
  switch (pick(depth > 0 ? 8 : 6)) {
    case 0:
      return "null";
    case 1:
      return pick(2) == 0 ? "true" : "false";
    case 2:
      return std::to_string(static_cast<int32_t>((*random)()));
    case 3:
      return std::to_string(pick(1000)) + "." + std::to_string(pick(1000)) + "e-7";
    case 4:
      return R"("\u0001 \" \\ \n)" + std::to_string(pick(100)) + "\"";
    case 5:
      return "\"\xe2\x82\xac,:[]{}\"";
    case 6: {
      std::string array = "[";
      for (size_t n = pick(4); n > 0; --n) {
        array += RandomText(random, depth - 1) + (n > 1 ? "," : "");
      }
      return array + "]";
    }
    default: {
      std::string object = "{";
      for (size_t n = pick(4); n > 0; --n) {
        object +=
            "\"k" + std::to_string(n) + "\":" + RandomText(random, depth - 1) + (n > 1 ? "," : "");
      }
      return object + "}";
    }
  }
}

TEST_CASE("json: a compact text comes back as it was") {
  for (const char* text :
       {"null", "true", "false", "0", "\"\"", "[]", "{}", "[[]]", "[{}]", R"({"a":{}})",
        R"([1,"2",[3,[4]],{"five":5,"six":[6]},null])", R"({"a":[],"b":{"c":null},"d":[{},{}]})"}) {
    CHECK(Again(text) == text);
  }
}

TEST_CASE("json: random texts come back as they were") {
  std::mt19937 random(7);
  for (int i = 0; i < 2000; ++i) {
    const std::string text = RandomText(&random, 5);
    CHECK(Again(text) == text);
  }
}

TEST_CASE("json: space between tokens is dropped") {
  CHECK(Again(" { \"a\" :\t[ 1 ,\r\n2 ] } ") == R"({"a":[1,2]})");
}

TEST_CASE("json: numbers keep their value, and their spelling where it says more than 64 bits") {
  for (const char* text :
       {"9223372036854775807", "-9223372036854775808", "18446744073709551615",
        "18446744073709551616", "-9223372036854775809", "123456789012345678901234567890", "1.0",
        "0.10", "1E5", "1e-400", "-0.0", "2.5e+3", "1.7976931348623157e308"}) {
    CHECK(Again(text) == text);
  }
  CHECK(Again("-0") == "0");
}

TEST_CASE("json: a number beyond a double is an error") {
  CHECK(absl::StrContains(Again("[1e309]"), "number overflow"));
  CHECK(absl::StrContains(Again(std::string(400, '9')), "number overflow"));
}

TEST_CASE("json: strings are decoded, and escaped again where they must be") {
  JsonDocument document;
  REQUIRE(document.Parse(R"("\u0041\/\u00e9\ud83c\udf0a\n\u0000")").ok());
  CHECK(document.root().text() == absl::string_view("A/\xc3\xa9\xf0\x9f\x8c\x8a\n\0", 10));
  CHECK(Again(R"("\u0041\/\u00e9\ud83c\udf0a\n\u0000")") ==
        "\"A/\xc3\xa9\xf0\x9f\x8c\x8a\\n\\u0000\"");
}

TEST_CASE("json: what is not JSON is an error that names the byte") {
  CHECK(absl::StartsWith(Again(""), "at byte 1: "));
  CHECK(absl::StartsWith(Again("{\"a\":}"), "at byte 6: syntax error"));
  CHECK(absl::StartsWith(Again("[1,2"), "at byte 5: "));
  for (const char* text : {"{", "}", "[1,]", "{\"a\"}", "{a:1}", "nul", "01", "1.", "+1", "NaN",
                           "'a'", "\"a", "\"\t\"", "[1] 2", "{}{}", "// c\n1", "\"\\x\""}) {
    CAPTURE(std::string(text));
    CHECK(absl::StartsWith(Again(text), "at byte "));
  }
}

TEST_CASE("json: invalid UTF-8 and lone surrogates are errors") {
  for (const char* text : {"\"\xff\"", "\"\xc3\"", "\"\xed\xa0\x80\"", R"("\ud800")", R"("\udc00")",
                           R"("\ud800\u0041")", "\xff"}) {
    CHECK(absl::StartsWith(Again(text), "at byte "));
  }
}

TEST_CASE("json: a byte of zero does not end the text") {
  CHECK(Again(absl::string_view("{}\0{}", 5)) == "at byte 3: a byte of zero");
}

TEST_CASE("json: an error message is short however long the token is") {
  CHECK(Again("\"" + std::string(1 << 20, 'x')).size() < 250);
}

TEST_CASE("json: 200,000 levels of nesting are no danger") {
  constexpr size_t kDepth = 200000;
  const std::string arrays = std::string(kDepth, '[') + std::string(kDepth, ']');
  CHECK(Again(arrays) == arrays);
  std::string objects;
  for (size_t i = 0; i < kDepth; ++i) {
    objects += "{\"a\":";
  }
  objects += "1" + std::string(kDepth, '}');
  CHECK(Again(objects) == objects);
  CHECK(absl::StartsWith(Again(std::string(kDepth, '[')), "at byte 200001: "));
}

TEST_CASE("json: a text with too many values is an error") {
  CHECK(Again(std::string(JsonDocument::kMaxNodes + 1, '[')) ==
        "more than 8388608 values, names and brackets");
}

TEST_CASE("json: Find answers the last direct member of a name") {
  JsonDocument document;
  REQUIRE(document.Parse(R"({"a":1,"b":{"c":2},"a":[3],"d":{"a":4}})").ok());
  CHECK(document.root().Find("a").is(JsonKind::kArray));
  CHECK(document.root().Find("b").Find("c").text() == "2");
  CHECK_FALSE(document.root().Find("c"));
  CHECK_FALSE(document.root().Find("a").Find("a"));
}

TEST_CASE("json: names that repeat within a value are kept") {
  CHECK(Again(R"({"a":1,"a":2})") == R"({"a":1,"a":2})");
}

TEST_CASE("json: elements and members are walked in order") {
  JsonDocument document;
  REQUIRE(document.Parse(R"([[1,2],{"x":[3],"y":4},5])").ok());
  std::string kinds;
  for (const JsonValue v : document.root().elements()) {
    kinds.append(DescribeKind(v.kind()).data(), DescribeKind(v.kind()).size()).append(";");
    for (const JsonMember m : v.members()) {
      kinds.append(m.name.data(), m.name.size()).append(";");
    }
  }
  CHECK(kinds == "an array;an object;x;y;a number;");
}

TEST_CASE("json: integers are read within their range") {
  JsonDocument document;
  REQUIRE(document.Parse("[-9223372036854775808,18446744073709551615,1.0,\"1\"]").ok());
  std::vector<JsonValue> v;
  for (const JsonValue element : document.root().elements()) {
    v.push_back(element);
  }
  int64_t i = 0;
  uint64_t u = 0;
  CHECK(v[0].AsInt64(&i));
  CHECK(i == INT64_MIN);
  CHECK_FALSE(v[0].AsUint64(&u));
  CHECK(v[1].AsUint64(&u));
  CHECK(u == UINT64_MAX);
  CHECK_FALSE(v[1].AsInt64(&i));
  CHECK_FALSE(v[2].AsInt64(&i));
  CHECK_FALSE(v[3].AsInt64(&i));
}

TEST_CASE("json: a document is parsed into again after an error and after a large text") {
  JsonDocument document;
  CHECK_FALSE(document.Parse("[[[").ok());
  CHECK(document.Parse("[" + std::string(3 << 20, ' ') + "\"" + std::string(3 << 20, 'x') + "\"]")
            .ok());
  REQUIRE(document.Parse("[7]").ok());
  std::string out;
  document.root().AppendCompact(&out);
  CHECK(out == "[7]");
}

}  // namespace
}  // namespace fathom
