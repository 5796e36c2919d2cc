#include <leveldb/cache.h>
#include <leveldb/db.h>
#include <leveldb/filter_policy.h>

#include "tests/bench/store/engine.h"

namespace fathom {
namespace {

leveldb::Slice ToSlice(absl::string_view s) { return {s.data(), s.size()}; }

class LevelDbAdapter final : public Engine {
 public:
  explicit LevelDbAdapter(const EngineSettings& settings)
      : cache_(leveldb::NewLRUCache(settings.block_cache_bytes)),
        filter_(leveldb::NewBloomFilterPolicy(settings.filter_bits_per_key)) {
    read_options_.verify_checksums = settings.read_checks == ReadChecks::kAll;
    leveldb::Options options;
    options.create_if_missing = true;
    options.write_buffer_size = settings.memtable_bytes;
    options.block_size = settings.block_bytes;
    options.block_cache = cache_.get();
    options.filter_policy = filter_.get();
    if (settings.compression == CompressionKind::kNone) {
      options.compression = leveldb::kNoCompression;
    }
    leveldb::DB* db = nullptr;
    RequireOk(leveldb::DB::Open(options, settings.dir, &db), "open");
    db_.reset(db);
  }

  void Put(absl::string_view key, absl::string_view value, Sync sync) override {
    leveldb::WriteOptions options;
    options.sync = sync == Sync::kYes;
    RequireOk(db_->Put(options, ToSlice(key), ToSlice(value)), "put");
  }
  void Delete(absl::string_view key) override {
    RequireOk(db_->Delete(leveldb::WriteOptions(), ToSlice(key)), "delete");
  }
  bool Get(absl::string_view key, std::string* value) override {
    const leveldb::Status status = db_->Get(read_options_, ToSlice(key), value);
    if (status.IsNotFound()) {
      return false;
    }
    RequireOk(status, "get");
    return true;
  }
  uint64_t Scan(absl::string_view start, uint64_t limit, Direction direction) override {
    const std::unique_ptr<leveldb::Iterator> it(db_->NewIterator(read_options_));
    return ScanWith(it.get(), ToSlice(start), limit, direction);
  }
  void Flush() override {
    // There is no such call, but a compaction of a range begins with it; this range is empty.
    const leveldb::Slice begin("\xff\xfe");
    const leveldb::Slice end("\xff\xff");
    db_->CompactRange(&begin, &end);
  }
  void CompactAll() override { db_->CompactRange(nullptr, nullptr); }

 private:
  // In the order in which they must outlive each other.
  const std::unique_ptr<leveldb::Cache> cache_;
  const std::unique_ptr<const leveldb::FilterPolicy> filter_;
  std::unique_ptr<leveldb::DB> db_;
  leveldb::ReadOptions read_options_;
};

std::unique_ptr<Engine> Open(const EngineSettings& settings) {
  return std::make_unique<LevelDbAdapter>(settings);
}

}  // namespace

EngineKind LevelDbEngine() {
  static const std::string about = std::to_string(leveldb::kMajorVersion) + "." +
                                   std::to_string(leveldb::kMinorVersion) + kPeerBuild;
  return {"leveldb", about.c_str(), Open};
}

}  // namespace fathom
