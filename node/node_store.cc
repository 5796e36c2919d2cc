#include "node/node_store.h"

namespace fathom {

absl::StatusOr<std::unique_ptr<NodeStore>> NodeStore::Open(const Options& options,
                                                           const std::string& data_dir,
                                                           absl::string_view node_id) {
  std::unique_ptr<NodeStore> store(new NodeStore);
  Options store_options = options;
  std::string dir;
  if (data_dir.empty()) {
    absl::StatusOr<std::unique_ptr<TempDir>> temp_dir = TempDir::Make();
    if (!temp_dir.ok()) {
      return temp_dir.status();
    }
    store->temp_dir_ = *std::move(temp_dir);
    store->unsynced_ = std::make_unique<UnsyncedFileSystem>(options.file_system);
    store_options.file_system = store->unsynced_.get();
    dir = store->temp_dir_->path();
  } else {
    absl::StatusOr<std::string> made = MakeStoreDir(options.file_system, data_dir, node_id);
    if (!made.ok()) {
      return made.status();
    }
    dir = *std::move(made);
  }
  absl::StatusOr<std::unique_ptr<DB>> db = DB::Open(store_options, dir);
  if (!db.ok()) {
    return db.status();
  }
  store->db_ = *std::move(db);
  return store;
}

NodeStore::~NodeStore() = default;

absl::Status NodeStore::Close() {
  absl::Status closed = db_->Close();
  db_.reset();
  return closed;
}

}  // namespace fathom
