#include "node/line_framer.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace fathom {
namespace {

// Feeds `parts` and returns the lines; a skipped one as "<skipped N>".
std::vector<std::string> Lines(LineFramer* framer, const std::vector<std::string>& parts) {
  std::vector<std::string> lines;
  absl::string_view line;
  const auto take = [&](LineFramer::Result result) {
    if (result == LineFramer::Result::kLine) {
      lines.push_back(std::string(line));
    } else if (result == LineFramer::Result::kTooLong) {
      lines.push_back("<skipped " + std::to_string(framer->skipped_bytes()) + ">");
    }
    return result != LineFramer::Result::kNeedMore;
  };
  for (const std::string& part : parts) {
    std::copy(part.begin(), part.end(), framer->Prepare(part.size()));
    framer->Commit(part.size());
    while (take(framer->Next(&line))) {
    }
  }
  while (take(framer->NextAtEnd(&line))) {
  }
  return lines;
}

std::vector<std::string> Lines(const std::vector<std::string>& parts, size_t max = 100) {
  LineFramer framer(max);
  return Lines(&framer, parts);
}

using Strings = std::vector<std::string>;

TEST_CASE("line_framer: lines are split, and the last may lack its end") {
  CHECK(Lines({"a\nbc\nd"}) == Strings{"a", "bc", "d"});
  CHECK(Lines({"a\nbc\n"}) == Strings{"a", "bc"});
  CHECK(Lines({""}).empty());
}

// Crash case 65.
TEST_CASE("line_framer: an empty line is skipped and is not the end") {
  CHECK(Lines({"\n\na\n\n\r\nb\n\r"}) == Strings{"a", "b"});
}

TEST_CASE("line_framer: a carriage return before the end is dropped, elsewhere it is kept") {
  CHECK(Lines({"a\r\nb\rc\r\n\r\r\nd\r"}) == Strings{"a", "b\rc", "\r", "d"});
}

TEST_CASE("line_framer: a stream cut anywhere gives the same lines") {
  const std::string text = "first\nsecond line\r\n\n" + std::string(30, 'x') + "\nlast";
  const Strings whole = Lines({text}, 20);
  REQUIRE(whole == Strings{"first", "second line", "<skipped 30>", "last"});
  for (size_t i = 0; i <= text.size(); ++i) {
    for (size_t k = i; k <= text.size(); ++k) {
      CAPTURE(i);
      CAPTURE(k);
      CHECK(Lines({text.substr(0, i), text.substr(i, k - i), text.substr(k)}, 20) == whole);
    }
  }
}

TEST_CASE("line_framer: the greatest length is let through, one more is skipped") {
  const std::string max(10, 'm');
  const std::string over(11, 'o');
  CHECK(Lines({max + "\n" + over + "\n" + max + "\r\n" + over + "\r\nz\n"}, 10) ==
        Strings{max, "<skipped 11>", max, "<skipped 11>", "z"});
  CHECK(Lines({max}, 10) == Strings{max});
  CHECK(Lines({over}, 10) == Strings{"<skipped 11>"});
}

// Crash case 65.
TEST_CASE("line_framer: a line far too long is skipped within bounded memory") {
  LineFramer framer(1000);
  const Strings parts(5000, std::string(997, 'x'));
  Strings all = parts;
  all.push_back("\nafter\n");
  size_t most = 0;
  absl::string_view line;
  Strings lines;
  for (const std::string& part : all) {
    std::copy(part.begin(), part.end(), framer.Prepare(part.size()));
    framer.Commit(part.size());
    most = std::max(most, framer.capacity());
    LineFramer::Result result;
    while ((result = framer.Next(&line)) != LineFramer::Result::kNeedMore) {
      lines.push_back(result == LineFramer::Result::kLine ? std::string(line) : "<skipped>");
    }
  }
  CHECK(lines == Strings{"<skipped>", "after"});
  CHECK(framer.skipped_bytes() == 5000 * 997);
  CHECK(framer.skipped_lines() == 1);
  CHECK(most <= 1001 + 997);
}

TEST_CASE("line_framer: the memory of a long line is given back") {
  LineFramer framer(size_t{8} << 20);
  const std::string part(size_t{1} << 20, 'x');
  CHECK(Lines(&framer, {part, part, part, "\n"}).size() == 1);
  CHECK(framer.capacity() >= size_t{3} << 20);
  framer.Prepare(4096);
  CHECK(framer.capacity() == 4096);
}

}  // namespace
}  // namespace fathom
