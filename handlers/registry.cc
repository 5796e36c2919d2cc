#include "handlers/registry.h"

#include <cassert>

#include "absl/strings/str_cat.h"
#include "handlers/families.h"

namespace fathom {

void Registry::Add(absl::string_view type, Handler handler) {
  const bool added = entries_.emplace(type, Entry{handler, absl::StrCat(type, "_ok")}).second;
  assert(added);
  (void)added;
}

const Registry::Entry* Registry::Find(absl::string_view type) const {
  const auto it = entries_.find(type);
  return it == entries_.end() ? nullptr : &it->second;
}

const Registry& AllHandlers() {
  static const Registry* const registry = [] {
    auto* all = new Registry;
    RegisterBasicHandlers(all);
    RegisterMemtableHandlers(all);
    RegisterSstableHandlers(all);
    RegisterLsmHandlers(all);
    RegisterLinKvHandlers(all);
    RegisterCompactionHandlers(all);
    RegisterBenchmarkHandlers(all);
    RegisterStatsHandlers(all);
    return all;
  }();
  return *registry;
}

}  // namespace fathom
