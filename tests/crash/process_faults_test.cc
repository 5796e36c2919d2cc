// The real program where its surroundings fail: no space, a data directory that cannot be used, an
// output that nobody reads, input that is no message.
#include <doctest/doctest.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include "handlers/temp_dir.h"
#include "tests/crash/clients.h"

namespace fathom {
namespace {

std::string Put(int key, size_t value_bytes) {
  return absl::StrCat(R"({"src":"c","dest":"n1","body":{"type":"lsm_put","msg_id":2,"key":"key)",
                      key, R"(","value":")", std::string(value_bytes, 'v'), "\"}}");
}

bool IsThere(Child* node, int key) {
  const std::string reply = node->Ask(absl::StrCat(
      R"({"src":"c","dest":"n1","body":{"type":"lsm_get","msg_id":2,"key":"key)", key, "\"}}"));
  REQUIRE_MESSAGE(absl::StrContains(reply, "lsm_get_ok"), reply);
  return absl::StrContains(reply, "\"vvv");
}

void Init(Child* node) {
  node->Write(kInitLine);
  REQUIRE(node->ReadLine() == kInitReply);
}

// Fills the space that `node` has until a write fails, checks what it then answers, and what
// another node finds once `free_space` has been called.
void FillAndRecover(const std::string& data_dir, std::unique_ptr<Child> node,
                    const std::function<void()>& free_space) {
  Init(node.get());
  constexpr size_t kValueBytes = 20000;
  int acknowledged = 0;
  std::string reply;
  for (; acknowledged < 1000; ++acknowledged) {
    reply = node->Ask(Put(acknowledged, kValueBytes));
    if (!absl::StrContains(reply, "lsm_put_ok")) {
      break;
    }
  }
  REQUIRE(acknowledged > 0);
  REQUIRE(acknowledged < 1000);
  // It may have happened, or it did not; never a success.
  CHECK((absl::StrContains(reply, "\"code\": 13") || absl::StrContains(reply, "\"code\": 11")));
  for (int key = 0; key < acknowledged; ++key) {
    CHECK(IsThere(node.get(), key));
  }
  CHECK(absl::StrContains(node->Ask(Put(5000, 10)), "\"type\": \"error\""));
  node->CloseInput();
  node->ReadAll();
  node->Wait();

  free_space();
  Child again({"--data-dir=" + data_dir});
  Init(&again);
  for (int key = 0; key < acknowledged; ++key) {
    CHECK(IsThere(&again, key));
  }
  CHECK(absl::StrContains(again.Ask(Put(5000, kValueBytes)), "lsm_put_ok"));
  CHECK(IsThere(&again, 5000));
  again.Finish();
}

// Crash cases 8 and 57.
TEST_CASE("faults: at its greatest file size a node answers errors, reads on and keeps its word") {
  const auto temp = TempDir::Make();
  REQUIRE(temp.ok());
  rlimit before;
  REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
  const rlimit small = {.rlim_cur = 3 << 20, .rlim_max = before.rlim_max};
  REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);  // the child inherits it
  auto node = std::make_unique<Child>(std::vector<std::string>{"--data-dir=" + (*temp)->path()});
  REQUIRE(setrlimit(RLIMIT_FSIZE, &before) == 0);
  FillAndRecover((*temp)->path(), std::move(node), [] {});
}

// A file system of its own, where mounting is allowed.
class Mounted {
 public:
  Mounted(const std::string& dir, const char* options) : dir_(dir) {
    mounted_ = mount("tmpfs", dir_.c_str(), "tmpfs", 0, options) == 0;
  }
  ~Mounted() {
    if (mounted_) {
      umount2(dir_.c_str(), MNT_DETACH);
    }
  }
  Mounted(const Mounted&) = delete;
  Mounted& operator=(const Mounted&) = delete;

  explicit operator bool() const { return mounted_; }
  bool MakeReadOnly() const {
    return mount("tmpfs", dir_.c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, nullptr) == 0;
  }

 private:
  const std::string dir_;
  bool mounted_ = false;
};

// Crash cases 8 and 57.
TEST_CASE("faults: on a full disk a node answers errors, reads on and keeps its word") {
  const auto temp = TempDir::Make();
  REQUIRE(temp.ok());
  const Mounted disk((*temp)->path(), "size=8m");
  if (!disk) {
    MESSAGE("not run: mounting is not allowed here");
    return;
  }
  const std::string filler = (*temp)->path() + "/filler";
  std::ofstream(filler) << std::string(4 << 20, 'f');
  FillAndRecover((*temp)->path(),
                 std::make_unique<Child>(std::vector<std::string>{"--data-dir=" + (*temp)->path()}),
                 [&] { std::filesystem::remove(filler); });
}

TEST_CASE("faults: a read-only data directory is told, and the node goes on answering") {
  const auto temp = TempDir::Make();
  REQUIRE(temp.ok());
  const Mounted disk((*temp)->path(), "size=8m");
  if (!disk) {
    MESSAGE("not run: mounting is not allowed here");
    return;
  }
  {
    Child node({"--data-dir=" + (*temp)->path()});
    Init(&node);
    CHECK(absl::StrContains(node.Ask(Put(1, 10)), "lsm_put_ok"));
    node.Finish();
  }
  REQUIRE(disk.MakeReadOnly());
  Child node({"--data-dir=" + (*temp)->path()});
  node.Write(kInitLine);
  CHECK(absl::StrContains(node.ReadLine(), "Read-only file system"));
  CHECK(absl::StrContains(node.Ask(Put(2, 10)), "\"code\": 11"));
  node.Finish();
  // What only reads does.
  Child verify({"verify", (*temp)->path()});
  verify.CloseInput();
  CHECK(absl::StrContains(verify.ReadAll(), ": sound\n"));
  CHECK(verify.Wait() == 0);
}

TEST_CASE("faults: a data directory that cannot be one is told in the answer to init") {
  const auto temp = TempDir::Make();
  REQUIRE(temp.ok());
  const std::string file = (*temp)->path() + "/file";
  std::ofstream(file) << "not a directory";
  for (const std::string& dir : {file, file + "/below", std::string("/proc/fathom")}) {
    CAPTURE(dir);
    Child node({"--data-dir=" + dir});
    node.Write(kInitLine);
    CHECK(absl::StrContains(node.ReadLine(), "\"type\": \"error\""));
    CHECK(absl::StrContains(node.Ask(Put(1, 10)), "\"code\": 11"));
    node.Finish();
  }
}

// Crash case 62.
TEST_CASE("faults: an output that nobody reads ends the node, and nothing acknowledged is lost") {
  const auto temp = TempDir::Make();
  REQUIRE(temp.ok());
  const std::string data_dir = "--data-dir=" + (*temp)->path();
  {
    Child node({data_dir});
    Init(&node);
    for (int key = 0; key < 20; ++key) {
      CHECK(absl::StrContains(node.Ask(Put(key, 100)), "lsm_put_ok"));
    }
    node.CloseOutput();
    node.Write(Put(20, 100) + "\n");  // may be there or not: nobody can have seen the answer
    CHECK(node.Wait() == 1);
    CHECK(absl::StrContains(node.Errors(), "output failed"));
  }
  Child node({data_dir});
  Init(&node);
  for (int key = 0; key < 20; ++key) {
    CHECK(IsThere(&node, key));
  }
  node.Finish();
}

// Crash case 65.
TEST_CASE(
    "faults: whatever comes in, one line goes out for each that can be answered, and only those") {
  Child node({"--max-line-bytes=4096"});
  Init(&node);
  node.Write(absl::StrCat("\n", "nonsense\n", "{\"src\":\n", std::string(100000, 'x'), "\n", "\r\n",
                          R"({"src":"c","dest":"n1","body":{"type":"nobody knows it","msg_id":7}})",
                          "\n", Put(1, 10)));  // the last line has no end
  node.CloseInput();
  const std::string unknown = node.ReadLine();
  CHECK(absl::StrContains(unknown, "\"in_reply_to\": 7, \"code\": 10"));
  CHECK(absl::StrContains(node.ReadLine(), "lsm_put_ok"));
  CHECK(node.ReadAll().empty());
  CHECK(node.Wait() == 0);
  CHECK(absl::StrContains(node.Errors(), "nonsense"));
}

}  // namespace
}  // namespace fathom
