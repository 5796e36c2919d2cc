#include "lsm/memtable/arena.h"

#include <doctest/doctest.h>

#include <cstring>
#include <memory>
#include <set>

namespace fathom {
namespace {

// Fills `blocks` blocks with pieces, and answers where they begin.
std::set<const char*> Fill(Arena* arena, size_t blocks) {
  constexpr size_t kPiecesABlock = 8;
  std::set<const char*> begins;
  for (size_t i = 0; i < blocks * kPiecesABlock; ++i) {
    char* const piece = arena->Allocate(Arena::kBlockBytes / kPiecesABlock);
    std::memset(piece, 'x', Arena::kBlockBytes / kPiecesABlock);
    if (i % kPiecesABlock == 0) {
      begins.insert(piece);
    }
  }
  return begins;
}

TEST_CASE("an arena takes the blocks that another one gave back") {
  const auto blocks = std::make_shared<ArenaBlocks>(10);
  auto first = std::make_unique<Arena>(blocks);
  const std::set<const char*> of_first = Fill(first.get(), 3);
  CHECK(blocks->memory_bytes() == 0);
  first.reset();
  CHECK(blocks->memory_bytes() == 3 * Arena::kBlockBytes);

  Arena second(blocks);
  CHECK(Fill(&second, 3) == of_first);
  CHECK(second.memory_bytes() >= 3 * Arena::kBlockBytes);
  CHECK(blocks->memory_bytes() == 0);
  CHECK(Fill(&second, 1).size() == 1);  // none is left: a new one
}

TEST_CASE("no more blocks are kept than asked for, and no large pieces") {
  const auto blocks = std::make_shared<ArenaBlocks>(2);
  {
    Arena one(blocks);
    Arena other(blocks);
    Fill(&one, 2);
    Fill(&other, 1);
    std::memset(other.Allocate(3 * Arena::kBlockBytes), 'x', 3 * Arena::kBlockBytes);
    CHECK(other.memory_bytes() >= 4 * Arena::kBlockBytes);
  }
  CHECK(blocks->memory_bytes() == 2 * Arena::kBlockBytes);
}

TEST_CASE("an arena may outlive those who made its blocks, and needs none of them") {
  auto blocks = std::make_shared<ArenaBlocks>(2);
  Arena arena(blocks);
  blocks.reset();
  CHECK(Fill(&arena, 2).size() == 2);
  Arena alone;
  CHECK(Fill(&alone, 2).size() == 2);
}

}  // namespace
}  // namespace fathom
