// SPDX-License-Identifier: Apache-2.0
//
// What an IPv6 address has besides the address: the interface of a link-local one,
// and the flow.
#include <linux/in6.h>

#include <cstdlib>

#include "root.h"
#include "support.h"

using namespace contract;

namespace {

class Inet6 : public contract::Contract {
 protected:
  // Of both ends of a cable, with the same prefix: only the interface tells them apart.
  static void NeedLinkLocal() {
    static const bool made = [] {
      const Veth &v = GetVeth();
      const std::string make = "ip addr add fe80::a/64 dev " + v.a + " nodad"
                               " && ip addr add fe80::b/64 dev " + v.b + " nodad";
      Must(RootCommand(make.c_str()) == 0 ? 0 : -EIO, "ip addr add");
      return true;
    }();
    static_cast<void>(made);
  }
  static Addr On(int ifindex, const char *ip, unsigned port = 0) {
    auto sin6 = Addr::Inet6(ip, port).as<sockaddr_in6>();
    sin6.sin6_scope_id = static_cast<uint32_t>(ifindex);
    return Addr::Of(sin6);
  }
  static Addr WithFlow(const Addr &a, uint32_t flow) {
    auto sin6 = a.as<sockaddr_in6>();
    sin6.sin6_flowinfo = htonl(flow);
    return Addr::Of(sin6);
  }
};
CONTRACT_FIXTURE(Inet6);

TEST_P(Inet6, ALinkLocalAddressTellsItsInterface) {
  NeedLinkLocal();
  const Veth &v = GetVeth();
  const Sock a = Bound(Udp6Socket(), On(v.ifindex_a, "fe80::a"));
  const Sock b = Bound(Udp6Socket(), On(v.ifindex_b, "fe80::b"));
  Addr from;
  EXPECT_EQ(static_cast<uint32_t>(v.ifindex_a), a.Name().as<sockaddr_in6>().sin6_scope_id);
  ASSERT_EQ(5, a.SendTo("hello", On(v.ifindex_a, "fe80::b", b.Name().port())));
  EXPECT_EQ("hello", b.ReadFrom(&from));
  EXPECT_EQ(On(v.ifindex_b, "fe80::a", a.Name().port()), from) << "by the interface it came in";
  EXPECT_EQ(2, b.SendTo("hi", from));
  EXPECT_EQ("hi", a.Read());
}

TEST_P(Inet6, ALinkLocalAddressWithoutAnInterfaceIsEINVAL) {
  NeedLinkLocal();
  EXPECT_EQ(-EINVAL, Udp6Socket().Bind(Addr::Inet6("fe80::a")));
  EXPECT_EQ(-EINVAL, Udp6Socket().Connect(Addr::Inet6("fe80::b", 9)));
}

TEST_P(Inet6, AScopeMeansNothingToOtherAddresses) {
  const Sock s = Bound(Udp6Socket(), On(4711, "::1"));
  EXPECT_EQ(0u, s.Name().as<sockaddr_in6>().sin6_scope_id);
}

TEST_P(Inet6, AFlowIsSentAndReceived) {
  const Sock a = BoundUdp6(), b = BoundUdp6();
  EXPECT_EQ(0, a.Set(IPPROTO_IPV6, IPV6_FLOWINFO_SEND, 1));
  EXPECT_EQ(0, b.Set(IPPROTO_IPV6, IPV6_FLOWINFO, 1));
  EXPECT_EQ(0, a.Connect(WithFlow(b.Name(), 0x12345)));
  EXPECT_EQ(WithFlow(b.Name(), 0x12345), a.Peer());
  a.Send("x");
  const auto flow = b.ReadMessage().Control<uint32_t>(IPPROTO_IPV6, IPV6_FLOWINFO);
  ASSERT_TRUE(flow);
  EXPECT_EQ(htonl(0x12345), *flow & htonl(0xfffff));
}

TEST_P(Inet6, AFlowIsForgottenWithoutTheOption) {
  const Sock a = BoundUdp6(), b = BoundUdp6();
  EXPECT_EQ(0, a.Connect(WithFlow(b.Name(), 0x12345)));
  EXPECT_EQ(b.Name(), a.Peer());
}

TEST_P(Inet6, AFamilyOfAnotherSystemIsEAFNOSUPPORT) {
  constexpr int kAfSystem = 32, kSysprotoControl = 2;  // of macOS
  EXPECT_EQ(-EAFNOSUPPORT, Socket(kAfSystem, SOCK_DGRAM, kSysprotoControl).fd());
}

}  // namespace
