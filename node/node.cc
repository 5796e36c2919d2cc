#include "node/node.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "handlers/explain.h"
#include "handlers/json_text.h"

namespace fathom {
namespace {

constexpr size_t kExcerptBytes = 80;
// Scratch that one large value made larger than this is given back after the message.
constexpr size_t kKeepScratchBytes = size_t{4} << 20;

// The start of a line of any bytes, fit to be printed.
std::string Printable(absl::string_view line) {
  const bool cut = line.size() > kExcerptBytes;
  return absl::StrCat("\"", absl::CHexEscape(line.substr(0, kExcerptBytes)), "\"",
                      cut ? "..." : "");
}

void GiveBackIfLarge(std::string* scratch) {
  if (scratch->capacity() > kKeepScratchBytes) {
    std::string().swap(*scratch);
  }
}

constexpr absl::string_view kInit = "init";

// Counts the nodes of the cluster. Nobody uses their names, so that they are missing is no error.
HandlerResult CheckNodeIds(const Request& request, JsonValue node_ids, size_t* nodes) {
  if (!node_ids) {
    return std::nullopt;
  }
  if (!node_ids.is(JsonKind::kArray)) {
    return request.WrongKind("node_ids", "an array of strings", node_ids);
  }
  size_t index = 0;
  for (const JsonValue id : node_ids.elements()) {
    if (!id.is(JsonKind::kString)) {
      return request.WrongKind(absl::StrCat("node_ids[", index, "]"), "a string", id);
    }
    ++index;
  }
  *nodes = index;
  return std::nullopt;
}

ProtocolError NotInitialized(absl::string_view type) {
  return {ErrorCode::kTemporarilyUnavailable,
          absl::StrCat("expected \"init\" as the first message, found \"",
                       Excerpt(type, kExcerptBytes), "\"")};
}

ProtocolError UnknownType(absl::string_view type) {
  return {ErrorCode::kNotSupported, absl::StrCat("this node knows no messages of type \"",
                                                 Excerpt(type, kExcerptBytes), "\"")};
}

absl::string_view ReplyType(const Envelope& envelope, const Registry::Entry* entry) {
  if (envelope.type == kInit) {
    return "init_ok";
  }
  return entry != nullptr ? absl::string_view(entry->reply_type) : "error";
}

}  // namespace

Node::Node(const NodeOptions& options, std::function<void(absl::string_view line)> note)
    : options_(options), note_(std::move(note)) {
  context_.memtable_bytes = options_.store.memtable_bytes;
  context_.note = note_;
}

void Node::HandleLine(absl::string_view line, ReplyBatch* batch) {
  Envelope envelope;
  if (!ReadMessage(line, &envelope)) {
    return;
  }
  const Registry::Entry* entry = AllHandlers().Find(envelope.type);
  HandlerResult error = Prepare(envelope, entry);
  Reply reply(options_.style, batch->buffer());
  reply.Begin({.src = store_ ? absl::string_view(node_id_) : envelope.dest,
               .dest = envelope.src,
               .type = ReplyType(envelope, entry),
               .in_reply_to = envelope.msg_id,
               .msg_id = next_msg_id_++});
  if (!error && entry != nullptr) {
    error = entry->handler(Request(envelope.body), &context_, &reply);
  } else if (!error && context_.explain) {
    ExplainInit(&reply);
  }
  if (error) {
    reply.EndAsError(*error);
  } else {
    reply.End();
  }
  batch->Add(reply.mark(), context_.wrote);
  GiveBackIfLarge(&context_.value);
}

absl::Status Node::MakeDurable() {
  return store_ && store_->durable() ? store_->db()->SyncLog() : absl::OkStatus();
}

absl::Status Node::Close() {
  context_.db = nullptr;
  const std::unique_ptr<NodeStore> store = std::move(store_);
  return store ? store->Close() : absl::OkStatus();
}

bool Node::ReadMessage(absl::string_view line, Envelope* envelope) {
  absl::Status read = document_.Parse(line);
  if (read.ok()) {
    read = ReadEnvelope(document_.root(), envelope);
  }
  if (!read.ok()) {
    note_(
        absl::StrCat("skipped a line that is no message: ", read.message(), ": ", Printable(line)));
    return false;
  }
  if (!envelope->is_reply) {
    return true;
  }
  const bool known = envelope->type == kInit || AllHandlers().Find(envelope->type) != nullptr;
  if (known && !envelope->error) {
    return true;
  }
  note_(absl::StrCat("skipped a reply that nobody waits for: ", Printable(line)));
  return false;
}

HandlerResult Node::Prepare(const Envelope& envelope, const Registry::Entry* entry) {
  context_.wrote = false;
  context_.explain = false;
  if (envelope.error) {
    return envelope.error;
  }
  const Request request(envelope.body);
  if (HandlerResult error = request.OptionalBool("explain", &context_.explain)) {
    return error;
  }
  if (envelope.type == kInit) {
    return Init(request, envelope.body.Find("node_ids"));
  }
  if (!store_) {
    return NotInitialized(envelope.type);
  }
  if (entry == nullptr) {
    return UnknownType(envelope.type);
  }
  return std::nullopt;
}

HandlerResult Node::Init(const Request& request, JsonValue node_ids) {
  init_start_ = std::chrono::steady_clock::now();
  absl::string_view node_id;
  if (HandlerResult error = request.RequireString("node_id", &node_id)) {
    return error;
  }
  size_t nodes = 1;
  if (HandlerResult error = CheckNodeIds(request, node_ids, &nodes)) {
    return error;
  }
  context_.cluster_nodes = nodes;
  if (!store_) {
    return OpenStore(node_id);
  }
  if (node_id != node_id_) {
    return ProtocolError{ErrorCode::kMalformedRequest,
                         absl::StrCat("field \"node_id\": expected \"", node_id_,
                                      "\", as this node was named before, found \"",
                                      Excerpt(node_id, kExcerptBytes), "\"")};
  }
  return std::nullopt;
}

HandlerResult Node::OpenStore(absl::string_view node_id) {
  const absl::Status name = CheckNodeId(node_id);
  if (!name.ok()) {
    return ProtocolError{ErrorCode::kMalformedRequest, std::string(name.message())};
  }
  absl::StatusOr<std::unique_ptr<NodeStore>> store =
      NodeStore::Open(options_.store, options_.data_dir, node_id);
  if (!store.ok()) {
    note_(absl::StrCat("cannot open the store: ", store.status().message()));
    const bool locked = absl::IsUnavailable(store.status());
    return ProtocolError{locked ? ErrorCode::kTemporarilyUnavailable : ErrorCode::kCrash,
                         std::string(store.status().message())};
  }
  store_ = *std::move(store);
  context_.db = store_->db();
  context_.data_dir = options_.data_dir;
  node_id_.assign(node_id.data(), node_id.size());
  return std::nullopt;
}

void Node::ExplainInit(Reply* reply) const {
  const RecoveryReport& recovery = store_->db()->recovery();
  ExplainObject explain(init_start_, reply);
  explain.Bool("durable", store_->durable());
  explain.Bool("created", recovery.created);
  explain.Uint("manifest_edits", recovery.manifest_edits);
  explain.Uint("logs_replayed", recovery.logs_replayed);
  explain.Uint("batches_replayed", recovery.batches_replayed);
  explain.Uint("torn_bytes", recovery.torn_bytes);
  explain.Uint("files_removed", recovery.files_removed);
  explain.Uint("recovery_micros", recovery.micros);
}

}  // namespace fathom
