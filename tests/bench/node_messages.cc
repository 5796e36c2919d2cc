#include "tests/bench/node_messages.h"

#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace fathom {
namespace {

constexpr uint64_t kKeys = 10'000;

std::string KeyField(uint64_t key) { return absl::StrCat(R"("key":"user:)", key, R"(")"); }

std::string PutFields(uint64_t key) {
  return absl::StrCat(KeyField(key), R"(,"value":"value of user )", key, R"(")");
}

void AppendMessage(absl::string_view type, uint64_t msg_id, absl::string_view fields,
                   std::string* lines) {
  absl::StrAppend(lines, R"({"src":"c1","dest":"n1","body":{"type":")", type, R"(","msg_id":)",
                  msg_id, ",", fields, "}}\n");
}

// `count` messages of a type about keys at random; `fields` makes the fields of a key.
template <typename Fields>
std::string Messages(absl::string_view type, uint64_t count, Fields fields) {
  std::mt19937_64 random(5);
  std::string lines;
  for (uint64_t i = 0; i < count; ++i) {
    AppendMessage(type, i + 10, fields(random() % kKeys), &lines);
  }
  return lines;
}

std::string PutEveryKey() {
  std::string lines;
  for (uint64_t key = 0; key < kKeys; ++key) {
    AppendMessage("lsm_put", key + 10, PutFields(key), &lines);
  }
  return lines;
}

std::string LookupFields(uint64_t key) {
  return absl::StrCat(R"("sstable":"L0_001.sst",)", KeyField(key));
}

}  // namespace

std::vector<Conversation> Conversations(uint64_t count) {
  const std::string gets = Messages("lsm_get", count, KeyField);
  const std::string puts = Messages("lsm_put", count, PutFields);
  // Every key in one table, all of its blocks cached.
  std::string in_table = PutEveryKey();
  in_table += R"({"src":"c1","dest":"n1","body":{"type":"sstable_flush","msg_id":2}})"
              "\n";
  for (uint64_t key = 0; key < kKeys; ++key) {
    AppendMessage("lsm_get", key + 10, KeyField(key), &in_table);
  }

  std::vector<Conversation> all;
  const auto add = [&](absl::string_view name, std::string setup, uint64_t setup_lines,
                       std::string messages) -> Conversation& {
    all.push_back({.name = std::string(name),
                   .setup = std::move(setup),
                   .setup_lines = setup_lines,
                   .messages = std::move(messages),
                   .count = count});
    return all.back();
  };
  add("lsm_get, only parsed", "", 0, gets).parse_only = true;
  add("lsm_put, only parsed", "", 0, puts).parse_only = true;
  add("echo", "", 0, Messages("echo", count, [](uint64_t key) {
        return absl::StrCat(R"("echo":"Please echo )", key, R"(")");
      }));
  add("memtable_get, in the memtable", PutEveryKey(), kKeys,
      Messages("memtable_get", count, KeyField));
  add("lsm_get, in cached blocks", in_table, 2 * kKeys + 1, gets);
  add("sstable_lookup, in cached blocks", in_table, 2 * kKeys + 1,
      Messages("sstable_lookup", count, LookupFields));
  add("lsm_put", "", 0, puts);
  add("lsm_put, with --data-dir", "", 0, puts).durable = true;
  return all;
}

}  // namespace fathom
