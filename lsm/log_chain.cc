#include "lsm/log_chain.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "lsm/format/corruption.h"
#include "lsm/format/file_names.h"
#include "lsm/wal/batch.h"

namespace fathom {
namespace {

LogReader ReaderOf(const LogChain::Log& log) {
  return LogReader(log.file.get(), log.path, log.number, log.closed_length.value_or(0),
                   log.closed_length.has_value());
}

// A damaged header is told when the log is read; a failing disk, here.
absl::Status ReadHeaderOf(LogChain::Log* log) {
  absl::StatusOr<std::optional<LogHeader>> header = ReaderOf(*log).ReadHeader();
  if (header.ok()) {
    log->header = *header;
  }
  return absl::IsDataLoss(header.status()) ? absl::OkStatus() : header.status();
}

}  // namespace

absl::Status LogChain::Open(FileSystem* fs, const std::string& dir,
                            const std::vector<std::string>& names, uint64_t log_number) {
  for (const std::string& name : names) {
    const std::optional<ParsedFileName> parsed = ParseFileName(name);
    if (!parsed.has_value() || parsed->kind != FileKind::kLog || parsed->number < log_number) {
      continue;
    }
    std::string path = absl::StrCat(dir, "/", name);
    absl::StatusOr<std::unique_ptr<ReadableFile>> file = fs->OpenForRead(path);
    if (!file.ok()) {
      return file.status();
    }
    logs_.push_back(
        Log{parsed->number, std::move(path), *std::move(file), std::nullopt, std::nullopt});
  }
  std::ranges::sort(logs_, {}, &Log::number);
  return absl::OkStatus();
}

absl::StatusOr<LogChain> LogChain::Find(FileSystem* fs, const std::string& dir,
                                        const std::vector<std::string>& names,
                                        const ManifestState& state) {
  LogChain chain;
  absl::Status opened = chain.Open(fs, dir, names, state.log_number);
  if (!opened.ok()) {
    return opened;
  }
  const auto require = [&](uint64_t number) {
    if (!std::ranges::binary_search(chain.logs_, number, {}, &Log::number)) {
      chain.missing_.push_back(absl::DataLossError(
          absl::StrCat(dir, "/", LogFileName(number),
                       ": the manifest names this log, but the file is missing")));
    }
  };
  chain.durable_log_ = state.durable_log;
  if (state.log_number != 0) {
    require(state.log_number);
  }
  if (state.durable_log > state.log_number) {
    require(state.durable_log);
  }
  for (const auto& [number, length] : state.closed_logs) {
    if (number > state.log_number && number != state.durable_log) {
      require(number);
    }
  }
  for (Log& log : chain.logs_) {
    if (const auto closed = state.closed_logs.find(log.number); closed != state.closed_logs.end()) {
      log.closed_length = closed->second;
    }
    if (absl::Status status = ReadHeaderOf(&log); !status.ok()) {
      return status;
    }
  }
  return chain;
}

absl::StatusOr<LogChain> LogChain::FindAll(FileSystem* fs, const std::string& dir,
                                           const std::vector<std::string>& names) {
  LogChain chain;
  absl::Status opened = chain.Open(fs, dir, names, 0);
  if (!opened.ok()) {
    return opened;
  }
  for (size_t i = 0; i < chain.logs_.size(); ++i) {
    Log& log = chain.logs_[i];
    if (absl::Status status = ReadHeaderOf(&log); !status.ok()) {
      return status;
    }
    if (i > 0 && log.header.has_value() &&
        log.header->previous_number == chain.logs_[i - 1].number) {
      chain.logs_[i - 1].closed_length = log.header->previous_length;
    }
  }
  return chain;
}

absl::StatusOr<std::string> LogChain::CutBefore(size_t i) {
  const Log& log = logs_[i];
  if (cut_.empty() && i > 0 && log.header.has_value() &&
      log.header->previous_number != logs_[i - 1].number) {
    // Logs get their names without a sync: a power loss may take one and leave a later one.
    cut_ = absl::StrCat("log ", log.header->previous_number, " before it is missing");
  }
  if (cut_.empty()) {
    return cut_;
  }
  if (log.number <= durable_log_ || log.closed_length.value_or(0) > 0) {
    return absl::DataLossError(
        absl::StrCat(log.path, ": holds writes that were made durable, but ", cut_));
  }
  return cut_;
}

absl::StatusOr<LogEnd> LogChain::Read(size_t i, const TakeBatch& take) const {
  const Log& log = logs_[i];
  LogReader reader = ReaderOf(log);
  absl::StatusOr<std::optional<LogHeader>> header = reader.ReadHeader();
  if (!header.ok()) {
    return header.status();
  }
  while (header->has_value()) {
    absl::StatusOr<std::optional<absl::string_view>> record = reader.ReadRecord();
    if (!record.ok()) {
      return record.status();
    }
    if (!record->has_value()) {
      break;
    }
    if (absl::Status taken = take(**record); !taken.ok()) {
      return absl::DataLossError(absl::StrCat(log.path, ": damaged at offset ",
                                              reader.record_offset(), ": ", taken.message()));
    }
  }
  return reader.end();
}

absl::StatusOr<LogEnd> LogChain::Replay(size_t i, const TakeBatch& take) {
  absl::StatusOr<LogEnd> end = Read(i, take);
  if (!end.ok() || i + 1 == logs_.size()) {
    return end;
  }
  const std::optional<LogHeader>& next = logs_[i + 1].header;
  if (next.has_value() && next->previous_number == logs_[i].number) {
    const uint64_t length = next->previous_length;
    if (end->length > length) {
      return Corruption(logs_[i].path, length, "end of the log, by the log after it", length,
                        end->length);
    }
    if (end->length < length) {
      cut_ = "the log before it lost its end";
    }
  }
  return end;
}

absl::StatusOr<SequenceNumber> ReplayBatch(absl::string_view batch, SequenceNumber last_sequence,
                                           MemTable* memtable) {
  BatchReader reader(batch);
  SequenceNumber sequence = reader.sequence();
  if (sequence <= last_sequence) {
    return absl::DataLossError(absl::StrCat("batch: expected a sequence number above ",
                                            last_sequence, ", found ", sequence));
  }
  // Nothing of a batch counts before all of it has been seen to parse.
  BatchEntry entry;
  while (reader.Next(&entry)) {
  }
  if (!reader.status().ok()) {
    return reader.status();
  }
  if (sequence > kMaxSequenceNumber || reader.count() > kMaxSequenceNumber - sequence + 1) {
    return absl::DataLossError(absl::StrCat("batch: expected sequence numbers up to ",
                                            kMaxSequenceNumber, ", found ", reader.count(),
                                            " from ", sequence));
  }
  for (BatchReader again(batch); again.Next(&entry); ++sequence) {
    if (memtable != nullptr) {
      memtable->Add(sequence, entry.type, entry.key, entry.value);
    }
  }
  if (memtable != nullptr) {
    memtable->PublishRangeTombstones();
  }
  return sequence - 1;
}

}  // namespace fathom
