#include "handlers/reply.h"

#include <cmath>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "handlers/json_text.h"

namespace fathom {
namespace {

// The text between the parts of a reply.
struct Punctuation {
  absl::string_view src;
  absl::string_view dest;
  absl::string_view type;
  absl::string_view in_reply_to;
  absl::string_view msg_id;
  absl::string_view comma;
  absl::string_view colon;
};

constexpr Punctuation kSpacedMarks = {"{\"src\": ",
                                      ", \"dest\": ",
                                      ", \"body\": {\"type\": \"",
                                      ", \"in_reply_to\": ",
                                      ", \"msg_id\": ",
                                      ", ",
                                      "\": "};
constexpr Punctuation kCompactMarks = {
    "{\"src\":", ",\"dest\":", ",\"body\":{\"type\":\"", ",\"in_reply_to\":", ",\"msg_id\":",
    ",",         "\":"};

const Punctuation& MarksOf(Style style) {
  return style == Style::kSpaced ? kSpacedMarks : kCompactMarks;
}

}  // namespace

void Reply::Begin(const Head& head) {
  const Punctuation& marks = MarksOf(style_);
  mark_.begin = out_->size();
  mark_.msg_id = head.msg_id;
  Append(marks.src);
  AppendQuoted(head.src, out_);
  Append(marks.dest);
  AppendQuoted(head.dest, out_);
  Append(marks.type);
  mark_.type_begin = out_->size();
  Append(head.type);
  mark_.type_end = out_->size();
  out_->push_back('"');
  if (!head.in_reply_to.empty()) {
    Append(marks.in_reply_to);
    Append(head.in_reply_to);
  }
  if (style_ == Style::kCompact) {
    Append(marks.msg_id);
    absl::StrAppend(out_, head.msg_id);
  }
  mark_.payload_begin = out_->size();
}

void Reply::End() {
  if (style_ == Style::kSpaced) {
    Append(MarksOf(style_).msg_id);
    absl::StrAppend(out_, mark_.msg_id);
  }
  out_->append("}}\n");
}

void Reply::EndAsError(const ProtocolError& error) {
  const std::string head = out_->substr(mark_.begin, mark_.payload_begin - mark_.begin);
  ReplyMark in_head = mark_;
  in_head.begin = 0;
  in_head.type_begin -= mark_.begin;
  in_head.type_end -= mark_.begin;
  in_head.payload_begin -= mark_.begin;
  out_->resize(mark_.begin);
  AppendAsError(style_, head, in_head, error, out_);
}

void Reply::AppendAsError(Style style, absl::string_view replies, const ReplyMark& mark,
                          const ProtocolError& error, std::string* out) {
  Reply reply(style, out);
  reply.mark_.begin = out->size();
  reply.mark_.msg_id = mark.msg_id;
  reply.Append(replies.substr(mark.begin, mark.type_begin - mark.begin));
  reply.Append("error");
  reply.Append(replies.substr(mark.type_end, mark.payload_begin - mark.type_end));
  reply.Uint("code", static_cast<uint64_t>(error.code));
  reply.String("text", ToUtf8(error.text));
  reply.End();
}

void Reply::Comma() {
  const char last = out_->back();
  if (last != '{' && last != '[') {
    Append(MarksOf(style_).comma);
  }
}

void Reply::Name(absl::string_view name) {
  Comma();
  out_->push_back('"');
  Append(name);
  Append(MarksOf(style_).colon);
}

void Reply::Null(absl::string_view name) { Json(name, "null"); }

void Reply::Bool(absl::string_view name, bool v) { Json(name, v ? "true" : "false"); }

void Reply::Uint(absl::string_view name, uint64_t v) {
  Name(name);
  absl::StrAppend(out_, v);
}

void Reply::Ratio(absl::string_view name, double v) {
  Name(name);
  const auto hundredths = static_cast<uint64_t>(std::llround(v * 100));
  absl::StrAppend(out_, hundredths / 100, ".", hundredths % 100 / 10);
  if (hundredths % 10 != 0) {
    absl::StrAppend(out_, hundredths % 10);
  }
}

void Reply::StringElement(absl::string_view text) {
  Comma();
  AppendQuoted(ToUtf8(text), out_);
}

void Reply::String(absl::string_view name, absl::string_view utf8) {
  Name(name);
  AppendQuoted(utf8, out_);
}

void Reply::Json(absl::string_view name, absl::string_view compact) {
  Name(name);
  if (style_ == Style::kSpaced) {
    AppendSpaced(compact, out_);
  } else {
    Append(compact);
  }
}

void Reply::OpenObject(absl::string_view name) {
  Name(name);
  out_->push_back('{');
}

void Reply::OpenArray(absl::string_view name) {
  Name(name);
  out_->push_back('[');
}

void Reply::OpenElement() {
  Comma();
  out_->push_back('{');
}

void Reply::CloseObject() { out_->push_back('}'); }

void Reply::CloseArray() { out_->push_back(']'); }

}  // namespace fathom
