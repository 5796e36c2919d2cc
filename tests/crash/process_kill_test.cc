// The real program, killed at random moments under load. A seed gives the requests; the moment is
// the machine's, so that a failure need not come again.
//
//   FATHOM_TEST_OPS=100   a hundred times as many rounds
//   FATHOM_SEED=7         the requests of another seed
#include <doctest/doctest.h>

#include <chrono>
#include <thread>

#include "handlers/temp_dir.h"
#include "lsm/verify.h"
#include "tests/crash/clients.h"
#include "tests/runs.h"

namespace fathom {
namespace {

constexpr uint64_t kRoundsOfEachShape = 6;

// Small limits, so that a short life comes to flushes and compactions.
std::vector<std::string> Arguments(const std::string& data_dir) {
  return {"--data-dir=" + data_dir, "--memtable-bytes=32768", "--level0-compaction-tables=2",
          "--table-bytes=65536", "--level0-bytes=131072"};
}

// Takes the answers that come until the node's end; each must be a good one. A line that the end
// cut off is none.
void TakeAnswers(Child* node, Ledger* ledger) {
  for (;;) {
    const std::string reply = node->ReadLine();
    if (!absl::EndsWith(reply, "\n")) {
      return;
    }
    REQUIRE_MESSAGE(absl::StrContains(reply, "_ok\""), reply);
    ledger->Answered();
  }
}

// Sends requests until the node dies.
void Load(Child* node, const Shape& shape, Client* client, Ledger* ledger) {
  for (;;) {
    std::string lines;
    for (size_t i = 0; i < shape.requests_at_once; ++i) {
      lines += client->Next(shape);
    }
    if (!node->Write(lines)) {
      return;
    }
    for (size_t i = 0; i < shape.requests_at_once; ++i) {
      const std::string reply = node->ReadLine();
      if (!absl::EndsWith(reply, "\n")) {
        return;
      }
      REQUIRE_MESSAGE(absl::StrContains(reply, "_ok\""), reply);
      ledger->Answered();
    }
  }
}

void StartAndCheck(Child* node, Ledger* ledger) {
  node->Write(kInitLine);
  REQUIRE(node->ReadLine() == kInitReply);  // counts from 0 again; recovery is over
  const Ledger::Contents found = ContentsOf(node);
  REQUIRE(ledger->Recovered(found));
}

// Crash cases 14, 62 and 64.
TEST_CASE("kill: whenever the node is killed, it comes back with every acknowledged write") {
  const uint64_t seed = NumberFrom("FATHOM_SEED", 1);
  const uint64_t rounds = kRoundsOfEachShape * NumberFrom("FATHOM_TEST_OPS", 1);
  uint64_t answers = 0;
  for (const Shape& shape : kShapes) {
    const auto temp = TempDir::Make();
    REQUIRE(temp.ok());
    Ledger ledger;
    Client client(seed, &ledger);
    for (uint64_t round = 0; round < rounds; ++round) {
      CAPTURE(std::string(shape.name));
      CAPTURE(seed);
      CAPTURE(round);
      Child node(Arguments((*temp)->path()));
      StartAndCheck(&node, &ledger);
      const auto moment = std::chrono::microseconds(client.Random(40000));
      std::thread killer([&] {
        std::this_thread::sleep_for(moment);
        node.Signal(SIGKILL);
      });
      Load(&node, shape, &client, &ledger);
      killer.join();
      TakeAnswers(&node, &ledger);
      CHECK(node.Wait() == 128 + SIGKILL);
      // What a kill leaves is not damage.
      const auto check = VerifyStore(Options(), (*temp)->path() + "/n1", nullptr);
      REQUIRE_MESSAGE(check.ok(), check.status().ToString());
      CHECK_MESSAGE(check->damage.empty(), check->damage.front());
    }
    Child node(Arguments((*temp)->path()));
    StartAndCheck(&node, &ledger);
    node.Finish();
    answers += ledger.answers();
  }
  MESSAGE("seed " << seed << ": " << rounds * kShapes.size() << " kills, " << answers
                  << " acknowledged requests");
  CHECK(answers > rounds);
}

// Crash cases 25 and 64.
TEST_CASE("kill: a node that is killed while it opens its store, again and again, loses nothing") {
  const uint64_t rounds = 10 * NumberFrom("FATHOM_TEST_OPS", 1);
  const auto temp = TempDir::Make();
  REQUIRE(temp.ok());
  Ledger ledger;
  Client client(NumberFrom("FATHOM_SEED", 1), &ledger);
  {
    Child node(Arguments((*temp)->path()));
    StartAndCheck(&node, &ledger);
    for (int i = 0; i < 300; ++i) {
      node.Write(client.Next(kShapes[3]));
      REQUIRE(absl::StrContains(node.ReadLine(), "_ok\""));
      ledger.Answered();
    }
    node.Signal(SIGKILL);
    node.Wait();
  }
  for (uint64_t round = 0; round < rounds; ++round) {
    Child node(Arguments((*temp)->path()));
    node.Write(kInitLine);
    std::this_thread::sleep_for(std::chrono::microseconds(client.Random(8000)));
    node.Signal(SIGKILL);
    node.Wait();
  }
  Child node(Arguments((*temp)->path()));
  StartAndCheck(&node, &ledger);
  node.Finish();
}

TEST_CASE("kill: SIGTERM under load ends cleanly, with everything that was read answered") {
  uint64_t answers = 0;
  for (const Shape& shape : kShapes) {
    CAPTURE(std::string(shape.name));
    const auto temp = TempDir::Make();
    REQUIRE(temp.ok());
    Ledger ledger;
    Client client(2, &ledger);
    {
      Child node(Arguments((*temp)->path()));
      StartAndCheck(&node, &ledger);
      std::thread stopper([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        node.Signal(SIGTERM);
      });
      Load(&node, shape, &client, &ledger);
      stopper.join();
      TakeAnswers(&node, &ledger);
      CHECK(node.Wait() == 0);
    }
    // What was not answered was not read, and so was not done.
    Child node(Arguments((*temp)->path()));
    node.Write(kInitLine);
    REQUIRE(node.ReadLine() == kInitReply);
    CHECK(ContentsOf(&node) == ledger.acknowledged());
    answers += ledger.answers();
    node.Finish();
  }
  CHECK(answers > 0);
}

}  // namespace
}  // namespace fathom
