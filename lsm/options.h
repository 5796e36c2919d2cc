// How a store is opened, written and read. Defaults suit a small store on a local disk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "lsm/io/file_system.h"
#include "lsm/snapshot.h"
#include "lsm/table/table_format.h"

namespace fathom {

struct Options {
  // Where files live. Not owned; must outlive the store. Default: the machine's file system. Change
  // it to run in memory (lsm/io/mem_file_system.h) or to inject faults.
  FileSystem* file_system = PosixFileSystem();

  // Make an empty store where there is none. Default: true. Switch it off where a missing store is
  // a mistake: opening it is then NotFound.
  bool create_if_missing = true;

  // Bytes of entries (keys, values and 10 to 18 bytes of header each) that a memtable takes before
  // it is flushed to a level-0 table. Its index costs some 15 % more on top of entries of 116
  // bytes, a greater part of small ones; its filter 1.6 % of this. Default: 4 MiB. Larger means
  // fewer, larger tables and less compaction, for more memory and a longer replay on open. Memory
  // of up to two that are gone stays with the store for those to come.
  size_t memtable_bytes = size_t{4} << 20;

  // Full memtables that may wait for their flush; a writer that finds so many waits. Default: 2.
  // Raise it if writes come in bursts longer than a memtable.
  int max_immutable_memtables = 2;

  // Bytes of entries in a data block, the unit of reading and checking. Default: 4096. Larger
  // blocks mean a smaller index and faster scans; smaller ones, less read for each lookup.
  size_t block_bytes = 4096;

  // How data blocks of tables that compaction writes to level 2 and below are stored; levels 0 and
  // 1 are never compressed, and neither is a block that would not become smaller by an eighth. A
  // table that moves down without being merged stays as it is. Default: kLz4, which costs little
  // time. kNone where values are compressed already; kZstd where space matters more than reading
  // speed.
  Compression compression = Compression::kLz4;

  // The same for the deepest level that holds data, where most of the store lies and what is
  // written stays longest. Default: kZstd. Change it where scans of old data must be fastest.
  Compression bottom_compression = Compression::kZstd;

  // Memory for data blocks that were read, uncompressed, and where it is full, up to a quarter of
  // it for outlines of others, by which a lookup reads one entry and no block. Default: 64 MiB. 0
  // keeps nothing: each lookup then reads from the operating system. Raise it towards the size of
  // the data that is read again and again. From 32 MiB on it takes memory in huge pages, where the
  // system has them.
  size_t block_cache_bytes = size_t{64} << 20;

  // Memory for index blocks, of which a lookup needs one for each table it looks into: a table that
  // is open holds its own, first come, first served, and those beyond go through the block cache.
  // Default: 16 MiB, enough for some 2 GiB of tables with blocks of 4096 bytes. Raise it with the
  // size of the store, or with smaller blocks.
  size_t index_cache_bytes = size_t{16} << 20;

  // Level-0 tables at which they are merged into level 1. Default: 4. More means less rewriting,
  // and more tables to look into for each read.
  int level0_compaction_tables = 4;

  // Level-0 tables at which writes are slowed down, gently first, so that compaction keeps up.
  // Default: 12.
  int level0_slowdown_tables = 12;

  // Level-0 tables at which writes wait until compaction has caught up. Default: 24. A bound on
  // what a read may have to look into.
  int level0_stop_tables = 24;

  // Bytes of tables that level 0 may hold; each level below may hold level_ratio times as much as
  // the one above, and is kept smaller where less is rewritten then. Default: 40 MiB. A larger base
  // means fewer levels and more rewriting in each.
  uint64_t level0_bytes = uint64_t{40} << 20;

  // See level0_bytes. Default: 10. Smaller means more levels and less rewriting between two of
  // them.
  int level_ratio = 10;

  // Bytes at which a compaction's output is cut into tables. Default: 8 MiB. Larger tables mean
  // fewer files and coarser steps of compaction.
  uint64_t table_bytes = uint64_t{8} << 20;

  // Compactions that run at once, and threads that share a large one. Default: 2. 0 leaves
  // compaction to DB::CompactLevel and DB::CompactAll.
  int compaction_threads = 2;

  // Milliseconds between two syncs of the log that the store makes by itself: writes that are not
  // kDisk survive a power loss, but for those of the last so many milliseconds. Default: 0, none.
  int sync_interval_millis = 0;

  // Called with one line for each event worth a log line (recovery, flush, a wait, an error), from
  // any thread, mostly with the store's lock held: it must be quick and must not call the store.
  // Default: nothing is told.
  std::function<void(absl::string_view line)> log;
};

// InvalidArgument that names an option with a value that the store cannot work with. Open asks it.
absl::Status CheckOptions(const Options& options);

// When a write is acknowledged, and so what can take it back.
enum class Durability : uint8_t {
  // In the log's buffer: the death of the process loses what was not handed on yet. `DB::SyncLog`
  // makes everything before it durable.
  kBuffered,
  // Handed to the operating system: survives the death of the process, not a power loss.
  kProcess,
  // fdatasync, one for all writes that wait at that moment: survives a power loss.
  kDisk,
};

struct WriteOptions {
  // Default: kProcess. Take kBuffered to acknowledge many writes with one SyncLog, kDisk where each
  // must survive a power loss.
  Durability durability = Durability::kProcess;
};

struct ReadOptions {
  // Ask the tables' Bloom filters before their blocks. Default: true. Switch it off to see what
  // they save.
  bool use_filters = true;

  // Read the store as it was when this was taken. Default: null, as it is now. Not owned; must
  // outlive the read, or the iterator.
  const Snapshot* snapshot = nullptr;

  // Of an iterator: it shows keys in [lower_bound, upper_bound). Default: absent, no bound. Set
  // them where the range is known: what lies outside is not read.
  std::optional<std::string> lower_bound;
  std::optional<std::string> upper_bound;

  // Of an iterator: keep blocks read from disk in the cache, of those that follow one another
  // forward only the first two. Default: true. Switch it off for a large scan. Lookups keep theirs
  // either way.
  bool fill_cache = true;
};

}  // namespace fathom
