// SPDX-License-Identifier: Apache-2.0
// Real descriptors by the C library: sb_detach(), sb_fileno_direct(), sb_fromfd(), sb_judge().
// The process, the broker's and the clients' are in a network namespace of their own.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <sched.h>
#include <sockbroker.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <regex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/broker.h"
#include "support/raw_client.h"

using namespace sb_test;

namespace {

constexpr uid_t kNobody = 65534;
int g_namespace_error = 0;

// Before the process is forked from which OtherProcess comes, and so for all of them.
__attribute__((constructor(200))) void EnterNamespace() {
  if (unshare(CLONE_NEWNET)) {
    g_namespace_error = errno;
    return;
  }
  ifreq lo = {};
  strcpy(lo.ifr_name, "lo");
  lo.ifr_flags = IFF_UP;
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (ioctl(fd, SIOCSIFFLAGS, &lo)) g_namespace_error = errno;
  close(fd);
}

std::string PolicyWith(const std::string &rules) {
  std::string text = Broker::OpenPolicy(0) + rules;
  const std::string who = "{ uid: 0 }";
  for (size_t at; (at = text.find(who)) != std::string::npos;) text.replace(at, who.size(), "everyone");
  return text;
}

const char kPairs[] =
    "  - { name: real pairs, who: everyone, may: direct, family: unix, type: [stream, dgram, seqpacket] }\n";
// The same without a rule for real descriptors.
std::string PolicyWithoutDirect() {
  const std::regex direct("\n[^\n]*may: .direct[^}]*\\}");
  return std::regex_replace(PolicyWith(""), direct, "");
}

size_t OpenDescriptors() {
  size_t n = 0;
  for (const auto &entry : std::filesystem::directory_iterator("/proc/self/fd")) n += !entry.path().empty();
  return n;
}

sockaddr_in Loopback(unsigned port = 0) {
  sockaddr_in sin = {};
  sin.sin_family = AF_INET;
  sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  sin.sin_port = htons(static_cast<uint16_t>(port));
  return sin;
}

template <class T>
const sockaddr *Sa(const T &t) {
  return reinterpret_cast<const sockaddr *>(&t);
}

template <class T>
sockaddr *Sa(T &t) {
  return reinterpret_cast<sockaddr *>(&t);
}

bool IsNonblocking(int fd) { return fcntl(fd, F_GETFL) & O_NONBLOCK; }

std::string ReadNatively(int fd) {
  char bytes[100];
  const ssize_t n = read(fd, bytes, sizeof(bytes));
  return n < 0 ? "errno " + std::to_string(errno) : std::string(bytes, static_cast<size_t>(n));
}

// ---- clients as nobody -----------------------------------------------------------

// What a client in a process of its own found out: "ok", or what was not so.
class Report {
 public:
  explicit Report(int out) : out_(out) {}
  ~Report() { Say(out_, first_.empty() ? "ok" : first_); }
  bool Is(bool true_, const std::string &what) {
    if (!true_ && first_.empty()) first_ = what + " (errno " + std::to_string(errno) + ": " + sb_error_message() + ")";
    return true_;
  }

 private:
  int out_;
  std::string first_;
};

sb_broker *Connect(const std::string &address) {
  return sb_connect_broker(address.c_str(), SB_TRANSPORT_STREAM);
}

// A port that needs the privilege, and is free.
constexpr unsigned kLowPort = 80;

void BindOwnSocketToLowPort(const std::string &address, int out) {
  Report report(out);
  sb_broker *b = Connect(address);
  const sockaddr_in low = Loopback(kLowPort);
  int own = socket(AF_INET, SOCK_STREAM, 0), peer = socket(AF_INET, SOCK_STREAM, 0);
  if (!report.Is(bind(own, Sa(low), sizeof(low)) < 0 && errno == EACCES, "bind(2) is denied")) return;
  int standin = sb_fromfd_at(b, own, 0);
  if (!report.Is(standin >= 0, "sb_fromfd")) return;
  report.Is(sb_bind(standin, Sa(low), sizeof(low)) == 0, "sb_bind");
  report.Is(sb_close(standin) == 0, "sb_close");
  report.Is(!IsNonblocking(own), "blocking stays blocking");
  report.Is(listen(own, 1) == 0, "listen(2)");
  report.Is(connect(peer, Sa(low), sizeof(low)) == 0, "connect(2)");
  int accepted = accept(own, nullptr, nullptr);
  report.Is(accepted >= 0 && write(peer, "x", 1) == 1 && ReadNatively(accepted) == "x", "accept(2)");
}

// The library's calls on a socket of the kernel's: the broker binds it, the kernel does the rest.
void ServeOnAttachedSocket(const std::string &address, int out) {
  Report report(out);
  sb_broker *b = Connect(address);
  const sockaddr_in low = Loopback(kLowPort + 2);
  int own = socket(AF_INET, SOCK_STREAM, 0), peer = socket(AF_INET, SOCK_STREAM, 0), mark = 77;
  report.Is(sb_is_direct(own) < 0 && errno == ENOTSOCK, "it is not known yet");
  if (!report.Is(sb_attach_at(b, own) == own && sb_is_direct(own) == 1, "sb_attach")) return;
  report.Is(sb_attach_at(b, own) == own, "and again");
  report.Is(sb_bind(own, Sa(low), sizeof(low)) == 0, "sb_bind");
  report.Is(sb_listen(own, 1) == 0, "sb_listen");
  report.Is(sb_setsockopt(own, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) == 0, "sb_setsockopt");
  report.Is(connect(peer, Sa(low), sizeof(low)) == 0, "connect(2)");
  int accepted = sb_accept(own, nullptr, nullptr);
  report.Is(sb_is_direct(accepted) == 1, "sb_accept gives one of its kind");
  report.Is(write(peer, "x", 1) == 1 && ReadNatively(accepted) == "x", "read(2)");
  report.Is(sb_detach(own) == own && sb_is_direct(own) < 0 && listen(own, 2) == 0, "sb_detach");
  report.Is(sb_close(accepted) == 0 && ReadNatively(peer) == "", "sb_close");
}

// What the broker does not take is bound by the process itself.
void BindAttachedUnixSocket(const std::string &address, int out) {
  Report report(out);
  sb_broker *b = Connect(address);
  sockaddr_un any = {};
  any.sun_family = AF_UNIX;
  int own = socket(AF_UNIX, SOCK_STREAM, 0), file = open("/dev/null", O_RDONLY);
  report.Is(sb_attach_at(b, own) == own, "sb_attach");
  report.Is(sb_bind(own, Sa(any), sizeof(sa_family_t)) == 0 && sb_listen(own, 1) == 0, "sb_bind, sb_listen");
  report.Is(sb_attach_at(b, file) < 0 && errno == ENOTSOCK, "a file");
  report.Is(sb_attach_at(b, 999) < 0 && errno == EBADF, "nothing");
  report.Is(sb_close(own) == 0, "sb_close");
}

void MarkOwnSocket(const std::string &address, int out) {
  Report report(out);
  sb_broker *b = Connect(address);
  int own = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), mark = 77, got = 0;
  socklen_t len = sizeof(got);
  report.Is(setsockopt(own, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) < 0 && errno == EPERM, "SO_MARK is denied");
  int standin = sb_fromfd_at(b, own, 0);
  if (!report.Is(standin >= 0, "sb_fromfd")) return;
  report.Is(sb_setsockopt(standin, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) == 0, "sb_setsockopt");
  report.Is(getsockopt(own, SOL_SOCKET, SO_MARK, &got, &len) == 0 && got == mark, "the mark is on the own one");
  report.Is(IsNonblocking(own), "non-blocking stays non-blocking");
  sb_close(standin);
}

void PingOnDetachedSocket(const std::string &address, int out) {
  Report report(out);
  sb_broker *b = Connect(address);
  report.Is(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) < 0 && errno == EPERM, "socket(2) is denied");
  int s = sb_socket_at(b, AF_INET, SOCK_RAW, IPPROTO_ICMP);
  if (!report.Is(s >= 0, "sb_socket")) return;
  report.Is(sb_detach(s) == s, "sb_detach gives the same number");
  report.Is(sb_send(s, "", 0, 0) < 0 && errno == ENOTSOCK, "no sb_ function knows it");
  icmphdr echo = {};
  echo.type = ICMP_ECHO;
  echo.un.echo.id = 0x1234;
  echo.checksum = static_cast<uint16_t>(~(echo.type + 0x1234));
  const sockaddr_in to = Loopback();
  if (!report.Is(sendto(s, &echo, sizeof(echo), 0, Sa(to), sizeof(to)) == sizeof(echo), "sendto(2)")) return;
  for (int i = 0; i < 4; i++) {  // the request, and the reply, come both
    char packet[100];
    const ssize_t n = recv(s, packet, sizeof(packet), 0);
    if (!report.Is(n == 28, "recv(2)")) return;
    if (packet[20] == ICMP_ECHOREPLY) return;
  }
  report.Is(false, "no echo reply");
}

void SniffOnDetachedSocket(const std::string &address, int out) {
  Report report(out);
  sb_broker *b = Connect(address);
  report.Is(socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_IP)) < 0 && errno == EPERM, "socket(2) is denied");
  int s = sb_socket_at(b, AF_PACKET, SOCK_DGRAM, htons(ETH_P_IP)), u = socket(AF_INET, SOCK_DGRAM, 0);
  if (!report.Is(s >= 0 && sb_detach(s) == s, "sb_detach")) return;
  const sockaddr_in to = Loopback(9);
  report.Is(sendto(u, "x", 1, 0, Sa(to), sizeof(to)) == 1, "sendto(2)");
  char packet[100];
  report.Is(recv(s, packet, sizeof(packet), 0) == 29, "recv(2) of the datagram's packet");
}

void AskForJudgements(const std::string &address, int out) {
  Report report(out);
  sb_broker *b = Connect(address);
  const sockaddr_in here = Loopback(80);
  auto judge = [b](int action, int domain, int type, const sockaddr *addr, socklen_t len) {
    return sb_judge(b, action, domain, type, 0, addr, len);
  };
  report.Is(judge(SB_ACTION_SOCKET, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, nullptr, 0) == 0, "a socket");
  report.Is(judge(SB_ACTION_DIRECT, AF_INET, SOCK_STREAM, nullptr, 0) < 0 && errno == EACCES, "no direct");
  report.Is(strstr(sb_error_message(), "policy"), "a sentence");
  for (int action : {SB_ACTION_BIND, SB_ACTION_LISTEN, SB_ACTION_CONNECT, SB_ACTION_SEND})
    report.Is(judge(action, AF_INET, SOCK_STREAM, Sa(here), sizeof(here)) == 0, "action " + std::to_string(action));
  report.Is(judge(SB_ACTION_SOCKET, AF_NETROM, SOCK_SEQPACKET, nullptr, 0) < 0, "an unknown kind");
  report.Is(judge(0, AF_INET, SOCK_STREAM, nullptr, 0) < 0 && errno == EINVAL, "nothing asked");
  report.Is(judge(SB_ACTION_SEND + 1, AF_INET, SOCK_STREAM, nullptr, 0) < 0 && errno == EINVAL, "nonsense asked");
  report.Is(judge(SB_ACTION_BIND, AF_INET, SOCK_STREAM, nullptr, 16) < 0 && errno == EFAULT, "no address");
}

// Goes on until it is killed.
void DetachForEver(const std::string &address, int out) {
  sb_broker *b = Connect(address);
  for (;;) {
    int s = sb_socket_at(b, AF_INET, SOCK_STREAM, 0);
    if (s < 0 || sb_detach(s) < 0) break;
    close(s);
    if (write(out, "x\n", 2) < 0) break;
  }
  Say(out, sb_error_message());
}

// ---- the tests ---------------------------------------------------------------------

class Descriptor : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root, to make a network namespace";
    ASSERT_EQ(0, g_namespace_error);
    ASSERT_TRUE(daemon_.Started()) << daemon_.Log();
    broker_ = Connect(daemon_.address());
    ASSERT_NE(nullptr, broker_) << sb_error_message();
  }
  void TearDown() override {
    sb_disconnect_broker(broker_);
    if (broker_ && !killed_) {
      EXPECT_TRUE(daemon_.Stop()) << daemon_.Log();
    }
    EXPECT_EQ(std::string::npos, daemon_.Log().find("Sanitizer")) << daemon_.Log();
  }
  std::string AsNobody(OtherProcess::Client client) {
    return OtherProcess(kNobody, client, daemon_.address()).Line();
  }
  int Socket(int domain = AF_INET, int type = SOCK_STREAM, int protocol = 0) {
    int fd = sb_socket_at(broker_, domain, type, protocol);
    EXPECT_LE(0, fd) << sb_error_message();
    return fd;
  }
  // Both ends of a TCP connection.
  std::pair<int, int> Connection() {
    int listener = Socket(), a = Socket();
    sockaddr_in addr = Loopback();
    socklen_t len = sizeof(addr);
    EXPECT_EQ(0, sb_bind(listener, Sa(addr), len)) << sb_error_message();
    EXPECT_EQ(0, sb_listen(listener, 1));
    EXPECT_EQ(0, sb_getsockname(listener, Sa(addr), &len));
    EXPECT_EQ(0, sb_connect(a, Sa(addr), len)) << sb_error_message();
    int b = sb_accept(listener, nullptr, nullptr);
    sb_close(listener);
    return {a, b};
  }
  static std::string Read(int fd) {
    char bytes[100];
    const ssize_t n = sb_recv(fd, bytes, sizeof(bytes), 0);
    return n < 0 ? "errno " + std::to_string(errno) : std::string(bytes, static_cast<size_t>(n));
  }
  std::string descriptor_path() const { return daemon_.folder() + "/broker.sock.fd"; }

  Broker daemon_{{}, PolicyWith(kPairs)};
  sb_broker *broker_ = nullptr;
  bool killed_ = false;
};

TEST_F(Descriptor, AnOwnSocketIsBoundToALowPort) { EXPECT_EQ("ok\n", AsNobody(BindOwnSocketToLowPort)); }
TEST_F(Descriptor, AnOwnSocketIsMarked) { EXPECT_EQ("ok\n", AsNobody(MarkOwnSocket)); }
TEST_F(Descriptor, ADetachedRawSocketPings) { EXPECT_EQ("ok\n", AsNobody(PingOnDetachedSocket)); }
TEST_F(Descriptor, ADetachedPacketSocketSniffs) { EXPECT_EQ("ok\n", AsNobody(SniffOnDetachedSocket)); }

TEST_F(Descriptor, AnAttachedSocketServesOnALowPort) { EXPECT_EQ("ok\n", AsNobody(ServeOnAttachedSocket)); }
TEST_F(Descriptor, AnAttachedUnixSocketIsBoundNatively) { EXPECT_EQ("ok\n", AsNobody(BindAttachedUnixSocket)); }

TEST_F(Descriptor, BlockingStaysBlockingAndNonBlockingNonBlocking) {
  int a = Socket(), b = Socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK);
  ASSERT_EQ(a, sb_detach(a)) << sb_error_message();
  ASSERT_EQ(b, sb_detach(b)) << sb_error_message();
  EXPECT_FALSE(IsNonblocking(a));
  EXPECT_TRUE(IsNonblocking(b));
  EXPECT_EQ(FD_CLOEXEC, fcntl(a, F_GETFD));
  for (int fd : {a, b}) close(fd);
}

TEST_F(Descriptor, OptionsAndTimeoutsStay) {
  int a = Socket(AF_INET, SOCK_DGRAM), on = 1;
  const timeval soon = {0, 20000};
  ASSERT_EQ(0, sb_setsockopt(a, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on)));
  ASSERT_EQ(0, sb_setsockopt(a, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon)));
  ASSERT_EQ(a, sb_detach(a)) << sb_error_message();
  int got = 0;
  socklen_t len = sizeof(got);
  EXPECT_EQ(0, getsockopt(a, SOL_SOCKET, SO_BROADCAST, &got, &len));
  EXPECT_EQ(1, got);
  EXPECT_EQ("errno " + std::to_string(EAGAIN), ReadNatively(a));
  close(a);
}

TEST_F(Descriptor, AfterDetachTheProgramsCloseIsTheLast) {
  auto [a, b] = Connection();
  ASSERT_EQ(a, sb_detach(a)) << sb_error_message();
  ASSERT_EQ(2, write(a, "hi", 2));
  EXPECT_EQ("hi", Read(b));
  close(a);
  EXPECT_EQ("", Read(b));
  sb_close(b);
}

TEST_F(Descriptor, ItsPortIsFreeAtOnce) {
  for (int i = 0; i < 20; i++) {
    int a = Socket();
    const sockaddr_in low = Loopback(kLowPort + 1);
    ASSERT_EQ(0, sb_bind(a, Sa(low), sizeof(low))) << i << sb_error_message();
    ASSERT_EQ(a, sb_detach(a)) << sb_error_message();
    close(a);
  }
}

TEST_F(Descriptor, AFilenoDirectIsASecondOneOfTheSameSocket) {
  auto [a, b] = Connection();
  int real = sb_fileno_direct(a);
  ASSERT_LE(0, real) << sb_error_message();
  EXPECT_NE(a, real);
  EXPECT_EQ(FD_CLOEXEC, fcntl(real, F_GETFD));
  ASSERT_EQ(1, write(real, "1", 1));
  EXPECT_EQ("1", Read(b));
  ASSERT_EQ(1, sb_send(a, "2", 1, 0)) << sb_error_message();
  EXPECT_EQ("2", Read(b));
  close(real);
  ASSERT_EQ(1, sb_send(b, "3", 1, 0));
  EXPECT_EQ("3", Read(a)) << "the broker's lives";
  sb_close(a);
  EXPECT_EQ("", Read(b));
  sb_close(b);
}

TEST_F(Descriptor, AListenerThatWasGivenOutIsAcceptedFromNatively) {
  int listener = Socket(), a = Socket();
  sockaddr_in addr = Loopback();
  socklen_t len = sizeof(addr);
  ASSERT_EQ(0, sb_bind(listener, Sa(addr), len));
  ASSERT_EQ(0, sb_listen(listener, 1));
  ASSERT_EQ(0, sb_getsockname(listener, Sa(addr), &len));
  int real = sb_fileno_direct(listener);
  ASSERT_LE(0, real) << sb_error_message();
  ASSERT_EQ(0, sb_connect(a, Sa(addr), len));
  EXPECT_EQ(-1, sb_accept(listener, nullptr, nullptr));
  EXPECT_EQ(EOPNOTSUPP, errno);
  int b = accept(real, nullptr, nullptr);
  ASSERT_LE(0, b);
  ASSERT_EQ(1, write(b, "x", 1));
  EXPECT_EQ("x", Read(a));
  for (int fd : {listener, a}) sb_close(fd);
  for (int fd : {real, b}) close(fd);
}

TEST_F(Descriptor, WhatPoll2SeesIsTheSocketAndNoLongerTheWatch) {
  int a = Socket(AF_INET, SOCK_DGRAM), b = Socket(AF_INET, SOCK_DGRAM);
  sockaddr_in addr = Loopback();
  socklen_t len = sizeof(addr);
  ASSERT_EQ(0, sb_bind(a, Sa(addr), len));
  ASSERT_EQ(0, sb_getsockname(a, Sa(addr), &len));
  ASSERT_EQ(0, sb_watch(a, POLLIN));
  ASSERT_EQ(a, sb_detach(a)) << sb_error_message();
  pollfd p = {a, POLLIN | POLLOUT, 0};
  EXPECT_EQ(1, poll(&p, 1, 0));
  EXPECT_EQ(POLLOUT, p.revents);
  ASSERT_EQ(1, sb_sendto(b, "x", 1, 0, Sa(addr), len));
  p.events = POLLIN;
  EXPECT_EQ(1, poll(&p, 1, kPatienceMs));
  EXPECT_EQ("x", ReadNatively(a));
  close(a);
  sb_close(b);
}

TEST_F(Descriptor, UnixPairsGoToo) {
  int sv[2];
  ASSERT_EQ(0, sb_socketpair_at(broker_, AF_UNIX, SOCK_SEQPACKET, 0, sv)) << sb_error_message();
  ASSERT_EQ(sv[0], sb_detach(sv[0])) << sb_error_message();
  ASSERT_EQ(2, write(sv[0], "hi", 2));
  EXPECT_EQ("hi", Read(sv[1]));
  close(sv[0]);
  sb_close(sv[1]);
}

TEST_F(Descriptor, ComesByUnaryCallsToo) {
  sb_broker *unary = sb_connect_broker(daemon_.address().c_str(), SB_TRANSPORT_UNARY);
  ASSERT_NE(nullptr, unary);
  int a = sb_socket_at(unary, AF_INET, SOCK_DGRAM, 0);
  ASSERT_EQ(a, sb_detach(a)) << sb_error_message();
  int b = sb_fromfd_at(unary, a, SOCK_NONBLOCK);
  ASSERT_LE(0, b) << sb_error_message();
  EXPECT_TRUE(sb_fcntl(b, F_GETFL) & O_NONBLOCK);
  EXPECT_FALSE(IsNonblocking(a)) << "the stand-in's flag is its own";
  close(a);
  sb_close(b);
  sb_disconnect_broker(unary);
}

TEST_F(Descriptor, OfTwoThreadsOneDetaches) {
  for (int i = 0; i < 20; i++) {
    int a = Socket(), results[2], errors[2] = {};
    auto detach = [&](int which) {
      results[which] = sb_detach(a);
      errors[which] = errno;
    };
    std::thread other(detach, 1);
    detach(0);
    other.join();
    const int loser = results[0] < 0 ? 0 : 1;
    EXPECT_EQ(-1, results[loser]);
    EXPECT_EQ(a, results[!loser]);
    EXPECT_TRUE(errors[loser] == EBADF || errors[loser] == ENOTSOCK) << errors[loser];
    close(a);
  }
}

TEST_F(Descriptor, ThreadsDetachAndGiveAtTheSameTime) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; t++)
    threads.emplace_back([this] {
      for (int i = 0; i < 25; i++) {
        int a = sb_socket_at(broker_, AF_INET, SOCK_DGRAM, 0);
        EXPECT_EQ(a, sb_detach(a)) << sb_error_message();
        int b = sb_fromfd_at(broker_, a, 0);
        EXPECT_LE(0, b) << sb_error_message();
        close(a);
        sb_close(b);
      }
    });
  for (std::thread &t : threads) t.join();
}

// As one that waits in read(2) while another thread puts another file at its number.
TEST_F(Descriptor, ACallThatWaitsOnItGoesOn) {
  auto [a, b] = Connection();
  std::string got;
  std::thread waiting([&, from = a] { got = Read(from); });
  ASSERT_EQ(a, sb_detach(a)) << sb_error_message();
  ASSERT_EQ(1, sb_send(b, "x", 1, 0));
  sb_close(b);
  waiting.join();
  // It was at the broker by then, or not yet.
  if (got != "x") {
    EXPECT_EQ("errno " + std::to_string(ENOTSOCK), got);
    EXPECT_EQ("x", ReadNatively(a));
  }
  close(a);
}

TEST_F(Descriptor, WhatIsNoSocketOfTheBrokersIsNotDetached) {
  EXPECT_EQ(-1, sb_detach(-1));
  EXPECT_EQ(EBADF, errno);
  EXPECT_EQ(-1, sb_fileno_direct(0));
  EXPECT_EQ(ENOTSOCK, errno);
}

TEST_F(Descriptor, WhatCannotBeGivenIsRefusedAndNothingLeaks) {
  int file = open("/dev/null", O_RDWR | O_CLOEXEC), local = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int standin = Socket(), inet = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int elsewhere = -1;
  std::thread([&elsewhere] {
    if (unshare(CLONE_NEWNET) == 0) elsewhere = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  }).join();
  sb_close(sb_fromfd_at(broker_, inet, 0));
  const size_t before = OpenDescriptors();
  const std::pair<int, int> wrong[] = {{-1, EBADF}, {999, EBADF}, {file, ENOTSOCK}, {local, EOPNOTSUPP},
                                       {standin, EOPNOTSUPP}, {elsewhere, EXDEV}};
  for (auto [fd, error] : wrong) {
    EXPECT_EQ(-1, sb_fromfd_at(broker_, fd, 0)) << fd;
    EXPECT_EQ(error, errno) << sb_error_message();
  }
  EXPECT_EQ(-1, sb_fromfd_at(broker_, inet, O_APPEND));
  EXPECT_EQ(EINVAL, errno);
  EXPECT_EQ(before, OpenDescriptors());
  sb_close(standin);
  for (int fd : {file, local, inet, elsewhere}) close(fd);
}

TEST_F(Descriptor, NothingIsLeftOpen) {
  close(sb_detach(Socket()));
  const size_t before = OpenDescriptors();
  for (int i = 0; i < 50; i++) {
    int a = Socket(), real = sb_fileno_direct(a), b = sb_fromfd_at(broker_, real, 0);
    ASSERT_LE(0, b) << sb_error_message();
    ASSERT_EQ(a, sb_detach(a)) << sb_error_message();
    sb_close(b);
    for (int fd : {a, real}) close(fd);
  }
  EXPECT_EQ(before, OpenDescriptors());
}

TEST_F(Descriptor, WithNoNumberLeftNothingChanges) {
  auto [a, b] = Connection();
  std::vector<int> all;
  for (int fd; (fd = dup(a)) >= 0 && all.size() < 100000;) all.push_back(fd);
  const int full = errno;
  EXPECT_EQ(-1, sb_detach(a));
  const int error = errno;
  for (int fd : all) close(fd);
  EXPECT_EQ(EMFILE, full);
  EXPECT_EQ(EMFILE, error);
  ASSERT_EQ(1, sb_send(b, "x", 1, 0));
  EXPECT_EQ("x", Read(a));
  for (int fd : {a, b}) sb_close(fd);
}

TEST_F(Descriptor, AChildOfForkHasNone) {
  int a = Socket();
  close(sb_fileno_direct(a));
  pid_t child = fork();
  if (child == 0) {
    const int r = sb_detach(a);
    _exit(r == -1 && errno == EBADF ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(child, waitpid(child, &status, 0));
  EXPECT_EQ(0, status);
  ASSERT_EQ(a, sb_detach(a)) << sb_error_message();
  close(a);
}

TEST_F(Descriptor, WhenTheBrokerHasGoneItSaysSo) {
  int a = Socket(), own = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), c = Socket();
  ASSERT_EQ(c, sb_detach(c)) << sb_error_message();
  killed_ = true;
  daemon_.Kill();
  EXPECT_EQ(-1, sb_detach(a));
  EXPECT_EQ(EPIPE, errno);
  EXPECT_NE(nullptr, strstr(sb_error_message(), "the broker has gone")) << sb_error_message();
  EXPECT_EQ(-1, sb_fromfd_at(broker_, own, 0));
  EXPECT_EQ(EPIPE, errno);
  const sockaddr_in any = Loopback();
  EXPECT_EQ(0, bind(c, Sa(any), sizeof(any))) << "what was detached stays";
  sb_close(a);
  for (int fd : {own, c}) close(fd);
}

TEST_F(Descriptor, ClientsThatAreKilledAmidstLeaveNothingButTheirTickets) {
  for (int i = 0; i < 10; i++) {
    OtherProcess client(kNobody, DetachForEver, daemon_.address());
    for (int line = 0; line <= i; line++) ASSERT_EQ("x\n", client.Line());
    client.Kill();
  }
  RawClient watcher(daemon_.address());
  Holdings one;
  one.sessions = 1;
  one.sockets = 10;
  one.connections = 2;
  one.descriptors = 1000;
  EXPECT_EQ("", AwaitHoldings(watcher, daemon_.pid(), one));
  int a = Socket();
  EXPECT_EQ(a, sb_detach(a)) << sb_error_message();
  close(a);
}

// ---- without a rule ------------------------------------------------------------------

class NotDirect : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root, to make a network namespace";
    ASSERT_TRUE(daemon_.Started()) << daemon_.Log();
  }
  Broker daemon_{{}, PolicyWithoutDirect()};
};

TEST_F(NotDirect, ASocketStaysWhatItIs) {
  sb_broker *b = Connect(daemon_.address());
  int sv[2];
  ASSERT_EQ(0, sb_socketpair_at(b, AF_UNIX, SOCK_STREAM, 0, sv));
  for (auto get : {sb_detach, sb_fileno_direct}) {
    EXPECT_EQ(-1, get(sv[0]));
    EXPECT_EQ(EACCES, errno);
    EXPECT_NE(nullptr, strstr(sb_error_message(), "`direct`")) << sb_error_message();
  }
  char c = 0;
  EXPECT_EQ(1, sb_send(sv[0], "x", 1, 0));
  EXPECT_EQ(1, sb_recv(sv[1], &c, 1, 0));
  for (int fd : sv) sb_close(fd);
  sb_disconnect_broker(b);
}

TEST_F(NotDirect, TheBrokerJudgesWhatIsAskedAbout) {
  OtherProcess client(kNobody, AskForJudgements, daemon_.address());
  EXPECT_EQ("ok\n", client.Line());
}

// ---- whoever listens beside the broker's socket ------------------------------------------

class FalseDescriptors : public Descriptor {
 protected:
  void SetUp() override {
    Descriptor::SetUp();
    if (!broker_) return;
    ASSERT_EQ(0, unlink(descriptor_path().c_str()));
  }
  void TearDown() override {
    if (listener_ >= 0) close(listener_);
    Descriptor::TearDown();
  }
  void Listen() {
    sockaddr_un sun = {};
    sun.sun_family = AF_UNIX;
    descriptor_path().copy(sun.sun_path, sizeof(sun.sun_path) - 1);
    listener_ = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    ASSERT_EQ(0, bind(listener_, Sa(sun), sizeof(sun)));
    ASSERT_EQ(0, listen(listener_, 5));
  }
  // Accepts one connection, waits for a packet, answers it with `bytes` and `n` descriptors.
  void Answer(const std::string &bytes, size_t n, int type = SCM_RIGHTS) {
    int line = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    char control[256] = {}, request[200];
    iovec iov = {const_cast<char *>(bytes.data()), bytes.size()};
    msghdr m = {};
    m.msg_iov = &iov;
    m.msg_iovlen = 1;
    const ssize_t asked = recv(line, request, sizeof(request), 0);
    EXPECT_LT(0, asked);
    EXPECT_GE(128, asked);
    if (n) {
      m.msg_control = control;
      m.msg_controllen = type == SCM_RIGHTS ? CMSG_SPACE(n * sizeof(int)) : CMSG_SPACE(sizeof(ucred));
      cmsghdr *c = CMSG_FIRSTHDR(&m);
      c->cmsg_level = SOL_SOCKET;
      c->cmsg_type = type;
      c->cmsg_len = type == SCM_RIGHTS ? CMSG_LEN(n * sizeof(int)) : CMSG_LEN(sizeof(ucred));
      const ucred self = {getpid(), geteuid(), getegid()};
      if (type == SCM_CREDENTIALS) memcpy(CMSG_DATA(c), &self, sizeof(self));
      for (size_t i = 0; type == SCM_RIGHTS && i < n; i++)
        memcpy(CMSG_DATA(c) + i * sizeof(int), &listener_, sizeof(int));
    }
    if (!bytes.empty()) {
      EXPECT_LT(0, sendmsg(line, &m, MSG_NOSIGNAL)) << strerror(errno);
    }
    close(line);
  }
  int listener_ = -1;
};

TEST_F(FalseDescriptors, WithoutOneThereIsASentenceAndTheSocketStays) {
  auto [a, b] = Connection();
  EXPECT_EQ(-1, sb_detach(a));
  EXPECT_EQ(EOPNOTSUPP, errno);
  EXPECT_NE(nullptr, strstr(sb_error_message(), "no descriptor socket")) << sb_error_message();
  ASSERT_EQ(1, sb_send(a, "x", 1, 0)) << sb_error_message();
  EXPECT_EQ("x", Read(b));
  for (int fd : {a, b}) sb_close(fd);
}

TEST_F(FalseDescriptors, WhatComesBesideOneDescriptorIsRefusedAndClosed) {
  const std::string error(Pb().V(1, ENOENT)), long_ticket(Pb().B(2, std::string(100, 'a')));
  const std::string good(Pb().B(2, "")), padded(Pb().B(3, std::string(1000, 'a')));
  struct { std::string bytes; size_t n; int type, expected; } const answers[] = {
      {good, 0, SCM_RIGHTS, EPROTO},  {good, 2, SCM_RIGHTS, EPROTO},       {good, 4, SCM_RIGHTS, EPROTO},
      {good, 40, SCM_RIGHTS, EPROTO}, {error, 1, SCM_RIGHTS, EPROTO},      {error, 0, SCM_RIGHTS, ENOENT},
      {padded, 1, SCM_RIGHTS, EPROTO}, {long_ticket, 1, SCM_RIGHTS, EPROTO}, {"\xff\xff\xff", 1, SCM_RIGHTS, EPROTO},
      {good, 1, SCM_CREDENTIALS, EPROTO}};
  Listen();
  int a = Socket();
  const size_t before = OpenDescriptors();
  for (const auto &x : answers) {
    std::thread other([&] { Answer(x.bytes, x.n, x.type); });
    EXPECT_EQ(-1, sb_fileno_direct(a));
    EXPECT_EQ(x.expected, errno) << x.n << sb_error_message();
    other.join();
    // One that was well is kept until it is found to have ended.
    EXPECT_GE(before + 1, OpenDescriptors()) << x.n;
  }
  sb_close(a);
}

TEST_F(FalseDescriptors, AConnectionThatEndedIsMadeAnewOnce) {
  Listen();
  int a = Socket();
  std::thread other([&] {
    Answer(Pb().V(1, ENOENT), 0);
    Answer(Pb().V(1, EMFILE), 0);
    for (int i = 0; i < 2; i++) Answer("", 0);
  });
  for (int expected : {ENOENT, EMFILE, EMFILE}) {
    EXPECT_EQ(-1, sb_fileno_direct(a));
    EXPECT_EQ(expected, errno) << sb_error_message();
  }
  other.join();
  sb_close(a);
}

}  // namespace
