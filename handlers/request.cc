#include "handlers/request.h"

#include "absl/strings/str_cat.h"
#include "handlers/json_text.h"
#include "handlers/key_codec.h"

namespace fathom {
namespace {

constexpr size_t kExcerptBytes = 40;

ProtocolError FieldError(absl::string_view field, absl::string_view expected,
                         absl::string_view found) {
  return {ErrorCode::kMalformedRequest,
          absl::StrCat("field \"", field, "\": expected ", expected, ", found ", found)};
}

}  // namespace

HandlerResult Request::OverElement(absl::string_view array, size_t index, JsonValue element,
                                   std::optional<Request>* request) {
  if (!element.is(JsonKind::kObject)) {
    return FieldError(absl::StrCat(array, "[", index, "]"), "an object",
                      DescribeKind(element.kind()));
  }
  request->emplace(Request(element, array, index));
  return std::nullopt;
}

HandlerResult Request::RequireValue(absl::string_view name, JsonValue* value) const {
  *value = object_.Find(name);
  if (!*value) {
    return WrongKind(name, "a value", *value);
  }
  return std::nullopt;
}

HandlerResult Request::RequireString(absl::string_view name, absl::string_view* value) const {
  const JsonValue found = object_.Find(name);
  if (!found || !found.is(JsonKind::kString)) {
    return WrongKind(name, "a string", found);
  }
  *value = found.text();
  return std::nullopt;
}

HandlerResult Request::RequireArray(absl::string_view name, JsonValue* value) const {
  *value = object_.Find(name);
  if (!*value || !value->is(JsonKind::kArray)) {
    return WrongKind(name, "an array", *value);
  }
  return std::nullopt;
}

HandlerResult Request::RequireKey(absl::string_view name, std::string* scratch,
                                  absl::string_view* key) const {
  const JsonValue found = object_.Find(name);
  if (!found || (!found.is(JsonKind::kString) && !found.is_number())) {
    return WrongKind(name, "a string or a number", found);
  }
  *key = EncodeKey(found, scratch);
  return std::nullopt;
}

HandlerResult Request::RequireAnyKey(absl::string_view name, std::string* scratch,
                                     absl::string_view* key) const {
  JsonValue found;
  if (HandlerResult error = RequireValue(name, &found)) {
    return error;
  }
  *key = EncodeKey(found, scratch);
  return std::nullopt;
}

HandlerResult Request::OptionalUint(absl::string_view name, uint64_t min, uint64_t max,
                                    std::optional<uint64_t>* value) const {
  const JsonValue found = object_.Find(name);
  if (!found) {
    return std::nullopt;
  }
  uint64_t v;
  if (!found.AsUint64(&v) || v < min || v > max) {
    const std::string expected = absl::StrCat("an integer from ", min, " to ", max);
    return found.is_number() ? WrongValue(name, expected, found) : WrongKind(name, expected, found);
  }
  *value = v;
  return std::nullopt;
}

HandlerResult Request::OptionalBool(absl::string_view name, bool* value) const {
  const JsonValue found = object_.Find(name);
  if (!found) {
    return std::nullopt;
  }
  if (!found.is(JsonKind::kTrue) && !found.is(JsonKind::kFalse)) {
    return WrongKind(name, "true or false", found);
  }
  *value = found.is(JsonKind::kTrue);
  return std::nullopt;
}

ProtocolError Request::WrongKind(absl::string_view name, absl::string_view expected,
                                 JsonValue found) const {
  return FieldError(Path(name), expected, found ? DescribeKind(found.kind()) : "nothing");
}

ProtocolError Request::WrongValue(absl::string_view name, absl::string_view expected,
                                  JsonValue found) const {
  const std::string excerpt = Excerpt(found.text(), kExcerptBytes);
  return FieldError(Path(name), expected,
                    found.is(JsonKind::kString) ? absl::StrCat("\"", excerpt, "\"") : excerpt);
}

std::string Request::Path(absl::string_view name) const {
  return array_.empty() ? std::string(name) : absl::StrCat(array_, "[", index_, "].", name);
}

}  // namespace fathom
