#include "lsm/manifest/live_table.h"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "lsm/manifest/level_iterator.h"
#include "tests/lsm/compaction/shapes.h"

namespace fathom {
namespace {

// What a table holds, in a file whose metadata a test may change before it is opened anew.
struct Written {
  Shapes shapes;
  TableMeta meta;

  Written() {
    auto writer = TableWriter::Create(shapes.home, {.block_bytes = 64}, 0, 1);
    REQUIRE(writer.ok());
    (*writer)->Add(Versioned("c", 1), "v");
    (*writer)->AddRangeTombstones(RangeTombstones::Of({{"b", "d", 9}, {"e", "f", 8}}));
    const auto table = (*writer)->Finish();
    REQUIRE_MESSAGE(table.ok(), table.status().ToString());
    CHECK((*table)->reader_if_open() != nullptr);
    meta = (*table)->meta();
  }

  std::string path() const { return "db/" + meta.FileName(); }
  LiveTable Named() { return {&shapes.fs, "db", meta, {}}; }
  absl::StatusOr<uint64_t> Size() { return shapes.fs.FileSize(path()); }
  uint64_t opened() const { return shapes.fs.op_count(FileOp::kOpenForRead); }
};

std::string Message(const absl::Status& status) {
  CHECK_MESSAGE(absl::IsDataLoss(status), status.ToString());
  return std::string(status.message());
}

TEST_CASE("live table: the file is opened when it is first read, and once") {
  Written written;
  const uint64_t before = written.opened();
  const LiveTable table = written.Named();
  CHECK(table.CheckSize(written.Size()).ok());
  CHECK(table.reader_if_open() == nullptr);
  CHECK(written.opened() == before);
  std::string value;
  ReadCost cost;
  CHECK(*table.Get("c", std::nullopt, 8, &value, &cost) == Lookup::kFound);
  CHECK(*table.Get("c", std::nullopt, 9, &value, &cost) == Lookup::kDeleted);
  const auto it = (*table.reader())->NewIterator(/*fill_cache=*/false, nullptr);
  it->SeekToFirst();
  CHECK(it->Valid());
  CHECK(table.reader_if_open() == *table.reader());
  CHECK(written.opened() == before + 1);
}

TEST_CASE("live table: a file that is missing or has another length is told without reading it") {
  Written written;
  const uint64_t before = written.opened();
  const std::string bytes = *written.shapes.fs.Contents(written.path());
  written.shapes.fs.SetContents(written.path(), bytes + "x");
  CHECK(Message(written.Named().CheckSize(written.Size())).find("table size") != std::string::npos);
  REQUIRE(written.shapes.fs.Remove(written.path()).ok());
  const std::string missing =
      "db/L0_001.sst: the manifest names this table, but the file is missing";
  CHECK(Message(written.Named().CheckSize(written.Size())) == missing);
  CHECK(written.opened() == before);
  CHECK(Message(written.Named().reader().status()) == missing);
  written.shapes.fs.SetHook([](FileOp op, const std::string&, uint64_t) {
    return op == FileOp::kFileSize ? absl::InternalError("I/O error") : absl::OkStatus();
  });
  CHECK(absl::IsInternal(written.Named().CheckSize(written.Size())));
}

TEST_CASE("live table: a failed opening is the caller's, and the next one tries again") {
  Written written;
  const LiveTable table = written.Named();
  const auto fail_with = [&](const absl::Status& error) {
    written.shapes.fs.SetHook([error](FileOp op, const std::string&, uint64_t) {
      return op == FileOp::kOpenForRead ? error : absl::OkStatus();
    });
  };
  fail_with(absl::ResourceExhaustedError("too many open files"));
  std::string value;
  ReadCost cost;
  CHECK(absl::IsResourceExhausted(table.reader().status()));
  CHECK(absl::IsResourceExhausted(table.Get("c", std::nullopt, 8, &value, &cost).status()));
  const Version::Tables tables = {
      std::make_shared<LiveTable>(&written.shapes.fs, "db", written.meta, TableCaches())};
  const auto cursor = NewLevelIterator(tables, /*fill_cache=*/false, nullptr);
  cursor->SeekToFirst();
  CHECK_FALSE(cursor->Valid());
  CHECK(absl::IsResourceExhausted(cursor->status()));
  fail_with(absl::OkStatus());
  cursor->SeekToFirst();
  CHECK(cursor->Valid());
  CHECK(cursor->status().ok());
  CHECK(*table.Get("c", std::nullopt, 8, &value, &cost) == Lookup::kFound);
}

TEST_CASE("live table: one with a damaged tail never opens") {
  Written written;
  std::string bytes = *written.shapes.fs.Contents(written.path());
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  written.shapes.fs.SetContents(written.path(), bytes);
  const LiveTable table = written.Named();
  CHECK(table.CheckSize(written.Size()).ok());
  for (int i = 0; i < 2; ++i) {
    CHECK(Message(table.reader().status()).find(written.path()) == 0);
    CHECK(table.reader_if_open() == nullptr);
  }
}

TEST_CASE("live table: range tombstones other than the manifest's are damage") {
  Written written;
  const TableMeta right = written.meta;
  CHECK(right.range_deletions == 2);
  CHECK(written.Named().reader().ok());
  written.meta.smallest = Versioned("c", 1);
  CHECK(absl::IsDataLoss(written.Named().reader().status()));
  written.meta = right;
  written.meta.largest = Versioned("e", 1);
  CHECK(absl::IsDataLoss(written.Named().reader().status()));
  written.meta = right;
  for (const uint64_t wrong : {0u, 1u, 3u}) {
    written.meta.range_deletions = wrong;
    CHECK(Message(written.Named().reader().status()).find("range deletions, by the manifest") !=
          std::string::npos);
  }
  written.meta.range_deletions.reset();  // an older manifest does not tell
  CHECK(written.Named().reader().ok());
}

}  // namespace
}  // namespace fathom
