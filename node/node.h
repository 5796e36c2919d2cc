// A node: answers messages, one line of JSON at a time. Knows nothing of where lines come from and
// where replies go (message_loop.h does).
//
//   line -> JsonDocument -> Envelope -> init, or Registry -> handler -> Reply -> ReplyBatch
//
// Not thread safe.
//
// Invariants:
//   1. msg_id counts the replies from 0 without a gap.
//   2. A line gives exactly one reply, but for: an empty sender, which nobody could be told (a note
//      is given instead), and a message that is itself a reply of a type unknown here, which is
//      ignored: two nodes would else answer each other's errors for ever.
//   3. A reply to a write may only leave the process after MakeDurable was OK.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "handlers/context.h"
#include "handlers/json.h"
#include "handlers/registry.h"
#include "handlers/reply.h"
#include "handlers/request.h"
#include "node/envelope.h"
#include "node/node_store.h"
#include "node/reply_batch.h"

namespace fathom {

struct NodeOptions {
  // The store is DATA_DIR/<node_id>. Default: empty, which means a scratch store.
  std::string data_dir;
  // Default: kSpaced. How replies are spelled.
  Style style = Style::kSpaced;
  // How the store is opened.
  Options store;
};

class Node {
 public:
  // `note` is called with one line for the operator at a time, from any thread. Nothing is opened
  // until init is handled.
  Node(const NodeOptions& options, std::function<void(absl::string_view line)> note);

  // Answers one line; the reply, if there is one, is added to `batch`. `batch` must be the same for
  // every call.
  void HandleLine(absl::string_view line, ReplyBatch* batch);

  // Makes all acknowledged writes durable, if this store is a durable one.
  absl::Status MakeDurable();

  Style style() const { return options_.style; }

  // Closes the store, if one is open. No line may follow.
  absl::Status Close();

 private:
  // False, and the operator is told, if the line gets no reply.
  bool ReadMessage(absl::string_view line, Envelope* envelope);
  // All that a request needs before its reply can begin; init itself is done here.
  HandlerResult Prepare(const Envelope& envelope, const Registry::Entry* entry);
  HandlerResult Init(const Request& request, JsonValue node_ids);
  HandlerResult OpenStore(absl::string_view node_id);
  void ExplainInit(Reply* reply) const;

  const NodeOptions options_;
  const std::function<void(absl::string_view)> note_;
  JsonDocument document_;
  HandlerContext context_;
  uint64_t next_msg_id_ = 0;
  std::chrono::steady_clock::time_point init_start_;
  // Set by init.
  std::string node_id_;
  std::unique_ptr<NodeStore> store_;
};

}  // namespace fathom
