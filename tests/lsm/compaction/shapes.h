// Trees of small real tables from short texts, for tests of compaction.
//
// A level is a text of tables: "a-c:3 d-f" are a table of user keys from a to c in some 3 KiB, and
// one from d to f in as few bytes as it takes. On level 0 the oldest comes first.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/mutex.h"
#include "lsm/compaction/compaction.h"
#include "lsm/compaction/compaction_job.h"
#include "lsm/compaction/table_writer.h"
#include "lsm/format/internal_key.h"
#include "lsm/io/mem_file_system.h"

namespace fathom {

// Internal keys with their values, in order.
struct InternalOrder {
  bool operator()(const std::string& a, const std::string& b) const {
    return CompareInternalKeys(a, b) < 0;
  }
};
using Entries = std::map<std::string, std::string, InternalOrder>;

inline std::string Versioned(absl::string_view user_key, SequenceNumber sequence,
                             ValueType type = ValueType::kValue) {
  std::string key;
  AppendInternalKey(user_key, sequence, type, &key);
  return key;
}

// "a9" for a put of a at sequence 9, "a5d" for a tombstone; keys of one letter.
inline std::string ParseVersion(absl::string_view text) {
  const bool deletion = text.back() == 'd' && text.size() > 1;
  uint64_t sequence = 0;
  REQUIRE(absl::SimpleAtoi(text.substr(1, text.size() - (deletion ? 2 : 1)), &sequence));
  return Versioned(text.substr(0, 1), sequence,
                   deletion ? ValueType::kDeletion : ValueType::kValue);
}

inline std::string VersionText(absl::string_view key) {
  return absl::StrCat(UserKey(key), Sequence(key), Type(key) == ValueType::kDeletion ? "d" : "");
}

inline std::string RangeText(const LiveTable& table) {
  return absl::StrCat(UserKey(table.meta().smallest), "-", UserKey(table.meta().largest));
}

class Shapes {
 public:
  Shapes() {
    REQUIRE(fs.CreateDir("db").ok());
    home.fs = &fs;
    home.dir = "db";
  }

  // The next table, with these entries.
  std::shared_ptr<LiveTable> Table(const Entries& entries, int level, size_t block_bytes = 4096) {
    TableBuilderOptions options;
    options.block_bytes = block_bytes;
    absl::StatusOr<std::unique_ptr<TableWriter>> writer =
        TableWriter::Create(home, options, level, next_number++);
    REQUIRE_MESSAGE(writer.ok(), writer.status().ToString());
    for (const auto& [key, value] : entries) {
      (*writer)->Add(key, value);
    }
    absl::StatusOr<std::shared_ptr<LiveTable>> table = (*writer)->Finish();
    REQUIRE_MESSAGE(table.ok(), table.status().ToString());
    return *std::move(table);
  }

  std::shared_ptr<LiveTable> Table(absl::string_view text, int level) {
    const std::vector<std::string> range_size = absl::StrSplit(text, ':');
    const std::vector<std::string> range = absl::StrSplit(range_size[0], '-');
    uint64_t kib = 0;
    if (range_size.size() > 1) {
      REQUIRE(absl::SimpleAtoi(range_size[1], &kib));
    }
    Entries entries;
    entries[Versioned(range[0], ++next_sequence)] = std::string(kib << 10, 'v');
    entries[Versioned(range[1], ++next_sequence)] = "";
    return Table(entries, level);
  }

  // A version with these tables.
  std::shared_ptr<const Version> With(
      const std::vector<std::pair<int, Version::Tables>>& levels) const {
    VersionEdit edit;
    Version::Tables opened;
    for (const auto& [level, tables] : levels) {
      for (const std::shared_ptr<LiveTable>& table : tables) {
        edit.added_tables.emplace_back(level, table->meta());
        opened.push_back(table);
      }
    }
    auto version = Version().With(edit, opened);
    REQUIRE_MESSAGE(version->Check().ok(), version->Check().ToString());
    return version;
  }

  std::shared_ptr<const Version> Make(const std::map<int, std::string>& levels) {
    std::vector<std::pair<int, Version::Tables>> tables;
    for (const auto& [level, text] : levels) {
      tables.emplace_back(level, Version::Tables());
      for (const absl::string_view table : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
        tables.back().second.push_back(Table(table, level));
      }
    }
    return With(tables);
  }

  std::vector<std::string> Files() {
    std::vector<std::string> names = fs.List("db").value();
    std::ranges::sort(names);
    return names;
  }

  MemFileSystem fs;
  TableHome home;
  uint64_t next_number = 1;
  SequenceNumber next_sequence = 0;
};

// "L0 a-c b-d + L1 c-e -> L1"; tables of a level by key, empty levels left out.
inline std::string Describe(const Compaction& compaction) {
  const auto ranges = [](const Version::Tables& tables) {
    std::vector<std::string> texts;
    for (const std::shared_ptr<LiveTable>& table : tables) {
      texts.push_back(RangeText(*table));
    }
    std::ranges::sort(texts);
    std::string all;
    for (const std::string& text : texts) {
      absl::StrAppend(&all, " ", text);
    }
    return all;
  };
  std::vector<std::string> levels;
  int level = compaction.source_level;
  for (const Version::Tables& tables : compaction.inputs) {
    if (!tables.empty()) {
      levels.push_back(absl::StrCat("L", level, ranges(tables)));
    }
    ++level;
  }
  return absl::StrCat(absl::StrJoin(levels, " + "), " -> L", compaction.target_level);
}

inline const std::atomic<bool> kNotCancelled{false};

inline CompactionEnvironment Environment(Shapes* shapes) {
  CompactionEnvironment env;
  env.home = shapes->home;
  env.target_table_bytes = 1000;
  env.new_table_number = [shapes, mutex = std::make_shared<absl::Mutex>()] {
    absl::MutexLock lock(mutex.get());
    return shapes->next_number++;
  };
  env.cancel = &kNotCancelled;
  return env;
}

}  // namespace fathom
