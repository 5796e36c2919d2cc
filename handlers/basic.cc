// Messages that need no store.
#include "handlers/explain.h"
#include "handlers/families.h"

namespace fathom {
namespace {

HandlerResult Echo(const Request& request, HandlerContext* context, Reply* reply) {
  const Meter meter(*context);
  JsonValue echo;
  if (HandlerResult error = request.RequireValue("echo", &echo)) {
    return error;
  }
  context->value.clear();
  echo.AppendCompact(&context->value);
  reply->Json("echo", context->value);
  if (context->explain) {
    const ExplainObject explain(meter.start(), reply);
  }
  return std::nullopt;
}

}  // namespace

void RegisterBasicHandlers(Registry* registry) { registry->Add("echo", Echo); }

}  // namespace fathom
