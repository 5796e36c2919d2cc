// The logs of a store that still count, oldest first, and what each of them is worth. Recovery,
// verification and repair all read logs through this, so that they agree.
//
// Each log's header tells how long the log before it was. A log that lost its end, or its name,
// ends the history there: what follows is given up, unless it is known to have been durable, as
// then the loss is damage (lsm/README.md, "Recovery", step 3).
//
// One thread at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "lsm/io/file_system.h"
#include "lsm/manifest/manifest_state.h"
#include "lsm/memtable/memtable.h"
#include "lsm/wal/log_reader.h"

namespace fathom {

class LogChain {
 public:
  struct Log {
    uint64_t number = 0;
    std::string path;
    std::unique_ptr<ReadableFile> file;
    std::optional<LogHeader> header;  // absent if it is torn or damaged
    // Where it ends by the word of a clean close, an earlier recovery or the log after it.
    std::optional<uint64_t> closed_length;
  };
  // Takes a record; an error ends the reading, and is told as damage of the log at that place.
  using TakeBatch = std::function<absl::Status(absl::string_view batch)>;

  // Of the files called `names` in `dir` the logs that count by `state`. Errors are those of the
  // files, never DataLoss.
  static absl::StatusOr<LogChain> Find(FileSystem* fs, const std::string& dir,
                                       const std::vector<std::string>& names,
                                       const ManifestState& state);
  // All logs among them, where no manifest tells which ones count. Each ends where the log after it
  // says.
  static absl::StatusOr<LogChain> FindAll(FileSystem* fs, const std::string& dir,
                                          const std::vector<std::string>& names);

  const std::vector<Log>& logs() const { return logs_; }
  // DataLoss for each log that the manifest names and that is not there.
  const std::vector<absl::Status>& missing() const { return missing_; }

  // Why log `i` is not part of the history any more, by what was replayed of those before it; empty
  // if it is part of it. DataLoss if it is not although it was durable.
  absl::StatusOr<std::string> CutBefore(size_t i);
  // Hands the records of log `i` to `take`, in order. DataLoss as LogReader's, or if the log after
  // it contradicts; what was taken before is sound all the same. REQUIRES: CutBefore(i) was called,
  // and Replay of those logs before it that are part of the history.
  absl::StatusOr<LogEnd> Replay(size_t i, const TakeBatch& take);
  // The same for a log by itself, whatever the others say.
  absl::StatusOr<LogEnd> Read(size_t i, const TakeBatch& take) const;

 private:
  // Opens the logs from `log_number` on.
  absl::Status Open(FileSystem* fs, const std::string& dir, const std::vector<std::string>& names,
                    uint64_t log_number);

  std::vector<Log> logs_;
  uint64_t durable_log_ = 0;  // it and those before it were durable
  std::vector<absl::Status> missing_;
  std::string cut_;
};

// Adds the writes of a log record to `memtable` (null: only checks them) and returns the last one's
// sequence number. DataLoss, and nothing is added, if the record does not parse or does not come
// after `last_sequence`.
absl::StatusOr<SequenceNumber> ReplayBatch(absl::string_view batch, SequenceNumber last_sequence,
                                           MemTable* memtable);

}  // namespace fathom
