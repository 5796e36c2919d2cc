// The entry functions of the fuzzers: each takes any bytes, drives one part of Fathom with them,
// and aborts, with a line on stderr, where that part breaks a promise. A fuzzer (fuzz_main.cc)
// calls one of them, corpus_test.cc all of them.
//
// Each answers whether it found the input sound, which is to say: read to its end without an error.
// It is what tells a seed that still reaches the depths from one that a change of format has made
// useless.
//
// What the bytes of an input mean is told at the head of each target's source.
#pragma once

#include "absl/strings/string_view.h"

namespace fathom {

bool FuzzLog(absl::string_view input);
bool FuzzTable(absl::string_view input);
bool FuzzManifest(absl::string_view input);
bool FuzzNode(absl::string_view input);
bool FuzzDb(absl::string_view input);

struct FuzzTarget {
  const char* name;  // also of its folder in corpus/
  bool (*run)(absl::string_view input);
};

inline constexpr FuzzTarget kFuzzTargets[] = {
    {"log", FuzzLog},   {"table", FuzzTable}, {"manifest", FuzzManifest},
    {"node", FuzzNode}, {"db", FuzzDb},
};

}  // namespace fathom
