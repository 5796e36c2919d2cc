#include <utility>

#include "lsm/db.h"
#include "tests/bench/store/engine.h"

namespace fathom {
namespace {

class FathomAdapter final : public Engine {
 public:
  explicit FathomAdapter(std::unique_ptr<DB> db) : db_(std::move(db)) {}
  ~FathomAdapter() override { RequireOk(db_->Close(), "close"); }

  void Put(absl::string_view key, absl::string_view value, Sync sync) override {
    const WriteOptions options{sync == Sync::kYes ? Durability::kDisk : Durability::kProcess};
    RequireOk(db_->Put(options, key, value), "put");
  }
  void Delete(absl::string_view key) override {
    RequireOk(db_->Delete(WriteOptions(), key), "delete");
  }
  bool Get(absl::string_view key, std::string* value) override {
    const absl::Status status = db_->Get(ReadOptions(), key, value);
    if (absl::IsNotFound(status)) {
      return false;
    }
    RequireOk(status, "get");
    return true;
  }
  uint64_t Scan(absl::string_view start, uint64_t limit, Direction direction) override {
    return ScanWith(db_->NewIterator(ReadOptions()).get(), start, limit, direction);
  }
  void Flush() override { RequireOk(db_->Flush().status(), "flush"); }
  void CompactAll() override { RequireOk(db_->CompactAll(), "compact"); }

 private:
  const std::unique_ptr<DB> db_;
};

std::unique_ptr<Engine> Open(const EngineSettings& settings) {
  Options options;
  options.memtable_bytes = settings.memtable_bytes;
  options.block_bytes = settings.block_bytes;
  options.block_cache_bytes = settings.block_cache_bytes;
  if (settings.compression == CompressionKind::kNone) {
    options.compression = Compression::kNone;
    options.bottom_compression = Compression::kNone;
  }
  absl::StatusOr<std::unique_ptr<DB>> db = DB::Open(options, settings.dir);
  RequireOk(db.status(), "open");
  return std::make_unique<FathomAdapter>(*std::move(db));
}

}  // namespace

EngineKind FathomEngine() { return {"fathom", FATHOM_BENCH_ABOUT, Open}; }

}  // namespace fathom
