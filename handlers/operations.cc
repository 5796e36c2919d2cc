#include "handlers/operations.h"

#include "absl/strings/str_cat.h"
#include "handlers/explain.h"
#include "handlers/key_codec.h"

namespace fathom {
namespace {

void SeekToStart(const ScanRange& range, Iterator* it) {
  if (!range.reverse) {
    it->Seek(range.start);
    return;
  }
  it->SeekForPrev(range.end);
  if (it->Valid() && it->key() == range.end) {
    it->Prev();
  }
}

bool InRange(const ScanRange& range, const Iterator& it) {
  return it.Valid() && (range.reverse ? it.key() >= range.start : it.key() < range.end);
}

void Step(const ScanRange& range, Iterator* it) {
  if (range.reverse) {
    it->Prev();
  } else {
    it->Next();
  }
}

ProtocolError ScanTooLarge() {
  return {ErrorCode::kMalformedRequest,
          absl::StrCat("the reply would be larger than ", kMaxScanReplyBytes,
                       " bytes: ask for a smaller range, or use \"limit\" of lsm_scan")};
}

}  // namespace

HandlerResult AnswerWrite(const absl::Status& status, const Meter& meter, HandlerContext* context,
                          Reply* reply) {
  if (!status.ok()) {
    return ErrorOfWrite(status);
  }
  context->wrote = true;
  if (context->explain) {
    ExplainObject explain(meter.start(), reply);
    meter.ExplainWrite(&explain);
  }
  return std::nullopt;
}

HandlerResult PutKey(const Request& request, HandlerContext* context, Reply* reply) {
  absl::string_view key;
  if (HandlerResult error = request.RequireKey("key", &context->key, &key)) {
    return error;
  }
  JsonValue value;
  if (HandlerResult error = request.RequireValue("value", &value)) {
    return error;
  }
  context->value.clear();
  value.AppendCompact(&context->value);
  const Meter meter(*context);
  return AnswerWrite(context->db->Put(kBatched, key, context->value), meter, context, reply);
}

HandlerResult ReadKey(const Request& request, HandlerContext* context, ReadResult* result) {
  absl::string_view key;
  if (HandlerResult error = request.RequireKey("key", &context->key, &key)) {
    return error;
  }
  absl::StatusOr<ReadResult> read = context->db->Read(ReadOptions(), key, &context->value);
  if (!read.ok()) {
    return ErrorOfRead(read.status());
  }
  *result = *read;
  return std::nullopt;
}

void ReplyValue(const ReadResult& result, const HandlerContext& context, Reply* reply) {
  if (result.lookup == Lookup::kFound) {
    reply->Json("value", context.value);
  } else {
    reply->Null("value");
  }
}

HandlerResult RequireRange(const Request& request, HandlerContext* context, ScanRange* range) {
  if (HandlerResult error = request.RequireKey("start", &context->key, &range->start)) {
    return error;
  }
  return request.RequireKey("end", &context->end_key, &range->end);
}

HandlerResult ReplyEntries(Iterator* it, const ScanRange& range, HandlerContext* context,
                           Reply* reply, uint64_t* entries) {
  reply->OpenArray("entries");
  *entries = 0;
  for (SeekToStart(range, it); InRange(range, *it) && *entries != range.limit; Step(range, it)) {
    if (reply->bytes() + it->key().size() + it->value().size() > kMaxScanReplyBytes) {
      return ScanTooLarge();
    }
    context->value.clear();
    const absl::Status status = AppendKeyAsJson(it->key(), &context->value);
    if (!status.ok()) {
      return ErrorOfRead(status);
    }
    reply->OpenElement();
    reply->Json("key", context->value);
    reply->Json("value", it->value());
    reply->CloseObject();
    ++*entries;
  }
  if (!it->status().ok()) {
    return ErrorOfRead(it->status());
  }
  reply->CloseArray();
  return std::nullopt;
}

}  // namespace fathom
