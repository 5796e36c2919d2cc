// What keeps a tree in shape and shows that it is: compaction, verification, checkpoints.
#include "absl/strings/str_cat.h"
#include "handlers/explain.h"
#include "handlers/families.h"
#include "handlers/operations.h"
#include "lsm/manifest/version_edit.h"

namespace fathom {
namespace {

HandlerResult RequireLevel(const Request& request, absl::string_view name, int* level) {
  JsonValue value;
  if (HandlerResult error = request.RequireValue(name, &value)) {
    return error;
  }
  std::optional<uint64_t> number;
  if (HandlerResult error = request.OptionalUint(name, 0, kNumLevels - 1, &number)) {
    return error;
  }
  *level = static_cast<int>(*number);
  return std::nullopt;
}

HandlerResult LsmCompact(const Request& request, HandlerContext* context, Reply* reply) {
  const Meter meter(*context);
  int source = 0;
  if (HandlerResult error = RequireLevel(request, "source_level", &source)) {
    return error;
  }
  int target = 0;
  if (HandlerResult error = RequireLevel(request, "target_level", &target)) {
    return error;
  }
  const absl::StatusOr<CompactionResult> result = context->db->CompactLevel(source, target);
  if (!result.ok()) {
    return ErrorOfWrite(result.status());
  }
  reply->Uint("sstables_merged", result->tables_merged);
  reply->Uint("new_sstables", result->new_tables);
  reply->Uint("keys_deduplicated", result->shadowed_dropped);
  reply->Uint("bytes_read", result->bytes_read);
  reply->Uint("bytes_written", result->bytes_written);
  reply->Ratio("write_amplification", context->db->GetStats().WriteAmplification());
  if (context->explain) {
    ExplainObject explain(meter.start(), reply);
    explain.Uint("tombstones_dropped", result->tombstones_dropped);
  }
  return std::nullopt;
}

HandlerResult LsmCompactStatus(const Request&, HandlerContext* context, Reply* reply) {
  const Meter meter(*context);
  const Stats stats = context->db->GetStats();
  reply->Uint("pending_compactions", stats.pending_compactions);
  reply->Uint("total_compactions", stats.compactions);
  reply->Uint("total_bytes_compacted", stats.compacted.bytes_read);
  if (context->explain) {
    ExplainObject explain(meter.start(), reply);
    explain.Uint("running_compactions", stats.running_compactions);
    explain.Uint("tables_moved", stats.moves);
    explain.Uint("compaction_debt_bytes", stats.compaction_debt_bytes);
  }
  return std::nullopt;
}

HandlerResult LsmVerify(const Request&, HandlerContext* context, Reply* reply) {
  const Meter meter(*context);
  const absl::StatusOr<VerifyReport> report = context->db->Verify();
  if (!report.ok()) {
    return ErrorOfRead(report.status());
  }
  reply->Uint("files", report->files);
  reply->Uint("blocks", report->blocks);
  reply->Uint("bytes", report->bytes);
  reply->OpenArray("problems");
  for (const std::string& problem : report->problems) {
    reply->StringElement(problem);
  }
  reply->CloseArray();
  if (context->explain) {
    ExplainObject explain(meter.start(), reply);
    explain.Uint("entries", report->entries);
  }
  return std::nullopt;
}

// No path, and nothing hidden. A node of this name finds the checkpoint as its store.
bool IsPlainName(absl::string_view name) {
  return !name.empty() && name.size() <= 200 && name.find('/') == name.npos &&
         name.find('\0') == name.npos && name.front() != '.';
}

HandlerResult LsmCheckpoint(const Request& request, HandlerContext* context, Reply* reply) {
  const Meter meter(*context);
  absl::string_view name;
  if (HandlerResult error = request.RequireString("name", &name)) {
    return error;
  }
  if (!IsPlainName(name)) {
    return ProtocolError{ErrorCode::kMalformedRequest,
                         "field \"name\": expected a plain name of at most 200 bytes, without '/', "
                         "not beginning with '.'"};
  }
  if (context->data_dir.empty()) {
    return ProtocolError{ErrorCode::kNotSupported,
                         "a scratch store has no checkpoints: start the node with --data-dir"};
  }
  const std::string dir = absl::StrCat(context->data_dir, "/", name);
  const absl::Status status = context->db->Checkpoint(dir);
  if (absl::IsAlreadyExists(status)) {
    return ProtocolError{ErrorCode::kKeyAlreadyExists,
                         absl::StrCat("\"", name, "\" exists in the data directory")};
  }
  if (!status.ok()) {
    return ErrorOfWrite(status);
  }
  reply->String("name", name);
  if (context->explain) {
    ExplainObject explain(meter.start(), reply);
    explain.Uint("tables", context->db->GetStats().tables);
  }
  return std::nullopt;
}

}  // namespace

void RegisterCompactionHandlers(Registry* registry) {
  registry->Add("lsm_compact", LsmCompact);
  registry->Add("lsm_compact_status", LsmCompactStatus);
  registry->Add("lsm_verify", LsmVerify);
  registry->Add("lsm_checkpoint", LsmCheckpoint);
}

}  // namespace fathom
