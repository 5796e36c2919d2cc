// The store as a key-value tree.
#include "absl/strings/str_cat.h"
#include "handlers/explain.h"
#include "handlers/families.h"
#include "handlers/operations.h"

namespace fathom {
namespace {

constexpr uint64_t kMaxLimit = uint64_t{1} << 32;

HandlerResult LsmGet(const Request& request, HandlerContext* context, Reply* reply) {
  const Meter meter(*context);
  ReadResult result;
  if (HandlerResult error = ReadKey(request, context, &result)) {
    return error;
  }
  ReplyValue(result, *context, reply);
  if (context->explain) {
    ExplainObject explain(meter.start(), reply);
    explain.Read(result);
  }
  return std::nullopt;
}

void ReplyFoundAt(const ReadResult& result, Reply* reply) {
  if (result.lookup != Lookup::kFound) {
    reply->Null("found_at");
  } else if (result.in_memtable) {
    reply->String("found_at", "memtable");
  } else {
    reply->String("found_at", absl::StrCat("L", result.level));
  }
}

HandlerResult LsmRead(const Request& request, HandlerContext* context, Reply* reply) {
  const Meter meter(*context);
  ReadResult result;
  if (HandlerResult error = ReadKey(request, context, &result)) {
    return error;
  }
  ReplyValue(result, *context, reply);
  ReplyFoundAt(result, reply);
  reply->Uint("levels_checked", result.cost.levels_checked);
  if (context->explain) {
    ExplainObject explain(meter.start(), reply);
    explain.Read(result);
  }
  return std::nullopt;
}

HandlerResult LsmDelete(const Request& request, HandlerContext* context, Reply* reply) {
  const Meter meter(*context);
  absl::string_view key;
  if (HandlerResult error = request.RequireKey("key", &context->key, &key)) {
    return error;
  }
  return AnswerWrite(context->db->Delete(kBatched, key), meter, context, reply);
}

HandlerResult LsmScan(const Request& request, HandlerContext* context, Reply* reply) {
  const Meter meter(*context);
  ScanRange range;
  if (HandlerResult error = RequireRange(request, context, &range)) {
    return error;
  }
  if (HandlerResult error = request.OptionalUint("limit", 0, kMaxLimit, &range.limit)) {
    return error;
  }
  if (HandlerResult error = request.OptionalBool("reverse", &range.reverse)) {
    return error;
  }
  ReadCost cost;
  const std::unique_ptr<Iterator> it = context->db->NewIterator(ReadOptions(), &cost);
  uint64_t entries = 0;
  if (HandlerResult error = ReplyEntries(it.get(), range, context, reply, &entries)) {
    return error;
  }
  if (context->explain) {
    ExplainObject explain(meter.start(), reply);
    explain.Uint("keys_scanned", entries);
    explain.Blocks(cost);
  }
  return std::nullopt;
}

// The field `op` of an element of `ops`.
HandlerResult RequireOperation(const Request& op, bool* is_delete) {
  constexpr absl::string_view kExpected = "\"put\" or \"delete\"";
  JsonValue kind;
  if (HandlerResult error = op.RequireValue("op", &kind)) {
    return error;
  }
  if (!kind.is(JsonKind::kString)) {
    return op.WrongKind("op", kExpected, kind);
  }
  if (kind.text() != "put" && kind.text() != "delete") {
    return op.WrongValue("op", kExpected, kind);
  }
  *is_delete = kind.text() == "delete";
  return std::nullopt;
}

// Adds one element of `ops` to the batch.
HandlerResult AddOperation(const Request& op, HandlerContext* context, WriteBatch* batch) {
  bool is_delete = false;
  if (HandlerResult error = RequireOperation(op, &is_delete)) {
    return error;
  }
  absl::string_view key;
  if (HandlerResult error = op.RequireKey("key", &context->key, &key)) {
    return error;
  }
  if (is_delete) {
    batch->Delete(key);
    return std::nullopt;
  }
  JsonValue value;
  if (HandlerResult error = op.RequireValue("value", &value)) {
    return error;
  }
  context->value.clear();
  value.AppendCompact(&context->value);
  batch->Put(key, context->value);
  return std::nullopt;
}

HandlerResult LsmWrite(const Request& request, HandlerContext* context, Reply* reply) {
  JsonValue ops;
  if (HandlerResult error = request.RequireArray("ops", &ops)) {
    return error;
  }
  WriteBatch batch;
  size_t index = 0;
  for (const JsonValue element : ops.elements()) {
    std::optional<Request> op;
    if (HandlerResult error = Request::OverElement("ops", index++, element, &op)) {
      return error;
    }
    if (HandlerResult error = AddOperation(*op, context, &batch)) {
      return error;
    }
  }
  const Meter meter(*context);
  const absl::Status status = context->db->Write(kBatched, batch);
  if (!status.ok()) {
    return ErrorOfWrite(status);
  }
  context->wrote = true;
  if (context->explain) {
    ExplainObject explain(meter.start(), reply);
    explain.Uint("operations", batch.count());
    meter.ExplainWrite(&explain);
  }
  return std::nullopt;
}

}  // namespace

void RegisterLsmHandlers(Registry* registry) {
  registry->Add("lsm_put", PutKey);
  registry->Add("lsm_get", LsmGet);
  registry->Add("lsm_read", LsmRead);
  registry->Add("lsm_delete", LsmDelete);
  registry->Add("lsm_scan", LsmScan);
  registry->Add("lsm_write", LsmWrite);
}

}  // namespace fathom
