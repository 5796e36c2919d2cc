// The store of a node, and with it all that must live as long: durable under a data directory, or a
// scratch store in a temporary directory that goes with it. Thread safety is the engine's.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "handlers/temp_dir.h"
#include "lsm/db.h"
#include "lsm/io/unsynced_file_system.h"
#include "node/data_dir.h"

namespace fathom {

class NodeStore {
 public:
  // Opens DATA_DIR/NODE_ID, or a scratch store if `data_dir` is empty. `options.file_system` is not
  // owned. Errors are those of DB::Open and of making the directories.
  static absl::StatusOr<std::unique_ptr<NodeStore>> Open(const Options& options,
                                                         const std::string& data_dir,
                                                         absl::string_view node_id);
  // Closes, as Close does, if that was not done.
  ~NodeStore();

  NodeStore(const NodeStore&) = delete;
  NodeStore& operator=(const NodeStore&) = delete;

  DB* db() { return db_.get(); }
  // Must acknowledged writes survive?
  bool durable() const { return temp_dir_ == nullptr; }
  // REQUIRES: not called before. No use of db() after it.
  absl::Status Close();

 private:
  NodeStore() = default;

  // Destroyed from the last to the first.
  std::unique_ptr<TempDir> temp_dir_;
  std::unique_ptr<UnsyncedFileSystem> unsynced_;
  std::unique_ptr<DB> db_;
};

}  // namespace fathom
