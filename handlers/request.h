// A request's fields, checked in one place. Each error is code 12 and names the field, what was
// expected and what was found:
//
//   field "key": expected a string or a number, found an array
//   field "ops[3].op": expected "put" or "delete", found "move"
//
// A field that is not asked for is ignored. Of a field given twice the last counts. Not thread
// safe; views live as long as the message that is being handled.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "handlers/json.h"
#include "handlers/protocol_error.h"

namespace fathom {

class Request {
 public:
  // Over the body of a message.
  // REQUIRES: `body` is an object.
  explicit Request(JsonValue body) : object_(body) {}
  // Over `element`, number `index` of the array in field `array`, which must outlive this. Error 12
  // if it is not an object.
  static HandlerResult OverElement(absl::string_view array, size_t index, JsonValue element,
                                   std::optional<Request>* request);

  // Any value; null too.
  HandlerResult RequireValue(absl::string_view name, JsonValue* value) const;
  HandlerResult RequireString(absl::string_view name, absl::string_view* value) const;
  HandlerResult RequireArray(absl::string_view name, JsonValue* value) const;
  // The engine's key: a view of the message or of `*scratch` (key_codec.h).
  HandlerResult RequireKey(absl::string_view name, std::string* scratch,
                           absl::string_view* key) const;

  // The same for a key of any kind.
  HandlerResult RequireAnyKey(absl::string_view name, std::string* scratch,
                              absl::string_view* key) const;

  // These leave `*value` as it is if the field is missing.
  HandlerResult OptionalUint(absl::string_view name, uint64_t min, uint64_t max,
                             std::optional<uint64_t>* value) const;
  HandlerResult OptionalBool(absl::string_view name, bool* value) const;

  // Error 12 for field `name`, of which `found` (none if it is missing) is of the wrong kind, or
  // has the wrong value (a string or a number, which is shown).
  ProtocolError WrongKind(absl::string_view name, absl::string_view expected,
                          JsonValue found) const;
  ProtocolError WrongValue(absl::string_view name, absl::string_view expected,
                           JsonValue found) const;

 private:
  Request(JsonValue object, absl::string_view array, size_t index)
      : object_(object), array_(array), index_(index) {}
  std::string Path(absl::string_view name) const;

  JsonValue object_;
  absl::string_view array_;  // empty for a body
  size_t index_ = 0;
};

}  // namespace fathom
