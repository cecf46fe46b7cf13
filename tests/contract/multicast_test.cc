// SPDX-License-Identifier: Apache-2.0
//
// Multicast, on the loopback interface.

#include <cstdlib>

#include "root.h"
#include "support.h"

using namespace contract;

namespace {

class Multicast : public contract::Contract {
 protected:
  static constexpr const char *kGroup = "239.192.7.1";
  static constexpr const char *kGroup6 = "ff02::1234";

  static ip_mreqn Member(const char *group = kGroup) {
    ip_mreqn m = {};
    m.imr_multiaddr = Addr::Inet(group).as<sockaddr_in>().sin_addr;
    m.imr_ifindex = Index();
    return m;
  }
  static int Index() { return InterfaceIndex("lo"); }

  Sock Receiver() const { return Bound(UdpSocket(), Addr::Inet("0.0.0.0")); }
  Sock Sender() const {
    Sock s = BoundUdp();
    ip_mreqn by = {};
    by.imr_ifindex = Index();
    Must(s.Set(IPPROTO_IP, IP_MULTICAST_IF, by), "IP_MULTICAST_IF");
    return s;
  }
  static Addr GroupAt(const Sock &receiver) { return Addr::Inet(kGroup, receiver.Name().port()); }
};
INSTANTIATE_TEST_SUITE_P(Contract, Multicast, testing::ValuesIn(AllApis()), ApiName);

TEST_P(Multicast, AMemberHearsTheGroup) {
  const Sock receiver = Receiver(), sender = Sender();
  EXPECT_EQ(0, receiver.Set(IPPROTO_IP, IP_ADD_MEMBERSHIP, Member()));
  EXPECT_EQ(5, sender.SendTo("hello", GroupAt(receiver)));
  Addr from;
  EXPECT_EQ("hello", receiver.ReadFrom(&from));
  EXPECT_EQ(sender.Name(), from);
}

TEST_P(Multicast, AGroupCanBeJoinedByItsAddress) {
  const Sock receiver = Receiver(), sender = Sender();
  group_req request = {};
  request.gr_interface = static_cast<uint32_t>(Index());
  memcpy(&request.gr_group, Addr::Inet(kGroup).get(), sizeof(sockaddr_in));
  EXPECT_EQ(0, receiver.Set(IPPROTO_IP, MCAST_JOIN_GROUP, request));
  sender.SendTo("hello", GroupAt(receiver));
  EXPECT_EQ("hello", receiver.Read());
  EXPECT_EQ(0, receiver.Set(IPPROTO_IP, MCAST_LEAVE_GROUP, request));
  EXPECT_EQ(-EADDRNOTAVAIL, receiver.Set(IPPROTO_IP, MCAST_LEAVE_GROUP, request));
}

TEST_P(Multicast, OnlyTheSourceThatWasJoinedIsHeard) {
  const Sock receiver = Receiver(), sender = Sender();
  const Sock other = Bound(UdpSocket(), Addr::Inet("127.0.0.2"));
  group_source_req request = {};
  request.gsr_interface = static_cast<uint32_t>(Index());
  memcpy(&request.gsr_group, Addr::Inet(kGroup).get(), sizeof(sockaddr_in));
  memcpy(&request.gsr_source, sender.Name().get(), sizeof(sockaddr_in));
  EXPECT_EQ(0, receiver.Set(IPPROTO_IP, MCAST_JOIN_SOURCE_GROUP, request));
  EXPECT_EQ(0, other.Set(IPPROTO_IP, IP_MULTICAST_IF, Member()));
  other.SendTo("other", GroupAt(receiver));
  sender.SendTo("hello", GroupAt(receiver));
  EXPECT_EQ("hello", receiver.Read());
}

TEST_P(Multicast, ASourceMembershipIsThreeAddresses) {
  const Sock receiver = Receiver(), sender = Sender();
  ip_mreq_source request = {};
  request.imr_multiaddr = Addr::Inet(kGroup).as<sockaddr_in>().sin_addr;
  request.imr_interface = request.imr_sourceaddr =
      Addr::Loopback4().as<sockaddr_in>().sin_addr;
  EXPECT_EQ(0, receiver.Set(IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP, request));
  sender.SendTo("hello", GroupAt(receiver));
  EXPECT_EQ("hello", receiver.Read());
}

TEST_P(Multicast, WhoIsNoMemberHearsNothing) {
  const Sock receiver = Receiver(), sender = Sender();
  EXPECT_EQ(5, sender.SendTo("hello", GroupAt(receiver)));
  sender.SendTo("direct", Addr::Loopback4(receiver.Name().port()));
  EXPECT_EQ("direct", receiver.Read());
}

TEST_P(Multicast, AMemberThatLeftHearsNoMore) {
  const Sock receiver = Receiver(), sender = Sender();
  receiver.Set(IPPROTO_IP, IP_ADD_MEMBERSHIP, Member());
  EXPECT_EQ(0, receiver.Set(IPPROTO_IP, IP_DROP_MEMBERSHIP, Member()));
  sender.SendTo("hello", GroupAt(receiver));
  sender.SendTo("direct", Addr::Loopback4(receiver.Name().port()));
  EXPECT_EQ("direct", receiver.Read());
}

TEST_P(Multicast, TwoMembersHearTheSame) {
  const Sock a = UdpSocket(), b = UdpSocket(), sender = Sender();
  for (const Sock *s : {&a, &b}) {
    s->Set(SOL_SOCKET, SO_REUSEADDR, 1);
    s->Set(IPPROTO_IP, IP_ADD_MEMBERSHIP, Member());
  }
  EXPECT_EQ(0, a.Bind(Addr::Inet(kGroup)));
  EXPECT_EQ(0, b.Bind(a.Name()));
  sender.SendTo("hello", a.Name());
  EXPECT_EQ("hello", a.Read());
  EXPECT_EQ("hello", b.Read());
}

TEST_P(Multicast, JoiningTwiceIsEADDRINUSE) {
  const Sock s = Receiver();
  EXPECT_EQ(0, s.Set(IPPROTO_IP, IP_ADD_MEMBERSHIP, Member()));
  EXPECT_EQ(-EADDRINUSE, s.Set(IPPROTO_IP, IP_ADD_MEMBERSHIP, Member()));
}

TEST_P(Multicast, LeavingWithoutMembershipIsEADDRNOTAVAIL) {
  EXPECT_EQ(-EADDRNOTAVAIL, Receiver().Set(IPPROTO_IP, IP_DROP_MEMBERSHIP, Member()));
}

TEST_P(Multicast, JoiningAnAddressThatIsNoGroupIsEINVAL) {
  EXPECT_EQ(-EINVAL, Receiver().Set(IPPROTO_IP, IP_ADD_MEMBERSHIP, Member("127.0.0.1")));
}

TEST_P(Multicast, JoiningByTheShortFormNamesTheInterfaceByAddress) {
  const Sock receiver = Receiver(), sender = Sender();
  ip_mreq m = {};
  m.imr_multiaddr = Member().imr_multiaddr;
  m.imr_interface = Addr::Loopback4().as<sockaddr_in>().sin_addr;
  EXPECT_EQ(0, receiver.Set(IPPROTO_IP, IP_ADD_MEMBERSHIP, m));
  sender.SendTo("hello", GroupAt(receiver));
  EXPECT_EQ("hello", receiver.Read());
}

TEST_P(Multicast, PktinfoTellsTheGroup) {
  const Sock receiver = Receiver(), sender = Sender();
  receiver.Set(IPPROTO_IP, IP_ADD_MEMBERSHIP, Member());
  receiver.Set(IPPROTO_IP, IP_PKTINFO, 1);
  sender.SendTo("hello", GroupAt(receiver));
  const auto info = receiver.ReadMessage().Control<in_pktinfo>(IPPROTO_IP, IP_PKTINFO);
  ASSERT_TRUE(info);
  EXPECT_EQ(Member().imr_multiaddr.s_addr, info->ipi_addr.s_addr);
  EXPECT_EQ(Index(), info->ipi_ifindex);
}

TEST_P(Multicast, TheTtlOfGroupsIsApart) {
  const Sock s = UdpSocket();
  EXPECT_EQ(1, s.Get(IPPROTO_IP, IP_MULTICAST_TTL));
  EXPECT_EQ(0, s.Set(IPPROTO_IP, IP_MULTICAST_TTL, 9));
  EXPECT_EQ(9, s.Get(IPPROTO_IP, IP_MULTICAST_TTL));
  EXPECT_EQ(64, s.Get(IPPROTO_IP, IP_TTL));
  EXPECT_EQ(-EINVAL, s.Set(IPPROTO_IP, IP_MULTICAST_TTL, 256));
}

TEST_P(Multicast, LoopAndAllAreSwitches) {
  const Sock s = UdpSocket();
  EXPECT_EQ(1, s.Get(IPPROTO_IP, IP_MULTICAST_LOOP));
  const unsigned char off = 0;
  EXPECT_EQ(0, s.Set(IPPROTO_IP, IP_MULTICAST_LOOP, off)) << "one byte will do";
  EXPECT_EQ(0, s.Get(IPPROTO_IP, IP_MULTICAST_LOOP));
  EXPECT_EQ(1, s.Get(IPPROTO_IP, IP_MULTICAST_ALL));
  EXPECT_EQ(0, s.Set(IPPROTO_IP, IP_MULTICAST_ALL, 0));
  EXPECT_EQ(0, s.Get(IPPROTO_IP, IP_MULTICAST_ALL));
}

TEST_P(Multicast, TheOutgoingInterfaceIsToldAsAnAddress) {
  const Sock s = UdpSocket();
  const in_addr lo = Addr::Loopback4().as<sockaddr_in>().sin_addr;
  EXPECT_EQ(0, s.Set(IPPROTO_IP, IP_MULTICAST_IF, lo));
  EXPECT_EQ(lo.s_addr, s.Get<in_addr>(IPPROTO_IP, IP_MULTICAST_IF).s_addr);
}

TEST_P(Multicast, AnInet6MemberHearsTheGroup) {
  // Of the veth pair: IPv6 routes no groups by way of the loopback interface.
  const auto index = static_cast<unsigned>(GetVeth().ifindex_a);
  ASSERT_EQ(0, RootCommand("ip addr replace fe80::a/64 dev sbva nodad"));
  const Sock receiver = Bound(Udp6Socket(), Addr::Inet6("::")), sender = Udp6Socket();
  ipv6_mreq m = {};
  m.ipv6mr_multiaddr = Addr::Inet6(kGroup6).as<sockaddr_in6>().sin6_addr;
  m.ipv6mr_interface = index;
  EXPECT_EQ(0, receiver.Set(IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, m));
  EXPECT_EQ(0, sender.Set(IPPROTO_IPV6, IPV6_MULTICAST_IF, index));
  auto to = Addr::Inet6(kGroup6, receiver.Name().port()).as<sockaddr_in6>();
  to.sin6_scope_id = index;
  ASSERT_EQ(5, sender.SendTo("hello", Addr::Of(to)));
  Addr from;
  EXPECT_EQ("hello", receiver.ReadFrom(&from));
  EXPECT_EQ("fe80::a", from.ip());
  EXPECT_EQ(index, from.as<sockaddr_in6>().sin6_scope_id);
  EXPECT_EQ(0, receiver.Set(IPPROTO_IPV6, IPV6_DROP_MEMBERSHIP, m));
  EXPECT_EQ(-EADDRNOTAVAIL, receiver.Set(IPPROTO_IPV6, IPV6_DROP_MEMBERSHIP, m));
}

}  // namespace
