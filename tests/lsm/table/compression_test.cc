#include "lsm/table/compression.h"

#include <doctest/doctest.h>

#include <random>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "lsm/format/coding.h"

namespace fathom {
namespace {

constexpr Compression kBoth[] = {Compression::kLz4, Compression::kZstd};

// Text in which words repeat: about a third is left of it.
std::string Text(size_t bytes) {
  std::mt19937 random(7);
  std::string text;
  while (text.size() < bytes) {
    absl::StrAppend(&text, "word", random() % 50, " ");
  }
  text.resize(bytes);
  return text;
}

bool IsDataLoss(const absl::StatusOr<UncompressedBlock>& result) {
  return result.status().code() == absl::StatusCode::kDataLoss &&
         absl::StartsWith(result.status().message(), "a.sst: damaged at offset 77: ");
}

TEST_CASE("compression: blocks of all sizes come back, or are said not to pay") {
  for (const Compression compression : kBoth) {
    Compressor compressor(compression);
    for (size_t bytes = 0; bytes < 9000; bytes = bytes * 5 / 4 + 1) {
      const std::string block = Text(bytes);
      const std::string stored(compressor.Compress(block));
      CAPTURE(bytes);
      REQUIRE((bytes < 200 || !stored.empty()));
      if (stored.empty()) {
        continue;
      }
      REQUIRE(stored.size() <= bytes - bytes / 8);
      const auto back = Decompress(compression, stored, "a.sst", 77);
      REQUIRE_MESSAGE(back.ok(), back.status().ToString());
      REQUIRE(absl::string_view(back->bytes.get(), back->size) == block);
    }
  }
}

TEST_CASE("compression: none, and what saves less than an eighth, gives nothing") {
  CHECK(Compressor(Compression::kNone).Compress(Text(4096)).empty());
  std::mt19937 random(1);
  std::string noise;
  while (noise.size() < 3700) {
    noise.push_back(static_cast<char>(random()));
  }
  for (const Compression compression : kBoth) {
    CHECK(Compressor(compression).Compress(noise + std::string(300, 'x')).empty());
    CHECK_FALSE(Compressor(compression).Compress(noise + std::string(900, 'x')).empty());
  }
}

TEST_CASE("compression: a wrong size, a short frame or an unknown type is DataLoss") {
  for (const Compression compression : kBoth) {
    const std::string block = Text(4096);
    const std::string stored(Compressor(compression).Compress(block));
    const std::string frame = stored.substr(2);  // 4096 takes two bytes of varint
    for (const uint32_t size : {0u, 1u, 4095u, 4097u, 8192u, 1u << 30, ~0u}) {
      std::string forged;
      PutVarint32(&forged, size);
      CAPTURE(size);
      CHECK(IsDataLoss(Decompress(compression, forged + frame, "a.sst", 77)));
    }
    for (size_t length = 0; length < stored.size(); ++length) {
      REQUIRE(IsDataLoss(Decompress(compression, stored.substr(0, length), "a.sst", 77)));
    }
    CHECK(IsDataLoss(Decompress(compression, stored + "x", "a.sst", 77)));
    for (const int unknown : {0, 1, 2, 3, 5, 6, 8, 255}) {
      CHECK(IsDataLoss(Decompress(static_cast<Compression>(unknown), stored, "a.sst", 77)));
    }
  }
}

TEST_CASE("compression: damaged frames give DataLoss or bytes of the announced size, no more") {
  for (const Compression compression : kBoth) {
    const std::string stored(Compressor(compression).Compress(Text(2000)));
    for (size_t i = 0; i < stored.size(); ++i) {
      std::string damaged = stored;
      damaged[i] = static_cast<char>(damaged[i] ^ 0x41);
      const auto back = Decompress(compression, damaged, "a.sst", 77);
      REQUIRE((IsDataLoss(back) || back->size > 0));
    }
  }
}

}  // namespace
}  // namespace fathom
