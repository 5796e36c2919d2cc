// What the files of a store tell, each by itself: for recovery, verification and repair. Internal
// to lsm. Thread safe: calls share nothing.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "lsm/manifest/live_table.h"
#include "lsm/manifest/manifest.h"

namespace fathom {

// Whether file `name` in `dir` shows that something was stored: without CURRENT that is damage,
// else a creation that was cut off.
bool HoldsData(FileSystem* fs, const std::string& dir, const std::string& name);

// Does this error say that a file is damaged, or that the disk cannot give its bytes back? Others
// (no permission, too many open files) say nothing of the store.
bool IsDamage(const absl::Status& status);

// What is wrong with the order of tables on the levels, one text each.
std::vector<std::string> OrderProblems(const ManifestState& state);

// Reads every byte of a table, and compares what it holds with what the manifest says of it.
absl::StatusOr<TableCheck> CheckLiveTable(const LiveTable& table);

// What the manifest would say of a table file, by its own words. DataLoss if its tail, its index or
// the blocks at its ends are damaged.
absl::StatusOr<TableMeta> DescribeTable(FileSystem* fs, const std::string& dir,
                                        const std::string& name);

// What the manifests in `dir` tell. The one that CURRENT names; without a readable CURRENT, the
// last one, which a sound CURRENT would name: the manifests before it are gone, or hold the same.
struct FoundManifest {
  RecoveredManifest manifest;  // what could be read
  // DataLoss where CURRENT is damaged, or missing from a store that holds data; NotFound where it
  // is missing as nothing was ever stored.
  absl::Status current;
  // DataLoss where the manifest is damaged or missing: `manifest` then ends early.
  absl::Status status;
};
absl::StatusOr<FoundManifest> FindManifest(FileSystem* fs, const std::string& dir);

}  // namespace fathom
