// Writing JSON texts, and reading text that is bound for a message. Pure functions; thread safe.
//
// Two spellings of one JSON text:
//   compact  {"a":[1,2]}        no space outside strings; how values are stored
//   spaced   {"a": [1, 2]}      one space after each ',' and ':'; how replies show them by default
// Both are one line: control characters inside strings are always escaped.
#pragma once

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace fathom {

// Appends `utf8` as a JSON string with its quotes. Escaped are '"', '\' and the control characters
// below U+0020, the latter by their short form where JSON has one; all else passes through.
// REQUIRES: `utf8` is valid UTF-8, or the text is not JSON.
void AppendQuoted(absl::string_view utf8, std::string* out);

// Appends a compact JSON text in its spaced spelling.
void AppendSpaced(absl::string_view compact, std::string* out);

// By the definition of RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
bool IsValidUtf8(absl::string_view bytes);

// `text` if it is valid UTF-8, else with every byte that is not printable ASCII as \xNN: for texts
// of other origin (a path, say) that go into a message.
std::string ToUtf8(absl::string_view text);

// At most `max_bytes` of the start of `utf8`, cut between characters and then followed by "...".
std::string Excerpt(absl::string_view utf8, size_t max_bytes);

}  // namespace fathom
