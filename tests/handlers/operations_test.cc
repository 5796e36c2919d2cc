#include "handlers/operations.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "lsm/io/mem_file_system.h"

namespace fathom {
namespace {

// A store that is written directly, with what no message could write or would take long to.
struct Store {
  Store() {
    Options options;
    options.file_system = &fs;
    absl::StatusOr<std::unique_ptr<DB>> opened = DB::Open(options, "/store");
    REQUIRE(opened.ok());
    db = *std::move(opened);
    context.db = db.get();
  }

  // The error of a scan over all of it; the reply is then in `out`.
  HandlerResult Scan(std::optional<uint64_t> limit, uint64_t* entries) {
    const std::unique_ptr<Iterator> it = db->NewIterator(ReadOptions());
    out.clear();
    Reply reply(Style::kSpaced, &out);
    reply.Begin({.src = "n1", .dest = "c1", .type = "t_ok", .in_reply_to = "", .msg_id = 0});
    const ScanRange range = {.start = "", .end = "\xff\xff", .limit = limit, .reverse = false};
    return ReplyEntries(it.get(), range, &context, &reply, entries);
  }

  MemFileSystem fs;
  std::unique_ptr<DB> db;
  HandlerContext context;
  std::string out;
};

TEST_CASE("operations: a scan whose reply would be too large is error 12, and a limit helps") {
  Store store;
  const std::string value = absl::StrCat("\"", std::string(size_t{30} << 20, 'v'), "\"");
  for (const char* key : {"a", "b", "c"}) {
    REQUIRE(store.db->Put(WriteOptions(), key, value).ok());
  }
  uint64_t entries = 0;
  const HandlerResult error = store.Scan(std::nullopt, &entries);
  REQUIRE(error.has_value());
  CHECK(error->code == ErrorCode::kMalformedRequest);
  CHECK(absl::StartsWith(error->text, "the reply would be larger than 67108864 bytes"));
  CHECK_FALSE(store.Scan(2, &entries).has_value());
  CHECK(entries == 2);
  CHECK(store.out.size() > 2 * value.size());
}

TEST_CASE("operations: a key that no message wrote is error 13") {
  Store store;
  REQUIRE(store.db->Put(WriteOptions(), "caf\xe9", "1").ok());
  uint64_t entries = 0;
  const HandlerResult error = store.Scan(std::nullopt, &entries);
  REQUIRE(error.has_value());
  CHECK(error->code == ErrorCode::kCrash);
  CHECK(absl::StartsWith(error->text, "the store holds a key that no message wrote"));
}

// Crash case 54 as a client sees it: a scan that met damage is an error, not a short answer.
TEST_CASE("operations: a scan over a damaged table is error 13") {
  Store store;
  REQUIRE(store.db->Put(WriteOptions(), "a", "1").ok());
  REQUIRE(store.db->Flush().ok());
  const std::string path = "/store/L0_001.sst";
  std::string bytes = store.fs.Contents(path).value();
  bytes[3] = static_cast<char>(bytes[3] ^ 1);
  store.fs.SetContents(path, bytes);
  uint64_t entries = 0;
  const HandlerResult error = store.Scan(std::nullopt, &entries);
  REQUIRE(error.has_value());
  CHECK(error->code == ErrorCode::kCrash);
  CHECK(absl::StrContains(error->text, "L0_001.sst"));
}

}  // namespace
}  // namespace fathom
