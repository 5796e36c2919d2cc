// Which handler answers which type of message. Filled once, then only read: safe to share.
#pragma once

#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "handlers/context.h"
#include "handlers/protocol_error.h"
#include "handlers/reply.h"
#include "handlers/request.h"

namespace fathom {

// Answers one request by appending the payload of its reply, in the documented order. On an error
// what it appended is dropped.
using Handler = HandlerResult (*)(const Request& request, HandlerContext* context, Reply* reply);

class Registry {
 public:
  struct Entry {
    Handler handler;
    std::string reply_type;  // the type with "_ok" after it
  };

  // REQUIRES: `type` was not added before.
  void Add(absl::string_view type, Handler handler);

  // Null if nobody answers `type`. Valid for the life of the registry.
  const Entry* Find(absl::string_view type) const;

 private:
  absl::flat_hash_map<std::string, Entry> entries_;
};

// All types that Fathom answers but init, which belongs to the node.
const Registry& AllHandlers();

}  // namespace fathom
