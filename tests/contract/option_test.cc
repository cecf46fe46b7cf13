// SPDX-License-Identifier: Apache-2.0
//
// getsockopt and setsockopt.
#include <linux/filter.h>
#include <linux/ip.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <sys/un.h>

#include <array>

#include "support.h"

using namespace contract;

namespace {

class Option : public contract::Contract {
 protected:
  // Each option takes its value and tells it.
  struct Row {
    const char *text;
    int level, name, value;
  };
  static void ComeBack(const Sock &s, const std::vector<Row> &rows) {
    for (const Row &row : rows) {
      EXPECT_EQ(0, s.Set(row.level, row.name, row.value)) << row.text;
      EXPECT_EQ(row.value, s.Get(row.level, row.name)) << row.text;
    }
  }
  static long Attach(const Sock &s, std::vector<sock_filter> code) {
    const sock_fprog program = {static_cast<unsigned short>(code.size()), code.data()};
    return s.Set(SOL_SOCKET, SO_ATTACH_FILTER, program);
  }
  static sock_filter Keep(unsigned bytes) { return BPF_STMT(BPF_RET | BPF_K, bytes); }
};
INSTANTIATE_TEST_SUITE_P(Contract, Option, testing::ValuesIn(AllApis()), ApiName);

#define ROW(LEVEL, NAME, VALUE) Row{#NAME, LEVEL, NAME, VALUE}

TEST_P(Option, SocketOptionsComeBack) {
  ComeBack(TcpSocket(),
           {ROW(SOL_SOCKET, SO_REUSEADDR, 1), ROW(SOL_SOCKET, SO_REUSEPORT, 1),
            ROW(SOL_SOCKET, SO_KEEPALIVE, 1), ROW(SOL_SOCKET, SO_BROADCAST, 1),
            ROW(SOL_SOCKET, SO_OOBINLINE, 1), ROW(SOL_SOCKET, SO_PRIORITY, 5),
            ROW(SOL_SOCKET, SO_RCVLOWAT, 9), ROW(SOL_SOCKET, SO_TIMESTAMP, 1),
            ROW(SOL_SOCKET, SO_DONTROUTE, 1)});
}

TEST_P(Option, IpOptionsComeBack) {
  ComeBack(UdpSocket(),
           {ROW(IPPROTO_IP, IP_TTL, 12), ROW(IPPROTO_IP, IP_TOS, 0x28),
            ROW(IPPROTO_IP, IP_PKTINFO, 1), ROW(IPPROTO_IP, IP_RECVTTL, 1),
            ROW(IPPROTO_IP, IP_RECVTOS, 1), ROW(IPPROTO_IP, IP_RECVERR, 1),
            ROW(IPPROTO_IP, IP_FREEBIND, 1),
            ROW(IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO)});
}

TEST_P(Option, Ipv6OptionsComeBack) {
  ComeBack(Udp6Socket(),
           {ROW(IPPROTO_IPV6, IPV6_V6ONLY, 1), ROW(IPPROTO_IPV6, IPV6_UNICAST_HOPS, 12),
            ROW(IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 3), ROW(IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0),
            ROW(IPPROTO_IPV6, IPV6_TCLASS, 0x20), ROW(IPPROTO_IPV6, IPV6_RECVPKTINFO, 1),
            ROW(IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1), ROW(IPPROTO_IPV6, IPV6_RECVTCLASS, 1),
            ROW(IPPROTO_IPV6, IPV6_RECVERR, 1)});
}

TEST_P(Option, TcpOptionsComeBack) {
  ComeBack(TcpSocket(), {ROW(IPPROTO_TCP, TCP_NODELAY, 1), ROW(IPPROTO_TCP, TCP_KEEPIDLE, 77),
                         ROW(IPPROTO_TCP, TCP_KEEPINTVL, 7), ROW(IPPROTO_TCP, TCP_KEEPCNT, 4),
                         ROW(IPPROTO_TCP, TCP_USER_TIMEOUT, 12345), ROW(IPPROTO_TCP, TCP_SYNCNT, 3),
                         ROW(IPPROTO_TCP, TCP_CORK, 1)});
}

TEST_P(Option, DefaultsAreTheKernels) {
  const Sock s = TcpSocket();
  EXPECT_EQ(0, s.Get(IPPROTO_TCP, TCP_NODELAY));
  EXPECT_EQ(0, s.Get(SOL_SOCKET, SO_KEEPALIVE));
  EXPECT_EQ(64, s.Get(IPPROTO_IP, IP_TTL));
  EXPECT_EQ(0, s.Get(SOL_SOCKET, SO_ERROR));
}

TEST_P(Option, BufferSizesAreDoubled) {
  const Sock s = UdpSocket();
  EXPECT_EQ(0, s.Set(SOL_SOCKET, SO_RCVBUF, 50000));
  EXPECT_EQ(100000, s.Get(SOL_SOCKET, SO_RCVBUF));
  EXPECT_EQ(0, s.Set(SOL_SOCKET, SO_SNDBUF, 60000));
  EXPECT_EQ(120000, s.Get(SOL_SOCKET, SO_SNDBUF));
}

TEST_P(Option, BuffersBeyondTheLimitAreForThoseWhoMay) {
  const Sock s = UdpSocket();
  EXPECT_EQ(0, s.Set(SOL_SOCKET, SO_RCVBUFFORCE, 20000000));
  EXPECT_EQ(40000000, s.Get(SOL_SOCKET, SO_RCVBUF));
}

TEST_P(Option, AMarkIsForThoseWhoMay) {
  const Sock s = UdpSocket();
  EXPECT_EQ(0, s.Set(SOL_SOCKET, SO_MARK, 42));
  EXPECT_EQ(42, s.Get(SOL_SOCKET, SO_MARK));
}

TEST_P(Option, TransparentIsForThoseWhoMay) {
  const Sock s = UdpSocket();
  EXPECT_EQ(0, s.Set(IPPROTO_IP, IP_TRANSPARENT, 1));
  EXPECT_EQ(1, s.Get(IPPROTO_IP, IP_TRANSPARENT));
}

TEST_P(Option, AShortValueIsEINVAL) {
  const int one = 1;
  const Sock s = TcpSocket();
  EXPECT_EQ(-EINVAL, Result(api().setsockopt(s.fd(), SOL_SOCKET, SO_KEEPALIVE, &one, 2)));
  EXPECT_EQ(-EINVAL, Result(api().setsockopt(s.fd(), IPPROTO_TCP, TCP_NODELAY, &one, 3)));
  EXPECT_EQ(-EINVAL, Result(api().setsockopt(s.fd(), SOL_SOCKET, SO_LINGER, &one, 4)));
}

TEST_P(Option, ALongValueIsTakenByItsBeginning) {
  const int values[4] = {1, 0, 0, 0};
  const Sock s = TcpSocket();
  EXPECT_EQ(0, Result(api().setsockopt(s.fd(), SOL_SOCKET, SO_KEEPALIVE, values, sizeof(values))));
  EXPECT_EQ(1, s.Get(SOL_SOCKET, SO_KEEPALIVE));
}

TEST_P(Option, ByteSizedIpOptionsTakeAByte) {
  const Sock s = UdpSocket();
  const unsigned char ttl = 33;
  EXPECT_EQ(0, s.Set(IPPROTO_IP, IP_TTL, ttl));
  EXPECT_EQ(33, s.Get(IPPROTO_IP, IP_TTL));
  EXPECT_EQ(33, s.Get<unsigned char>(IPPROTO_IP, IP_TTL));
}

TEST_P(Option, AValueOutOfRangeIsEINVAL) {
  EXPECT_EQ(-EINVAL, UdpSocket().Set(IPPROTO_IP, IP_TTL, 256));
  EXPECT_EQ(-EINVAL, TcpSocket().Set(IPPROTO_TCP, TCP_KEEPIDLE, 0));
  EXPECT_EQ(-EINVAL, Udp6Socket().Set(IPPROTO_IPV6, IPV6_UNICAST_HOPS, 256));
}

TEST_P(Option, AGivenLengthIsCutToTheValues) {
  int values[4] = {-7, -7, -7, -7};
  socklen_t len = sizeof(values);
  EXPECT_EQ(0, TcpSocket().GetRaw(SOL_SOCKET, SO_TYPE, values, &len));
  EXPECT_EQ(sizeof(int), len);
  EXPECT_EQ(SOCK_STREAM, values[0]);
  EXPECT_EQ(-7, values[1]);
}

TEST_P(Option, AValueIsCutToTheGivenLength) {
  unsigned char bytes[4] = {0xEE, 0xEE, 0xEE, 0xEE};
  socklen_t len = 1;
  EXPECT_EQ(0, TcpSocket().GetRaw(SOL_SOCKET, SO_TYPE, bytes, &len));
  EXPECT_EQ(1u, len);
  EXPECT_EQ(SOCK_STREAM, bytes[0]);
  EXPECT_EQ(0xEE, bytes[1]);
}

TEST_P(Option, ANegativeLengthIsEINVAL) {
  int value = 0;
  auto len = static_cast<socklen_t>(-1);
  EXPECT_EQ(-EINVAL, TcpSocket().GetRaw(SOL_SOCKET, SO_TYPE, &value, &len));
}

TEST_P(Option, LingerComesBack) {
  const Sock s = TcpSocket();
  EXPECT_EQ(0, s.Get<linger>(SOL_SOCKET, SO_LINGER).l_onoff);
  const linger l = {1, 12};
  EXPECT_EQ(0, s.Set(SOL_SOCKET, SO_LINGER, l));
  EXPECT_EQ(1, s.Get<linger>(SOL_SOCKET, SO_LINGER).l_onoff);
  EXPECT_EQ(12, s.Get<linger>(SOL_SOCKET, SO_LINGER).l_linger);
}

TEST_P(Option, TimeoutsComeBack) {
  const Sock s = UdpSocket();
  for (int name : {SO_RCVTIMEO, SO_SNDTIMEO}) {
    EXPECT_EQ(0, s.Get<timeval>(SOL_SOCKET, name).tv_sec);
    const timeval tv = {2, 500000};
    EXPECT_EQ(0, s.Set(SOL_SOCKET, name, tv));
    EXPECT_EQ(2, s.Get<timeval>(SOL_SOCKET, name).tv_sec);
    EXPECT_EQ(500000, s.Get<timeval>(SOL_SOCKET, name).tv_usec);
  }
}

TEST_P(Option, ATimeoutThatIsNoTimeIsEDOM) {
  const timeval wrong = {1, 1000000};
  EXPECT_EQ(-EDOM, UdpSocket().Set(SOL_SOCKET, SO_RCVTIMEO, wrong));
}

TEST_P(Option, ASocketTellsWhatItIs) {
  const Sock s = Socket(AF_INET6, SOCK_DGRAM);
  EXPECT_EQ(AF_INET6, s.Get(SOL_SOCKET, SO_DOMAIN));
  EXPECT_EQ(SOCK_DGRAM, s.Get(SOL_SOCKET, SO_TYPE));
  EXPECT_EQ(IPPROTO_UDP, s.Get(SOL_SOCKET, SO_PROTOCOL));
  EXPECT_EQ(0, s.Get(SOL_SOCKET, SO_ACCEPTCONN));
}

TEST_P(Option, WhatCanOnlyBeReadCannotBeSet) {
  for (int name : {SO_TYPE, SO_DOMAIN, SO_PROTOCOL, SO_ERROR, SO_ACCEPTCONN})
    EXPECT_EQ(-ENOPROTOOPT, UdpSocket().Set(SOL_SOCKET, name, 1)) << name;
}

TEST_P(Option, AnUnknownOptionIsENOPROTOOPT) {
  EXPECT_EQ(-ENOPROTOOPT, UdpSocket().Set(SOL_SOCKET, 9999, 1));
  EXPECT_EQ(-ENOPROTOOPT, UdpSocket().GetResult(SOL_SOCKET, 9999));
  EXPECT_EQ(-ENOPROTOOPT, TcpSocket().GetResult(IPPROTO_TCP, 9999));
}

TEST_P(Option, AnOptionOfAnotherProtocolIsRefused) {
  EXPECT_EQ(-ENOPROTOOPT, UdpSocket().Set(IPPROTO_TCP, TCP_NODELAY, 1));
  EXPECT_EQ(-EOPNOTSUPP, UdpSocket().GetResult(IPPROTO_TCP, TCP_NODELAY));
}

TEST_P(Option, ASocketHasACookie) {
  const Sock a = UdpSocket(), b = UdpSocket();
  const auto cookie = a.Get<uint64_t>(SOL_SOCKET, SO_COOKIE);
  EXPECT_NE(0u, cookie);
  EXPECT_EQ(cookie, a.Get<uint64_t>(SOL_SOCKET, SO_COOKIE));
  EXPECT_NE(cookie, b.Get<uint64_t>(SOL_SOCKET, SO_COOKIE));
}

TEST_P(Option, ASocketCanBeBoundToADevice) {
  const Sock s = UdpSocket();
  char name[IFNAMSIZ] = "?";
  socklen_t len = sizeof(name);
  EXPECT_EQ(0, s.GetRaw(SOL_SOCKET, SO_BINDTODEVICE, name, &len));
  EXPECT_EQ(0u, len) << "none";
  EXPECT_EQ(0, Result(api().setsockopt(s.fd(), SOL_SOCKET, SO_BINDTODEVICE, "lo", 3)));
  len = sizeof(name);
  EXPECT_EQ(0, s.GetRaw(SOL_SOCKET, SO_BINDTODEVICE, name, &len));
  EXPECT_STREQ("lo", name);
  EXPECT_EQ(3u, len);
  EXPECT_EQ(0, Result(api().setsockopt(s.fd(), SOL_SOCKET, SO_BINDTODEVICE, "", 0)));
}

TEST_P(Option, AnUnknownDeviceIsENODEV) {
  const Sock s = UdpSocket();
  EXPECT_EQ(-ENODEV, Result(api().setsockopt(s.fd(), SOL_SOCKET, SO_BINDTODEVICE, "nosuch0", 8)));
}

TEST_P(Option, ASocketOfAnotherDeviceHearsNothingOfLoopback) {
  const Sock s = BoundUdp(), sender = BoundUdp();
  const std::string &veth = GetVeth().a;
  const auto bind_to = [&](const std::string &name) {
    return Result(api().setsockopt(s.fd(), SOL_SOCKET, SO_BINDTODEVICE, name.c_str(),
                                   static_cast<socklen_t>(name.size())));
  };
  EXPECT_EQ(0, bind_to(veth));
  sender.SendTo("unheard", s.Name());
  EXPECT_EQ(0, bind_to("lo"));
  sender.SendTo("heard", s.Name());
  EXPECT_EQ("heard", s.Read());
}

TEST_P(Option, AFilterDropsAndItsEndLetsThrough) {
  const auto [a, b] = UdpPair();
  EXPECT_EQ(0, Attach(b, {Keep(0)}));
  a.Send("dropped");
  EXPECT_EQ(0, b.Set(SOL_SOCKET, SO_DETACH_FILTER, 0));
  a.Send("heard");
  EXPECT_EQ("heard", b.Read());
}

TEST_P(Option, AFilterIsReadBackInInstructions) {
  const Sock s = UdpSocket();
  EXPECT_EQ(0, Attach(s, {BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0), Keep(7)}));
  socklen_t n = 0;
  EXPECT_EQ(0, s.GetRaw(SOL_SOCKET, SO_GET_FILTER, nullptr, &n));
  EXPECT_EQ(2u, n) << "their number";
  sock_filter code[4] = {};
  n = 4;
  EXPECT_EQ(0, s.GetRaw(SOL_SOCKET, SO_GET_FILTER, code, &n));
  EXPECT_EQ(2u, n);
  EXPECT_EQ(7u, code[1].k);
  n = 1;
  EXPECT_EQ(-EINVAL, s.GetRaw(SOL_SOCKET, SO_GET_FILTER, code, &n));
}

TEST_P(Option, WithoutAFilterNoInstructionsAreRead) {
  sock_filter code[4] = {};
  socklen_t n = 4;
  EXPECT_EQ(0, UdpSocket().GetRaw(SOL_SOCKET, SO_GET_FILTER, code, &n));
  EXPECT_EQ(0u, n);
}

TEST_P(Option, ThePeersNameIsAnOptionToo) {
  const auto [a, b] = UdpPair();
  sockaddr_in name = {};
  socklen_t len = sizeof(name);
  EXPECT_EQ(0, a.GetRaw(SOL_SOCKET, SO_PEERNAME, &name, &len));
  EXPECT_EQ(b.Name(), Addr::Of(name));
}

TEST_P(Option, TimestampingTakesAClockBehindItsFlags) {
  const Sock s = UdpSocket();
  const std::array<int, 2> given = {0x10 | 0x8, 0};  // software, received
  EXPECT_EQ(0, s.Set(SOL_SOCKET, SO_TIMESTAMPING, given));
  EXPECT_EQ(given[0], s.Get(SOL_SOCKET, SO_TIMESTAMPING));
}

TEST_P(Option, StickyPacketInfoIsTakenAndTold) {
  const Sock s = Bound(Udp6Socket(), Addr::Loopback6());
  in6_pktinfo info = {};
  info.ipi6_ifindex = static_cast<unsigned>(InterfaceIndex("lo"));
  EXPECT_EQ(0, s.Set(IPPROTO_IPV6, IPV6_PKTINFO, info));
}

TEST_P(Option, AFilterChoosesByContent) {
  const auto [a, b] = UdpPair();
  // Behind the 8 bytes of the UDP header: keep what begins with 'y'.
  EXPECT_EQ(0, Attach(b, {BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 8),
                          BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 'y', 0, 1), Keep(0xFFFF), Keep(0)}));
  a.Send("no");
  a.Send("yes");
  EXPECT_EQ("yes", b.Read());
}

TEST_P(Option, AFilterMayCutADatagram) {
  const auto [a, b] = UdpPair();
  EXPECT_EQ(0, Attach(b, {Keep(8 + 3)}));
  a.Send("hello");
  EXPECT_EQ("hel", b.Read());
}

TEST_P(Option, AFilterThatIsNoProgramIsEINVAL) {
  EXPECT_EQ(-EINVAL, Attach(UdpSocket(), {BPF_STMT(BPF_LD | BPF_IMM, 1)})) << "it returns nothing";
  EXPECT_EQ(-EINVAL, Attach(UdpSocket(), {}));
}

TEST_P(Option, DetachingNoFilterIsENOENT) {
  EXPECT_EQ(-ENOENT, UdpSocket().Set(SOL_SOCKET, SO_DETACH_FILTER, 0));
}

TEST_P(Option, ALockedFilterStays) {
  const Sock s = UdpSocket();
  EXPECT_EQ(0, Attach(s, {Keep(0)}));
  EXPECT_EQ(0, s.Set(SOL_SOCKET, SO_LOCK_FILTER, 1));
  EXPECT_EQ(1, s.Get(SOL_SOCKET, SO_LOCK_FILTER));
  EXPECT_EQ(-EPERM, s.Set(SOL_SOCKET, SO_DETACH_FILTER, 0));
  EXPECT_EQ(-EPERM, Attach(s, {Keep(1)}));
  EXPECT_EQ(-EPERM, s.Set(SOL_SOCKET, SO_LOCK_FILTER, 0));
}

TEST_P(Option, CongestionControlIsAName) {
  const Sock s = TcpSocket();
  EXPECT_EQ(0, Result(api().setsockopt(s.fd(), IPPROTO_TCP, TCP_CONGESTION, "reno", 4)));
  char name[16] = {};
  socklen_t len = sizeof(name);
  EXPECT_EQ(0, s.GetRaw(IPPROTO_TCP, TCP_CONGESTION, name, &len));
  EXPECT_STREQ("reno", name);
  EXPECT_EQ(16u, len);
  EXPECT_EQ(-ENOENT, Result(api().setsockopt(s.fd(), IPPROTO_TCP, TCP_CONGESTION, "nosuch", 6)));
}

TEST_P(Option, TcpInfoTellsOfTheConnection) {
  const auto [a, b] = TcpPair();
  a.Send("hello");
  b.Read();
  const auto info = a.Get<tcp_info>(IPPROTO_TCP, TCP_INFO);
  EXPECT_EQ(TCP_ESTABLISHED, info.tcpi_state);
  EXPECT_LT(0u, info.tcpi_snd_mss);
  EXPECT_LT(0u, info.tcpi_rto);
  EXPECT_LT(0u, info.tcpi_snd_cwnd);
}

TEST_P(Option, TcpInfoIsCutToTheGivenLength) {
  const auto [a, b] = TcpPair();
  char bytes[8] = {};
  socklen_t len = sizeof(bytes);
  EXPECT_EQ(0, a.GetRaw(IPPROTO_TCP, TCP_INFO, bytes, &len));
  EXPECT_EQ(8u, len);
  EXPECT_EQ(TCP_ESTABLISHED, bytes[0]);
}

TEST_P(Option, AConnectedSocketKnowsItsMtu) {
  const auto [a, b] = UdpPair();
  EXPECT_LE(65535, a.Get(IPPROTO_IP, IP_MTU));
  EXPECT_EQ(-ENOTCONN, UdpSocket().GetResult(IPPROTO_IP, IP_MTU));
}

TEST_P(Option, AMaximumSegmentCanBeAskedFor) {
  Sock listener = Listener(), client = TcpSocket();
  EXPECT_EQ(0, client.Set(IPPROTO_TCP, TCP_MAXSEG, 1000));
  const auto [a, b] = StreamPair(std::move(listener), std::move(client));
  EXPECT_GE(1000, b.Get(IPPROTO_TCP, TCP_MAXSEG));
}

}  // namespace
