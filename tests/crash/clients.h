// Clients of the real node, and what it then owes them.
//
// The node handles requests in the order in which it reads them, and a reply acknowledges all
// before it. So after a crash the store must hold what the requests up to some place did, all of
// each and nothing of those after it, and that place is at or after the last acknowledged one.
#pragma once

#include <doctest/doctest.h>

#include <array>
#include <deque>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/node/child.h"

namespace fathom {

// A request, and what it changes: absent is deleted.
struct Request {
  std::string line;
  std::vector<std::pair<std::string, std::optional<std::string>>> changes;
};

// What the store must hold.
class Ledger {
 public:
  using Contents = std::map<std::string, std::string>;

  void Sent(const Request& request) {
    unanswered_.push_back(request);
    Apply(request, &latest_);
  }
  void Answered() {
    REQUIRE_FALSE(unanswered_.empty());
    Apply(unanswered_.front(), &acknowledged_);
    unanswered_.pop_front();
    ++answers_;
  }
  // With every request that was sent.
  const Contents& latest() const { return latest_; }
  uint64_t answers() const { return answers_; }

  // Exactly what was acknowledged, and nothing of what was not answered.
  const Contents& acknowledged() const { return acknowledged_; }

  // Whether a store that came back with `found` kept its word; it is the truth from now on.
  bool Recovered(const Contents& found) {
    while (acknowledged_ != found && !unanswered_.empty()) {
      Apply(unanswered_.front(), &acknowledged_);
      unanswered_.pop_front();
    }
    unanswered_.clear();
    latest_ = acknowledged_;
    return acknowledged_ == found;
  }

 private:
  static void Apply(const Request& request, Contents* contents) {
    for (const auto& [key, value] : request.changes) {
      if (value.has_value()) {
        (*contents)[key] = *value;
      } else {
        contents->erase(key);
      }
    }
  }

  Contents acknowledged_;
  Contents latest_;
  std::deque<Request> unanswered_;
  uint64_t answers_ = 0;
};

// How a client behaves.
struct Shape {
  const char* name;
  size_t requests_at_once;
  size_t value_bytes;
  bool maintenance;  // flushes and compactions in between
  bool lin_kv;
};
inline constexpr std::array<Shape, 5> kShapes = {{
    {"one message at a time", 1, 20, false, false},
    {"deep pipelining", 400, 20, false, false},
    {"large values", 4, 100000, false, false},
    {"flushes and compactions in between", 60, 200, true, false},
    {"lin-kv", 20, 20, false, true},
}};

class Client {
 public:
  Client(uint64_t seed, Ledger* ledger) : random_(seed), ledger_(ledger) {}

  // The next request of a client of this shape; the ledger knows it as sent.
  std::string Next(const Shape& shape) {
    Request request = shape.lin_kv                               ? LinKv()
                      : shape.maintenance && random_() % 15 == 0 ? Maintenance()
                                                                 : Write(shape.value_bytes);
    ledger_->Sent(request);
    return request.line;
  }
  uint64_t Random(uint64_t below) { return random_() % below; }

 private:
  static std::string Line(const std::string& body) {
    return absl::StrCat(R"({"src":"c1","dest":"n1","body":{"msg_id":1,)", body, "}}\n");
  }
  std::string Key() { return absl::StrCat("key", random_() % 50); }
  // Never the same twice.
  std::string Value(size_t bytes) {
    std::string value = absl::StrCat("v", ++values_, " ");
    value.append(random_() % bytes, 'x');
    return value;
  }

  Request Write(size_t value_bytes) {
    const uint64_t kind = random_() % 10;
    if (kind < 7) {
      const std::string key = Key();
      const std::string value = Value(value_bytes);
      return {Line(absl::StrCat(R"("type":"lsm_put","key":")", key, R"(","value":")", value, "\"")),
              {{key, value}}};
    }
    if (kind < 9) {
      const std::string key = Key();
      return {Line(absl::StrCat(R"("type":"lsm_delete","key":")", key, "\"")),
              {{key, std::nullopt}}};
    }
    Request batch;
    std::string ops;
    for (int i = 0; i < 5; ++i) {
      const std::string key = Key();
      const std::string value = Value(value_bytes);
      absl::StrAppend(&ops, i == 0 ? "" : ",", R"({"op":"put","key":")", key, R"(","value":")",
                      value, "\"}");
      batch.changes.emplace_back(key, value);
    }
    batch.line = Line(absl::StrCat(R"("type":"lsm_write","ops":[)", ops, "]"));
    return batch;
  }

  Request Maintenance() {
    static constexpr const char* kBodies[] = {
        R"("type":"sstable_flush")",
        R"("type":"lsm_compact","source_level":0,"target_level":1)",
        R"("type":"lsm_compact","source_level":1,"target_level":2)",
        R"("type":"lsm_verify")",
    };
    return {Line(kBodies[random_() % std::size(kBodies)]), {}};
  }

  Request LinKv() {
    const std::string key = Key();
    const auto now = ledger_->latest().find(key);
    const std::string value = Value(20);
    if (now != ledger_->latest().end() && random_() % 2 == 0) {
      return {Line(absl::StrCat(R"("type":"cas","key":")", key, R"(","from":")", now->second,
                                R"(","to":")", value, "\"")),
              {{key, value}}};
    }
    if (now != ledger_->latest().end() && random_() % 2 == 0) {
      return {Line(absl::StrCat(R"("type":"read","key":")", key, "\"")), {}};
    }
    return {Line(absl::StrCat(R"("type":"write","key":")", key, R"(","value":")", value, "\"")),
            {{key, value}}};
  }

  std::mt19937_64 random_;
  Ledger* const ledger_;
  uint64_t values_ = 0;
};

// All that a node's store holds, by its own scan.
inline Ledger::Contents ContentsOf(Child* node) {
  const std::string reply =
      node->Ask(R"({"src":"c","dest":"n1","body":{"type":"lsm_scan","start":"","end":"zzz"}})");
  const nlohmann::json body = nlohmann::json::parse(reply)["body"];
  REQUIRE_MESSAGE(body["type"] == "lsm_scan_ok", reply);
  Ledger::Contents contents;
  for (const nlohmann::json& entry : body["entries"]) {
    contents[entry["key"]] = entry["value"];
  }
  return contents;
}

}  // namespace fathom
