// What the tests of tables share: entries, an oracle, and building and opening a table in memory.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "lsm/format/checksum.h"
#include "lsm/format/internal_key.h"
#include "lsm/io/file_system.h"
#include "lsm/io/mem_file_system.h"
#include "lsm/table/block_cache.h"
#include "lsm/table/table_builder.h"
#include "lsm/table/table_reader.h"

namespace fathom {

inline std::string Key(absl::string_view user_key, SequenceNumber sequence,
                       ValueType type = ValueType::kValue) {
  std::string key;
  AppendInternalKey(user_key, sequence, type, &key);
  return key;
}

struct InternalKeyLess {
  bool operator()(const std::string& a, const std::string& b) const {
    return CompareInternalKeys(a, b) < 0;
  }
};
// Internal key -> value: what a table should hold.
using Entries = std::map<std::string, std::string, InternalKeyLess>;

// The answer that a table of `entries` owes to a lookup.
inline std::pair<Lookup, std::string> Expected(const Entries& entries, absl::string_view user_key,
                                               SequenceNumber snapshot) {
  const auto it = entries.lower_bound(Key(user_key, snapshot, kSeekType));
  if (it == entries.end() || UserKey(it->first) != user_key) {
    return {Lookup::kAbsent, ""};
  }
  if (Type(it->first) == ValueType::kDeletion) {
    return {Lookup::kDeleted, ""};
  }
  return {Lookup::kFound, it->second};
}

// The size of index partitions that no test's index reaches.
inline constexpr size_t kOnePartition = size_t{1} << 30;

inline BuiltTable Build(FileSystem* fs, const std::string& path, const Entries& entries,
                        size_t block_bytes, Compression compression = Compression::kNone,
                        const RangeTombstones& range_tombstones = {},
                        size_t index_partition_bytes = kOnePartition) {
  auto file = fs->Create(path);
  REQUIRE(file.ok());
  TableBuilder builder({.block_bytes = block_bytes,
                        .compression = compression,
                        .index_partition_bytes = index_partition_bytes},
                       file->get());
  for (const auto& [key, value] : entries) {
    builder.Add(key, value);
  }
  builder.AddRangeTombstones(range_tombstones);
  absl::StatusOr<BuiltTable> built = builder.Finish();
  REQUIRE(built.ok());
  REQUIRE((*file)->Close().ok());
  return *std::move(built);
}

inline TableIdentity IdentityOf(const std::string& path, const BuiltTable& built,
                                uint64_t number = 1) {
  return {.name = path,
          .number = number,
          .file_bytes = built.file_bytes,
          .tail_bytes = built.tail_bytes,
          .tail_hash = built.tail_hash};
}

inline absl::StatusOr<std::shared_ptr<TableReader>> TryOpen(FileSystem* fs,
                                                            const TableIdentity& identity,
                                                            TableCaches caches = {}) {
  auto file = fs->OpenForRead(identity.name);
  REQUIRE(file.ok());
  return TableReader::Open(*std::move(file), identity, caches);
}

inline std::shared_ptr<TableReader> Open(FileSystem* fs, const std::string& path,
                                         const BuiltTable& built, TableCaches caches = {}) {
  auto table = TryOpen(fs, IdentityOf(path, built), caches);
  REQUIRE_MESSAGE(table.ok(), table.status().ToString());
  return *std::move(table);
}

// A table in a file system of its own.
struct TestTable {
  explicit TestTable(const Entries& entries, size_t block_bytes = 4096, TableCaches caches = {},
                     Compression compression = Compression::kNone,
                     const RangeTombstones& range_tombstones = {},
                     size_t index_partition_bytes = kOnePartition)
      : built(Build(&fs, path, entries, block_bytes, compression, range_tombstones,
                    index_partition_bytes)),
        reader(Open(&fs, path, built, caches)) {}

  absl::StatusOr<Lookup> Get(absl::string_view user_key, SequenceNumber snapshot,
                             std::string* value, ReadCost* cost) {
    return reader->Get(user_key, FilterHash(user_key), snapshot, value, cost);
  }

  const std::string path = "L0_001.sst";
  MemFileSystem fs;
  BuiltTable built;
  std::shared_ptr<TableReader> reader;
};

// All entries that an iterator yields from where it stands.
inline std::vector<std::pair<std::string, std::string>> Rest(InternalIterator* it) {
  std::vector<std::pair<std::string, std::string>> all;
  for (; it->Valid(); it->Next()) {
    all.emplace_back(std::string(it->key()), std::string(it->value()));
  }
  return all;
}

}  // namespace fathom
