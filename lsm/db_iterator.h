// Turns versions into keys: of each user key the newest version at or below a sequence, tombstones
// and what they hide left out.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "lsm/format/internal_iterator.h"
#include "lsm/format/internal_key.h"
#include "lsm/iterator.h"

namespace fathom {

// `internal` yields every version; it keeps alive what it reads. Keys outside [lower, upper) are
// not shown (absent: no bound). Keys that do not parse end the iterator with DataLoss.
std::unique_ptr<Iterator> NewDBIterator(std::unique_ptr<InternalIterator> internal,
                                        SequenceNumber sequence, std::optional<std::string> lower,
                                        std::optional<std::string> upper);

}  // namespace fathom
