// SPDX-License-Identifier: Apache-2.0
//
// Names, and what they open, as the running daemon enforces it: in namespaces of the
// test's own, with a hosts file of its own and a network without routes. So a connect
// that is allowed is ENETUNREACH (of IPv6, EADDRNOTAVAIL on some kernels).
#include <errno.h>
#include <gtest/gtest.h>
#include <netdb.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "integration/hostile.h"

using namespace sb_test;

namespace {

enum : unsigned { kGetAddrInfo = 28, kGetNameInfo = 29, kGetHostByName = 30, kGetHostByAddr = 31,
                  kSetHostName = 33 };

const char kHosts[] = R"(127.0.0.1 localhost
192.0.2.1 www.example.org
2001:db8::1 www.example.org
127.0.0.1 rebind.example.org
192.0.2.9 evilexample.org example.org
198.51.100.1 a.example.net
)";

const char kPolicy[] = R"(version: 1
rules:
  - { name: ask, who: { uid: 65534 }, may: [resolve], names: ["*.example.org", a.example.net],
      addresses: [192.0.2.0/24] }
  - { name: reach, who: { uid: 65534 }, may: [connect], names: ["*.example.org"], family: [inet, inet6],
      type: stream, protocol: tcp, to: resolved, to_ports: 443 }
  - { name: sockets, who: { uid: 65534 }, may: [socket], family: any, type: stream, protocol: tcp }
  - { name: rename, who: { uid: 0 }, may: [sethostname], lends: CAP_SYS_ADMIN }
)";

class PolicyNames : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (geteuid() != 0 || unshare(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWNET) ||
        mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr))
      return;
    char path[] = "/tmp/sockbroker-hosts.XXXXXX";
    int fd = mkstemp(path);
    ready_ = fd >= 0 && fchmod(fd, 0644) == 0 && write(fd, kHosts, strlen(kHosts)) > 0 &&
             mount(path, "/etc/hosts", nullptr, MS_BIND, nullptr) == 0;
    close(fd);
    unlink(path);
  }
  void SetUp() override {
    if (!ready_) GTEST_SKIP() << "needs root, and namespaces of its own";
    broker_.reset(new Broker({"--user", "daemon"}, kPolicy));
    ASSERT_TRUE(broker_->Started()) << broker_->Log();
  }
  void TearDown() override {
    if (!broker_) return;
    EXPECT_TRUE(broker_->Stop());
    EXPECT_EQ(std::string::npos, broker_->Log().find("Sanitizer")) << broker_->Log();
  }
  std::string As(uid_t uid, OtherProcess::Client client) {
    OtherProcess other(uid, client, broker_->address());
    std::string line = other.Line();
    return line.substr(0, line.find('\n'));
  }
  std::string AsNobody(OtherProcess::Client client) { return As(kNobody, client); }

  static bool ready_;
  std::unique_ptr<Broker> broker_;
};
bool PolicyNames::ready_;

struct Attempts {
  explicit Attempts(const std::string &address) : client(address), session(client) {}
  int Try(unsigned op, const Pb &body) {
    int e = session.Do(op, body).error();
    const char *name = !e ? "ok" : e == EADDRNOTAVAIL ? "ENETUNREACH" : strerrorname_np(e);
    said += (said.empty() ? "" : " ") + std::string(name ? name : "nothing");
    return e;
  }
  void Ask(const std::string &name, uint64_t flags = 0) {
    Try(kGetAddrInfo, Pb().B(1, name).V(3, flags).V(5, SOCK_STREAM));
  }
  void Connect(const char *ip, unsigned port) {
    int family = strchr(ip, ':') ? AF_INET6 : AF_INET;
    uint32_t s = session.Socket(family, SOCK_STREAM);
    Try(kConnect, Pb().V(1, s).B(2, InetAddress(ip, port)).V(3, 0));
  }
  std::string said;
  RawClient client;
  RawSession session;
};

TEST_F(PolicyNames, OnlyNamesOfARuleAreLookedUp) {
  EXPECT_EQ("ok ok EACCES EACCES EACCES EACCES", AsNobody([](const std::string &argument, int out) {
    Attempts a(argument);
    a.Ask("www.example.org");
    a.Ask("WWW.Example.ORG.");
    a.Ask("example.org");
    a.Ask("evilexample.org");
    a.Ask("localhost");
    a.Try(kGetHostByName, Pb().B(1, "evilexample.org").V(2, AF_INET));
    Say(out, a.said);
  }));
}

TEST_F(PolicyNames, WhatLooksNothingUpNeedsNoRule) {
  EXPECT_EQ("ok ok ok", AsNobody([](const std::string &argument, int out) {
    Attempts a(argument);
    a.Ask("127.0.0.1");
    a.Ask("www.example.org", AI_NUMERICHOST);  // EAI_NONAME, which is the resolver's to say
    a.Try(kGetNameInfo, Pb().B(1, InetAddress("127.0.0.1", 80)).V(2, NI_NUMERICHOST | NI_NUMERICSERV)
                            .V(3, 100).V(4, 100));
    Say(out, a.said);
  }));
}

TEST_F(PolicyNames, NamesOfAddressesHaveAKeyOfTheirOwn) {
  EXPECT_EQ("ok EACCES ok EACCES", AsNobody([](const std::string &argument, int out) {
    Attempts a(argument);
    for (const char *ip : {"192.0.2.1", "198.51.100.1"})
      a.Try(kGetNameInfo, Pb().B(1, InetAddress(ip, 0)).V(3, 100));
    a.Try(kGetHostByAddr, Pb().B(1, std::string("\xc0\0\2\1", 4)).V(2, AF_INET));
    a.Try(kGetHostByAddr, Pb().B(1, std::string("\x7f\0\0\1", 4)).V(2, AF_INET));
    Say(out, a.said);
  }));
}

TEST_F(PolicyNames, AnAnswerOpensItsAddressesAndTheRulesPort) {
  EXPECT_EQ("EACCES ok ENETUNREACH ENETUNREACH EACCES EACCES", AsNobody([](const std::string &argument, int out) {
    Attempts a(argument);
    a.Connect("192.0.2.1", 443);
    a.Ask("www.example.org");
    a.Connect("192.0.2.1", 443);
    a.Connect("2001:db8::1", 443);
    a.Connect("192.0.2.1", 80);
    a.Connect("192.0.2.2", 443);
    Say(out, a.said);
  }));
}

TEST_F(PolicyNames, SoDoesTheOlderWayToAsk) {
  EXPECT_EQ("ok ENETUNREACH", AsNobody([](const std::string &argument, int out) {
    Attempts a(argument);
    a.Try(kGetHostByName, Pb().B(1, "www.example.org").V(2, AF_INET));
    a.Connect("192.0.2.1", 443);
    Say(out, a.said);
  }));
}

TEST_F(PolicyNames, AnAnswerIsForOneSession) {
  EXPECT_EQ("ok EACCES", AsNobody([](const std::string &argument, int out) {
    Attempts a(argument), b(argument);
    a.Ask("www.example.org");
    b.Connect("192.0.2.1", 443);
    Say(out, a.said + " " + b.said);
  }));
}

TEST_F(PolicyNames, ANameThatMayBeAskedForIsNotForThatOneToBeReached) {
  EXPECT_EQ("ok EACCES", AsNobody([](const std::string &argument, int out) {
    Attempts a(argument);
    a.Ask("a.example.net");
    a.Connect("198.51.100.1", 443);
    Say(out, a.said);
  }));
}

TEST_F(PolicyNames, ANameOpensNoAddressThatMustBeNamed) {
  EXPECT_EQ("ok EACCES EACCES", AsNobody([](const std::string &argument, int out) {
    Attempts a(argument);
    a.Ask("rebind.example.org");
    a.Connect("127.0.0.1", 443);
    a.Connect("::ffff:127.0.0.1", 443);
    Say(out, a.said);
  }));
}

TEST_F(PolicyNames, ThePolicyThatIsReadAgainSaysWhatAnAnswerOpens) {
  std::string text = kPolicy;
  text.replace(text.find("to_ports: 443"), 13, "to_ports: 444");
  OtherProcess nobody(kNobody, [](const std::string &argument, int out) {
    Attempts a(argument);
    a.Ask("www.example.org");
    a.Connect("192.0.2.1", 443);
    Say(out, a.said);
    // Round trips, until the reload has come.
    const Pb to = Pb().V(1, a.session.Socket(AF_INET, SOCK_STREAM)).B(2, InetAddress("192.0.2.1", 444)).V(3, 0);
    for (int i = 0; i < 1000000 && a.session.Do(kConnect, to).error() == EACCES; i++) {
    }
    a.said.clear();
    a.Try(kConnect, to);
    a.Connect("192.0.2.1", 443);
    Say(out, a.said);
  }, broker_->address());
  EXPECT_EQ("ok ENETUNREACH\n", nobody.Line());
  std::ofstream(broker_->policy_path()) << text;
  kill(broker_->pid(), SIGHUP);
  EXPECT_EQ("ENETUNREACH EACCES\n", nobody.Line());
}

TEST_F(PolicyNames, TheHostIsRenamedByThoseARuleLendsTheCapability) {
  char before[65], after[65];
  gethostname(before, sizeof(before));
  OtherProcess::Client rename = [](const std::string &argument, int out) {
    Attempts a(argument);
    a.Try(kSetHostName, Pb().B(1, "renamed"));
    Say(out, a.said);
  };
  EXPECT_EQ("EPERM", AsNobody(rename));
  gethostname(after, sizeof(after));
  EXPECT_STREQ(before, after);
  EXPECT_EQ("ok", As(0, rename));
  gethostname(after, sizeof(after));
  EXPECT_STREQ("renamed", after);
}

}  // namespace
