// Turns versions into keys: of each user key the newest version at or below a sequence, tombstones
// and what they hide left out.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "lsm/format/internal_iterator.h"
#include "lsm/format/internal_key.h"
#include "lsm/iterator.h"
#include "lsm/view.h"

namespace fathom {

// `internal` yields every version, with keys that are valid; the iterator keeps `view` alive, which
// holds what it reads. Keys outside [lower, upper) are not shown (absent: no bound).
std::unique_ptr<Iterator> NewDBIterator(std::shared_ptr<const View> view,
                                        std::unique_ptr<InternalIterator> internal,
                                        SequenceNumber sequence, std::optional<std::string> lower,
                                        std::optional<std::string> upper);

}  // namespace fathom
