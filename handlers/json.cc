#include "handlers/json.h"

#include <cassert>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "handlers/json_text.h"

namespace fathom {
namespace {

// Buffers that one large message made larger than this are given back at the next.
constexpr size_t kKeepBytes = size_t{1} << 20;
constexpr size_t kMaxErrorBytes = 120;

// Of "[json.exception.parse_error.101] parse error at line 1, column 5: syntax error while parsing
// value - invalid literal; last read: '...'", all but what repeats the position or the input.
std::string ShortMessage(absl::string_view what) {
  const size_t last_read = what.find("; last read: ");
  if (last_read != absl::string_view::npos) {
    what = what.substr(0, last_read);
  }
  const size_t bracket = what.find("] ");
  if (bracket != absl::string_view::npos) {
    what.remove_prefix(bracket + 2);
  }
  if (absl::StartsWith(what, "parse error at ")) {
    const size_t colon = what.find(": ");
    what.remove_prefix(colon == absl::string_view::npos ? 0 : colon + 2);
  }
  return Excerpt(ToUtf8(what.substr(0, 4 * kMaxErrorBytes)), kMaxErrorBytes);
}

// The part of a compact text that one node of the tape stands for.
void AppendNode(JsonKind kind, absl::string_view text, std::string* out) {
  switch (kind) {
    case JsonKind::kNull:
      out->append("null");
      break;
    case JsonKind::kFalse:
      out->append("false");
      break;
    case JsonKind::kTrue:
      out->append("true");
      break;
    case JsonKind::kInteger:
    case JsonKind::kNumber:
      out->append(text.data(), text.size());
      break;
    case JsonKind::kString:
      AppendQuoted(text, out);
      break;
    case JsonKind::kName:
      AppendQuoted(text, out);
      out->push_back(':');
      break;
    case JsonKind::kArray:
      out->push_back('[');
      break;
    case JsonKind::kObject:
      out->push_back('{');
      break;
    case JsonKind::kArrayEnd:
      out->push_back(']');
      break;
    case JsonKind::kObjectEnd:
      out->push_back('}');
      break;
  }
}

}  // namespace

absl::string_view DescribeKind(JsonKind kind) {
  switch (kind) {
    case JsonKind::kNull:
      return "null";
    case JsonKind::kFalse:
      return "false";
    case JsonKind::kTrue:
      return "true";
    case JsonKind::kInteger:
    case JsonKind::kNumber:
      return "a number";
    case JsonKind::kString:
      return "a string";
    case JsonKind::kArray:
      return "an array";
    case JsonKind::kObject:
      return "an object";
    case JsonKind::kName:
    case JsonKind::kArrayEnd:
    case JsonKind::kObjectEnd:
      break;
  }
  return "nothing";
}

// Receives the parser's events and appends to the tape. While a container is open, its `next` holds
// the index of the one around it, so that no stack is needed.
class JsonDocument::Builder {
 public:
  explicit Builder(JsonDocument* document) : nodes_(document->nodes_), text_(document->text_) {}

  const absl::Status& status() const { return status_; }

  bool null() { return AddLeaf(JsonKind::kNull); }
  bool boolean(bool v) { return AddLeaf(v ? JsonKind::kTrue : JsonKind::kFalse); }
  bool number_integer(int64_t v) { return AddInteger(v); }
  bool number_unsigned(uint64_t v) { return AddInteger(v); }
  bool number_float(double, const std::string& spelling) {
    return AddText(JsonKind::kNumber, spelling);
  }
  bool string(const std::string& v) { return AddText(JsonKind::kString, v); }
  bool binary(const std::vector<uint8_t>&) { return false; }  // no such thing in JSON texts
  bool start_object(size_t) { return Open(JsonKind::kObject); }
  bool key(const std::string& v) { return AddText(JsonKind::kName, v); }
  bool end_object() { return CloseContainer(JsonKind::kObjectEnd); }
  bool start_array(size_t) { return Open(JsonKind::kArray); }
  bool end_array() { return CloseContainer(JsonKind::kArrayEnd); }
  bool parse_error(size_t position, const std::string&, const nlohmann::detail::exception& error) {
    status_ = absl::InvalidArgumentError(
        absl::StrCat("at byte ", position, ": ", ShortMessage(error.what())));
    return false;
  }

 private:
  static constexpr uint32_t kNoContainer = std::numeric_limits<uint32_t>::max();

  uint32_t size() const { return static_cast<uint32_t>(nodes_.size()); }

  bool Add(JsonKind kind, size_t offset, uint32_t next) {
    if (nodes_.size() == kMaxNodes) {
      status_ = absl::InvalidArgumentError(
          absl::StrCat("more than ", kMaxNodes, " values, names and brackets"));
      return false;
    }
    nodes_.push_back(
        {static_cast<uint32_t>(offset), static_cast<uint32_t>(text_.size() - offset), next, kind});
    return true;
  }

  bool AddLeaf(JsonKind kind) { return Add(kind, text_.size(), size() + 1); }

  template <typename Integer>
  bool AddInteger(Integer v) {
    const size_t offset = text_.size();
    absl::StrAppend(&text_, v);
    return Add(JsonKind::kInteger, offset, size() + 1);
  }

  bool AddText(JsonKind kind, const std::string& v) {
    const size_t offset = text_.size();
    text_.append(v);
    return Add(kind, offset, size() + 1);
  }

  bool Open(JsonKind kind) {
    const uint32_t around = container_;
    container_ = size();
    return Add(kind, text_.size(), around);
  }

  bool CloseContainer(JsonKind end) {
    if (!AddLeaf(end)) {
      return false;
    }
    const uint32_t closed = container_;
    container_ = nodes_[closed].next;
    nodes_[closed].next = size();
    return true;
  }

  std::vector<Node>& nodes_;
  std::string& text_;
  uint32_t container_ = kNoContainer;
  absl::Status status_;
};

absl::Status JsonDocument::Parse(absl::string_view text) {
  Clear();
  if (text.size() > std::numeric_limits<uint32_t>::max()) {
    return absl::InvalidArgumentError("longer than 4 GiB");
  }
  // The lexer takes a zero byte for the end of its input and would ignore what follows.
  if (const void* zero = std::memchr(text.data(), 0, text.size())) {
    const auto position = static_cast<const char*>(zero) - text.data() + 1;
    return absl::InvalidArgumentError(absl::StrCat("at byte ", position, ": a byte of zero"));
  }
  Builder builder(this);
  if (nlohmann::json::sax_parse(text.data(), text.data() + text.size(), &builder)) {
    return absl::OkStatus();
  }
  nodes_.clear();
  return builder.status();
}

void JsonDocument::Clear() {
  nodes_.clear();
  text_.clear();
  if (nodes_.capacity() > kKeepBytes / sizeof(Node)) {
    nodes_.shrink_to_fit();
  }
  if (text_.capacity() > kKeepBytes) {
    text_.shrink_to_fit();
  }
}

JsonKind JsonValue::kind() const { return document_->nodes_[index_].kind; }

absl::string_view JsonValue::text() const {
  const JsonDocument::Node& node = document_->nodes_[index_];
  return absl::string_view(document_->text_.data() + node.offset, node.length);
}

bool JsonValue::AsInt64(int64_t* v) const {
  return is(JsonKind::kInteger) && absl::SimpleAtoi(text(), v);
}

bool JsonValue::AsUint64(uint64_t* v) const {
  return is(JsonKind::kInteger) && absl::SimpleAtoi(text(), v);
}

JsonValue JsonValue::Find(absl::string_view name) const {
  JsonValue found;
  for (JsonMember member : members()) {
    if (member.name == name) {
      found = member.value;
    }
  }
  return found;
}

// Each node writes itself; whether a comma goes before it depends on the node before alone.
void JsonValue::AppendCompact(std::string* out) const {
  const uint32_t end = document_->nodes_[index_].next;
  bool comma = false;
  for (uint32_t i = index_; i < end; ++i) {
    const JsonValue node(document_, i);
    const JsonKind kind = node.kind();
    if (comma && kind != JsonKind::kArrayEnd && kind != JsonKind::kObjectEnd) {
      out->push_back(',');
    }
    comma = kind != JsonKind::kArray && kind != JsonKind::kObject && kind != JsonKind::kName;
    AppendNode(kind, node.text(), out);
  }
}

uint32_t JsonValue::content_end() const { return document_->nodes_[index_].next - 1; }

JsonValue::Elements JsonValue::elements() const {
  const uint32_t begin = content_begin();
  return Elements(document_, begin, is(JsonKind::kArray) ? content_end() : begin);
}

JsonValue::Members JsonValue::members() const {
  const uint32_t begin = content_begin();
  return Members(document_, begin, is(JsonKind::kObject) ? content_end() : begin);
}

JsonValue::Elements::Iterator& JsonValue::Elements::Iterator::operator++() {
  index_ = document_->nodes_[index_].next;
  return *this;
}

JsonMember JsonValue::Members::Iterator::operator*() const {
  return {JsonValue(document_, index_).text(), JsonValue(document_, index_ + 1)};
}

JsonValue::Members::Iterator& JsonValue::Members::Iterator::operator++() {
  index_ = document_->nodes_[index_ + 1].next;
  return *this;
}

}  // namespace fathom
