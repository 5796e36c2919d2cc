#include "handlers/json_text.h"

#include <doctest/doctest.h>

#include <string>

namespace fathom {
namespace {

std::string Quoted(absl::string_view text) {
  std::string out;
  AppendQuoted(text, &out);
  return out;
}

std::string Spaced(absl::string_view compact) {
  std::string out;
  AppendSpaced(compact, &out);
  return out;
}

TEST_CASE("json_text: only quotes, backslashes and control characters are escaped") {
  CHECK(Quoted("") == R"("")");
  CHECK(Quoted("plain / text") == R"("plain / text")");
  CHECK(Quoted("\"\\\b\f\n\r\t") == R"("\"\\\b\f\n\r\t")");
  CHECK(Quoted(absl::string_view("\0\x01\x1f\x7f", 4)) == "\"\\u0000\\u0001\\u001f\x7f\"");
  CHECK(Quoted("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x8c\x8a") ==
        "\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x8c\x8a\"");
}

TEST_CASE("json_text: spaced text has a space after each comma and colon outside strings") {
  CHECK(Spaced("[]") == "[]");
  CHECK(Spaced("{}") == "{}");
  CHECK(Spaced(R"({"a":[1,2,{"b":null}],"c":"d"})") == R"({"a": [1, 2, {"b": null}], "c": "d"})");
  CHECK(Spaced(R"(["a,b:c","\",:","\\",1])") == R"(["a,b:c", "\",:", "\\", 1])");
}

TEST_CASE("json_text: a text that is no array and no object is copied") {
  CHECK(Spaced(R"("a,b:c")") == R"("a,b:c")");
  CHECK(Spaced("-1.5e3") == "-1.5e3");
  CHECK(Spaced("") == "");
}

TEST_CASE("json_text: valid UTF-8 is told from invalid") {
  CHECK(IsValidUtf8(""));
  CHECK(IsValidUtf8("a long text that is plain ASCII"));
  CHECK(IsValidUtf8("\xc2\x80 \xdf\xbf \xe0\xa0\x80 \xed\x9f\xbf \xee\x80\x80 \xef\xbf\xbf"));
  CHECK(IsValidUtf8("\xf0\x90\x80\x80 \xf4\x8f\xbf\xbf"));
  for (const char* bad : {"\x80", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2 ", "\xe0\x9f\xbf",
                          "\xed\xa0\x80", "\xe2\x82", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
                          "\xf5\x80\x80\x80", "\xff", "12345678\xff", "\xf0\x90\x80"}) {
    CAPTURE(std::string(bad));
    CHECK_FALSE(IsValidUtf8(bad));
  }
}

TEST_CASE("json_text: bytes that are not UTF-8 are escaped for a message") {
  CHECK(ToUtf8("caf\xc3\xa9") == "caf\xc3\xa9");
  CHECK(ToUtf8("caf\xe9") == "caf\\xe9");
}

TEST_CASE("json_text: an excerpt is cut between characters") {
  CHECK(Excerpt("abc", 3) == "abc");
  CHECK(Excerpt("abcd", 3) == "abc...");
  CHECK(Excerpt("a\xe2\x82\xac z", 3) == "a...");
  CHECK(Excerpt("a\xe2\x82\xac z", 4) == "a\xe2\x82\xac...");
}

}  // namespace
}  // namespace fathom
