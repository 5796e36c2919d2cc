// CRC-32C (Castagnoli), which RocksDB's and LevelDB's older tables carry. Fathom's own files use
// checksum.h.
#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"

namespace fathom {

uint32_t Crc32c(absl::string_view bytes);

}  // namespace fathom
