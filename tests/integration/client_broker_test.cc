// SPDX-License-Identifier: Apache-2.0
// Brokers that are not there, go away, or are left behind by fork.
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <future>
#include <thread>

#include "client_fixture.h"

namespace sb_test {
namespace {

bool Says(const char *word) { return strstr(sb_error_message(), word) != nullptr; }

class Folder {
 public:
  Folder() { EXPECT_NE(nullptr, mkdtemp(name_)); }
  ~Folder() {
    unlink(path().c_str());
    rmdir(name_);
  }
  std::string path() const { return std::string(name_) + "/s"; }
  std::string address() const { return "unix:" + path(); }

 private:
  char name_[32] = "/tmp/sockbroker-test.XXXXXX";
};

// A UNIX socket that is bound there.
int Bound(const std::string &path) {
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un sun = {};
  sun.sun_family = AF_UNIX;
  path.copy(sun.sun_path, sizeof(sun.sun_path) - 1);
  EXPECT_EQ(0, bind(fd, reinterpret_cast<sockaddr *>(&sun), sizeof(sun)));
  return fd;
}

TEST(NoBroker, AMissingPathIsEnoentAndNamed) {
  Folder folder;
  EXPECT_EQ(nullptr, sb_connect_broker(folder.address().c_str(), SB_TRANSPORT_STREAM));
  EXPECT_EQ(ENOENT, errno);
  EXPECT_TRUE(Says(folder.address().c_str())) << sb_error_message();
  EXPECT_TRUE(Says("Start sockbrokerd")) << sb_error_message();
}

TEST(NoBroker, ASocketThatNobodyListensOnIsEconnrefused) {
  Folder folder;
  close(Bound(folder.path()));
  EXPECT_EQ(nullptr, sb_connect_broker(folder.address().c_str(), SB_TRANSPORT_STREAM));
  EXPECT_EQ(ECONNREFUSED, errno);
  EXPECT_TRUE(Says("no broker listens")) << sb_error_message();
}

TEST(NoBroker, WhatIsNoAddressIsEinval) {
  EXPECT_EQ(nullptr, sb_connect_broker("tcp:1.2.3.4", SB_TRANSPORT_STREAM));
  EXPECT_EQ(EINVAL, errno);
  EXPECT_TRUE(Says("tcp:1.2.3.4")) << sb_error_message();
  EXPECT_EQ(nullptr, sb_connect_broker("unix:", SB_TRANSPORT_STREAM));
  EXPECT_EQ(EINVAL, errno);
  EXPECT_EQ(nullptr, sb_connect_broker("unix:/x", 7));
  EXPECT_EQ(EINVAL, errno);
}

TEST(NoBroker, APathThatIsTooLongSaysSo) {
  std::string address = "unix:/" + std::string(200, 'x');
  EXPECT_EQ(nullptr, sb_connect_broker(address.c_str(), SB_TRANSPORT_STREAM));
  EXPECT_EQ(ENAMETOOLONG, errno);
}

TEST(NoBroker, AServerThatHangsUpIsEproto) {
  Folder folder;
  int fd = Bound(folder.path());
  ASSERT_EQ(0, listen(fd, 1));
  std::thread server([fd] { close(accept(fd, nullptr, nullptr)); });
  EXPECT_EQ(nullptr, sb_connect_broker(folder.address().c_str(), SB_TRANSPORT_STREAM));
  EXPECT_EQ(EPROTO, errno);
  EXPECT_TRUE(Says("no broker")) << sb_error_message();
  server.join();
  close(fd);
}

TEST(NoBroker, SocketFailsAsTheConnectionDoesAndRecovers) {
  Folder folder;
  setenv("SOCKBROKER_ADDRESS", folder.address().c_str(), 1);
  EXPECT_EQ(-1, sb_socket(AF_INET, SOCK_DGRAM, 0));
  EXPECT_EQ(ENOENT, errno);

  Broker daemon;
  ASSERT_TRUE(daemon.Started()) << daemon.Log();
  setenv("SOCKBROKER_ADDRESS", daemon.address().c_str(), 1);
  int fd = sb_socket(AF_INET, SOCK_DGRAM, 0);
  EXPECT_LE(0, fd) << sb_error_message();
  EXPECT_EQ(0, sb_close(fd));
  unsetenv("SOCKBROKER_ADDRESS");
}

TEST(BrokerGone, CallsAreEpipeWithASentenceAndCloseSucceeds) {
  Broker daemon;
  ASSERT_TRUE(daemon.Started()) << daemon.Log();
  sb_broker *b = sb_connect_broker(daemon.address().c_str(), SB_TRANSPORT_STREAM);
  ASSERT_NE(nullptr, b) << sb_error_message();
  int fd = sb_socket_at(b, AF_INET, SOCK_DGRAM, 0);
  daemon.Kill();
  EXPECT_EQ(-1, sb_listen(fd, 1));
  EXPECT_EQ(EPIPE, errno);
  EXPECT_TRUE(Says("the broker has gone")) << sb_error_message();
  EXPECT_EQ(POLLERR | POLLHUP, PollOne(sb_poll, fd, POLLIN, -1));
  EXPECT_EQ(0, sb_close(fd));
  sb_disconnect_broker(b);
}

TEST(BrokerGone, ABlockedCallReturns) {
  for (int transport : {SB_TRANSPORT_STREAM, SB_TRANSPORT_UNARY}) {
    Broker daemon;
    ASSERT_TRUE(daemon.Started()) << daemon.Log();
    sb_broker *b = sb_connect_broker(daemon.address().c_str(), transport);
    ASSERT_NE(nullptr, b) << sb_error_message();
    int sv[2];
    ASSERT_EQ(0, sb_socketpair_at(b, AF_UNIX, SOCK_STREAM, 0, sv)) << sb_error_message();
    std::promise<void> started;
    auto result = std::async(std::launch::async, [&] {
      char c;
      started.set_value();
      ssize_t n = sb_recv(sv[0], &c, 1, 0);
      return n < 0 ? -errno : n;
    });
    started.get_future().wait();
    daemon.Kill();
    EXPECT_EQ(-EPIPE, result.get());
    sb_close(sv[0]);
    sb_close(sv[1]);
    sb_disconnect_broker(b);
  }
}

TEST(BrokerGone, DisconnectLeavesStandinsThatCanBeClosed) {
  Broker daemon;
  ASSERT_TRUE(daemon.Started()) << daemon.Log();
  sb_broker *b = sb_connect_broker(daemon.address().c_str(), SB_TRANSPORT_STREAM);
  ASSERT_NE(nullptr, b) << sb_error_message();
  int fd = sb_socket_at(b, AF_INET, SOCK_DGRAM, 0);
  sb_disconnect_broker(b);
  EXPECT_EQ(-1, sb_listen(fd, 1));
  EXPECT_EQ(EPIPE, errno);
  EXPECT_EQ(0, sb_close(fd));
}

class ForkTest : public ClientTest {
 protected:
  // Runs it in a child, whose exit status it returns.
  template <typename F>
  int InChild(F body) {
    pid_t pid = fork();
    if (pid == 0) {
      alarm(20);
      _exit(body());
    }
    int status = -1;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
};

TEST_F(ForkTest, TheChildGetsEbadfForEverything) {
  auto [a, b] = Pair();
  int fd = a;
  EXPECT_EQ(0, InChild([&] {
    char c;
    if (sb_recv(fd, &c, 1, 0) != -1 || errno != EBADF) return 1;
    if (sb_close(fd) != -1 || errno != EBADF) return 2;
    if (sb_socket(AF_INET, SOCK_DGRAM, 0) != -1 || errno != EBADF) return 3;
    if (sb_socket_at(broker_, AF_INET, SOCK_DGRAM, 0) != -1 || errno != EBADF) return 4;
    if (!strstr(sb_error_message(), "fork")) return 5;
    if (PollOne(sb_poll, fd, POLLIN, 0) != POLLNVAL) return 6;
    if (sb_connect_broker(daemon_.address().c_str(), 0) || errno != EBADF) return 7;
    return 0;
  }));
  sb_close(a);
  sb_close(b);
}

TEST_F(ForkTest, TheParentGoesOn) {
  auto [a, b] = Pair();
  EXPECT_EQ(0, InChild([] { return 0; }));
  char c = 0;
  EXPECT_EQ(1, sb_send(a, "p", 1, 0)) << sb_error_message();
  EXPECT_EQ(1, sb_recv(b, &c, 1, 0));
  EXPECT_EQ('p', c);
  sb_close(a);
  sb_close(b);
}

TEST_F(ForkTest, TheChildHoldsNoEndOfTheConnection) {
  auto connected = [&] {
    int n = 0;
    for (int fd = 3; fd < 256; fd++) {
      sockaddr_un peer = {};
      socklen_t len = sizeof(peer);
      if (getpeername(fd, reinterpret_cast<sockaddr *>(&peer), &len) == 0 &&
          daemon_.address() == std::string("unix:") + peer.sun_path)
        n++;
    }
    return n;
  };
  EXPECT_LT(0, connected());
  EXPECT_EQ(0, InChild(connected));
}

TEST_F(ForkTest, AChildMayExec) {
  EXPECT_EQ(0, InChild([] {
    execl("/bin/true", "true", nullptr);
    return 1;
  }));
}

}  // namespace
}  // namespace sb_test
