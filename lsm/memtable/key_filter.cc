#include "lsm/memtable/key_filter.h"

namespace fathom {

void KeyFilter::Add(uint64_t hash) {
  if (num_words_ == 0) {
    return;
  }
  if (owner_ == nullptr) {
    owner_ = std::make_unique<Word[]>(num_words_);
    words_.store(owner_.get(), std::memory_order_release);
  }
  // No other thread writes to it.
  Word& word = owner_[WordOf(hash)];
  word.store(word.load(std::memory_order_relaxed) | BitsOf(hash), std::memory_order_relaxed);
}

}  // namespace fathom
