// A closed store with every kind of file in it, for tests that damage it: tables on levels 0, 1 and
// 2, tombstones of keys and of ranges, keys with versions on several levels, and two logs with
// writes.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "lsm/format/file_names.h"
#include "lsm/io/mem_file_system.h"
#include "tests/lsm/store.h"

namespace fathom {

struct ClosedStore {
  MemFileSystem fs;
  Model model;                     // what it holds
  std::set<std::string> log_keys;  // those of whose versions the newest is in a log
  std::vector<std::string> files;

  Options options() {
    Options options = InMemory(&fs);
    options.memtable_bytes = 1 << 20;
    options.block_bytes = 256;
    options.table_bytes = 1024;
    options.compaction_threads = 0;
    return options;
  }

  ClosedStore() {
    auto db = OpenStore(options());
    Write(db.get(), 0, 120, 1, "old");
    FlushStore(db.get());
    REQUIRE(db->CompactLevel(0, 1).ok());
    REQUIRE(db->CompactLevel(1, 2).ok());
    Write(db.get(), 10, 110, 3, "middle");
    Remove(db.get(), 5, 100, 7);
    RemoveRange(db.get(), 20, 30);
    FlushStore(db.get());
    REQUIRE(db->CompactLevel(0, 1).ok());
    Write(db.get(), 0, 60, 5, "young");
    FlushStore(db.get());
    Write(db.get(), 40, 120, 5, "younger");
    RemoveRange(db.get(), 72, 78);
    Remove(db.get(), 1, 120, 11);
    FlushStore(db.get());
    log_keys.clear();
    Write(db.get(), 3, 120, 13, "in the log");
    CloseStore(std::move(db));
    db = OpenStore(options());
    Write(db.get(), 4, 120, 17, "in the second log");
    Remove(db.get(), 6, 120, 19);
    RemoveRange(db.get(), 100, 105);
    CloseStore(std::move(db));
    files = *fs.List("db");
    std::ranges::sort(files);
    for (const std::string& name : files) {
      SetBytes(name, Bytes(name));  // durable to the last byte
    }
  }

  std::vector<std::string> FilesOf(FileKind kind) const {
    std::vector<std::string> of_kind;
    for (const std::string& name : files) {
      if (ParseFileName(name)->kind == kind) {
        of_kind.push_back(name);
      }
    }
    return of_kind;
  }
  // Logs and manifests end with a sync mark, which vouches for what is before it; for the mark
  // itself nothing does, and nobody needs it.
  static size_t TrailingMark(const std::string& name) {
    const FileKind kind = ParseFileName(name)->kind;
    return kind == FileKind::kLog || kind == FileKind::kManifest ? 15 : 0;
  }
  std::string Bytes(const std::string& name) const { return *fs.Contents("db/" + name); }
  void SetBytes(const std::string& name, std::string bytes) {
    fs.SetContents("db/" + name, std::move(bytes));
  }
  void Flip(const std::string& name, size_t offset) {
    std::string bytes = Bytes(name);
    bytes[offset] = static_cast<char>(bytes[offset] ^ 0x40);
    SetBytes(name, std::move(bytes));
  }
  void Truncate(const std::string& name, size_t length) {
    SetBytes(name, Bytes(name).substr(0, length));
  }
  void RemoveFile(const std::string& name) {
    REQUIRE(fs.Remove("db/" + name).ok());
    REQUIRE(fs.SyncDir("db").ok());
  }
  void Swap(const std::string& a, const std::string& b) {
    std::string bytes = Bytes(a);
    SetBytes(a, Bytes(b));
    SetBytes(b, std::move(bytes));
  }

 private:
  void Write(DB* db, int first, int last, int step, const std::string& value) {
    for (int i = first; i < last; i += step) {
      Put(db, Key(i), value + std::to_string(i));
      model[Key(i)] = value + std::to_string(i);
      log_keys.insert(Key(i));
    }
  }
  void RemoveRange(DB* db, int first, int end) {
    DeleteRange(db, Key(first), Key(end));
    for (int i = first; i < end; ++i) {
      model.erase(Key(i));
      log_keys.insert(Key(i));
    }
  }
  void Remove(DB* db, int first, int last, int step) {
    for (int i = first; i < last; i += step) {
      Delete(db, Key(i));
      model.erase(Key(i));
      log_keys.insert(Key(i));
    }
  }
};

}  // namespace fathom
