// What node_bench says to a node: kinds of messages, each with what must be sent before.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace fathom {

inline constexpr char kInitMessage[] =
    R"({"src":"c0","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1"]}})"
    "\n";

// The course's two messages.
inline constexpr char kFlushMessage[] =
    R"({"src":"c1","dest":"n1","body":{"type":"sstable_flush","msg_id":2,)"
    R"("memtable_size_bytes":4194304}})"
    "\n";
inline constexpr char kLookupMessage[] =
    R"({"src":"c1","dest":"n1","body":{"type":"sstable_lookup","msg_id":3,)"
    R"("sstable":"L0_001.sst","key":"user:42"}})"
    "\n";

struct Conversation {
  std::string name;
  bool parse_only = false;  // to a node that parses and answers, and does nothing else
  bool durable = false;     // to a node with a data directory
  std::string setup;        // lines, each of which is answered
  uint64_t setup_lines = 0;
  std::string messages;  // lines that are timed, each of which is answered
  uint64_t count = 0;
};

// Each with `count` messages.
std::vector<Conversation> Conversations(uint64_t count);

}  // namespace fathom
