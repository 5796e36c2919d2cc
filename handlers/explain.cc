#include "handlers/explain.h"

namespace fathom {

ExplainObject::ExplainObject(std::chrono::steady_clock::time_point start, Reply* reply)
    : start_(start), reply_(reply) {
  reply_->OpenObject("explain");
}

ExplainObject::~ExplainObject() {
  const auto elapsed = std::chrono::steady_clock::now() - start_;
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(elapsed).count();
  reply_->Uint("micros", static_cast<uint64_t>(micros));
  reply_->CloseObject();
}

void ExplainObject::Read(const ReadResult& result) {
  Bool("found", result.lookup == Lookup::kFound);
  Bool("deleted", result.lookup == Lookup::kDeleted);
  Uint("memtables_checked", result.cost.memtables_checked);
  Uint("levels_checked", result.cost.levels_checked);
  Uint("tables_checked", result.cost.tables_checked);
  Uint("filters_checked", result.cost.filters_checked);
  Uint("filters_rejected", result.cost.filters_rejected);
  Blocks(result.cost);
}

void ExplainObject::Blocks(const ReadCost& cost) {
  Uint("blocks_cached", cost.blocks_cached);
  Uint("blocks_read", cost.blocks_read);
  Uint("bytes_read", cost.bytes_read);
}

Meter::Meter(const HandlerContext& context) : context_(context) {
  if (context.explain) {
    before_ = context.db->GetStats();
    start_ = std::chrono::steady_clock::now();
  }
}

void Meter::ExplainWrite(ExplainObject* explain) const {
  const Stats after = context_.db->GetStats();
  explain->Uint("log_bytes", after.log_bytes - before_->log_bytes);
  explain->Uint("write_waits", after.write_waits - before_->write_waits);
  explain->Uint("write_wait_micros", after.write_wait_micros - before_->write_wait_micros);
  explain->Uint("flushes", after.flushes - before_->flushes);
  explain->Uint("memtable_entries", after.memtable_entries);
  explain->Uint("memtable_bytes", after.memtable_bytes);
}

}  // namespace fathom
