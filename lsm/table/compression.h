// Compression of data blocks, in the form of RocksDB's compress_format_version 2:
//
//   varint32 uncompressed size | raw LZ4 block, or zstd frame that tells its content size
//
// A Compressor belongs to one thread; the functions are thread safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "lsm/table/block_memory.h"
#include "lsm/table/table_format.h"

struct ZSTD_CCtx_s;

namespace fathom {

// Compresses block after block with one context and one buffer.
class Compressor {
 public:
  explicit Compressor(Compression compression);
  ~Compressor();

  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;

  // The compressed form of `block`, which lives until the next call; empty unless it is smaller by
  // at least an eighth, and always with kNone.
  absl::string_view Compress(absl::string_view block);

 private:
  const Compression compression_;
  ZSTD_CCtx_s* zstd_ = nullptr;  // only with kZstd
  std::string buffer_;
};

// RocksDB's name: "NoCompression", "LZ4", "ZSTD".
absl::string_view CompressionName(Compression compression);

struct UncompressedBlock {
  BlockBytes bytes;
  size_t size = 0;
};

// Undoes Compress. `file` and `offset` say where `stored` came from. DataLoss if it is not what
// Compress gives, or `compression` (a byte from disk) is kNone or none of those that we know;
// memory is taken, of `memory` if that is not null, only for a size that so many bytes can expand
// to.
absl::StatusOr<UncompressedBlock> Decompress(Compression compression, absl::string_view stored,
                                             const std::string& file, uint64_t offset,
                                             BlockMemory* memory = nullptr);

}  // namespace fathom
