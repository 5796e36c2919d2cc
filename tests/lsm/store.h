// What tests of the whole engine share: a store over a file system in memory, and short verbs.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "lsm/db.h"
#include "lsm/format/file_names.h"
#include "lsm/io/mem_file_system.h"

namespace fathom {

using Model = std::map<std::string, std::string>;

inline Options InMemory(FileSystem* fs) {
  Options options;
  options.file_system = fs;
  return options;
}

inline std::unique_ptr<DB> OpenStore(const Options& options, const std::string& dir = "db") {
  absl::StatusOr<std::unique_ptr<DB>> db = DB::Open(options, dir);
  REQUIRE_MESSAGE(db.ok(), db.status().ToString());
  return *std::move(db);
}

inline std::unique_ptr<DB> OpenStore(FileSystem* fs) { return OpenStore(InMemory(fs)); }

inline void Put(DB* db, const std::string& key, const std::string& value,
                Durability durability = Durability::kProcess) {
  const absl::Status status = db->Put(WriteOptions{durability}, key, value);
  REQUIRE_MESSAGE(status.ok(), status.ToString());
}

inline void Delete(DB* db, const std::string& key) {
  const absl::Status status = db->Delete(WriteOptions(), key);
  REQUIRE_MESSAGE(status.ok(), status.ToString());
}

inline void DeleteRange(DB* db, const std::string& begin, const std::string& end) {
  const absl::Status status = db->DeleteRange(WriteOptions(), begin, end);
  REQUIRE_MESSAGE(status.ok(), status.ToString());
}

inline FlushResult FlushStore(DB* db) {
  absl::StatusOr<FlushResult> result = db->Flush();
  REQUIRE_MESSAGE(result.ok(), result.status().ToString());
  return *std::move(result);
}

// The value, "(none)" for an absent key, or the error's text.
inline std::string Get(DB* db, const std::string& key) {
  std::string value;
  const absl::Status status = db->Get(ReadOptions(), key, &value);
  if (absl::IsNotFound(status)) {
    return "(none)";
  }
  return status.ok() ? value : status.ToString();
}

inline void EraseRange(Model* model, const std::string& begin, const std::string& end) {
  model->erase(model->lower_bound(begin), model->lower_bound(end));
}

inline std::string Key(int i) { return absl::StrCat("key", absl::Dec(i, absl::kZeroPad6)); }

// Everything in the store, read forward; checks that reading backward agrees.
inline Model Contents(DB* db) {
  Model forward;
  const std::unique_ptr<Iterator> it = db->NewIterator(ReadOptions());
  std::string last;
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    const std::string key(it->key());
    REQUIRE((forward.empty() || last < key));
    last = key;
    forward[key] = std::string(it->value());
  }
  REQUIRE_MESSAGE(it->status().ok(), it->status().ToString());
  Model backward;
  for (it->SeekToLast(); it->Valid(); it->Prev()) {
    backward[std::string(it->key())] = std::string(it->value());
  }
  REQUIRE_MESSAGE(it->status().ok(), it->status().ToString());
  CHECK(forward == backward);
  return forward;
}

// The paths of the files of one kind in the store "db", by name.
inline std::vector<std::string> FilesOfKind(MemFileSystem* fs, FileKind kind) {
  std::vector<std::string> found;
  const std::vector<std::string> names = fs->List("db").value();
  for (const std::string& name : names) {
    const std::optional<ParsedFileName> parsed = ParseFileName(name);
    if (parsed.has_value() && parsed->kind == kind) {
      found.push_back(absl::StrCat("db/", name));
    }
  }
  std::ranges::sort(found);
  return found;
}

inline void CloseStore(std::unique_ptr<DB> db) {
  const absl::Status status = db->Close();
  REQUIRE_MESSAGE(status.ok(), status.ToString());
}

}  // namespace fathom
