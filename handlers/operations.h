// The recipes that several message families share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "handlers/context.h"
#include "handlers/explain.h"
#include "handlers/protocol_error.h"
#include "handlers/reply.h"
#include "handlers/request.h"
#include "lsm/iterator.h"
#include "lsm/stats.h"

namespace fathom {

// A scan's reply may not grow beyond this; one that would is error 12 and says to use a limit.
inline constexpr size_t kMaxScanReplyBytes = size_t{64} << 20;

// The answer to a write that ended with `status`, and took `meter`'s time.
HandlerResult AnswerWrite(const absl::Status& status, const Meter& meter, HandlerContext* context,
                          Reply* reply);

// The whole answer to put(key, value).
HandlerResult PutKey(const Request& request, HandlerContext* context, Reply* reply);

// Reads field `key` through the whole tree; a value found is then in `context->value`, as JSON
// text.
HandlerResult ReadKey(const Request& request, HandlerContext* context, ReadResult* result);

// The field `value`: what ReadKey or a table lookup found, else null.
void ReplyValue(const ReadResult& result, const HandlerContext& context, Reply* reply);

// Keys with start <= key < end, at most `limit` of them, the last first if `reverse`.
struct ScanRange {
  absl::string_view start;  // views of the message or of the context's buffers
  absl::string_view end;
  std::optional<uint64_t> limit;
  bool reverse = false;
};

// Fields `start` and `end`.
HandlerResult RequireRange(const Request& request, HandlerContext* context, ScanRange* range);

// Appends `entries`: [{key, value}], and counts them.
HandlerResult ReplyEntries(Iterator* it, const ScanRange& range, HandlerContext* context,
                           Reply* reply, uint64_t* entries);

}  // namespace fathom
