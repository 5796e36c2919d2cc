#include "lsm/compaction/compaction_job.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "lsm/compaction/merging_iterator.h"
#include "lsm/compaction/output_splitter.h"
#include "lsm/compaction/output_tombstones.h"
#include "lsm/compaction/version_filter.h"
#include "lsm/format/key_prefix.h"
#include "lsm/manifest/level_iterator.h"

namespace fathom {
namespace {

// A share of the compaction's keys: those in [begin, end); no bound where absent.
struct Share {
  std::optional<std::string> begin;
  std::optional<std::string> end;
};

// Merges one share and writes its tables. One thread.
class ShareWriter {
 public:
  // `tombstones` are those of all inputs.
  ShareWriter(const Compaction& compaction, const CompactionEnvironment& env,
              const std::vector<RangeTombstone>& tombstones, Share share)
      : compaction_(compaction),
        env_(env),
        share_(std::move(share)),
        below_(compaction.target_level + 1 < kNumLevels
                   ? compaction.version->level(compaction.target_level + 1)
                   : kNoTables),
        tombstones_(compaction, tombstones, env.snapshots, share_.begin, share_.end),
        filter_(env.snapshots, compaction.version.get(), compaction.target_level,
                tombstones_.covering()),
        splitter_(env.target_table_bytes, below_) {}

  absl::Status Run() {
    absl::Status status = Merge();
    output_.shadowed = filter_.shadowed();
    output_.tombstones = filter_.tombstones() + tombstones_.dropped();
    return status;
  }

  CompactionOutput& output() { return output_; }

 private:
  static inline const Version::Tables kNoTables;
  // How many entries go by between two looks at env_.cancel.
  static constexpr uint64_t kCancelInterval = 1024;

  absl::Status Merge() {
    const std::unique_ptr<InternalIterator> input = Inputs();
    if (share_.begin.has_value()) {
      input->Seek(SeekKey(*share_.begin, kMaxSequenceNumber).view());
    } else {
      input->SeekToFirst();
    }
    for (; input->Valid(); input->Next()) {
      const absl::string_view key = input->key();
      if (!IsValidInternalKey(key)) {
        return absl::DataLossError("compaction: an input holds a malformed internal key");
      }
      if (share_.end.has_value() && CompareKeys(UserKey(key), *share_.end) >= 0) {
        break;
      }
      if (++output_.entries_read % kCancelInterval == 0 && env_.cancel->load()) {
        return absl::CancelledError("compaction: the store closes");
      }
      if (!filter_.Keep(key)) {
        continue;
      }
      absl::Status status = MakeTableFor(key);
      if (!status.ok()) {
        return status;
      }
      table_->Add(key, input->value());
      ++output_.entries_written;
    }
    if (!input->status().ok()) {
      return input->status();
    }
    if (table_ == nullptr && !tombstones_.empty()) {
      absl::Status status = NewTable();
      if (!status.ok()) {
        return status;
      }
    }
    return table_ == nullptr ? absl::OkStatus() : FinishTable(std::nullopt);
  }

  std::unique_ptr<InternalIterator> Inputs() const {
    std::vector<std::unique_ptr<InternalIterator>> inputs;
    int level = compaction_.source_level;
    for (const Version::Tables& tables : compaction_.inputs) {
      if (level++ == 0) {
        for (const std::shared_ptr<LiveTable>& table : tables) {
          inputs.push_back(NewLevelIterator({&table, 1}, /*fill_cache=*/false, nullptr));
        }
      } else if (!tables.empty()) {
        inputs.push_back(NewLevelIterator(tables, /*fill_cache=*/false, nullptr));
      }
    }
    return NewMergingIterator(std::move(inputs));
  }

  // Sees to it that the table at hand is the one that `key` belongs in.
  absl::Status MakeTableFor(absl::string_view key) {
    if (splitter_.CutBefore(key, table_ == nullptr ? 0 : table_->data_bytes())) {
      absl::Status status = FinishTable(UserKey(key));
      if (!status.ok()) {
        return status;
      }
    }
    return table_ != nullptr ? absl::OkStatus() : NewTable();
  }

  absl::Status NewTable() {
    absl::StatusOr<std::unique_ptr<TableWriter>> table = TableWriter::Create(
        env_.home, env_.table_options, compaction_.target_level, env_.new_table_number());
    if (!table.ok()) {
      return table.status();
    }
    table_ = *std::move(table);
    return absl::OkStatus();
  }

  // With the range tombstones before `end`, where the next table begins, or all.
  absl::Status FinishTable(std::optional<absl::string_view> end) {
    const RangeTombstones tombstones = tombstones_.TakeBefore(end);
    table_->AddRangeTombstones(tombstones);
    output_.entries_written += tombstones.num_entries();
    absl::StatusOr<std::shared_ptr<LiveTable>> table = table_->Finish();
    table_ = nullptr;
    if (!table.ok()) {
      return table.status();
    }
    output_.bytes_written += (*table)->meta().file_bytes;
    output_.tables.push_back(*std::move(table));
    return absl::OkStatus();
  }

  const Compaction& compaction_;
  const CompactionEnvironment& env_;
  const Share share_;
  const Version::Tables& below_;
  OutputTombstones tombstones_;
  VersionFilter filter_;
  OutputSplitter splitter_;
  CompactionOutput output_;
  std::unique_ptr<TableWriter> table_;  // at hand; null between two
};

// Cuts the compaction into at most `count` shares of about equal bytes, at first keys of its
// tables.
std::vector<Share> CutIntoShares(const Compaction& compaction, size_t count) {
  std::vector<std::pair<absl::string_view, uint64_t>> starts;  // first user key, bytes
  for (const std::shared_ptr<LiveTable>& table : compaction.InputTables()) {
    starts.emplace_back(UserKey(table->meta().smallest), table->meta().file_bytes);
  }
  std::ranges::sort(starts);
  std::vector<Share> shares(1);
  const uint64_t share_bytes = compaction.InputBytes() / count;
  uint64_t bytes = 0;
  for (const auto& [key, table_bytes] : starts) {
    const bool new_key = key != starts.front().first &&
                         (!shares.back().begin.has_value() || key > *shares.back().begin);
    if (bytes >= share_bytes * shares.size() && shares.size() < count && new_key) {
      shares.back().end = std::string(key);
      shares.push_back(Share{std::string(key), std::nullopt});
    }
    bytes += table_bytes;
  }
  return shares;
}

size_t ShareCount(const Compaction& compaction, const CompactionEnvironment& env) {
  const uint64_t worth_a_thread = 2 * env.target_table_bytes;
  return static_cast<size_t>(std::clamp<uint64_t>(compaction.InputBytes() / worth_a_thread, 1,
                                                  static_cast<uint64_t>(env.threads)));
}

}  // namespace

absl::StatusOr<CompactionOutput> RunCompaction(const Compaction& compaction,
                                               const CompactionEnvironment& env) {
  const absl::StatusOr<std::vector<RangeTombstone>> tombstones =
      RangeTombstonesOf(compaction.InputTables());
  if (!tombstones.ok()) {
    return tombstones.status();
  }
  std::vector<std::unique_ptr<ShareWriter>> writers;
  for (Share& share : CutIntoShares(compaction, ShareCount(compaction, env))) {
    writers.push_back(
        std::make_unique<ShareWriter>(compaction, env, *tombstones, std::move(share)));
  }
  std::vector<absl::Status> statuses(writers.size());
  std::vector<std::thread> threads;
  for (size_t i = 1; i < writers.size(); ++i) {
    threads.emplace_back([&, i] { statuses[i] = writers[i]->Run(); });
  }
  statuses[0] = writers[0]->Run();
  for (std::thread& thread : threads) {
    thread.join();
  }

  CompactionOutput all;
  all.entries_read = tombstones->size();  // the shares do not come by them
  absl::Status status;
  for (size_t i = 0; i < writers.size(); ++i) {
    status.Update(statuses[i]);
    const CompactionOutput& share = writers[i]->output();
    all.entries_read += share.entries_read;
    all.entries_written += share.entries_written;
    all.shadowed += share.shadowed;
    all.tombstones += share.tombstones;
    all.bytes_written += share.bytes_written;
    all.tables.insert(all.tables.end(), share.tables.begin(), share.tables.end());
  }
  // An input that ended early without an error would lose keys in silence.
  if (status.ok() && all.entries_read != compaction.InputEntries()) {
    status = absl::DataLossError(absl::StrCat(
        env.home.dir, ": compaction from level ", compaction.source_level, " read ",
        all.entries_read, " entries, expected ", compaction.InputEntries(), " by the manifest"));
  }
  if (!status.ok()) {
    for (const std::shared_ptr<LiveTable>& table : all.tables) {
      table->MarkObsolete();  // nothing names it
    }
    return status;
  }
  all.bytes_read = compaction.InputBytes();
  return all;
}

}  // namespace fathom
