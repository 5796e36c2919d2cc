#include "tests/bench/records.h"

#include <algorithm>
#include <numeric>
#include <random>

namespace fathom {

RecordValues::RecordValues(size_t value_bytes) : value_bytes_(value_bytes) {
  constexpr size_t kBufferBytes = size_t{1} << 20;
  std::mt19937_64 random(1);
  while (bytes_.size() < kBufferBytes) {
    std::string half(value_bytes / 2, '\0');
    for (char& c : half) {
      c = static_cast<char>(' ' + random() % 95);
    }
    bytes_.append(half).append(half).append(value_bytes % 2, '.');
  }
}

std::vector<uint32_t> ShuffledNumbers(uint64_t n, uint64_t seed) {
  std::vector<uint32_t> numbers(n);
  std::iota(numbers.begin(), numbers.end(), 0);
  std::mt19937_64 random(seed);
  std::shuffle(numbers.begin(), numbers.end(), random);
  return numbers;
}

}  // namespace fathom
