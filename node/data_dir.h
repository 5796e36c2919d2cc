// Where a node's store lives. Thread safe.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "lsm/io/file_system.h"

namespace fathom {

// InvalidArgument unless `node_id` can be the name of a directory: 1 to 255 bytes without '/' and
// zero, and neither "." nor "..".
absl::Status CheckNodeId(absl::string_view node_id);

// Makes DATA_DIR/NODE_ID and what is missing above it, durably, and returns its path.
absl::StatusOr<std::string> MakeStoreDir(FileSystem* fs, const std::string& data_dir,
                                         absl::string_view node_id);

}  // namespace fathom
