// Maelstrom's lin-kv: a linearizable key-value store, for a cluster of one node. Messages are
// handled one at a time and only this node writes to its store, so a read and the write that
// depends on it are one step.
#include "absl/strings/str_cat.h"
#include "handlers/explain.h"
#include "handlers/families.h"
#include "handlers/json_text.h"
#include "handlers/operations.h"

namespace fathom {
namespace {

constexpr size_t kValueExcerptBytes = 80;

// Field `key`; error 10 where other nodes would have to agree.
HandlerResult RequireKeyOfSingleNode(const Request& request, HandlerContext* context,
                                     absl::string_view* key) {
  if (context->cluster_nodes > 1) {
    return ProtocolError{
        ErrorCode::kNotSupported,
        absl::StrCat("lin-kv needs a cluster of one node, found ", context->cluster_nodes,
                     " in init: there is no replication yet")};
  }
  return request.RequireAnyKey("key", &context->key, key);
}

// Reads `key`; its value, if there is one, is then in `context->value`.
HandlerResult ReadCurrent(absl::string_view key, HandlerContext* context, ReadResult* result) {
  const absl::StatusOr<ReadResult> read = context->db->Read(ReadOptions(), key, &context->value);
  if (!read.ok()) {
    return ErrorOfRead(read.status());
  }
  *result = *read;
  return std::nullopt;
}

ProtocolError NoSuchKey() { return {ErrorCode::kKeyDoesNotExist, "key does not exist"}; }

// Writes the JSON value, and explains if asked to.
HandlerResult WriteValue(absl::string_view key, JsonValue value, const Meter& meter,
                         HandlerContext* context, Reply* reply) {
  context->value.clear();
  value.AppendCompact(&context->value);
  return AnswerWrite(context->db->Put(kBatched, key, context->value), meter, context, reply);
}

HandlerResult LinKvRead(const Request& request, HandlerContext* context, Reply* reply) {
  const Meter meter(*context);
  absl::string_view key;
  if (HandlerResult error = RequireKeyOfSingleNode(request, context, &key)) {
    return error;
  }
  ReadResult result;
  if (HandlerResult error = ReadCurrent(key, context, &result)) {
    return error;
  }
  if (result.lookup != Lookup::kFound) {
    return NoSuchKey();
  }
  ReplyValue(result, *context, reply);
  if (context->explain) {
    ExplainObject explain(meter.start(), reply);
    explain.Read(result);
  }
  return std::nullopt;
}

HandlerResult LinKvWrite(const Request& request, HandlerContext* context, Reply* reply) {
  const Meter meter(*context);
  absl::string_view key;
  if (HandlerResult error = RequireKeyOfSingleNode(request, context, &key)) {
    return error;
  }
  JsonValue value;
  if (HandlerResult error = request.RequireValue("value", &value)) {
    return error;
  }
  return WriteValue(key, value, meter, context, reply);
}

HandlerResult LinKvCas(const Request& request, HandlerContext* context, Reply* reply) {
  const Meter meter(*context);
  absl::string_view key;
  if (HandlerResult error = RequireKeyOfSingleNode(request, context, &key)) {
    return error;
  }
  JsonValue from;
  if (HandlerResult error = request.RequireValue("from", &from)) {
    return error;
  }
  JsonValue to;
  if (HandlerResult error = request.RequireValue("to", &to)) {
    return error;
  }
  bool create = false;
  if (HandlerResult error = request.OptionalBool("create_if_not_exists", &create)) {
    return error;
  }
  ReadResult result;
  if (HandlerResult error = ReadCurrent(key, context, &result)) {
    return error;
  }
  if (result.lookup != Lookup::kFound) {
    return create ? WriteValue(key, to, meter, context, reply) : NoSuchKey();
  }
  // Values are equal if their compact texts are.
  std::string expected;
  from.AppendCompact(&expected);
  if (context->value != expected) {
    return ProtocolError{ErrorCode::kPreconditionFailed,
                         absl::StrCat("expected ", Excerpt(expected, kValueExcerptBytes),
                                      ", found ", Excerpt(context->value, kValueExcerptBytes))};
  }
  return WriteValue(key, to, meter, context, reply);
}

}  // namespace

void RegisterLinKvHandlers(Registry* registry) {
  registry->Add("read", LinKvRead);
  registry->Add("write", LinKvWrite);
  registry->Add("cas", LinKvCas);
}

}  // namespace fathom
