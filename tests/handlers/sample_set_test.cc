#include "handlers/sample_set.h"

#include <doctest/doctest.h>

#include <set>
#include <string>

#include "handlers/json.h"
#include "lsm/io/mem_file_system.h"

namespace fathom {
namespace {

TEST_CASE("sample_set: the keys are user:0 to user:49999, each once, from user:42 on") {
  std::set<std::string> keys;
  std::string key;
  std::string value;
  for (uint64_t i = 0; i < kSampleRecords; ++i) {
    MakeSampleRecord(i, &key, &value);
    keys.insert(key);
  }
  CHECK(keys.size() == kSampleRecords);
  CHECK(keys.count("user:0") == 1);
  CHECK(keys.count("user:49999") == 1);
  MakeSampleRecord(0, &key, &value);
  CHECK(key == "user:42");
  CHECK(value == "\"Alice\"");
}

TEST_CASE("sample_set: the records are pinned, and every value is a JSON string of 64 bytes") {
  std::string key;
  std::string value;
  MakeSampleRecord(1, &key, &value);
  CHECK(key == "user:43");
  CHECK(value == R"("Karin of Dresden, account 43, token 935172286182d787..........")");
  JsonDocument document;
  for (uint64_t i = 1; i < kSampleRecords; ++i) {
    MakeSampleRecord(i, &key, &value);
    REQUIRE(value.size() == 64);
    REQUIRE(document.Parse(value).ok());
    REQUIRE(document.root().is(JsonKind::kString));
  }
}

TEST_CASE("sample_set: the whole set charges just under 4 MiB and fits one memtable") {
  MemFileSystem fs;
  Options options;
  options.file_system = &fs;
  auto db = DB::Open(options, "/store");
  REQUIRE(db.ok());
  CHECK(WriteSampleSet(uint64_t{4194304}, db->get()).value() == kSampleRecords);
  const Stats stats = (*db)->GetStats();
  CHECK(stats.memtable_bytes == 4188833);
  CHECK(stats.memtable_entries == kSampleRecords);
  CHECK(stats.flushes == 0);
}

TEST_CASE("sample_set: a smaller size is never exceeded") {
  for (const uint64_t max_bytes : {1u, 24u, 25u, 1000u, 100000u}) {
    MemFileSystem fs;
    Options options;
    options.file_system = &fs;
    auto db = DB::Open(options, "/store");
    REQUIRE(db.ok());
    const uint64_t records = WriteSampleSet(max_bytes, db->get()).value();
    const Stats stats = (*db)->GetStats();
    CHECK(stats.memtable_entries == records);
    CHECK(stats.memtable_bytes <= max_bytes);
    CHECK(stats.memtable_bytes + 90 > max_bytes);
  }
}

}  // namespace
}  // namespace fathom
