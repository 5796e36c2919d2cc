#include "node/streams.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <string>
#include <thread>

namespace fathom {
namespace {

struct Pipe {
  Pipe() { REQUIRE(pipe2(fds, O_CLOEXEC) == 0); }
  ~Pipe() {
    close(fds[0]);
    close(fds[1]);
  }
  int fds[2];
};

TEST_CASE("streams: a source reads what there is, then the end") {
  Pipe pipe;
  REQUIRE(write(pipe.fds[1], "hello", 5) == 5);
  FdSource source(pipe.fds[0]);
  char buffer[16];
  CHECK(source.Read(buffer, 3).value() == 3);
  CHECK(source.Read(buffer, sizeof(buffer)).value() == 2);
  close(pipe.fds[1]);
  CHECK(source.Read(buffer, sizeof(buffer)).value() == 0);
  pipe.fds[1] = dup(pipe.fds[0]);
}

TEST_CASE("streams: a source that may not block still waits for bytes") {
  Pipe pipe;
  fcntl(pipe.fds[0], F_SETFL, O_NONBLOCK);
  FdSource source(pipe.fds[0]);
  std::thread writer([&] {
    usleep(20000);
    CHECK(write(pipe.fds[1], "x", 1) == 1);
  });
  char c = 0;
  CHECK(source.Read(&c, 1).value() == 1);
  CHECK(c == 'x');
  writer.join();
}

TEST_CASE("streams: a stop comes before bytes that are waiting") {
  Pipe pipe;
  Pipe stop;
  REQUIRE(write(pipe.fds[1], "x", 1) == 1);
  REQUIRE(write(stop.fds[1], "!", 1) == 1);
  FdSource source(pipe.fds[0], stop.fds[0]);
  char c = 0;
  CHECK(absl::IsCancelled(source.Read(&c, 1).status()));
}

TEST_CASE("streams: a sink writes all, to a full pipe that may not block too") {
  Pipe pipe;
  fcntl(pipe.fds[1], F_SETFL, O_NONBLOCK);
  const std::string text(size_t{1} << 20, 'y');
  std::string read_back;
  std::thread reader([&] {
    char buffer[4096];
    while (read_back.size() < text.size()) {
      const ssize_t n = read(pipe.fds[0], buffer, sizeof(buffer));
      read_back.append(buffer, static_cast<size_t>(n));
    }
  });
  CHECK(FdSink(pipe.fds[1]).Write(text).ok());
  reader.join();
  CHECK(read_back == text);
}

TEST_CASE("streams: errors are told") {
  signal(SIGPIPE, SIG_IGN);
  char c = 0;
  CHECK_FALSE(FdSource(1000000).Read(&c, 1).ok());  // no such descriptor
  const int full = open("/dev/full", O_WRONLY);
  CHECK(absl::IsResourceExhausted(FdSink(full).Write("x")));
  close(full);
  Pipe pipe;
  close(pipe.fds[0]);
  CHECK_FALSE(FdSink(pipe.fds[1]).Write("x").ok());
  pipe.fds[0] = dup(pipe.fds[1]);
}

}  // namespace
}  // namespace fathom
