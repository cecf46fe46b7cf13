// SPDX-License-Identifier: Apache-2.0
//
// SIO_RCVALL on a wire: a pair of interfaces, one end in the broker's network namespace,
// the other in one that plays the rest of the world.
#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sockbroker.h>

#include <cerrno>
#include <cstring>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include "support/broker.h"
#include "support/raw_client.h"

using namespace sb_test;

namespace {

constexpr uid_t kNobody = 65534, kSomebody = 2;
constexpr char kHere[] = "192.0.2.1", kThere[] = "192.0.2.2";
constexpr char kHere6[] = "2001:db8::1", kThere6[] = "2001:db8::2";
constexpr char kHereMac[] = "\x02\0\0\0\0\x01", kStrangersMac[] = "\x02\0\0\0\0\x77";

// Of root all that is needed, with the ioctl; of nobody the socket, and the ioctl on
// sbr0 alone; of somebody the socket alone.
const char kPolicy[] = R"(version: 1
rules:
  - { name: raw, who: everyone, may: [socket, bind, send], lends: CAP_NET_RAW, family: [inet, inet6],
      type: raw, protocol: [raw, udp, ipv6], to: any, from: [any, 127.0.0.0/8, wildcard] }
  - { name: tcp, who: everyone, may: [socket, bind, listen, connect], family: inet, type: [stream, dgram],
      protocol: any, to: [127.0.0.0/8], to_ports: any, from: [127.0.0.0/8], from_ports: ephemeral }
  - { name: sniff, who: [{ uid: 0 }, { uid: 65534 }], may: [ioctl], lends: CAP_NET_RAW, family: [inet, inet6],
      type: raw, protocol: [raw, udp, ipv6], ioctls: SIO_RCVALL, interface: [sbr0] }
  - { name: headers, who: { uid: 0 }, may: [option], family: inet, type: raw, protocol: raw, options: IP_HDRINCL }
  - { name: sniff lo, who: { uid: 0 }, may: [ioctl], lends: CAP_NET_RAW, family: [inet, inet6],
      type: raw, protocol: [raw, udp, ipv6], ioctls: SIO_RCVALL, interface: [lo] }
)";

sockaddr_in Inet(const char *ip, unsigned port = 0) {
  sockaddr_in sin = {};
  sin.sin_family = AF_INET;
  sin.sin_port = htons(static_cast<uint16_t>(port));
  inet_pton(AF_INET, ip, &sin.sin_addr);
  return sin;
}

sockaddr_in6 Inet6(const char *ip, unsigned port = 0) {
  sockaddr_in6 sin6 = {};
  sin6.sin6_family = AF_INET6;
  sin6.sin6_port = htons(static_cast<uint16_t>(port));
  inet_pton(AF_INET6, ip, &sin6.sin6_addr);
  return sin6;
}

template <class T>
const sockaddr *Sa(const T &t) {
  return reinterpret_cast<const sockaddr *>(&t);
}

template <class T>
std::string Raw(const T &t) {
  return std::string(reinterpret_cast<const char *>(&t), sizeof(t));
}

short PollOne(int (*poll_function)(pollfd *, nfds_t, int), int fd, short events, int timeout_ms) {
  pollfd p = {fd, events, 0};
  return poll_function(&p, 1, timeout_ms) < 0 ? static_cast<short>(-1) : p.revents;
}

// The two namespaces, made once.
struct World {
  World() {
    here = (unshare(CLONE_NEWNET), OpenNamespace());
    there = (unshare(CLONE_NEWNET), OpenNamespace());
    Enter(here);
    const std::string path = "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(there);
    Run("ip link set lo up && ip link add sbr0 address 02:00:00:00:00:01 type veth "
        "peer name sbr1 netns " + path + " && ip link set sbr0 addrgenmode none && ip addr add 192.0.2.1/24 dev sbr0 && ip addr add "
        "2001:db8::1/64 dev sbr0 nodad && ip link set sbr0 up");
    In(there, [] {
      Run("ip link set sbr1 addrgenmode none up && ip addr add 192.0.2.2/24 dev sbr1 && "
          "ip addr add 2001:db8::2/64 dev sbr1 nodad");
    });
  }
  static int OpenNamespace() { return open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC); }
  static void Enter(int ns) {
    if (setns(ns, CLONE_NEWNET)) abort();
  }
  static void Run(const std::string &command) {
    if (system(command.c_str())) throw std::runtime_error(command);
  }
  void In(int ns, const std::function<void()> &what) const {
    Enter(ns);
    what();
    Enter(here);
  }
  int here, there;
};

class Rcvall : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root, to make network namespaces";
    static const World made;
    world_ = &made;
    broker_.reset(new Broker({"--user", "daemon"}, kPolicy));
    ASSERT_TRUE(broker_->Started()) << broker_->Log();
    client_ = sb_connect_broker(broker_->address().c_str(), SB_TRANSPORT_STREAM);
    ASSERT_NE(nullptr, client_) << sb_error_message();
  }
  void TearDown() override {
    if (!broker_) return;
    sb_disconnect_broker(client_);
    EXPECT_TRUE(broker_->Stop()) << broker_->Log();
    EXPECT_EQ(std::string::npos, broker_->Log().find("Sanitizer")) << broker_->Log();
  }

  // A raw socket of ours, bound.
  template <class T>
  int Sniffer(const T &address, int protocol = IPPROTO_IP) {
    int fd = sb_socket_at(client_, address_family(address), SOCK_RAW, protocol);
    EXPECT_LE(0, fd) << sb_error_message();
    EXPECT_EQ(0, sb_bind(fd, Sa(address), sizeof(address))) << sb_error_message();
    return fd;
  }
  static int address_family(const sockaddr_in &) { return AF_INET; }
  static int address_family(const sockaddr_in6 &) { return AF_INET6; }

  static int Switch(int fd, int mode) { return sb_ioctl(fd, SIO_RCVALL, &mode); }

  // How many want the interface promiscuous.
  static int Promiscuity() {
    FILE *ip = popen("ip -d -o link show sbr0", "r");
    char line[2048] = {};
    EXPECT_NE(nullptr, fgets(line, sizeof(line), ip));
    pclose(ip);
    const char *at = strstr(line, "promiscuity ");
    return at ? atoi(at + strlen("promiscuity ")) : -1;
  }

  // A datagram of UDP, from one side to the other, by the kernel's own means.
  template <class T>
  void Send(int from, const T &to, const std::string &payload) const {
    world_->In(from, [&] {
      int fd = socket(address_family(to), SOCK_DGRAM | SOCK_CLOEXEC, 0);
      EXPECT_EQ(static_cast<ssize_t>(payload.size()),
                sendto(fd, payload.data(), payload.size(), 0, Sa(to), sizeof(to)));
      close(fd);
    });
  }
  void ToUs(const std::string &payload) const { Send(world_->there, Inet(kHere, 9), payload); }
  void FromUs(const std::string &payload) const { Send(world_->here, Inet(kThere, 9), payload); }

  static std::string UdpPacket(const char *from, const char *to, const std::string &payload) {
    udphdr udp = {};
    udp.source = udp.dest = htons(9);
    udp.len = htons(static_cast<uint16_t>(sizeof(udp) + payload.size()));
    iphdr ip = {};
    ip.version = 4;
    ip.ihl = 5;
    ip.ttl = 17;
    ip.protocol = IPPROTO_UDP;
    ip.tot_len = htons(static_cast<uint16_t>(sizeof(ip) + sizeof(udp) + payload.size()));
    ip.saddr = Inet(from).sin_addr.s_addr;
    ip.daddr = Inet(to).sin_addr.s_addr;
    return Raw(ip) + Raw(udp) + payload;
  }

  // A frame on the wire, to whomever.
  void Frame(const char *to_mac, const std::string &payload) const {
    const std::string frame = std::string(to_mac, 6) + std::string("\x02\0\0\0\0\x02", 6) +
                              std::string("\x08\0", 2) + UdpPacket(kThere, "192.0.2.99", payload);
    world_->In(world_->there, [&] {
      int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
      sockaddr_ll sll = {};
      sll.sll_family = AF_PACKET;
      sll.sll_ifindex = static_cast<int>(if_nametoindex("sbr1"));
      EXPECT_EQ(static_cast<ssize_t>(frame.size()),
                sendto(fd, frame.data(), frame.size(), 0, Sa(sll), sizeof(sll)));
      close(fd);
    });
  }

  // The payload of the UDP datagram that comes next, whatever else does; and its sender.
  static std::string Udp(int fd, std::string *from = nullptr, int flags = 0) {
    char packet[70000], text[64] = {};
    for (int i = 0; i < 100; i++) {
      sockaddr_in sin = {};
      socklen_t len = sizeof(sin);
      ssize_t n = sb_recvfrom(fd, packet, sizeof(packet), flags, reinterpret_cast<sockaddr *>(&sin), &len);
      if (n < 0) return "errno " + std::to_string(errno);
      iphdr ip;
      memcpy(&ip, packet, sizeof(ip));
      EXPECT_EQ(4, ip.version) << "no IP header";
      EXPECT_EQ(0, sin.sin_port);
      EXPECT_EQ(ip.saddr, sin.sin_addr.s_addr);
      if (from) *from = inet_ntop(AF_INET, &sin.sin_addr, text, sizeof(text));
      if (ip.protocol == IPPROTO_UDP) return std::string(packet + 28, static_cast<size_t>(n) - 28);
    }
    return "nothing";
  }

  const World *world_ = nullptr;
  std::unique_ptr<Broker> broker_;
  sb_broker *client_ = nullptr;
};

TEST_F(Rcvall, WhatComesAndWhatGoesIsReceivedFromItsIpHeaderOn) {
  int s = Sniffer(Inet(kHere));
  ASSERT_EQ(0, Switch(s, RCVALL_ON)) << sb_error_message();
  std::string from;
  ToUs("in");
  EXPECT_EQ("in", Udp(s, &from));
  EXPECT_EQ(kThere, from);
  FromUs("out");
  EXPECT_EQ("out", Udp(s, &from));
  EXPECT_EQ(kHere, from);
  sb_close(s);
}

TEST_F(Rcvall, Ipv6ComesWithItsHeaderToo) {
  int s = Sniffer(Inet6(kHere6), IPPROTO_IPV6);
  ASSERT_EQ(0, Switch(s, RCVALL_ON)) << sb_error_message();
  for (bool in : {true, false}) {
    if (in) Send(world_->there, Inet6(kHere6, 9), "in");
    else Send(world_->here, Inet6(kThere6, 9), "out");
    ip6_hdr header = {};
    sockaddr_in6 from = {};
    char packet[2000];
    for (int i = 0; i < 100 && header.ip6_nxt != IPPROTO_UDP; i++) {
      socklen_t len = sizeof(from);
      ASSERT_LT(40, sb_recvfrom(s, packet, sizeof(packet), 0, reinterpret_cast<sockaddr *>(&from), &len));
      memcpy(&header, packet, sizeof(header));
      EXPECT_EQ(6, header.ip6_vfc >> 4);
      EXPECT_EQ(0, memcmp(&header.ip6_src, &from.sin6_addr, 16));
    }
    const sockaddr_in6 sender = Inet6(in ? kThere6 : kHere6);
    EXPECT_EQ(0, memcmp(&sender.sin6_addr, &from.sin6_addr, 16));
    EXPECT_EQ(in ? 'i' : 'o', packet[48]);
  }
  sb_close(s);
}

TEST_F(Rcvall, OnIsPromiscuousAndHearsWhatIsForOthers) {
  int s = Sniffer(Inet(kHere));
  ASSERT_EQ(0, Switch(s, RCVALL_ON));
  EXPECT_EQ(1, Promiscuity());
  Frame(kStrangersMac, "others");
  EXPECT_EQ("others", Udp(s));
  sb_close(s);
}

TEST_F(Rcvall, IplevelIsNotAndDoesNot) {
  int s = Sniffer(Inet(kHere));
  ASSERT_EQ(0, Switch(s, RCVALL_IPLEVEL));
  EXPECT_EQ(0, Promiscuity());
  Frame(kStrangersMac, "others");
  Frame(kHereMac, "ours");
  EXPECT_EQ("ours", Udp(s));
  FromUs("out");
  EXPECT_EQ("out", Udp(s));
  sb_close(s);
}

TEST_F(Rcvall, OneModeFollowsAnother) {
  int s = Sniffer(Inet(kHere));
  for (int mode : {RCVALL_ON, RCVALL_IPLEVEL, RCVALL_ON, RCVALL_ON, RCVALL_OFF, RCVALL_OFF}) {
    EXPECT_EQ(0, Switch(s, mode));
    EXPECT_EQ(mode == RCVALL_ON, Promiscuity());
  }
  sb_close(s);
}

TEST_F(Rcvall, OffIsAnOrdinaryRawSocketThatHasHeardNothingMeanwhile) {
  int s = Sniffer(Inet(kHere), IPPROTO_UDP);
  ASSERT_EQ(0, Switch(s, RCVALL_ON));
  ToUs("meanwhile");
  EXPECT_EQ("meanwhile", Udp(s));
  ToUs("unread");
  ASSERT_EQ(0, Switch(s, RCVALL_OFF));
  EXPECT_EQ(0, Promiscuity());
  EXPECT_EQ("errno " + std::to_string(EAGAIN), Udp(s, nullptr, MSG_DONTWAIT));
  FromUs("not ours to hear");
  ToUs("ours");
  EXPECT_EQ("ours", Udp(s));
  sb_close(s);
}

TEST_F(Rcvall, SocketlevelonlyHasNoEffect) {
  int s = Sniffer(Inet(kHere), IPPROTO_UDP);
  EXPECT_EQ(0, Switch(s, RCVALL_SOCKETLEVELONLY));
  EXPECT_EQ(0, Promiscuity());
  FromUs("out");
  ToUs("in");
  EXPECT_EQ("in", Udp(s));
  sb_close(s);
}

TEST_F(Rcvall, CloseEndsItBeforeItReturns) {
  int s = Sniffer(Inet(kHere)), copy;
  ASSERT_EQ(0, Switch(s, RCVALL_ON));
  copy = sb_dup(s);
  sb_close(s);
  EXPECT_EQ(1, Promiscuity());
  ToUs("by the other handle");
  EXPECT_EQ("by the other handle", Udp(copy));
  sb_close(copy);
  EXPECT_EQ(0, Promiscuity());
}

void SniffAndWait(const std::string &address, int out) {
  sb_broker *b = sb_connect_broker(address.c_str(), SB_TRANSPORT_STREAM);
  int s = sb_socket_at(b, AF_INET, SOCK_RAW, 0), mode = RCVALL_ON;
  const sockaddr_in here = Inet(kHere);
  char c;
  if (sb_bind(s, Sa(here), sizeof(here)) || sb_ioctl(s, SIO_RCVALL, &mode)) {
    Say(out, sb_error_message());
    return;
  }
  Say(out, "sniffs");
  for (int i = 0; i < 1000; i++) (void)sb_recv(s, &c, 1, 0);
}

TEST_F(Rcvall, AClientThatIsKilledLeavesNothingOn) {
  OtherProcess client(0, SniffAndWait, broker_->address());
  ASSERT_EQ("sniffs\n", client.Line());
  EXPECT_EQ(1, Promiscuity());
  client.Kill();
  int waited = 0;
  for (pollfd none = {-1, 0, 0}; Promiscuity() && waited < 200; waited++) poll(&none, 1, 50);
  EXPECT_EQ(0, Promiscuity());
}

TEST_F(Rcvall, ABrokerThatIsKilledLeavesNothingOn) {
  int s = Sniffer(Inet(kHere));
  ASSERT_EQ(0, Switch(s, RCVALL_ON));
  broker_->Kill();
  int waited = 0;
  for (pollfd none = {-1, 0, 0}; Promiscuity() && waited < 200; waited++) poll(&none, 1, 50);
  EXPECT_EQ(0, Promiscuity());
  sb_close(s);
  sb_disconnect_broker(client_);
  client_ = nullptr;
  broker_.reset();
}

void SniffOnce(const std::string &argument, int out) {
  const size_t space = argument.find(' ');
  sb_broker *b = sb_connect_broker(argument.substr(0, space).c_str(), SB_TRANSPORT_STREAM);
  const sockaddr_in here = Inet(argument.substr(space + 1).c_str());
  int s = sb_socket_at(b, AF_INET, SOCK_RAW, 0), mode = RCVALL_ON;
  if (sb_bind(s, Sa(here), sizeof(here)))
    Say(out, "bind: " + std::to_string(errno));
  else
    Say(out, sb_ioctl(s, SIO_RCVALL, &mode) ? "errno " + std::to_string(errno) : "sniffs");
}

TEST_F(Rcvall, ThePolicyMustNameItAndTheInterface) {
  const std::string on = broker_->address() + " ";
  EXPECT_EQ("sniffs\n", OtherProcess(kNobody, SniffOnce, on + kHere).Line());
  EXPECT_EQ("errno " + std::to_string(EPERM) + "\n", OtherProcess(kNobody, SniffOnce, on + "127.0.0.1").Line());
  EXPECT_EQ("errno " + std::to_string(EPERM) + "\n", OtherProcess(kSomebody, SniffOnce, on + kHere).Line());
}

TEST_F(Rcvall, WhatIsNoSuchSocketIsRefused) {
  int udp = sb_socket_at(client_, AF_INET, SOCK_DGRAM, 0), unbound = sb_socket_at(client_, AF_INET, SOCK_RAW, 0);
  int s = Sniffer(Inet(kHere)), any = Sniffer(Inet("0.0.0.0"));
  const struct { int fd, mode, error; } rows[] = {
      {udp, RCVALL_ON, EOPNOTSUPP}, {unbound, RCVALL_ON, EINVAL}, {any, RCVALL_ON, EINVAL},
      {s, 4, EINVAL},               {s, -1, EINVAL},
  };
  for (const auto &row : rows) {
    EXPECT_EQ(-1, Switch(row.fd, row.mode)) << &row - rows;
    EXPECT_EQ(row.error, errno) << &row - rows;
  }
  EXPECT_EQ(-1, sb_ioctl(s, SIO_RCVALL, nullptr));
  EXPECT_EQ(EFAULT, errno);
  for (int fd : {udp, unbound, s, any}) sb_close(fd);
}

TEST_F(Rcvall, AReceiveThatWaitsGetsWhatComesAfterTheSwitch) {
  int s = Sniffer(Inet(kHere));
  std::string got;
  std::thread waiting([&] { got = Udp(s); });
  // Polls behind it are answered in turn: it is parked by then.
  pollfd none = {s, POLLIN, 0};
  EXPECT_EQ(0, sb_poll(&none, 1, 30));
  ASSERT_EQ(0, Switch(s, RCVALL_ON));
  FromUs("out");
  waiting.join();
  EXPECT_EQ("out", got);
  sb_close(s);
}

TEST_F(Rcvall, PollAndFionreadFollow) {
  int s = Sniffer(Inet(kHere)), unread = -1;
  ASSERT_EQ(0, Switch(s, RCVALL_ON));
  EXPECT_EQ(POLLOUT, PollOne(sb_poll, s, POLLIN | POLLOUT, 0));
  EXPECT_EQ(0, sb_ioctl(s, FIONREAD, &unread));
  EXPECT_EQ(0, unread);
  std::thread sender([this] { Frame(kStrangersMac, "12345"); });
  EXPECT_EQ(POLLIN, PollOne(sb_poll, s, POLLIN, kPatienceMs));
  sender.join();
  EXPECT_EQ(0, sb_ioctl(s, FIONREAD, &unread));
  EXPECT_EQ(33, unread);
  EXPECT_EQ("12345", Udp(s));
  EXPECT_EQ(0, PollOne(sb_poll, s, POLLIN, 0));
  ASSERT_EQ(0, sb_watch(s, POLLIN));
  Frame(kStrangersMac, "again");
  EXPECT_EQ(POLLIN, PollOne(poll, s, POLLIN, kPatienceMs));
  sb_close(s);
}

TEST_F(Rcvall, APollThatWaitsSeesWhatComesAfterTheSwitch) {
  int s = Sniffer(Inet(kHere));
  ASSERT_EQ(0, sb_watch(s, POLLIN));
  ASSERT_EQ(0, Switch(s, RCVALL_ON));
  FromUs("out");
  EXPECT_EQ(POLLIN, PollOne(poll, s, POLLIN, kPatienceMs));
  sb_close(s);
}

TEST_F(Rcvall, TimeoutsFlagsAndLengthsAreThoseOfARawSocket) {
  int s = Sniffer(Inet(kHere));
  char bytes[64];
  sockaddr_in from = {};
  socklen_t len = sizeof(from);
  const timeval soon = {0, 20000};
  ASSERT_EQ(0, Switch(s, RCVALL_IPLEVEL));
  EXPECT_EQ(0, sb_setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon)));
  EXPECT_EQ(-1, sb_recv(s, bytes, 1, 0));
  EXPECT_EQ(EAGAIN, errno);
  Frame(kHereMac, "four");
  EXPECT_EQ("four", Udp(s, nullptr, MSG_PEEK));
  EXPECT_EQ(32, sb_recv(s, bytes, 4, MSG_PEEK | MSG_TRUNC));
  iovec iov = {bytes, 4};
  msghdr msg = {&from, sizeof(from), &iov, 1, nullptr, 0, 0};
  EXPECT_EQ(4, sb_recvmsg(s, &msg, MSG_PEEK));
  EXPECT_EQ(MSG_TRUNC, msg.msg_flags);
  EXPECT_EQ(Inet(kThere).sin_addr.s_addr, from.sin_addr.s_addr);
  EXPECT_EQ(0x45, bytes[0]);
  EXPECT_EQ(4, sb_recvfrom(s, bytes, 4, 0, reinterpret_cast<sockaddr *>(&from), &len));
  EXPECT_EQ(Inet(kThere).sin_addr.s_addr, from.sin_addr.s_addr);
  EXPECT_EQ(-1, sb_recv(s, bytes, 1, MSG_DONTWAIT));
  sb_close(s);
}

TEST_F(Rcvall, ManyAreReceivedAtOnce) {
  int s = Sniffer(Inet(kHere));
  char bytes[3][100];
  sockaddr_in from[3] = {};
  iovec iov[3];
  mmsghdr many[3] = {};
  for (int i = 0; i < 3; i++) {
    iov[i] = {bytes[i], i == 1 ? 20u : 100u};
    many[i].msg_hdr = {&from[i], sizeof(from[i]), &iov[i], 1, nullptr, 0, 0};
  }
  ASSERT_EQ(0, Switch(s, RCVALL_IPLEVEL));
  for (const char *payload : {"one", "two", "three"}) Frame(kHereMac, payload);
  ASSERT_EQ(3, sb_recvmmsg(s, many, 3, 0, nullptr));
  EXPECT_EQ(31u, many[0].msg_len);
  EXPECT_EQ(20u, many[1].msg_len);
  EXPECT_EQ(MSG_TRUNC, many[1].msg_hdr.msg_flags);
  EXPECT_EQ("three", std::string(bytes[2] + 28, 5));
  for (const sockaddr_in &sin : from) EXPECT_EQ(Inet(kThere).sin_addr.s_addr, sin.sin_addr.s_addr);
  sb_close(s);
}

// Passes datagrams whose payload begins with @first.
void Filter(int fd, char first) {
  sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 28),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<uint32_t>(first), 0, 1),
      BPF_STMT(BPF_RET | BPF_K, 0xffff),
      BPF_STMT(BPF_RET | BPF_K, 0),
  };
  const sock_fprog program = {4, code};
  EXPECT_EQ(0, sb_setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program))) << sb_error_message();
}

TEST_F(Rcvall, FiltersCountFromTheIpHeaderOn) {
  int s = Sniffer(Inet(kHere), IPPROTO_UDP), none = 0;
  Filter(s, 'b');
  ASSERT_EQ(0, Switch(s, RCVALL_IPLEVEL));
  for (const char *payload : {"a1", "b1"}) Frame(kHereMac, payload);
  EXPECT_EQ("b1", Udp(s));
  Filter(s, 'c');
  for (const char *payload : {"b2", "c2"}) Frame(kHereMac, payload);
  EXPECT_EQ("c2", Udp(s));
  EXPECT_EQ(0, sb_setsockopt(s, SOL_SOCKET, SO_DETACH_FILTER, &none, sizeof(none)));
  Frame(kHereMac, "d3");
  EXPECT_EQ("d3", Udp(s));
  sb_close(s);
}

TEST_F(Rcvall, TimestampsComeIfTheyAreAskedFor) {
  int s = Sniffer(Inet(kHere)), on = 1;
  EXPECT_EQ(0, sb_setsockopt(s, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)));
  ASSERT_EQ(0, Switch(s, RCVALL_IPLEVEL));
  Frame(kHereMac, "x");
  char bytes[100], control[200];
  iovec iov = {bytes, sizeof(bytes)};
  msghdr msg = {nullptr, 0, &iov, 1, control, sizeof(control), 0};
  EXPECT_EQ(29, sb_recvmsg(s, &msg, 0));
  ASSERT_NE(nullptr, CMSG_FIRSTHDR(&msg));
  EXPECT_EQ(SCM_TIMESTAMPNS, CMSG_FIRSTHDR(&msg)->cmsg_type);
  sb_close(s);
}

TEST_F(Rcvall, HeadersOfOnesOwnAreSentMeanwhile) {
  int s = Sniffer(Inet(kHere)), on = 1, there = -1;
  char got[100] = {};
  world_->In(world_->there, [&] {
    const sockaddr_in any = Inet("0.0.0.0", 9);
    there = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(0, bind(there, Sa(any), sizeof(any)));
  });
  EXPECT_EQ(0, sb_setsockopt(s, IPPROTO_IP, IP_HDRINCL, &on, sizeof(on)));
  ASSERT_EQ(0, Switch(s, RCVALL_ON));
  const std::string packet = UdpPacket("192.0.2.55", kThere, "own");
  const sockaddr_in to = Inet(kThere);
  EXPECT_EQ(static_cast<ssize_t>(packet.size()), sb_sendto(s, packet.data(), packet.size(), 0, Sa(to), sizeof(to)))
      << sb_error_message();
  std::string from;
  EXPECT_EQ("own", Udp(s, &from));
  EXPECT_EQ("192.0.2.55", from);
  pollfd p = {there, POLLIN, 0};
  EXPECT_EQ(1, poll(&p, 1, kPatienceMs));
  EXPECT_EQ(3, recv(there, got, sizeof(got), 0));
  close(there);
  sb_close(s);
}

TEST_F(Rcvall, ASocketThatIsSharedHearsForBoth) {
  sb_broker *other = sb_connect_broker(broker_->address().c_str(), SB_TRANSPORT_STREAM);
  char token[SB_SHARE_BYTES];
  int s = Sniffer(Inet(kHere));
  ASSERT_EQ(0, Switch(s, RCVALL_ON));
  ASSERT_EQ(0, sb_share(s, 0, token)) << sb_error_message();
  int taken = sb_fromshare_at(other, token, 0);
  ASSERT_LE(0, taken) << sb_error_message();
  Frame(kStrangersMac, "one");
  EXPECT_EQ("one", Udp(taken));
  EXPECT_EQ(0, Switch(s, RCVALL_OFF));
  EXPECT_EQ(1, Promiscuity());
  Frame(kStrangersMac, "two");
  EXPECT_EQ("two", Udp(taken));
  sb_close(taken);
  EXPECT_EQ(0, Promiscuity());
  sb_close(s);
  sb_disconnect_broker(other);
}

TEST_F(Rcvall, TheLoopbackIsHeardOnceWhateverAddressOfIt) {
  int s = Sniffer(Inet("127.0.0.9"));
  ASSERT_EQ(0, Switch(s, RCVALL_ON)) << sb_error_message();
  Send(world_->here, Inet("127.0.0.1", 9), "one");
  Send(world_->here, Inet("127.0.0.1", 9), "two");
  EXPECT_EQ("one", Udp(s));
  EXPECT_EQ("two", Udp(s));
  sb_close(s);
}

TEST_F(Rcvall, AnInterfaceThatGoesDownIsToldOf) {
  int s = Sniffer(Inet(kHere));
  char c;
  ASSERT_EQ(0, Switch(s, RCVALL_ON));
  World::Run("ip link set sbr0 down");
  EXPECT_EQ(-1, sb_recv(s, &c, 1, 0));
  EXPECT_EQ(ENETDOWN, errno);
  World::Run("ip link set sbr0 up && ip -6 addr replace 2001:db8::1/64 dev sbr0 nodad");
  sb_close(s);
}

using Winsock = Rcvall;

TEST_F(Winsock, KeepaliveValsAreRoundedUpToSeconds) {
  int s = sb_socket_at(client_, AF_INET, SOCK_STREAM, 0), value = 0;
  socklen_t len = sizeof(value);
  sb_tcp_keepalive vals = {1, 10001, 3000};
  ASSERT_EQ(0, sb_ioctl(s, SIO_KEEPALIVE_VALS, &vals)) << sb_error_message();
  const struct { int level, name, value; } rows[] = {
      {SOL_SOCKET, SO_KEEPALIVE, 1}, {IPPROTO_TCP, TCP_KEEPIDLE, 11}, {IPPROTO_TCP, TCP_KEEPINTVL, 3}};
  for (const auto &row : rows) {
    EXPECT_EQ(0, sb_getsockopt(s, row.level, row.name, &value, &len));
    EXPECT_EQ(row.value, value) << row.name;
  }
  vals = {0, 0, 0};
  EXPECT_EQ(0, sb_ioctl(s, SIO_KEEPALIVE_VALS, &vals));
  EXPECT_EQ(0, sb_getsockopt(s, SOL_SOCKET, SO_KEEPALIVE, &value, &len));
  EXPECT_EQ(0, value);
  sb_close(s);
}

TEST_F(Winsock, KeepaliveValsThatMakeNoSenseAreRefused) {
  int s = sb_socket_at(client_, AF_INET, SOCK_STREAM, 0), udp = sb_socket_at(client_, AF_INET, SOCK_DGRAM, 0);
  sb_tcp_keepalive good = {1, 1, 1}, no_time = {1, 0, 1}, no_interval = {1, 1, 0}, too_long = {1, 32768000, 1};
  EXPECT_EQ(0, sb_ioctl(s, SIO_KEEPALIVE_VALS, &good));
  for (sb_tcp_keepalive *bad : {&no_time, &no_interval, &too_long}) {
    EXPECT_EQ(-1, sb_ioctl(s, SIO_KEEPALIVE_VALS, bad));
    EXPECT_EQ(EINVAL, errno);
  }
  EXPECT_EQ(-1, sb_ioctl(udp, SIO_KEEPALIVE_VALS, &good));
  EXPECT_EQ(EOPNOTSUPP, errno);
  for (int fd : {s, udp}) sb_close(fd);
}

TEST_F(Winsock, TheLoopbackFastPathIsForTcpThatHasNotBegun) {
  int s = sb_socket_at(client_, AF_INET, SOCK_STREAM, 0), udp = sb_socket_at(client_, AF_INET, SOCK_DGRAM, 0), on = 1;
  EXPECT_EQ(0, sb_ioctl(s, SIO_LOOPBACK_FAST_PATH, &on)) << sb_error_message();
  const sockaddr_in local = Inet("127.0.0.1");
  ASSERT_EQ(0, sb_bind(s, Sa(local), sizeof(local)));
  ASSERT_EQ(0, sb_listen(s, 1));
  EXPECT_EQ(-1, sb_ioctl(s, SIO_LOOPBACK_FAST_PATH, &on));
  EXPECT_EQ(EINVAL, errno);
  EXPECT_EQ(-1, sb_ioctl(udp, SIO_LOOPBACK_FAST_PATH, &on));
  EXPECT_EQ(EOPNOTSUPP, errno);
  for (int fd : {s, udp}) sb_close(fd);
}

}  // namespace
