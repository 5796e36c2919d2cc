// The log file format, shared by the write-ahead log and the manifest.
//
// A file is a sequence of 32 KiB blocks, each a sequence of chunks; a chunk never crosses a block:
//
//   chunk   fixed32 checksum   LogChecksum(file number, chunk's offset, all that follows)
//           fixed16 length     of the payload
//           u8      type       ChunkType
//           payload
//
// Fewer than 7 bytes left in a block are zeros. A record is one kFull chunk, or kFirst, kMiddle*,
// kLast. The first chunk of a file is a kHeader:
//
//   payload "FTHMLOG" u8 version=1 | fixed64 file number
//           fixed64 previous file number (0: none) | fixed64 previous file's length
//
// The previous file's length is where its last record ends: it tells a log that was cut short from
// one that is whole. After a sync the next append, or the close, first writes a kSynced chunk:
//
//   payload fixed64 offset     every byte of the file below it was durable before this chunk
//
// Where a block has no room for it, a kSynced chunk of fewer than 8 payload bytes, all zeros, fills
// that block, and the true one opens the next. kSynced chunks stand only between records.
//
// So a bad chunk below such an offset is proven damage, and one that nothing intact vouches for is
// a torn tail: the bytes of writes that were never durable.
//
// A header of zeros is the end of the log if only zeros follow (preallocated space).
#pragma once

#include <cstddef>
#include <cstdint>

namespace fathom {

// Values are on disk: never renumber.
enum class ChunkType : uint8_t {
  kZero = 0,
  kFull = 1,
  kFirst = 2,
  kMiddle = 3,
  kLast = 4,
  kHeader = 5,
  kSynced = 6,
};

inline constexpr size_t kLogBlockBytes = size_t{32} * 1024;
inline constexpr size_t kChunkChecksumBytes = 4;
inline constexpr size_t kChunkHeaderBytes = kChunkChecksumBytes + 2 + 1;
inline constexpr size_t kLogHeaderPayloadBytes = 7 + 1 + 3 * 8;
inline constexpr size_t kSyncedPayloadBytes = 8;
inline constexpr char kLogMagic[] = "FTHMLOG";  // 7 bytes on disk, the version follows
inline constexpr uint8_t kLogVersion = 1;

// What the kHeader chunk says.
struct LogHeader {
  uint64_t number = 0;
  uint64_t previous_number = 0;
  uint64_t previous_length = 0;
};

}  // namespace fathom
