// Tables for tests of the manifest.
#pragma once

#include "absl/strings/string_view.h"
#include "lsm/manifest/manifest_state.h"

namespace fathom {

inline std::string InternalKey(absl::string_view user_key, SequenceNumber sequence,
                               ValueType type = ValueType::kValue) {
  std::string key;
  AppendInternalKey(user_key, sequence, type, &key);
  return key;
}

// Table `number` with user keys from `smallest` to `largest` and sequences up to `sequence`.
inline TableMeta Table(uint64_t number, absl::string_view smallest, absl::string_view largest,
                       SequenceNumber sequence = 10) {
  TableMeta table;
  table.number = number;
  table.file_bytes = 4096;
  table.entries = 100;
  table.deletions = 3;
  table.smallest = InternalKey(smallest, sequence);
  table.largest = InternalKey(largest, sequence - 5, ValueType::kDeletion);
  table.smallest_sequence = sequence - 5;
  table.largest_sequence = sequence;
  table.tail_bytes = 300;
  table.tail_hash = 0x0123456789abcdef;
  return table;
}

// The state after each edit in turn; an edit that does not apply gives nothing.
inline std::vector<ManifestState> StatesAfter(const std::vector<VersionEdit>& edits) {
  std::vector<ManifestState> states(1);
  for (const VersionEdit& edit : edits) {
    ManifestState next = states.back();
    if (!next.Apply(edit).ok()) {
      return {};
    }
    states.push_back(std::move(next));
  }
  return states;
}

inline bool SameState(const ManifestState& a, const ManifestState& b) {
  return a.Snapshot().Encode() == b.Snapshot().Encode();
}

}  // namespace fathom
