// The store as the course's memtable task sees it.
#include "handlers/explain.h"
#include "handlers/families.h"
#include "handlers/operations.h"

namespace fathom {
namespace {

HandlerResult MemtableGet(const Request& request, HandlerContext* context, Reply* reply) {
  const Meter meter(*context);
  ReadResult result;
  if (HandlerResult error = ReadKey(request, context, &result)) {
    return error;
  }
  const bool in_table = result.lookup == Lookup::kFound && !result.in_memtable;
  ReplyValue(result, *context, reply);
  reply->String("source", in_table ? "sstable" : "memtable");
  if (context->explain) {
    ExplainObject explain(meter.start(), reply);
    explain.Read(result);
  }
  return std::nullopt;
}

HandlerResult MemtableScan(const Request& request, HandlerContext* context, Reply* reply) {
  const Meter meter(*context);
  ScanRange range;
  if (HandlerResult error = RequireRange(request, context, &range)) {
    return error;
  }
  const std::unique_ptr<Iterator> it = context->db->NewMemtableIterator();
  uint64_t entries = 0;
  if (HandlerResult error = ReplyEntries(it.get(), range, context, reply, &entries)) {
    return error;
  }
  if (context->explain) {
    ExplainObject explain(meter.start(), reply);
    explain.Uint("keys_scanned", entries);
  }
  return std::nullopt;
}

}  // namespace

void RegisterMemtableHandlers(Registry* registry) {
  registry->Add("memtable_put", PutKey);
  registry->Add("memtable_get", MemtableGet);
  registry->Add("memtable_scan", MemtableScan);
}

}  // namespace fathom
