// A JSON text parsed into a flat tape, to be read in place.
//
//   JsonDocument document;
//   absl::Status s = document.Parse(R"({"key":"k1","value":[1,2.50]})");
//   document.root().Find("key").text();            // k1
//   document.root().Find("value").AppendCompact(&out);    // [1,2.50]
//
// Built for a stream of messages: one document is parsed into again and again, and its buffers are
// kept, so that parsing allocates only what the lexer beneath (nlohmann's SAX interface) does.
// Neither parsing nor writing recurses: depth costs nothing but tape.
//
// Thread safety: none; use a document from one thread at a time.
//
// Invariants of the tape:
//   1. A value is one node, or (array, object) an opening node, its content, and a closing node.
//   2. An object's content is pairs of a kName node and a value.
//   3. `next` is the index one past the value's last node. A name's is that of its value's first.
//
// What a text may hold: UTF-8 without a byte of zero, surrogates only in pairs, numbers that fit a
// double (RFC 8259 section 6 lets a reader set such a limit), at most kMaxNodes nodes. Numbers
// beyond 64 bits, and those with a fraction or an exponent, keep their spelling. Names may repeat
// within an object; Find then answers the last.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace fathom {

enum class JsonKind : uint8_t {
  kNull,
  kFalse,
  kTrue,
  kInteger,  // fits int64_t or uint64_t
  kNumber,   // any other number
  kString,
  kArray,
  kObject,
  kName,  // this and the two below stand on the tape only
  kArrayEnd,
  kObjectEnd,
};

// How an error message calls a value of this kind: "a string", "null".
absl::string_view DescribeKind(JsonKind kind);

class JsonDocument;

// A view of one value; as cheap to copy as a pointer. Valid until its document is parsed into
// again. The default one is no value at all, as Find answers where there is none.
class JsonValue {
 public:
  JsonValue() = default;

  explicit operator bool() const { return document_ != nullptr; }

  // REQUIRES for all below: this is a value.
  JsonKind kind() const;
  bool is(JsonKind k) const { return kind() == k; }
  bool is_number() const { return is(JsonKind::kInteger) || is(JsonKind::kNumber); }
  // A string decoded, or a number as it is spelled; empty for other kinds.
  absl::string_view text() const;
  // False if this is not an integer that fits.
  bool AsInt64(int64_t* v) const;
  bool AsUint64(uint64_t* v) const;
  // The last direct member of this name; no value if there is none or this is not an object.
  // Linear.
  JsonValue Find(absl::string_view name) const;
  // Appends the value as compact JSON text (json_text.h).
  void AppendCompact(std::string* out) const;

  // What an array holds: `for (JsonValue v : array.elements())`. Empty for other kinds.
  class Elements;
  Elements elements() const;
  // What an object holds: `for (JsonMember m : object.members())`. Empty for other kinds.
  class Members;
  Members members() const;

 private:
  friend class JsonDocument;
  JsonValue(const JsonDocument* document, uint32_t index) : document_(document), index_(index) {}
  // The first node inside an array or object, and the node that closes it.
  uint32_t content_begin() const { return index_ + 1; }
  uint32_t content_end() const;

  const JsonDocument* document_ = nullptr;
  uint32_t index_ = 0;
};

struct JsonMember {
  absl::string_view name;
  JsonValue value;
};

class JsonDocument {
 public:
  // 128 MiB of tape.
  static constexpr size_t kMaxNodes = size_t{8} << 20;

  // Replaces the content by `text`. InvalidArgument says at which byte, counted from 1, what is
  // wrong; there is then no root.
  absl::Status Parse(absl::string_view text);

  // REQUIRES: the last Parse was OK.
  JsonValue root() const { return JsonValue(this, 0); }

 private:
  friend class JsonValue;
  class Builder;
  struct Node {
    uint32_t offset;  // of the decoded string or the number's spelling in text_
    uint32_t length;
    uint32_t next;
    JsonKind kind;
  };

  void Clear();

  std::vector<Node> nodes_;
  std::string text_;
};

class JsonValue::Elements {
 public:
  class Iterator {
   public:
    JsonValue operator*() const { return JsonValue(document_, index_); }
    Iterator& operator++();
    friend bool operator==(const Iterator&, const Iterator&) = default;

   private:
    friend class Elements;
    Iterator(const JsonDocument* document, uint32_t index) : document_(document), index_(index) {}
    const JsonDocument* document_;
    uint32_t index_;
  };

  Iterator begin() const { return begin_; }
  Iterator end() const { return end_; }

 private:
  friend class JsonValue;
  Elements(const JsonDocument* document, uint32_t begin, uint32_t end)
      : begin_(document, begin), end_(document, end) {}
  Iterator begin_;
  Iterator end_;
};

class JsonValue::Members {
 public:
  class Iterator {
   public:
    JsonMember operator*() const;
    Iterator& operator++();
    friend bool operator==(const Iterator&, const Iterator&) = default;

   private:
    friend class Members;
    Iterator(const JsonDocument* document, uint32_t index) : document_(document), index_(index) {}
    const JsonDocument* document_;
    uint32_t index_;
  };

  Iterator begin() const { return begin_; }
  Iterator end() const { return end_; }

 private:
  friend class JsonValue;
  Members(const JsonDocument* document, uint32_t begin, uint32_t end)
      : begin_(document, begin), end_(document, end) {}
  Iterator begin_;
  Iterator end_;
};

}  // namespace fathom
