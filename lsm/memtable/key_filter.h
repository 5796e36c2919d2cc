// Which user keys a memtable may have: most lookups of older keys, and of those that are not there,
// end at one word of it instead of at a leaf of the tree.
//
// A Bloom filter of 64-bit words: a key sets and asks 4 bits of one. With 16 bits a key it lets
// 0.5 % of the others through, with 4 bits 17 %.
//
// Thread safety: one thread adds; any number ask beside it without a lock. Who is to find a key has
// synchronized with the thread that added it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace fathom {

class KeyFilter {
 public:
  // Of `bytes` bytes, which it takes when the first key comes; with less than 8 it lets all keys
  // through.
  explicit KeyFilter(size_t bytes) : num_words_(bytes / sizeof(Word)) {}

  KeyFilter(const KeyFilter&) = delete;
  KeyFilter& operator=(const KeyFilter&) = delete;

  // `hash` is FilterHash of the key.
  void Add(uint64_t hash);
  bool MayContain(uint64_t hash) const {
    const Word* const words = words_.load(std::memory_order_acquire);
    if (words == nullptr) {
      return num_words_ == 0;
    }
    const uint64_t bits = BitsOf(hash);
    return (words[WordOf(hash)].load(std::memory_order_relaxed) & bits) == bits;
  }

  size_t memory_bytes() const {
    return words_.load(std::memory_order_relaxed) == nullptr ? 0 : num_words_ * sizeof(Word);
  }

 private:
  using Word = std::atomic<uint64_t>;

  // By the hash's upper half which word, by its lower half which bits.
  size_t WordOf(uint64_t hash) const { return (hash >> 32) * num_words_ >> 32; }
  static uint64_t BitsOf(uint64_t hash) {
    const auto bit = [hash](int at) { return uint64_t{1} << (hash >> at & 63); };
    return bit(0) | bit(6) | bit(12) | bit(18);
  }

  const size_t num_words_;
  std::unique_ptr<Word[]> owner_;      // of words_
  std::atomic<Word*> words_{nullptr};  // null before the first key
};

}  // namespace fathom
