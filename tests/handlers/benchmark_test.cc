#include <doctest/doctest.h>

#include "absl/strings/match.h"
#include "tests/handlers/session.h"

namespace fathom {
namespace {

TEST_CASE("lsm_benchmark: measures both engines, or says that there is no B-tree in this build") {
  const auto session = Session::Started();
  const std::string reply = session->Ask(R"("type":"lsm_benchmark","entries":1000)");
  if (absl::StartsWith(reply, "error 10 ")) {
    CHECK(absl::StrContains(reply, "liblmdb-dev"));
    return;
  }
  CHECK(absl::StartsWith(reply, R"(lsm_benchmark_ok "lsm": {"write_ops_sec":)"));
  for (const char* field : {R"("read_p50_us":)", R"("read_without_bloom_p50_us":)",
                            R"("btree": {"write_ops_sec":)", R"("space_amplification":)"}) {
    CAPTURE(field);
    CHECK(absl::StrContains(reply, field));
  }
  // Nothing of it reaches the node's own store.
  CHECK(absl::StrContains(session->Ask(R"("type":"lsm_stats")"), R"("puts": 0)"));
}

TEST_CASE("lsm_benchmark: a number of entries out of range is refused") {
  const auto session = Session::Started();
  for (const char* entries : {"0", "1000001", "-1", "\"10\"", "1.5"}) {
    CAPTURE(entries);
    CHECK(absl::StartsWith(
        session->Ask(absl::StrCat(R"("type":"lsm_benchmark","entries":)", entries)), "error 12"));
  }
}

}  // namespace
}  // namespace fathom
