// SPDX-License-Identifier: Apache-2.0
//
// Control messages of datagrams, both ways, and the error queue.
#include <time.h>
// needs time.h before it
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <sys/time.h>

#include "support.h"

using namespace contract;

namespace {

CONTRACT_SUITE(UdpControl);

// What a socket with `option` on receives with a datagram from a, sent by `message`.
Received Exchange(const Pair &pair, int level, int option, Message message = Message("x")) {
  Must(pair.second.Set(level, option, 1), "setsockopt");
  Must(pair.first.SendMessage(std::move(message)), "sendmsg");
  return pair.second.ReadMessage();
}

unsigned Loopback() { return static_cast<unsigned>(InterfaceIndex("lo")); }

TEST_P(UdpControl, PktinfoTellsTheAddressAndTheInterface) {
  const Received m = Exchange(UdpPair(), IPPROTO_IP, IP_PKTINFO);
  const auto info = m.Control<in_pktinfo>(IPPROTO_IP, IP_PKTINFO);
  ASSERT_TRUE(info);
  EXPECT_EQ(htonl(INADDR_LOOPBACK), info->ipi_addr.s_addr);
  EXPECT_EQ(htonl(INADDR_LOOPBACK), info->ipi_spec_dst.s_addr);
  EXPECT_EQ(static_cast<int>(Loopback()), info->ipi_ifindex);
  EXPECT_EQ(CMSG_SPACE(sizeof(in_pktinfo)), m.control_bytes);
  EXPECT_EQ(0, m.flags);
}

TEST_P(UdpControl, RecvttlTellsTheTimeToLive) {
  const Received m = Exchange(UdpPair(), IPPROTO_IP, IP_RECVTTL);
  EXPECT_EQ(64, m.Control<int>(IPPROTO_IP, IP_TTL));
}

TEST_P(UdpControl, RecvtosTellsOneByte) {
  const Pair pair = UdpPair();
  pair.first.Set(IPPROTO_IP, IP_TOS, 0x10);
  const Received m = Exchange(pair, IPPROTO_IP, IP_RECVTOS);
  EXPECT_EQ("\x10", m.Control(IPPROTO_IP, IP_TOS));
}

TEST_P(UdpControl, WithoutAnOptionThereIsNoControlMessage) {
  const auto [a, b] = UdpPair();
  a.Send("x");
  const Received m = b.ReadMessage();
  EXPECT_EQ(0u, m.control_bytes);
  EXPECT_EQ(0, m.flags);
}

TEST_P(UdpControl, SeveralControlMessagesComeTogether) {
  const Pair pair = UdpPair();
  pair.second.Set(IPPROTO_IP, IP_RECVTTL, 1);
  pair.second.Set(SOL_SOCKET, SO_TIMESTAMPNS, 1);
  const Received m = Exchange(pair, IPPROTO_IP, IP_PKTINFO);
  EXPECT_TRUE(m.Control(IPPROTO_IP, IP_PKTINFO));
  EXPECT_TRUE(m.Control(IPPROTO_IP, IP_TTL));
  EXPECT_TRUE(m.Control(SOL_SOCKET, SCM_TIMESTAMPNS));
  EXPECT_EQ(CMSG_SPACE(sizeof(in_pktinfo)) + CMSG_SPACE(sizeof(int)) +
                CMSG_SPACE(sizeof(timespec)),
            m.control_bytes);
}

TEST_P(UdpControl, TimestampsAreOfNow) {
  timeval before = {}, after = {};
  gettimeofday(&before, nullptr);
  const Received m = Exchange(UdpPair(), SOL_SOCKET, SO_TIMESTAMP);
  gettimeofday(&after, nullptr);
  const auto at = m.Control<timeval>(SOL_SOCKET, SCM_TIMESTAMP);
  ASSERT_TRUE(at);
  EXPECT_LE(before.tv_sec, at->tv_sec);
  EXPECT_GE(after.tv_sec, at->tv_sec);
  EXPECT_GT(1000000, at->tv_usec);
}

TEST_P(UdpControl, TimestampsMayBeInNanoseconds) {
  timespec before = {}, after = {};
  clock_gettime(CLOCK_REALTIME, &before);
  const Received m = Exchange(UdpPair(), SOL_SOCKET, SO_TIMESTAMPNS);
  clock_gettime(CLOCK_REALTIME, &after);
  const auto at = m.Control<timespec>(SOL_SOCKET, SCM_TIMESTAMPNS);
  ASSERT_TRUE(at);
  EXPECT_LE(before.tv_sec, at->tv_sec);
  EXPECT_GE(after.tv_sec, at->tv_sec);
  EXPECT_GT(1000000000, at->tv_nsec);
}

TEST_P(UdpControl, TimestampingGivesTheSoftwareStamp) {
  const auto [a, b] = UdpPair();
  EXPECT_EQ(0, b.Set(SOL_SOCKET, SO_TIMESTAMPING,
                     SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE));
  std::optional<scm_timestamping> stamps;
  // The kernel begins to stamp a little later.
  for (int i = 0; i < 500 && !stamps; i++) {
    a.Send("x");
    stamps = b.ReadMessage().Control<scm_timestamping>(SOL_SOCKET, SCM_TIMESTAMPING);
    b.Wait(POLLIN, stamps ? 0 : 10);
  }
  ASSERT_TRUE(stamps);
  EXPECT_NE(0, stamps->ts[0].tv_sec);
  EXPECT_EQ(0, stamps->ts[2].tv_sec);
}

TEST_P(UdpControl, TheTtlOfOneMessageCanBeSet) {
  const Pair pair = UdpPair();
  const Received m =
      Exchange(pair, IPPROTO_IP, IP_RECVTTL, Message("x").Control(IPPROTO_IP, IP_TTL, 33));
  EXPECT_EQ(33, m.Control<int>(IPPROTO_IP, IP_TTL));
  pair.first.Send("x");
  EXPECT_EQ(64, pair.second.ReadMessage().Control<int>(IPPROTO_IP, IP_TTL)) << "of one only";
}

TEST_P(UdpControl, TheTosOfOneMessageCanBeSet) {
  const Received m = Exchange(UdpPair(), IPPROTO_IP, IP_RECVTOS,
                              Message("x").Control(IPPROTO_IP, IP_TOS, 0x20));
  EXPECT_EQ(" ", m.Control(IPPROTO_IP, IP_TOS));
}

TEST_P(UdpControl, TheSourceOfOneMessageCanBeChosen) {
  const Sock a = Bound(UdpSocket(), Addr::Inet("0.0.0.0")), b = BoundUdp();
  in_pktinfo info = {};
  info.ipi_spec_dst = Addr::Inet("127.0.0.77").as<sockaddr_in>().sin_addr;
  EXPECT_EQ(1, a.SendMessage(Message("x").To(b.Name()).Control(IPPROTO_IP, IP_PKTINFO, info)));
  Addr from;
  EXPECT_EQ("x", b.ReadFrom(&from));
  EXPECT_EQ(Addr::Inet("127.0.0.77", a.Name().port()), from);
}

TEST_P(UdpControl, Inet6PktinfoTellsTheAddressAndTheInterface) {
  const Sock a = BoundUdp6(), b = BoundUdp6();
  EXPECT_EQ(0, b.Set(IPPROTO_IPV6, IPV6_RECVPKTINFO, 1));
  a.SendTo("x", b.Name());
  const auto info = b.ReadMessage().Control<in6_pktinfo>(IPPROTO_IPV6, IPV6_PKTINFO);
  ASSERT_TRUE(info);
  EXPECT_EQ(0, memcmp(&in6addr_loopback, &info->ipi6_addr, sizeof(in6addr_loopback)));
  EXPECT_EQ(Loopback(), info->ipi6_ifindex);
}

TEST_P(UdpControl, TheHopLimitOfOneMessageCanBeSet) {
  const Sock a = BoundUdp6(), b = BoundUdp6();
  EXPECT_EQ(0, b.Set(IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1));
  a.SendTo("x", b.Name());
  EXPECT_EQ(64, b.ReadMessage().Control<int>(IPPROTO_IPV6, IPV6_HOPLIMIT));
  a.SendMessage(Message("x").To(b.Name()).Control(IPPROTO_IPV6, IPV6_HOPLIMIT, 5));
  EXPECT_EQ(5, b.ReadMessage().Control<int>(IPPROTO_IPV6, IPV6_HOPLIMIT));
}

TEST_P(UdpControl, TheTrafficClassOfOneMessageCanBeSet) {
  const Sock a = BoundUdp6(), b = BoundUdp6();
  EXPECT_EQ(0, b.Set(IPPROTO_IPV6, IPV6_RECVTCLASS, 1));
  a.SendMessage(Message("x").To(b.Name()).Control(IPPROTO_IPV6, IPV6_TCLASS, 0x40));
  EXPECT_EQ(0x40, b.ReadMessage().Control<int>(IPPROTO_IPV6, IPV6_TCLASS));
}

TEST_P(UdpControl, TheInet6SourceOfOneMessageCanBeChosen) {
  const Sock a = Bound(Udp6Socket(), Addr::Inet6("::")), b = BoundUdp6();
  in6_pktinfo info = {in6addr_loopback, Loopback()};
  EXPECT_EQ(1, a.SendMessage(Message("x").To(b.Name()).Control(IPPROTO_IPV6, IPV6_PKTINFO, info)));
  Addr from;
  EXPECT_EQ("x", b.ReadFrom(&from));
  EXPECT_EQ(Addr::Loopback6(a.Name().port()), from);
}

TEST_P(UdpControl, OneSendMakesSeveralDatagramsBySegmentSize) {
  const auto [a, b] = UdpPair();
  const uint16_t size = 4;
  EXPECT_EQ(10, a.SendMessage(Message("aaaabbbbcc").Control(SOL_UDP, UDP_SEGMENT, size)));
  EXPECT_EQ("aaaa", b.Read());
  EXPECT_EQ("bbbb", b.Read());
  EXPECT_EQ("cc", b.Read());
}

TEST_P(UdpControl, AControlBufferTooSmallIsMarked) {
  const auto [a, b] = UdpPair();
  b.Set(IPPROTO_IP, IP_PKTINFO, 1);
  a.Send("x");
  const Received m = b.ReadMessage(0, Received({10}, CMSG_LEN(4)));
  EXPECT_EQ("x", m.data);
  EXPECT_EQ(MSG_CTRUNC, m.flags);
}

TEST_P(UdpControl, NoControlBufferIsMarkedToo) {
  const auto [a, b] = UdpPair();
  b.Set(IPPROTO_IP, IP_PKTINFO, 1);
  a.Send("x");
  const Received m = b.ReadMessage(0, Received({10}, 0));
  EXPECT_EQ("x", m.data);
  EXPECT_EQ(MSG_CTRUNC, m.flags);
  EXPECT_EQ(0u, m.control_bytes);
}

TEST_P(UdpControl, WhatFitsIsGivenAndTheRestIsMarked) {
  const Pair pair = UdpPair();
  pair.second.Set(IPPROTO_IP, IP_PKTINFO, 1);
  pair.second.Set(IPPROTO_IP, IP_RECVTTL, 1);
  pair.first.Send("x");
  const Received m = pair.second.ReadMessage(0, Received({10}, CMSG_SPACE(sizeof(in_pktinfo))));
  EXPECT_TRUE(m.Control(IPPROTO_IP, IP_PKTINFO));
  EXPECT_FALSE(m.Control(IPPROTO_IP, IP_TTL));
  EXPECT_EQ(MSG_CTRUNC, m.flags);
}

// Two control messages, and room for so many bytes of them.
TEST_P(UdpControl, EachCutIsMarkedAndWhatFitsIsThere) {
  const Sock from = BoundUdp(), to = BoundUdp();
  EXPECT_EQ(0, to.Set(IPPROTO_IP, IP_PKTINFO, 1));
  EXPECT_EQ(0, to.Set(IPPROTO_IP, IP_RECVTTL, 1));
  const size_t first = CMSG_SPACE(sizeof(in_pktinfo)), both = first + CMSG_LEN(sizeof(int));
  for (size_t room = 0; room <= both + 8; room++) {
    from.SendTo("x", to.Name());
    const Received m = to.ReadMessage(0, Received({10}, room));
    EXPECT_EQ("x", m.data);
    EXPECT_EQ(room < both ? MSG_CTRUNC : 0, m.flags) << room << " bytes";
    EXPECT_GE(room, m.control_bytes);
    if (room >= first) {
      EXPECT_TRUE(m.Control<in_pktinfo>(IPPROTO_IP, IP_PKTINFO)) << room << " bytes";
    }
    EXPECT_EQ(room >= both, m.Control<int>(IPPROTO_IP, IP_TTL).has_value()) << room << " bytes";
  }
}

TEST_P(UdpControl, AControlMessageOfAnUnknownTypeIsEINVAL) {
  const auto [a, b] = UdpPair();
  EXPECT_EQ(-EINVAL, a.SendMessage(Message("x").Control(IPPROTO_IP, 999, 1)));
}

TEST_P(UdpControl, AControlMessageOfTheWrongLengthIsEINVAL) {
  const auto [a, b] = UdpPair();
  EXPECT_EQ(-EINVAL, a.SendMessage(Message("x").AddControl(IPPROTO_IP, IP_PKTINFO, "abc", 3)));
}

TEST_P(UdpControl, AMalformedControlMessageIsEINVAL) {
  const auto [a, b] = UdpPair();
  Message m("x");
  m.Control(IPPROTO_IP, IP_TTL, 9);
  const msghdr h = m.Header();
  static_cast<cmsghdr *>(h.msg_control)->cmsg_len = 4000;  // longer than the buffer
  EXPECT_EQ(-EINVAL, Result(api().sendmsg(a.fd(), &h, 0)));
}

TEST_P(UdpControl, TheMarkOfOneMessageCanBeSetByThoseWhoMay) {
  const auto [a, b] = UdpPair();
  EXPECT_EQ(1, a.SendMessage(Message("x").Control(SOL_SOCKET, SO_MARK, 7)));
  EXPECT_EQ("x", b.Read());
}

TEST_P(UdpControl, TheErrorQueueTellsWhatTheNetworkSaid) {
  const Sock closed = Bound(KernelSocket(AF_INET, SOCK_STREAM));
  const Sock s = BoundUdp();
  EXPECT_EQ(0, s.Set(IPPROTO_IP, IP_RECVERR, 1));
  EXPECT_EQ(4, s.SendTo("lost", closed.Name()));
  EXPECT_TRUE(s.Wait(POLLIN) & POLLERR);
  const Received m = s.ReadMessage(MSG_ERRQUEUE);
  EXPECT_EQ("lost", m.data) << "the datagram that caused it";
  EXPECT_TRUE(m.flags & MSG_ERRQUEUE);
  EXPECT_EQ(closed.Name(), m.from) << "where it was to go";
  struct {
    sock_extended_err error;
    sockaddr_in offender;
  } told;
  const auto bytes = m.Control(IPPROTO_IP, IP_RECVERR);
  ASSERT_TRUE(bytes && bytes->size() >= sizeof(told));
  memcpy(&told, bytes->data(), sizeof(told));
  EXPECT_EQ(static_cast<uint32_t>(ECONNREFUSED), told.error.ee_errno);
  EXPECT_EQ(SO_EE_ORIGIN_ICMP, told.error.ee_origin);
  EXPECT_EQ(ICMP_DEST_UNREACH, told.error.ee_type);
  EXPECT_EQ(ICMP_PORT_UNREACH, told.error.ee_code);
  EXPECT_EQ("127.0.0.1", Addr::Of(told.offender).ip());
}

TEST_P(UdpControl, TheInet6ErrorQueueNamesTheOffender) {
  const Sock closed = Bound(KernelSocket(AF_INET6, SOCK_STREAM), Addr::Loopback6());
  const Sock s = BoundUdp6();
  EXPECT_EQ(0, s.Set(IPPROTO_IPV6, IPV6_RECVERR, 1));
  s.SendTo("lost", closed.Name());
  EXPECT_TRUE(s.Wait(POLLIN) & POLLERR);
  const auto bytes = s.ReadMessage(MSG_ERRQUEUE).Control(IPPROTO_IPV6, IPV6_RECVERR);
  struct {
    sock_extended_err error;
    sockaddr_in6 offender;
  } told;
  ASSERT_TRUE(bytes && bytes->size() >= sizeof(told));
  memcpy(&told, bytes->data(), sizeof(told));
  EXPECT_EQ(SO_EE_ORIGIN_ICMP6, told.error.ee_origin);
  EXPECT_EQ(ICMP6_DST_UNREACH, told.error.ee_type);
  EXPECT_EQ("::1", Addr::Of(told.offender).ip());
}

TEST_P(UdpControl, WhenADatagramLeftIsToldInTheErrorQueue) {
  const auto [a, b] = UdpPair();
  EXPECT_EQ(0, a.Set(SOL_SOCKET, SO_TIMESTAMPING,
                     SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE |
                         SOF_TIMESTAMPING_OPT_ID | SOF_TIMESTAMPING_OPT_TSONLY));
  a.Send("first");
  a.Send("second");
  // Over loopback it has left when send() returns.
  for (uint32_t i = 0; i < 2; i++) {
    const Received m = a.ReadMessage(MSG_ERRQUEUE);
    EXPECT_EQ(0, m.result);
    const auto stamps = m.Control<scm_timestamping>(SOL_SOCKET, SCM_TIMESTAMPING);
    ASSERT_TRUE(stamps);
    EXPECT_NE(0, stamps->ts[0].tv_sec);
    const auto told = m.Control<sock_extended_err>(IPPROTO_IP, IP_RECVERR);
    ASSERT_TRUE(told);
    EXPECT_EQ(SO_EE_ORIGIN_TIMESTAMPING, told->ee_origin);
    EXPECT_EQ(i, told->ee_data) << "which of them";
  }
}

TEST_P(UdpControl, AnEmptyErrorQueueIsEAGAINAtOnce) {
  EXPECT_EQ(-EAGAIN, BoundUdp().Recv(100, MSG_ERRQUEUE)) << "it never waits";
}

}  // namespace
