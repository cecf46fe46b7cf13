// SPDX-License-Identifier: Apache-2.0
//
// Connections that say nothing, or nonsense, or end in the middle.
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/un.h>

#include <sstream>

#include "integration/hostile.h"

using namespace sb_test;

namespace {

class HostileConnections : public Hostile {
 protected:
  static uid_t Other() { return geteuid() == 0 ? kNobody : geteuid(); }
  int Connect() const {
    sockaddr_un sun = {};
    sun.sun_family = AF_UNIX;
    address().copy(sun.sun_path, sizeof(sun.sun_path) - 1, 5);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, reinterpret_cast<sockaddr *>(&sun), sizeof(sun))) perror("connect");
    return fd;
  }
  // Whether the broker ends the connection within the time.
  static bool Ends(int fd, int timeout_ms) {
    char c[4096];
    pollfd p = {fd, POLLIN, 0};
    for (int i = 0; i < 1000; i++) {
      if (poll(&p, 1, timeout_ms) != 1) return false;
      if (read(fd, c, sizeof(c)) <= 0) return true;
    }
    return false;
  }
  // An attacker does something and says a port; it is killed, and at once, that is, as soon
  // as the broker holds no more than before, the port is free.
  void KillAndBind(OtherProcess::Client client) {
    for (int i = 0; i < 3; i++) {
      OtherProcess attacker(Other(), client, address());
      sockaddr_in sin = {};
      sin.sin_family = AF_INET;
      sin.sin_port = htons(static_cast<uint16_t>(std::stoul("0" + attacker.Line())));
      sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      ASSERT_NE(0, sin.sin_port);
      attacker.Kill();
      ASSERT_EQ("", AwaitHoldings(admin_, broker_.pid(), before_));
      int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
      setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
      EXPECT_EQ(0, bind(fd, reinterpret_cast<sockaddr *>(&sin), sizeof(sin))) << strerror(errno);
      close(fd);
    }
  }
};

TEST_F(HostileConnections, OnesThatSayNothingAreClosedAfterTheHandshakesTime) {
  std::vector<int> silent;
  for (int i = 0; i < 20; i++) silent.push_back(Connect());
  for (int fd : silent) {
    EXPECT_TRUE(Ends(fd, 20000));
    close(fd);
  }
}

TEST_F(HostileConnections, NonsenseClosesTheConnection) {
  for (const std::string &text : {std::string("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), std::string(100000, 'A'),
                                  std::string("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") + std::string(300, '\xff')}) {
    int fd = Connect();
    (void)!send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    EXPECT_TRUE(Ends(fd, 20000));
    close(fd);
  }
}

TEST_F(HostileConnections, MoreThanAUserMayHaveAreClosedAtOnce) {
  std::vector<int> all;
  int ended = 0;
  for (int i = 0; i < 100; i++) all.push_back(Connect());
  for (size_t i = 64; i < all.size(); i++) ended += Ends(all[i], 5000);
  EXPECT_EQ(36, ended);
  for (int fd : all) close(fd);
}

TEST_F(HostileConnections, MoreSessionsThanAUserMayHaveAreEmfile) {
  RawClient client(address());
  std::vector<std::unique_ptr<RawSession>> all;
  for (int i = 0; i < 100; i++) all.emplace_back(new RawSession(client));
  int open = 0;
  for (auto &s : all) open += s->welcome_error() == 0;
  EXPECT_EQ(63, open);  // and the watcher's
  EXPECT_EQ(EMFILE, all.back()->welcome_error());
}

TEST_F(HostileConnections, CallsThatNeverSendTheirMessageAreBounded) {
  RawClient client(address());
  std::vector<std::unique_ptr<RawCall>> calls;
  for (int i = 0; i < 4200; i++) calls.emplace_back(new RawCall(client, "Broker/Socket"));
  EXPECT_EQ(GRPC_STATUS_RESOURCE_EXHAUSTED, calls.back()->Finish());
  EXPECT_LT(GrownMiB(), 200);
}

TEST_F(HostileConnections, StreamsWithoutHelloHoldUpNobody) {
  RawClient client(address());
  std::vector<std::unique_ptr<RawSession>> all;
  for (int i = 0; i < 500; i++) all.emplace_back(new RawSession(client, false));
  RawSession session(client);
  EXPECT_NE(0u, session.Socket(AF_INET, SOCK_DGRAM));
}

TEST_F(HostileConnections, ComingAndGoingLeavesNothingBehind) {
  double grown[2];
  for (double &g : grown) {
    for (int i = 0; i < 60; i++) {
      RawClient client(address());
      RawSession session(client);
      uint32_t s = session.Socket(AF_INET, SOCK_DGRAM);
      for (int k = 0; k < 50; k++) session.Put(kRecv, Pb().V(1, s).V(2, 1000));
      ASSERT_TRUE(session.Flush());
    }
    ASSERT_EQ("", AwaitHoldings(admin_, broker_.pid(), before_));
    g = GrownMiB();
  }
  EXPECT_LT(grown[1] - grown[0], 8);
}

TEST_F(HostileConnections, KillingAClientInTheMiddleOfABatchFreesItsPort) {
  KillAndBind([](const std::string &where, int out) {
    RawClient client(where);
    RawSession session(client);
    unsigned port;
    uint32_t s = TcpListener(session, &port);
    Say(out, std::to_string(port));
    for (;;) {
      for (int i = 0; i < 500; i++) session.Put(i % 2 ? kGetOption : kAccept, OnHandle(i % 2 ? kGetOption : kAccept, s));
      session.Flush();
      for (int i = 0; i < 500; i++) session.Next();
    }
  });
}

TEST_F(HostileConnections, KillingAClientWithParkedCallsFreesItsPort) {
  KillAndBind([](const std::string &where, int out) {
    RawClient client(where);
    RawSession session(client);
    unsigned port;
    uint32_t s = TcpListener(session, &port), u = session.Socket(AF_INET, SOCK_DGRAM);
    for (int i = 0; i < 500; i++) {
      session.Put(kAccept, Pb().V(1, s));
      session.Put(kRecv, Pb().V(1, u).V(2, 100));
      session.Put(kPoll, Pb().V(1, u).V(1, s).V(2, POLLIN).V(2, POLLIN), true);
    }
    for (int k = 0; k < 1; k++) session.Flush();
    session.Do(kGetOption, OnHandle(kGetOption, u));
    Say(out, std::to_string(port));
    pause();
  });
}

// Listens, connects to itself, and fills the connection.
void SendMuch(const std::string &where, int out, bool linger) {
  RawClient client(where);
  RawSession session(client);
  unsigned port;
  uint32_t s = TcpListener(session, &port), c = session.Socket(AF_INET, SOCK_STREAM);
  session.Do(kConnect, Pb().V(1, c).B(2, InetAddress("127.0.0.1", port)));
  session.Do(kAccept, Pb().V(1, s));
  if (linger) {
    session.Do(kSend, Pb().V(1, c).B(2, std::string(3 << 20, 'x')).V(4, 0));
    session.Do(kSetOption, Pb().V(1, c).V(2, SOL_SOCKET).V(3, SO_LINGER).B(4, Pb().B(3, Pb().V(1, 1).V(2, 60))));
    session.Put(kClose, Pb().V(1, c));
  } else {
    for (int i = 0; i < 4; i++) session.Put(kSend, Pb().V(1, c).B(2, std::string(3 << 20, 'x'))), session.Flush();
  }
  session.Flush();
  session.Do(kGetOption, OnHandle(kGetOption, s));
  Say(out, std::to_string(port));
  pause();
}

TEST_F(HostileConnections, KillingAClientWithALargeSendInFlightFreesItsPort) {
  KillAndBind([](const std::string &where, int out) { SendMuch(where, out, false); });
}

TEST_F(HostileConnections, KillingAClientWithALingeringCloseFreesItsPort) {
  KillAndBind([](const std::string &where, int out) { SendMuch(where, out, true); });
}

}  // namespace
