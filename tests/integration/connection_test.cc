// SPDX-License-Identifier: Apache-2.0
//
// sb_create_connection(): what it tries, in which order, at what cost, and what it says when
// nothing helped. Messages are counted where the library gives them to gRPC.
#include <fcntl.h>
#include <grpc/grpc.h>
#include <poll.h>

#include <atomic>
#include <thread>
#include <vector>

#include "integration/resolve_fixture.h"

static std::atomic<int> messages;

extern "C" {
grpc_call_error __real_grpc_call_start_batch(grpc_call *, const grpc_op *, size_t, void *, void *);
grpc_call_error __wrap_grpc_call_start_batch(grpc_call *, const grpc_op *, size_t, void *, void *);
grpc_call_error __wrap_grpc_call_start_batch(grpc_call *call, const grpc_op *ops, size_t n, void *tag,
                                             void *reserved) {
  for (size_t i = 0; i < n; i++) messages += ops[i].op == GRPC_OP_SEND_MESSAGE;
  return __real_grpc_call_start_batch(call, ops, n, tag, reserved);
}
}

using namespace sb_test;

namespace {

constexpr int64_t kSecond = 1000000000, kSoon = 30000000;

sockaddr_in Inet(const std::string &ip, unsigned port) {
  sockaddr_in a = {};
  a.sin_family = AF_INET;
  a.sin_port = htons(static_cast<uint16_t>(port));
  inet_pton(AF_INET, ip.c_str(), &a.sin_addr);
  return a;
}

// A kernel's listener, and what must be in its way for others not to get through.
struct Listener {
  explicit Listener(const std::string &ip, unsigned port = 0, int backlog = 16) {
    sockaddr_in a = Inet(ip, port);
    socklen_t len = sizeof(a);
    EXPECT_EQ(0, bind(fd, reinterpret_cast<sockaddr *>(&a), len));
    EXPECT_EQ(0, listen(fd, backlog));
    EXPECT_EQ(0, getsockname(fd, reinterpret_cast<sockaddr *>(&a), &len));
    address = a;
  }
  // Nobody else gets an answer any more.
  void Fill() {
    for (int i = 0; i < 4; i++) {
      crowd.push_back(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
      connect(crowd.back(), reinterpret_cast<sockaddr *>(&address), sizeof(address));
    }
    pollfd p = {crowd[0], POLLOUT, 0};
    EXPECT_EQ(1, poll(&p, 1, 20000));
  }
  ~Listener() {
    for (int one : crowd) close(one);
    close(fd);
  }
  std::string port() const { return std::to_string(ntohs(address.sin_port)); }
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address;
  std::vector<int> crowd;
};

class Connection : public ResolveTest {
 protected:
  static void SetUpTestSuite() {
    ResolveTest::SetUpTestSuite();
    if (!NameService::Get()) return;
    NameService::Get()->Add("pair.test", "127.0.0.2");
    NameService::Get()->Add("pair.test", "127.0.0.3");
  }

  // The session's own messages are not to be counted.
  void SetUp() override {
    ResolveTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    char name[65];
    ASSERT_EQ(0, sb_gethostname(name, sizeof(name))) << sb_error_message();
  }

  // The addresses of pair.test, in the order in which they are tried.
  static std::vector<std::string> PairInOrder() {
    addrinfo hints = {}, *found = nullptr;
    hints.ai_socktype = SOCK_STREAM;
    EXPECT_EQ(0, sb_getaddrinfo("pair.test", nullptr, &hints, &found));
    std::vector<std::string> order;
    for (addrinfo *i = found; i; i = i->ai_next)
      order.push_back(inet_ntoa(reinterpret_cast<sockaddr_in *>(i->ai_addr)->sin_addr));
    sb_freeaddrinfo(found);
    EXPECT_EQ(2u, order.size());
    return order;
  }

  // A port on which nobody listens at any address.
  static std::string DeadPort() { return Listener("0.0.0.0").port(); }

  static std::string Peer(int fd) {
    sockaddr_in a = {};
    socklen_t len = sizeof(a);
    EXPECT_EQ(0, sb_getpeername(fd, reinterpret_cast<sockaddr *>(&a), &len));
    return inet_ntoa(a.sin_addr);
  }
};

TEST_F(Connection, ANameAndAPortBecomeAConnection) {
  Listener listener("127.0.0.1");
  int fd = sb_create_connection("here.test", listener.port().c_str(), -1, nullptr, 0);
  ASSERT_LE(0, fd) << sb_error_message();
  int peer = accept(listener.fd, nullptr, nullptr);
  EXPECT_EQ(3, sb_send(fd, "abc", 3, 0));
  char got[4] = "";
  EXPECT_EQ(3, recv(peer, got, 3, MSG_WAITALL));
  EXPECT_EQ(2, send(peer, "de", 2, 0));
  EXPECT_EQ(2, sb_recv(fd, got, 3, 0));
  int type = 0;
  socklen_t len = sizeof(type);
  EXPECT_EQ(0, sb_getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len));
  EXPECT_EQ(SOCK_STREAM, type);
  close(peer);
  EXPECT_EQ(0, sb_close(fd));
}

TEST_F(Connection, AnAttemptIsOneMessage) {
  std::vector<std::string> order = PairInOrder();
  Listener listener(order[1]);
  int before = messages;
  int fd = sb_create_connection("pair.test", listener.port().c_str(), -1, nullptr, 0);
  EXPECT_EQ(3, messages - before) << "the lookup, and one for each of two addresses";
  ASSERT_LE(0, fd) << sb_error_message();
  EXPECT_EQ(order[1], Peer(fd));
  EXPECT_EQ(0, sb_close(fd));
}

TEST_F(Connection, ASourceCostsNoMessage) {
  Listener listener("127.0.0.1");
  sockaddr_in source = Inet("127.0.0.9", 0);
  int before = messages;
  int fd = sb_create_connection("127.0.0.1", listener.port().c_str(), -1,
                                reinterpret_cast<sockaddr *>(&source), sizeof(source));
  EXPECT_EQ(2, messages - before);
  ASSERT_LE(0, fd) << sb_error_message();
  sockaddr_in from = {};
  socklen_t len = sizeof(from);
  int peer = accept(listener.fd, reinterpret_cast<sockaddr *>(&from), &len);
  EXPECT_STREQ("127.0.0.9", inet_ntoa(from.sin_addr));
  close(peer);
  EXPECT_EQ(0, sb_close(fd));
}

TEST_F(Connection, WhatFailedIsClosedByTheNextMessage) {
  std::string port = DeadPort();
  int before = messages;
  EXPECT_EQ(-1, sb_create_connection("pair.test", port.c_str(), -1, nullptr, 0));
  EXPECT_EQ(ECONNREFUSED, errno);
  EXPECT_EQ(4, messages - before) << "the lookup, two attempts, and the second one's close";
}

TEST_F(Connection, ASourceThatCantBeIsTheError) {
  Listener listener("127.0.0.1");
  sockaddr_in source = Inet("192.0.2.77", 0);
  EXPECT_EQ(-1, sb_create_connection("127.0.0.1", listener.port().c_str(), -1,
                                     reinterpret_cast<sockaddr *>(&source), sizeof(source)));
  EXPECT_NE(ECANCELED, errno) << "which is what the connect was told";
  EXPECT_EQ(-1, sb_create_connection("127.0.0.1", listener.port().c_str(), -1,
                                     reinterpret_cast<sockaddr *>(&source), 3));
  EXPECT_EQ(EINVAL, errno);
}

TEST_F(Connection, ManyFailuresLeaveNothingBehind) {
  std::string port = DeadPort();
  for (int i = 0; i < 50; i++) {
    EXPECT_EQ(-1, sb_create_connection("pair.test", port.c_str(), -1, nullptr, 0));
    EXPECT_EQ(ECONNREFUSED, errno) << i;
  }
  sb_broker *other = sb_connect_broker(nullptr, SB_TRANSPORT_STREAM);
  ASSERT_NE(nullptr, other);
  sb_disconnect_broker(other);
  int fd = sb_socket(AF_INET, SOCK_STREAM, 0);
  EXPECT_LE(0, fd) << sb_error_message();
  EXPECT_EQ(0, sb_close(fd));
}

TEST_F(Connection, TheTimeIsEachAttemptsAndThenTheSockets) {
  std::vector<std::string> order = PairInOrder();
  Listener full(order[0], 0, 0);
  Listener free(order[1], ntohs(full.address.sin_port));
  full.Fill();
  int fd = sb_create_connection("pair.test", full.port().c_str(), kSoon, nullptr, 0);
  ASSERT_LE(0, fd) << sb_error_message();
  EXPECT_EQ(order[1], Peer(fd)) << "the first one's time was up";
  char c;
  EXPECT_EQ(-1, sb_recv(fd, &c, 1, 0));
  EXPECT_EQ(EAGAIN, errno) << "the time is the socket's";
  EXPECT_EQ(0, sb_close(fd));
}

TEST_F(Connection, WhenTheTimeIsUpForAllItIsEtimedout) {
  Listener full("127.0.0.1", 0, 0);
  full.Fill();
  EXPECT_EQ(-1, sb_create_connection("127.0.0.1", full.port().c_str(), kSoon, nullptr, 0));
  EXPECT_EQ(ETIMEDOUT, errno);
}

TEST_F(Connection, ALookUpThatLeadsNowhereHasItsOwnErrors) {
  EXPECT_EQ(-1, sb_create_connection("nosuch.test", "80", kSecond, nullptr, 0));
  EXPECT_EQ(EADDRNOTAVAIL, errno);
  EXPECT_NE(nullptr, strstr(sb_error_message(), "no such host")) << sb_error_message();
  EXPECT_EQ(-1, sb_create_connection("nodata.test", "80", kSecond, nullptr, 0));
  EXPECT_EQ(EADDRNOTAVAIL, errno);
  EXPECT_EQ(-1, sb_create_connection("127.0.0.1", "nosuch", kSecond, nullptr, 0));
  EXPECT_EQ(EINVAL, errno);
  EXPECT_EQ(-1, sb_create_connection("broken.test", "80", kSecond, nullptr, 0));
  EXPECT_EQ(EAGAIN, errno);
  NameService::Get()->Hang("hung.test");
  EXPECT_EQ(-1, sb_create_connection("www.hung.test", "80", kSoon, nullptr, 0));
  EXPECT_EQ(ETIMEDOUT, errno);
  NameService::Get()->Release();
}

TEST_F(Connection, UnaryCallsDoTheSameOneByOne) {
  sb_broker *unary = sb_connect_broker(nullptr, SB_TRANSPORT_UNARY);
  ASSERT_NE(nullptr, unary) << sb_error_message();
  std::vector<std::string> order = PairInOrder();
  Listener listener(order[1]);
  sockaddr_in source = Inet("127.0.0.9", 0);
  int fd = sb_create_connection_at(unary, "pair.test", listener.port().c_str(), kSecond,
                                   reinterpret_cast<sockaddr *>(&source), sizeof(source));
  ASSERT_LE(0, fd) << sb_error_message();
  EXPECT_EQ(order[1], Peer(fd));
  EXPECT_EQ(0, sb_close(fd));
  EXPECT_EQ(-1, sb_create_connection_at(unary, "pair.test", DeadPort().c_str(), kSecond, nullptr, 0));
  EXPECT_EQ(ECONNREFUSED, errno);
  sb_disconnect_broker(unary);
}

std::atomic<bool> interrupt;

TEST_F(Connection, TheProgramMayEndItsWait) {
  Listener full("127.0.0.1", 0, 0);
  full.Fill();
  interrupt = true;
  sb_set_interrupt_check([] { return interrupt ? 1 : 0; });
  EXPECT_EQ(-1, sb_create_connection("127.0.0.1", full.port().c_str(), -1, nullptr, 0));
  EXPECT_EQ(EINTR, errno);
  NameService::Get()->Hang("hung.test");
  addrinfo *found;
  EXPECT_EQ(EAI_SYSTEM, sb_getaddrinfo("x.hung.test", "80", nullptr, &found));
  EXPECT_EQ(EINTR, errno);
  interrupt = false;
  sb_set_interrupt_check(nullptr);
  NameService::Get()->Release();
}

TEST_F(Connection, ThreadsMakeTheirConnectionsSideBySide) {
  Listener listener("127.0.0.1", 0, 512);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; t++)
    threads.emplace_back([&] {
      for (int i = 0; i < 20; i++) {
        int fd = sb_create_connection("127.0.0.1", listener.port().c_str(), -1, nullptr, 0);
        EXPECT_LE(0, fd) << sb_error_message();
        EXPECT_EQ(0, sb_close(fd));
      }
    });
  for (auto &t : threads) t.join();
}

// ---- what a name opens ---------------------------------------------------------

class Grant : public testing::Test {
 protected:
  void SetUp() override {
    if (!NameService::Get()) GTEST_SKIP() << "needs root, to make a host of its own";
    NameService::Get()->Add("told.test", "192.0.2.2");
    NameService::Get()->Add("old.test", "192.0.2.4");
    NameService::Get()->Add("rebind.test", "127.0.0.1");
    NameService::Get()->Add("told.other", "192.0.2.6");
    ASSERT_TRUE(daemon_.Started()) << daemon_.Log();
    broker_ = sb_connect_broker(daemon_.address().c_str(), SB_TRANSPORT_STREAM);
    ASSERT_NE(nullptr, broker_) << sb_error_message();
  }
  void TearDown() override {
    sb_disconnect_broker(broker_);
    EXPECT_TRUE(daemon_.Stop()) << daemon_.Log();
  }
  // EACCES: the policy's word. ENETUNREACH: the kernel's, as there is only loopback.
  int Connect(sb_broker *by, const char *ip) {
    int fd = sb_socket_at(by, AF_INET, SOCK_STREAM, 0);
    EXPECT_LE(0, fd) << sb_error_message();
    sockaddr_in a = Inet(ip, 80);
    EXPECT_EQ(-1, sb_connect(fd, reinterpret_cast<sockaddr *>(&a), sizeof(a)));
    int error = errno;
    EXPECT_EQ(0, sb_close(fd));
    return error;
  }
  int Ask(const char *name) {
    addrinfo hints = {}, *found = nullptr;
    hints.ai_socktype = SOCK_STREAM;
    int r = sb_getaddrinfo_at(broker_, name, "80", &hints, -1, &found);
    if (r == 0) sb_freeaddrinfo(found);
    return r == EAI_SYSTEM ? errno : r;
  }

  Broker daemon_{{}, R"(version: 1
rules:
  - { name: told, who: everyone, may: [socket, resolve, connect], family: inet, type: stream,
      protocol: tcp, names: ['*.test'], to: resolved, to_ports: any }
)"};
  sb_broker *broker_ = nullptr;
};

TEST_F(Grant, WhatWasFoundForANameMayBeReachedByThatSessionAlone) {
  EXPECT_EQ(EACCES, Connect(broker_, "192.0.2.2"));
  EXPECT_EQ(0, Ask("told.test"));
  EXPECT_EQ(ENETUNREACH, Connect(broker_, "192.0.2.2"));
  EXPECT_EQ(EACCES, Connect(broker_, "192.0.2.4")) << "nobody asked for it";
  sb_broker *other = sb_connect_broker(daemon_.address().c_str(), SB_TRANSPORT_STREAM);
  ASSERT_NE(nullptr, other);
  EXPECT_EQ(EACCES, Connect(other, "192.0.2.2"));
  sb_disconnect_broker(other);
}

TEST_F(Grant, ANameThatNoRuleHasIsNotLookedUpAndOpensNothing) {
  EXPECT_EQ(EACCES, Ask("told.other"));
  EXPECT_EQ(EACCES, Connect(broker_, "192.0.2.6"));
}

TEST_F(Grant, AnAddressThatMustBeNamedIsNotOpenedByAName) {
  EXPECT_EQ(0, Ask("rebind.test"));
  EXPECT_EQ(EACCES, Connect(broker_, "127.0.0.1"));
}

TEST_F(Grant, ANumberNeedsNoRuleAndOpensNothing) {
  EXPECT_EQ(0, Ask("192.0.2.2"));
  EXPECT_EQ(EACCES, Connect(broker_, "192.0.2.2"));
}

TEST_F(Grant, TheOldFunctionOpensAsTheNewOneDoes) {
  setenv("SOCKBROKER_ADDRESS", daemon_.address().c_str(), 1);
  EXPECT_EQ(EACCES, Connect(nullptr, "192.0.2.4"));
  EXPECT_NE(nullptr, sb_gethostbyname("old.test")) << sb_error_message();
  EXPECT_EQ(ENETUNREACH, Connect(nullptr, "192.0.2.4"));
  EXPECT_EQ(nullptr, sb_gethostbyname("told.other"));
  EXPECT_EQ(NETDB_INTERNAL, h_errno);
  EXPECT_EQ(EACCES, errno);
}

TEST_F(Grant, AnAddressesNameAndTheHostsOwnHaveRulesOfTheirOwn) {
  setenv("SOCKBROKER_ADDRESS", daemon_.address().c_str(), 1);
  in_addr address;
  inet_pton(AF_INET, "192.0.2.2", &address);
  EXPECT_EQ(nullptr, sb_gethostbyaddr(&address, sizeof(address), AF_INET));
  EXPECT_EQ(EACCES, errno);
  sockaddr_in a = Inet("192.0.2.2", 80);
  char host[NI_MAXHOST], serv[NI_MAXSERV];
  EXPECT_EQ(EAI_SYSTEM, sb_getnameinfo(reinterpret_cast<sockaddr *>(&a), sizeof(a), host, sizeof(host),
                                       serv, sizeof(serv), 0));
  EXPECT_EQ(EACCES, errno);
  EXPECT_EQ(0, sb_getnameinfo(reinterpret_cast<sockaddr *>(&a), sizeof(a), nullptr, 0, serv,
                              sizeof(serv), 0)) << "a service is no host";
  EXPECT_EQ(0, sb_getnameinfo(reinterpret_cast<sockaddr *>(&a), sizeof(a), host, sizeof(host), serv,
                              sizeof(serv), NI_NUMERICHOST));
  EXPECT_EQ(-1, sb_sethostname("x", 1));
  EXPECT_TRUE(errno == EACCES || errno == EPERM) << errno;
}

}  // namespace
