// How a store is opened, written and read. Defaults suit a small store on a local disk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "absl/strings/string_view.h"
#include "lsm/io/file_system.h"

namespace fathom {

struct Options {
  // Where files live. Not owned; must outlive the store. Default: the machine's file system. Change
  // it to run in memory (lsm/io/mem_file_system.h) or to inject faults.
  FileSystem* file_system = PosixFileSystem();

  // Make an empty store where there is none. Default: true. Switch it off where a missing store is
  // a mistake: opening it is then NotFound.
  bool create_if_missing = true;

  // Bytes of entries (keys, values and 10 to 18 bytes of header each) that a memtable takes before
  // it is flushed to a level-0 table. Its index costs some 15 % more on top. Default: 4 MiB. Larger
  // means fewer, larger tables and less compaction, for more memory and a longer replay on open.
  size_t memtable_bytes = size_t{4} << 20;

  // Full memtables that may wait for their flush; a writer that finds so many waits. Default: 2.
  // Raise it if writes come in bursts longer than a memtable.
  int max_immutable_memtables = 2;

  // Bytes of entries in a data block, the unit of reading and checking. Default: 4096. Larger
  // blocks mean a smaller index and faster scans; smaller ones, less read for each lookup.
  size_t block_bytes = 4096;

  // Memory for index and data blocks that were read. Default: 64 MiB. 0 keeps nothing: each lookup
  // then reads from the operating system.
  size_t block_cache_bytes = size_t{64} << 20;

  // Called with one line for each event worth a log line (recovery, flush, a wait, an error), from
  // any thread, without a lock held. Default: nothing is told.
  std::function<void(absl::string_view line)> log;
};

// When a write is acknowledged, and so what can take it back.
enum class Durability : uint8_t {
  // In the log's buffer: the death of the process loses what was not handed on yet. `DB::SyncLog`
  // makes everything before it durable.
  kBuffered,
  // Handed to the operating system: survives the death of the process, not a power loss.
  kProcess,
  // fdatasync: survives a power loss.
  kDisk,
};

struct WriteOptions {
  // Default: kProcess. Take kBuffered to acknowledge many writes with one SyncLog, kDisk where each
  // must survive a power loss.
  Durability durability = Durability::kProcess;
};

struct ReadOptions {
  // Keep the blocks read from disk in the cache. Default: true. Switch it off for a large scan.
  bool fill_cache = true;
};

}  // namespace fathom
