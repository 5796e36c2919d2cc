#include "handlers/btree.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>

#include "absl/strings/str_cat.h"

#ifdef FATHOM_HAVE_LMDB
#include <lmdb.h>
#endif

namespace fathom {

double Median(std::vector<double>* micros) {
  const auto middle = micros->begin() + static_cast<std::ptrdiff_t>(micros->size() / 2);
  std::nth_element(micros->begin(), middle, micros->end());
  return *middle;
}

#ifdef FATHOM_HAVE_LMDB
namespace {

using Clock = std::chrono::steady_clock;

double Micros(Clock::duration d) { return std::chrono::duration<double, std::micro>(d).count(); }

MDB_val ValueOf(const std::string& bytes) {
  return {bytes.size(),
          const_cast<char*>(bytes.data())};  // LMDB's type has no const; it only reads
}

absl::Status Check(int code, absl::string_view call) {
  return code == MDB_SUCCESS ? absl::OkStatus()
                             : absl::InternalError(absl::StrCat(call, ": ", mdb_strerror(code)));
}

// Closes the environment when it goes.
using Environment = std::unique_ptr<MDB_env, decltype(&mdb_env_close)>;

absl::Status Open(const std::string& dir, size_t map_bytes, Environment* env, MDB_dbi* tree) {
  MDB_env* raw = nullptr;
  absl::Status status = Check(mdb_env_create(&raw), "mdb_env_create");
  if (!status.ok()) {
    return status;
  }
  env->reset(raw);
  status = Check(mdb_env_set_mapsize(raw, map_bytes), "mdb_env_set_mapsize");
  if (status.ok()) {
    status = Check(mdb_env_open(raw, dir.c_str(), MDB_NOSYNC, 0600), "mdb_env_open");
  }
  MDB_txn* txn = nullptr;
  if (status.ok()) {
    status = Check(mdb_txn_begin(raw, nullptr, 0, &txn), "mdb_txn_begin");
  }
  if (!status.ok()) {
    return status;
  }
  status = Check(mdb_dbi_open(txn, nullptr, 0, tree), "mdb_dbi_open");
  const absl::Status committed = Check(mdb_txn_commit(txn), "mdb_txn_commit");
  return status.ok() ? committed : status;
}

absl::Status Put(MDB_env* env, MDB_dbi tree, const std::string& key, const std::string& value) {
  MDB_txn* txn = nullptr;
  absl::Status status = Check(mdb_txn_begin(env, nullptr, 0, &txn), "mdb_txn_begin");
  if (!status.ok()) {
    return status;
  }
  MDB_val k = ValueOf(key);
  MDB_val v = ValueOf(value);
  status = Check(mdb_put(txn, tree, &k, &v, 0), "mdb_put");
  if (!status.ok()) {
    mdb_txn_abort(txn);
    return status;
  }
  return Check(mdb_txn_commit(txn), "mdb_txn_commit");
}

absl::Status Get(MDB_env* env, MDB_dbi tree, const std::string& key, std::string* value) {
  MDB_txn* txn = nullptr;
  absl::Status status = Check(mdb_txn_begin(env, nullptr, MDB_RDONLY, &txn), "mdb_txn_begin");
  if (!status.ok()) {
    return status;
  }
  MDB_val k = ValueOf(key);
  MDB_val v = {};
  status = Check(mdb_get(txn, tree, &k, &v), "mdb_get");
  if (status.ok()) {
    value->assign(static_cast<const char*>(v.mv_data), v.mv_size);
  }
  mdb_txn_abort(txn);
  return status;
}

}  // namespace

absl::StatusOr<EngineFigures> BenchmarkBtree(const std::string& dir,
                                             const BenchmarkRecords& records,
                                             const std::vector<size_t>& reads) {
  uint64_t logical_bytes = 0;
  for (const auto& [key, value] : records) {
    logical_bytes += key.size() + value.size();
  }
  // Room for half-full pages, and for the pages that each transaction copies.
  const size_t map_bytes = (size_t{64} << 20) + 8 * logical_bytes;
  Environment env(nullptr, &mdb_env_close);
  MDB_dbi tree = 0;
  absl::Status status = Open(dir, map_bytes, &env, &tree);
  if (!status.ok()) {
    return status;
  }
  EngineFigures figures;
  const Clock::time_point start = Clock::now();
  for (const auto& [key, value] : records) {
    status = Put(env.get(), tree, key, value);
    if (!status.ok()) {
      return status;
    }
  }
  figures.write_ops_sec = static_cast<double>(records.size()) * 1e6 / Micros(Clock::now() - start);
  std::vector<double> micros;
  std::string value;
  for (const size_t i : reads) {
    const Clock::time_point before = Clock::now();
    status = Get(env.get(), tree, records[i].first, &value);
    micros.push_back(Micros(Clock::now() - before));
    if (!status.ok()) {
      return status;
    }
    if (value != records[i].second) {
      return absl::InternalError("the B-tree gave another value than was written");
    }
  }
  figures.read_p50_us = Median(&micros);
  figures.space_amplification =
      static_cast<double>(std::filesystem::file_size(std::filesystem::path(dir) / "data.mdb")) /
      static_cast<double>(logical_bytes);
  return figures;
}

#else

absl::StatusOr<EngineFigures> BenchmarkBtree(const std::string&, const BenchmarkRecords&,
                                             const std::vector<size_t>&) {
  return absl::UnimplementedError(
      "this build has no B-tree to measure against: install liblmdb-dev and build again");
}

#endif

}  // namespace fathom
