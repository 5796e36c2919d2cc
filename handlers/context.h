// What a handler works with: the store, and buffers that are reused from one message to the next.
// One for each node, and one message at a time.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "absl/strings/string_view.h"
#include "lsm/db.h"

namespace fathom {

struct HandlerContext {
  DB* db = nullptr;  // not owned
  // As the store was opened with it.
  size_t memtable_bytes = 0;
  // Where the node keeps its store, and checkpoints beside it; empty for a scratch store.
  std::string data_dir;
  // Nodes in the cluster, as init told.
  size_t cluster_nodes = 1;
  // Tells the operator one line.
  std::function<void(absl::string_view line)> note;

  // Did this request ask for its cost?
  bool explain = false;
  // Set by a handler that has changed the store; the node then makes it durable before it answers.
  bool wrote = false;

  // Scratch for one request.
  std::string key;
  std::string end_key;
  std::string value;
};

// Writes wait in the log's buffer until the node syncs it, once for a whole batch of messages.
inline constexpr WriteOptions kBatched = {.durability = Durability::kBuffered};

}  // namespace fathom
