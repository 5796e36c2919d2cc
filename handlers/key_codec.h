// Keys of messages as keys of the engine. Pure functions; thread safe.
//
// A key in a message is a JSON string or a JSON number, in lin-kv any JSON value; as the engine's
// bytes:
//
//   string   its UTF-8 bytes as they are
//   number   0xFF               1 byte, in no UTF-8 text: so no number meets a string
//            image of double    8 bytes, big-endian: the IEEE 754 bits of the double nearest to the
//                               number, the sign bit flipped, for a negative number all bits
//                               flipped
//            remainder + 2^15   2 bytes, big-endian: the number minus that double, which is not 0
//                               only for integers of 64 bits that no double equals
//   other    0xFE               1 byte, in no UTF-8 text
//            its compact JSON text
//
// Invariants:
//   1. Bytewise order is: strings in the order of their code points, then other values, then
//      numbers in numeric order.
//   2. Two spellings are one key if and only if they name the same integer of 64 bits, or else the
//      same double: 1, 1.0 and 1e0 are one key; "1" is another.
//   3. Every key has exactly one encoding; other bytes are refused on the way back.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "handlers/json.h"

namespace fathom {

// The engine's key for `key`: a view of its document for a string; for a number, of `*scratch`,
// which is overwritten.
absl::string_view EncodeKey(JsonValue key, std::string* scratch);

// Appends the JSON text of an engine's key: a quoted string, or a number in its shortest spelling.
// DataLoss, with nothing appended, for bytes that EncodeKey does not make.
absl::Status AppendKeyAsJson(absl::string_view key, std::string* out);

}  // namespace fathom
