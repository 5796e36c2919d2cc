// A libFuzzer program over the target that FATHOM_FUZZ_TARGET names.
#include <cstddef>
#include <cstdint>

#include "tests/fuzz/targets.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fathom::FATHOM_FUZZ_TARGET(absl::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
