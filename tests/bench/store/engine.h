// What the driver asks of a storage engine, and no more: one interface, an adapter an engine. A
// failure of an engine ends the process with a message, because figures of a store that fails mean
// nothing.
//
// Thread safety: as the engines have it, one may read while another writes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"

namespace fathom {

enum class CompressionKind : bool {
  kNone,
  kUsual,  // what the engine does by default
};

// Whether each block is compared with its checksum when it is read.
enum class ReadChecks : bool {
  kUsual,  // what the engine does by default: LevelDB does not, the others do
  kAll,
};

// The same for all engines. What is not here is the engine's own default, but for a log that is
// written for each operation and not synced.
struct EngineSettings {
  std::string dir;
  size_t memtable_bytes = size_t{4} << 20;
  size_t block_bytes = 4096;
  size_t block_cache_bytes = size_t{64} << 20;
  CompressionKind compression = CompressionKind::kNone;
  ReadChecks read_checks = ReadChecks::kUsual;
  int filter_bits_per_key = 10;  // of the peers; Fathom's filter has 9.6
  int background_jobs = 2;       // of RocksDB; the others have a thread of their own
};

enum class Sync : bool { kNo, kYes };
enum class Direction : bool { kForward, kBackward };

class Engine {
 public:
  virtual ~Engine() = default;  // closes

  virtual void Put(absl::string_view key, absl::string_view value, Sync sync) = 0;
  virtual void Delete(absl::string_view key) = 0;
  virtual bool Get(absl::string_view key, std::string* value) = 0;

  // Makes a cursor, goes to the first key >= `start` (the end that `direction` begins at if it is
  // empty), and reads keys and values of up to `limit` records. How many there were.
  virtual uint64_t Scan(absl::string_view start, uint64_t limit, Direction direction) = 0;

  // Waits until the memtable is a table.
  virtual void Flush() = 0;

  // Waits until every record has gone through compaction.
  virtual void CompactAll() = 0;
};

struct EngineKind {
  const char* name;
  const char* about;  // version and how it was built
  std::unique_ptr<Engine> (*open)(const EngineSettings& settings);
};

// How the peers were built, after their version.
#ifdef FATHOM_BENCH_RELEASE_PEERS
inline constexpr char kPeerBuild[] =
    ", from Debian's source, a release build: -O3 -DNDEBUG -march=native, checksums in hardware";
#else
inline constexpr char kPeerBuild[] =
    ", as installed; Debian's package carries assertions, which halve its speed in writes";
#endif

EngineKind FathomEngine();
EngineKind LevelDbEngine();  // if it was found when this was built
EngineKind RocksDbEngine();  // likewise

// For the adapters: all three kinds of status have ok() and ToString().
template <typename Status>
void RequireOk(const Status& status, const char* what) {
  if (!status.ok()) {
    std::fprintf(stderr, "store_bench: %s: %s\n", what, status.ToString().c_str());
    std::exit(1);
  }
}

// For the adapters: Engine::Scan, as the iterators of all three are used alike.
template <typename Iterator, typename Slice>
uint64_t ScanWith(Iterator* it, const Slice& start, uint64_t limit, Direction direction) {
  const bool forward = direction == Direction::kForward;
  if (start.size() > 0) {
    it->Seek(start);
  } else if (forward) {
    it->SeekToFirst();
  } else {
    it->SeekToLast();
  }
  uint64_t records = 0;
  size_t bytes = 0;
  while (records < limit && it->Valid()) {
    bytes += it->key().size() + it->value().size() +
             static_cast<size_t>(it->key().data()[0] == it->value().data()[0]);
    ++records;
    forward ? it->Next() : it->Prev();
  }
  RequireOk(it->status(), "scan");
  [[maybe_unused]] static volatile size_t sink;
  sink = bytes;  // so that nothing is optimised away
  return records;
}

}  // namespace fathom
