// One reply, written field by field straight into the output buffer.
//
// Two styles, of the same JSON:
//   kSpaced   {"src": "n1", "dest": "c1", "body": {"type": "t_ok", "in_reply_to": 2, ..., "msg_id":
//   1}} kCompact  {"src":"n1","dest":"c1","body":{"type":"t_ok","in_reply_to":2,"msg_id":1,...}}
// The payload (...) has its fields in the order of the calls. Each reply ends with a newline and
// has no other. A reply can still become an error after part of its payload was written, and after
// its end: ReplyMark remembers where its parts are.
//
// Not thread safe. The buffer must not be changed between Begin and End but through the Reply.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "handlers/protocol_error.h"

namespace fathom {

enum class Style : uint8_t { kSpaced, kCompact };

// Where the parts of a reply are in its buffer.
struct ReplyMark {
  size_t begin = 0;
  size_t type_begin = 0;  // the type without its quotes
  size_t type_end = 0;
  size_t payload_begin = 0;
  uint64_t msg_id = 0;
};

class Reply {
 public:
  struct Head {
    absl::string_view src;
    absl::string_view dest;
    absl::string_view type;         // needs no escaping
    absl::string_view in_reply_to;  // an integer's text; empty leaves the field out
    uint64_t msg_id = 0;
  };

  // Appends to `out`, which is not owned.
  Reply(Style style, std::string* out) : style_(style), out_(out) {}

  // Begin, then the payload, then End; and again for the next reply.
  void Begin(const Head& head);
  void End();
  // Makes the reply that was begun an error reply, without the payload written so far, and ends it.
  void EndAsError(const ProtocolError& error);

  // Fields of the innermost open object. `name` needs no escaping.
  void Null(absl::string_view name);
  void Bool(absl::string_view name, bool v);
  void Uint(absl::string_view name, uint64_t v);
  // Rounded to two decimals.
  void Ratio(absl::string_view name, double v);
  // REQUIRES: `utf8` is valid UTF-8.
  void String(absl::string_view name, absl::string_view utf8);
  // `compact` is a compact JSON text (json_text.h).
  void Json(absl::string_view name, absl::string_view compact);
  void OpenObject(absl::string_view name);
  void OpenArray(absl::string_view name);
  // An object as the next element of the innermost open array.
  void OpenElement();
  // As the next element; what is not UTF-8 in it is replaced.
  void StringElement(absl::string_view text);
  void CloseObject();
  void CloseArray();

  const ReplyMark& mark() const { return mark_; }
  // Of the reply so far.
  size_t bytes() const { return out_->size() - mark_.begin; }

  // Appends to `*out` the reply that stands at `mark` in `replies`, as an error reply.
  static void AppendAsError(Style style, absl::string_view replies, const ReplyMark& mark,
                            const ProtocolError& error, std::string* out);

 private:
  void Name(absl::string_view name);
  void Comma();
  void Append(absl::string_view s) { out_->append(s.data(), s.size()); }

  const Style style_;
  std::string* const out_;
  ReplyMark mark_;
};

}  // namespace fathom
