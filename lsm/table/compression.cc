#include "lsm/table/compression.h"

#include <lz4.h>
#include <zstd.h>

#include <limits>

#include "absl/strings/str_cat.h"
#include "lsm/format/coding.h"
#include "lsm/format/corruption.h"

namespace fathom {
namespace {

constexpr int kZstdLevel = 1;
// LZ4 says a match's length in bytes that count 255 each at most.
constexpr uint64_t kMaxLz4Ratio = 255;
// A zstd block stands for 128 KiB at most, and none is shorter than 4 bytes.
constexpr uint64_t kMaxZstdRatio = (uint64_t{128} << 10) / 4;

size_t CompressLz4(absl::string_view block, char* to, size_t room) {
  if (block.size() > LZ4_MAX_INPUT_SIZE) {
    return 0;
  }
  const int written = LZ4_compress_default(block.data(), to, static_cast<int>(block.size()),
                                           static_cast<int>(room));
  return written > 0 ? static_cast<size_t>(written) : 0;
}

size_t CompressZstd(ZSTD_CCtx* context, absl::string_view block, char* to, size_t room) {
  const size_t written =
      ZSTD_compressCCtx(context, to, room, block.data(), block.size(), kZstdLevel);
  return ZSTD_isError(written) != 0 ? 0 : written;
}

bool DecompressLz4(absl::string_view frame, char* to, size_t size) {
  constexpr size_t kMost = std::numeric_limits<int>::max();
  return frame.size() <= kMost && size <= kMost &&
         LZ4_decompress_safe(frame.data(), to, static_cast<int>(frame.size()),
                             static_cast<int>(size)) == static_cast<int>(size);
}

bool DecompressZstd(absl::string_view frame, char* to, size_t size) {
  // Making a context costs more than a block: each thread keeps one.
  struct FreeContext {
    void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
  };
  thread_local const std::unique_ptr<ZSTD_DCtx, FreeContext> context(ZSTD_createDCtx());
  return ZSTD_decompressDCtx(context.get(), to, size, frame.data(), frame.size()) == size;
}

// Can `frame` stand for `size` bytes?
bool CanExpandTo(Compression compression, absl::string_view frame, uint64_t size) {
  if (compression == Compression::kLz4) {
    return size <= frame.size() * kMaxLz4Ratio;
  }
  return ZSTD_getFrameContentSize(frame.data(), frame.size()) == size &&
         size <= frame.size() * kMaxZstdRatio;
}

}  // namespace

Compressor::Compressor(Compression compression)
    : compression_(compression),
      zstd_(compression == Compression::kZstd ? ZSTD_createCCtx() : nullptr) {}

Compressor::~Compressor() { ZSTD_freeCCtx(zstd_); }

absl::string_view Compressor::Compress(absl::string_view block) {
  if (compression_ == Compression::kNone || block.size() < 2 * kMaxVarint32Bytes ||
      block.size() > std::numeric_limits<uint32_t>::max()) {
    return absl::string_view();
  }
  // A result without room is a result that does not pay.
  const size_t worth = block.size() - (block.size() + 7) / 8;
  if (buffer_.size() < worth) {
    buffer_.resize(worth);
  }
  char* const frame = EncodeVarint32(buffer_.data(), static_cast<uint32_t>(block.size()));
  const auto prefix = static_cast<size_t>(frame - buffer_.data());
  const size_t written = compression_ == Compression::kLz4
                             ? CompressLz4(block, frame, worth - prefix)
                             : CompressZstd(zstd_, block, frame, worth - prefix);
  return written == 0 ? absl::string_view() : absl::string_view(buffer_.data(), prefix + written);
}

absl::string_view CompressionName(Compression compression) {
  switch (compression) {
    case Compression::kNone:
      return "NoCompression";
    case Compression::kLz4:
      return "LZ4";
    case Compression::kZstd:
      return "ZSTD";
  }
  return "";
}

absl::StatusOr<UncompressedBlock> Decompress(Compression compression, absl::string_view stored,
                                             const std::string& file, uint64_t offset,
                                             BlockMemory* memory) {
  if (compression != Compression::kLz4 && compression != Compression::kZstd) {
    return Corruption(file, offset, "compression type of a block", "0, 4 (LZ4) or 7 (zstd)",
                      static_cast<int>(compression));
  }
  absl::string_view frame = stored;
  uint32_t size;
  if (!GetVarint32(&frame, &size)) {
    return Corruption(file, offset, "uncompressed size of a block", "a varint32", "none");
  }
  if (!CanExpandTo(compression, frame, size)) {
    return Corruption(file, offset, "uncompressed size of a block",
                      absl::StrCat("what ", frame.size(), " bytes of ",
                                   CompressionName(compression), " can hold"),
                      size);
  }
  UncompressedBlock block{TakeBlockBytes(memory, size), size};
  const bool whole = compression == Compression::kLz4
                         ? DecompressLz4(frame, block.bytes.get(), size)
                         : DecompressZstd(frame, block.bytes.get(), size);
  if (!whole) {
    return Corruption(file, offset, "compressed block",
                      absl::StrCat(size, " bytes in ", CompressionName(compression)),
                      "something else");
  }
  return block;
}

}  // namespace fathom
