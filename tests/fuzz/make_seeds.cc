// Writes the seeds of log, table, manifest and db under tests/fuzz/corpus, which is its argument.
// Those of node are written by hand. A name that begins with "sound" promises that the target finds
// it so.
#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "lsm/io/mem_file_system.h"
#include "lsm/manifest/version_edit.h"
#include "lsm/table/table_builder.h"
#include "lsm/wal/batch.h"
#include "tests/fuzz/ensure.h"
#include "tests/lsm/manifest/tables.h"
#include "tests/lsm/wal/log_files.h"

namespace fathom {
namespace {

std::string root;

void WriteSeed(const std::string& name, absl::string_view bytes) {
  const std::string path = absl::StrCat(root, "/", name);
  std::FILE* const file = std::fopen(path.c_str(), "wb");
  Ensure(file != nullptr, "a seed is written", path);
  Ensure(std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size(), "a seed is written");
  Ensure(std::fclose(file) == 0, "a seed is written", path);
}

std::string Fixed16(size_t v) { return {static_cast<char>(v & 0xff), static_cast<char>(v >> 8)}; }

// flags, `must reach`, filler
std::string LogHead(char flags, size_t must_reach, size_t filler) {
  return std::string(1, flags) + Fixed16(must_reach) + Fixed16(filler);
}

std::string Batch(SequenceNumber sequence, const std::vector<std::string>& puts) {
  std::string batch;
  PutFixed64(&batch, sequence);
  PutFixed32(&batch, static_cast<uint32_t>(puts.size()));
  for (const std::string& put : puts) {
    AppendPut(put, "value", &batch);
  }
  return batch;
}

void WriteLogSeeds() {
  LogBuilder log;
  EnsureOk(log.AppendAndSync(Batch(1, {"a"})), "a record is written");
  EnsureOk(log.Append(Batch(2, {"b", "c"})), "a record is written");
  EnsureOk(log.Append(""), "a record is written");
  const std::string bytes = log.Bytes();
  WriteSeed("log/sound-records", LogHead(1, 0, 0) + bytes);
  WriteSeed("log/sound-exact", LogHead(3, log.ends.back(), 0) + bytes);
  WriteSeed("log/torn", LogHead(0, 0, 0) + bytes.substr(0, bytes.size() - 1));
  WriteSeed("log/damaged-below-a-mark",
            LogHead(0, 0, 0) + bytes.substr(0, 50) + "x" + bytes.substr(51));
  WriteSeed("log/preallocated", LogHead(1, 0, 0) + bytes + std::string(100, '\0'));
  // A first part that ends its block, and the last one in the next.
  LogBuilder filled;
  constexpr size_t kFiller = 32600;
  EnsureOk(filled.Append(std::string(kFiller, 'f')), "a record is written");
  const size_t offset = filled.Bytes().size();
  EnsureOk(filled.Append(std::string(200, 'r')), "a record is written");
  EnsureOk(filled.AppendAndSync("end"), "a record is written");
  EnsureOk(filled.Append("after the sync"), "a record is written");
  WriteSeed("log/sound-across-blocks", LogHead(1, 0, kFiller) + filled.Bytes().substr(offset));
}

void WriteTableSeed(const std::string& name, const TableBuilderOptions& options, int keys,
                    const RangeTombstones& range_tombstones = {}) {
  MemFileSystem fs;
  auto file = fs.Create("table");
  TableBuilder builder(options, file->get());
  for (int i = 0; i < keys; ++i) {
    const std::string key = absl::StrCat("key", absl::Dec(i / 2, absl::kZeroPad3));
    const auto sequence = static_cast<SequenceNumber>(2 * keys - i);
    const ValueType type = i % 7 == 3 ? ValueType::kDeletion : ValueType::kValue;
    const std::string value = type == ValueType::kValue ? std::string(30, 'v') : "";
    builder.Add(InternalKey(key, sequence, type), value);
  }
  builder.AddRangeTombstones(range_tombstones);
  EnsureOk(builder.Finish().status(), "a table is built");
  EnsureOk((*file)->Close(), "a table is closed");
  WriteSeed("table/" + name, std::string(1, '\1') + *fs.Contents("table"));
}

void WriteTableSeeds() {
  WriteTableSeed("sound-one", {.block_bytes = 4096, .compression = Compression::kNone}, 1);
  WriteTableSeed("sound-blocks", {.block_bytes = 100, .compression = Compression::kNone}, 20);
  WriteTableSeed("sound-restarts", {.block_bytes = 4096, .compression = Compression::kNone}, 40);
  WriteTableSeed("sound-lz4", {.block_bytes = 400, .compression = Compression::kLz4}, 40);
  WriteTableSeed("sound-zstd", {.block_bytes = 400, .compression = Compression::kZstd}, 40);
  WriteTableSeed(
      "sound-partitions",
      {.block_bytes = 100, .compression = Compression::kNone, .index_partition_bytes = 100}, 60);
  WriteTableSeed("sound-ranges", {.block_bytes = 100, .compression = Compression::kNone}, 20,
                 RangeTombstones::Of({{"a", "key003", 30}, {"key002", "key007", 35}}));
}

// Tables of RocksDB's, from the folder of the tests that read them.
void CopyForeignTables(const std::string& data) {
  for (const char* name :
       {"default", "hash_in_data_blocks", "partitioned_index_and_filter", "range_deletions"}) {
    const auto bytes = ReadFileToString(PosixFileSystem(), absl::StrCat(data, "/", name, ".sst"),
                                        uint64_t{1} << 20);
    EnsureOk(bytes.status(), "a table is read");
    WriteSeed(absl::StrCat("table/foreign-", name), std::string(1, '\1') + *bytes);
  }
}

std::string Pieces(char flags, const std::vector<std::string>& pieces) {
  std::string bytes(1, flags);
  for (const std::string& piece : pieces) {
    bytes += Fixed16(piece.size()) + piece;
  }
  return bytes;
}

void WriteManifestSeeds() {
  VersionEdit first;
  first.next_file_number = 3;
  first.next_table_number = 4;
  first.last_sequence = 30;
  first.closed_logs = {{1, 100}};
  first.added_tables = {{0, Table(1, "a", "k")}, {0, Table(2, "b", "z", 20)}};
  VersionEdit merge;
  merge.last_sequence = 40;
  merge.removed_tables = {{0, 1}, {0, 2}};
  merge.added_tables = {{1, Table(3, "a", "m")}, {1, Table(4, "n", "z", 20)}};
  VersionEdit start;
  start.next_file_number = 3;
  WriteSeed("manifest/sound-start", Pieces(0, {start.Encode()}));
  WriteSeed("manifest/sound-tables", Pieces(0, {first.Encode()}));
  WriteSeed("manifest/sound-merge", Pieces(0, {first.Encode(), merge.Encode()}));
  VersionEdit ranges;  // the first ends where the second begins
  ranges.last_sequence = 40;
  ranges.added_tables = {{1, Table(1, "a", "m")}, {1, Table(2, "m", "z", 20)}};
  ranges.added_tables[0].second.largest =
      InternalKey("m", kMaxSequenceNumber, ValueType::kRangeDeletion);
  ranges.added_tables[0].second.range_deletions = 1;
  WriteSeed("manifest/sound-ranges", Pieces(0, {start.Encode(), ranges.Encode()}));
  WriteSeed("manifest/sound-current", Pieces(1, {"MANIFEST-000007\n", start.Encode()}));
  VersionEdit last;
  last.next_file_number = ~uint64_t{0};
  WriteSeed("manifest/last-file-number", Pieces(0, {last.Encode()}));
  last = VersionEdit();
  last.next_table_number = ~uint64_t{0};
  WriteSeed("manifest/last-table-number", Pieces(0, {last.Encode()}));
  last = VersionEdit();
  last.last_sequence = kMaxSequenceNumber;
  WriteSeed("manifest/last-sequence", Pieces(0, {last.Encode()}));
  WriteSeed("manifest/missing", Pieces(1, {"MANIFEST-000008\n", start.Encode()}));
  WriteSeed("manifest/does-not-apply", Pieces(0, {start.Encode(), merge.Encode()}));
}

void WriteDbSeeds() {
  std::mt19937 rng(1);
  for (int seed = 0; seed < 10; ++seed) {
    std::string operations(1, static_cast<char>(seed % 5));
    while (operations.size() < 160) {
      operations.push_back(static_cast<char>(rng() & 0xff));
    }
    WriteSeed(absl::StrCat("db/sound-", seed), operations);
  }
}

}  // namespace
}  // namespace fathom

int main(int argc, char** argv) {
  fathom::Ensure(argc == 2, "the one argument is the corpus folder");
  fathom::root = argv[1];
  fathom::WriteLogSeeds();
  fathom::WriteTableSeeds();
  fathom::CopyForeignTables(fathom::root + "/../../lsm/table/data");
  fathom::WriteManifestSeeds();
  fathom::WriteDbSeeds();
}
