// lsm_benchmark: the LSM tree against a B-tree, both measured here and now on the same records, in
// scratch directories that go with the request.
#include <algorithm>
#include <chrono>
#include <random>

#include "absl/strings/str_cat.h"
#include "handlers/btree.h"
#include "handlers/explain.h"
#include "handlers/families.h"
#include "handlers/operations.h"
#include "handlers/temp_dir.h"
#include "lsm/io/unsynced_file_system.h"

namespace fathom {
namespace {

using Clock = std::chrono::steady_clock;

constexpr uint64_t kMaxEntries = 1'000'000;
constexpr uint64_t kDefaultEntries = 100'000;
constexpr size_t kMaxReads = 10'000;
constexpr size_t kValueBytes = 100;

struct LsmFigures {
  EngineFigures engine;
  double read_without_bloom_p50_us = 0;
};

BenchmarkRecords MakeRecords(size_t count, std::mt19937_64* rng) {
  BenchmarkRecords records;
  records.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    std::string value = absl::StrCat("value of record ", i, " ");
    while (value.size() < kValueBytes) {
      absl::StrAppend(&value, absl::Hex((*rng)(), absl::kZeroPad16));
    }
    value.resize(kValueBytes);
    records.emplace_back(absl::StrCat("key:", absl::Dec(i, absl::kZeroPad12)), std::move(value));
  }
  std::ranges::shuffle(records, *rng);
  return records;
}

std::vector<size_t> ChooseReads(size_t records, std::mt19937_64* rng) {
  std::vector<size_t> reads(std::min(records, kMaxReads));
  for (size_t& read : reads) {
    read = (*rng)() % records;
  }
  return reads;
}

// The median time of reading `reads`, each checked.
absl::StatusOr<double> TimeReads(DB* db, const ReadOptions& options,
                                 const BenchmarkRecords& records,
                                 const std::vector<size_t>& reads) {
  std::vector<double> micros;
  std::string value;
  for (const size_t i : reads) {
    const Clock::time_point before = Clock::now();
    const absl::Status status = db->Get(options, records[i].first, &value);
    micros.push_back(std::chrono::duration<double, std::micro>(Clock::now() - before).count());
    if (!status.ok()) {
      return status;
    }
    if (value != records[i].second) {
      return absl::InternalError("the LSM tree gave another value than was written");
    }
  }
  return Median(&micros);
}

absl::StatusOr<LsmFigures> BenchmarkLsm(const std::string& dir, const BenchmarkRecords& records,
                                        const std::vector<size_t>& reads) {
  UnsyncedFileSystem fs(PosixFileSystem());
  Options options;
  options.file_system = &fs;
  absl::StatusOr<std::unique_ptr<DB>> db = DB::Open(options, dir);
  if (!db.ok()) {
    return db.status();
  }
  uint64_t logical_bytes = 0;
  LsmFigures figures;
  const Clock::time_point start = Clock::now();
  for (const auto& [key, value] : records) {
    const absl::Status status = (*db)->Put(WriteOptions(), key, value);
    if (!status.ok()) {
      return status;
    }
    logical_bytes += key.size() + value.size();
  }
  const std::chrono::duration<double> took = Clock::now() - start;
  figures.engine.write_ops_sec = static_cast<double>(records.size()) / took.count();
  const absl::Status flushed = (*db)->Flush().status();
  if (!flushed.ok()) {
    return flushed;
  }
  absl::StatusOr<double> p50 = TimeReads(db->get(), ReadOptions(), records, reads);
  if (!p50.ok()) {
    return p50.status();
  }
  figures.engine.read_p50_us = *p50;
  ReadOptions without_filters;
  without_filters.use_filters = false;
  p50 = TimeReads(db->get(), without_filters, records, reads);
  if (!p50.ok()) {
    return p50.status();
  }
  figures.read_without_bloom_p50_us = *p50;
  figures.engine.space_amplification =
      static_cast<double>((*db)->GetStats().table_bytes) / static_cast<double>(logical_bytes);
  return figures;
}

void ReplyEngine(const EngineFigures& figures, Reply* reply) {
  reply->Uint("write_ops_sec", static_cast<uint64_t>(figures.write_ops_sec));
  reply->Ratio("read_p50_us", figures.read_p50_us);
}

HandlerResult LsmBenchmark(const Request& request, HandlerContext* context, Reply* reply) {
  const Meter meter(*context);
  std::optional<uint64_t> entries = kDefaultEntries;
  if (HandlerResult error = request.OptionalUint("entries", 1, kMaxEntries, &entries)) {
    return error;
  }
  std::mt19937_64 rng(*entries);  // the same records for the same request
  const BenchmarkRecords records = MakeRecords(*entries, &rng);
  const std::vector<size_t> reads = ChooseReads(records.size(), &rng);
  const absl::StatusOr<std::unique_ptr<TempDir>> dir = TempDir::Make();
  if (!dir.ok()) {
    return ErrorOfRead(dir.status());
  }
  const absl::StatusOr<EngineFigures> btree = BenchmarkBtree((*dir)->path(), records, reads);
  if (absl::IsUnimplemented(btree.status())) {
    return ProtocolError{ErrorCode::kNotSupported, std::string(btree.status().message())};
  }
  if (!btree.ok()) {
    return ErrorOfRead(btree.status());
  }
  const absl::StatusOr<LsmFigures> lsm =
      BenchmarkLsm(absl::StrCat((*dir)->path(), "/lsm"), records, reads);
  if (!lsm.ok()) {
    return ErrorOfRead(lsm.status());
  }
  reply->OpenObject("lsm");
  ReplyEngine(lsm->engine, reply);
  reply->Ratio("read_without_bloom_p50_us", lsm->read_without_bloom_p50_us);
  reply->Ratio("space_amplification", lsm->engine.space_amplification);
  reply->CloseObject();
  reply->OpenObject("btree");
  ReplyEngine(*btree, reply);
  reply->Ratio("space_amplification", btree->space_amplification);
  reply->CloseObject();
  if (context->explain) {
    ExplainObject explain(meter.start(), reply);
    explain.Uint("entries", records.size());
    explain.Uint("reads", reads.size());
  }
  return std::nullopt;
}

}  // namespace

void RegisterBenchmarkHandlers(Registry* registry) { registry->Add("lsm_benchmark", LsmBenchmark); }

}  // namespace fathom
