// Making tables and looking into one.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "handlers/explain.h"
#include "handlers/families.h"
#include "handlers/operations.h"
#include "handlers/sample_set.h"

namespace fathom {
namespace {

constexpr uint64_t kMaxRequestedBytes = uint64_t{1} << 40;

// Fills the memtable of a store that was never written, up to the size that was asked for.
HandlerResult WriteSamples(uint64_t requested_bytes, HandlerContext* context, uint64_t* records) {
  // A memtable that reaches its own size would be flushed at once, by the engine.
  const uint64_t max_bytes = std::min<uint64_t>(requested_bytes, context->memtable_bytes - 1);
  const absl::StatusOr<uint64_t> written = WriteSampleSet(max_bytes, context->db);
  if (!written.ok()) {
    return ErrorOfWrite(written.status());
  }
  *records = *written;
  context->wrote = true;
  context->note(absl::StrCat("the store is empty: made ", *records, " sample records to flush"));
  return std::nullopt;
}

HandlerResult SstableFlush(const Request& request, HandlerContext* context, Reply* reply) {
  const Meter meter(*context);
  std::optional<uint64_t> requested_bytes;
  if (HandlerResult error =
          request.OptionalUint("memtable_size_bytes", 1, kMaxRequestedBytes, &requested_bytes)) {
    return error;
  }
  uint64_t sample_records = 0;
  if (requested_bytes && context->db->NeverWritten()) {
    if (HandlerResult error = WriteSamples(*requested_bytes, context, &sample_records)) {
      return error;
    }
  }
  const absl::StatusOr<FlushResult> flushed = context->db->Flush();
  if (!flushed.ok()) {
    return ErrorOfRead(flushed.status());
  }
  if (flushed->table.empty()) {
    reply->Null("sstable_file");
  } else {
    reply->String("sstable_file", flushed->table);
  }
  reply->Uint("entries", flushed->entries);
  reply->Uint("bloom_filter_bits", flushed->filter_bits);
  reply->Uint("size_bytes", flushed->file_bytes);
  if (context->explain) {
    ExplainObject explain(meter.start(), reply);
    explain.Uint("sample_records", sample_records);
    meter.ExplainWrite(&explain);
  }
  return std::nullopt;
}

HandlerResult SstableLookup(const Request& request, HandlerContext* context, Reply* reply) {
  const Meter meter(*context);
  absl::string_view table;
  if (HandlerResult error = request.RequireString("sstable", &table)) {
    return error;
  }
  absl::string_view key;
  if (HandlerResult error = request.RequireKey("key", &context->key, &key)) {
    return error;
  }
  const absl::StatusOr<ReadResult> result =
      context->db->ReadTable(ReadOptions(), table, key, &context->value);
  if (!result.ok()) {
    return ErrorOfRead(result.status());
  }
  reply->Bool("found", result->lookup == Lookup::kFound);
  ReplyValue(*result, *context, reply);
  reply->Bool("bloom_checked", result->cost.filters_checked > 0);
  reply->Uint("disk_reads", result->cost.blocks_read);
  if (context->explain) {
    ExplainObject explain(meter.start(), reply);
    explain.Read(*result);
  }
  return std::nullopt;
}

}  // namespace

void RegisterSstableHandlers(Registry* registry) {
  registry->Add("sstable_flush", SstableFlush);
  registry->Add("sstable_lookup", SstableLookup);
}

}  // namespace fathom
