// What kind of machine this is and when, for the head of a table of figures.
#pragma once

#include <string>

namespace fathom {

// Such as "2 cores of Intel(R) Xeon(R) Processor, 23.5 GiB of memory, Linux 6.1.0 x86_64".
std::string DescribeMachine();

// The local date and time, to the minute.
std::string Now();

}  // namespace fathom
