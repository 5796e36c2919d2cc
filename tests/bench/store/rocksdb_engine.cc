#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/version.h>

#include "tests/bench/store/engine.h"

namespace fathom {
namespace {

rocksdb::Slice ToSlice(absl::string_view s) { return {s.data(), s.size()}; }

rocksdb::Options OptionsOf(const EngineSettings& settings) {
  rocksdb::BlockBasedTableOptions table;
  table.block_size = settings.block_bytes;
  table.block_cache = rocksdb::NewLRUCache(settings.block_cache_bytes);
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(settings.filter_bits_per_key));
  table.checksum = rocksdb::kXXH3;
  rocksdb::Options options;
  options.create_if_missing = true;
  options.write_buffer_size = settings.memtable_bytes;
  if (settings.compression == CompressionKind::kNone) {
    options.compression = rocksdb::kNoCompression;
  }
  options.max_background_jobs = settings.background_jobs;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

class RocksDbAdapter final : public Engine {
 public:
  explicit RocksDbAdapter(const EngineSettings& settings) {
    rocksdb::DB* db = nullptr;
    RequireOk(rocksdb::DB::Open(OptionsOf(settings), settings.dir, &db), "open");
    db_.reset(db);
  }

  void Put(absl::string_view key, absl::string_view value, Sync sync) override {
    rocksdb::WriteOptions options;
    options.sync = sync == Sync::kYes;
    RequireOk(db_->Put(options, ToSlice(key), ToSlice(value)), "put");
  }
  void Delete(absl::string_view key) override {
    RequireOk(db_->Delete(rocksdb::WriteOptions(), ToSlice(key)), "delete");
  }
  bool Get(absl::string_view key, std::string* value) override {
    const rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), ToSlice(key), value);
    if (status.IsNotFound()) {
      return false;
    }
    RequireOk(status, "get");
    return true;
  }
  uint64_t Scan(absl::string_view start, uint64_t limit, Direction direction) override {
    const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(rocksdb::ReadOptions()));
    return ScanWith(it.get(), ToSlice(start), limit, direction);
  }
  void Flush() override { RequireOk(db_->Flush(rocksdb::FlushOptions()), "flush"); }
  void CompactAll() override {
    RequireOk(db_->CompactRange(rocksdb::CompactRangeOptions(), nullptr, nullptr), "compact");
  }

 private:
  std::unique_ptr<rocksdb::DB> db_;
};

std::unique_ptr<Engine> Open(const EngineSettings& settings) {
  return std::make_unique<RocksDbAdapter>(settings);
}

}  // namespace

EngineKind RocksDbEngine() {
  static const std::string about = rocksdb::GetRocksVersionAsString() + kPeerBuild;
  return {"rocksdb", about.c_str(), Open};
}

}  // namespace fathom
