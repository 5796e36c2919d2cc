// The samples that the protocol promises byte for byte, each in a process of its own.
#include <doctest/doctest.h>

#include "absl/strings/str_cat.h"
#include "tests/node/child.h"

namespace fathom {
namespace {

// Every sample twice in a row: nothing of the first process may show in the second.
template <typename Sample>
void Twice(Sample sample) {
  sample();
  sample();
}

TEST_CASE("protocol: init, put, get") {
  Twice([] {
    Child node;
    CHECK(node.Ask(R"({"src":"c0","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1",)"
                   R"("node_ids":["n1"]}})") == kInitReply);
    CHECK(node.Ask(R"({"src":"c1","dest":"n1","body":{"type":"memtable_put","msg_id":2,"key":"k1",)"
                   R"("value":"v1"}})") ==
          R"({"src": "n1", "dest": "c1", "body": {"type": "memtable_put_ok", "in_reply_to": 2, )"
          R"("msg_id": 1}})"
          "\n");
    CHECK(node.Ask(R"({"src":"c1","dest":"n1","body":{"type":"memtable_get","msg_id":3,)"
                   R"("key":"k1"}})") ==
          R"({"src": "n1", "dest": "c1", "body": {"type": "memtable_get_ok", "in_reply_to": 3, )"
          R"("value": "v1", "source": "memtable", "msg_id": 2}})"
          "\n");
    CHECK(node.Finish().empty());
  });
}

TEST_CASE("protocol: a get of a key that does not exist") {
  Twice([] {
    Child node;
    node.Write(kInitLine);
    CHECK(node.ReadLine() == kInitReply);
    CHECK(node.Ask(R"({"src":"c1","dest":"n1","body":{"type":"memtable_get","msg_id":2,)"
                   R"("key":"nonexistent"}})") ==
          R"({"src": "n1", "dest": "c1", "body": {"type": "memtable_get_ok", "in_reply_to": 2, )"
          R"("value": null, "source": "memtable", "msg_id": 1}})"
          "\n");
    CHECK(node.Finish().empty());
  });
}

TEST_CASE("protocol: a flush of an empty store and a cold lookup") {
  Twice([] {
    Child node;
    node.Write(kInitLine);
    CHECK(node.ReadLine() == kInitReply);
    const std::string flushed =
        node.Ask(R"({"src":"c1","dest":"n1","body":{"type":"sstable_flush","msg_id":2,)"
                 R"("memtable_size_bytes":4194304}})");
    const std::string head =
        R"({"src": "n1", "dest": "c1", "body": {"type": "sstable_flush_ok", "in_reply_to": 2, )"
        R"("sstable_file": "L0_001.sst", "entries": 50000, "bloom_filter_bits": 480000, )"
        R"("size_bytes": )";
    REQUIRE(flushed.substr(0, head.size()) == head);
    const uint64_t size_bytes = std::stoul(flushed.substr(head.size()));
    CHECK(size_bytes >= 3800000);
    CHECK(size_bytes <= 4200000);
    CHECK(flushed == absl::StrCat(head, size_bytes, ", \"msg_id\": 1}}\n"));
    CHECK(
        node.Ask(R"({"src":"c1","dest":"n1","body":{"type":"sstable_lookup","msg_id":3,)"
                 R"("sstable":"L0_001.sst","key":"user:42"}})") ==
        R"({"src": "n1", "dest": "c1", "body": {"type": "sstable_lookup_ok", "in_reply_to": 3, )"
        R"("found": true, "value": "Alice", "bloom_checked": true, "disk_reads": 2, "msg_id": 2}})"
        "\n");
    CHECK(node.Finish().empty());
  });
}

TEST_CASE("protocol: the compact style") {
  Twice([] {
    Child node({"--style=compact"});
    node.Write(kInitLine);
    CHECK(node.ReadLine() ==
          R"({"src":"n1","dest":"c0","body":{"type":"init_ok","in_reply_to":1,"msg_id":0}})"
          "\n");
    CHECK(node.Ask(R"({"src":"c1","dest":"n1","body":{"type":"lsm_put","msg_id":2,"key":"x",)"
                   R"("value":100}})") ==
          R"({"src":"n1","dest":"c1","body":{"type":"lsm_put_ok","in_reply_to":2,"msg_id":1}})"
          "\n");
    CHECK(node.Ask(R"({"src":"c2","dest":"n1","body":{"type":"lsm_get","msg_id":3,"key":"x"}})") ==
          R"({"src":"n1","dest":"c2","body":{"type":"lsm_get_ok","in_reply_to":3,"msg_id":2,)"
          R"("value":100}})"
          "\n");
    CHECK(node.Finish().empty());
  });
}

}  // namespace
}  // namespace fathom
