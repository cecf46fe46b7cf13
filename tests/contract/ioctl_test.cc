// SPDX-License-Identifier: Apache-2.0
//
// ioctls about interfaces and about the socket.
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/time.h>

#include "support.h"

using namespace contract;

namespace {

class Ioctl : public contract::Contract {
 protected:
  static ifreq Named(const char *name) {
    ifreq r = {};
    strncpy(r.ifr_name, name, sizeof(r.ifr_name) - 1);
    return r;
  }
  ifreq Ask(unsigned long request, const char *name = "lo") const {
    ifreq r = Named(name);
    Must(UdpSocket().Ioctl(request, &r), "ioctl");
    return r;
  }
  static std::string Ip(const sockaddr &sa) {
    sockaddr_in sin;
    memcpy(&sin, &sa, sizeof(sin));
    return Addr::Of(sin).ip();
  }
};
INSTANTIATE_TEST_SUITE_P(Contract, Ioctl, testing::ValuesIn(AllApis()), ApiName);

TEST_P(Ioctl, AnUnknownRequestIsENOTTY) {
  char room[256] = {};
  EXPECT_EQ(-ENOTTY, UdpSocket().Ioctl(0xDEAD, room));
}

TEST_P(Ioctl, AnInterfacesIndexIsFoundByName) {
  EXPECT_EQ(InterfaceIndex("lo"), Ask(SIOCGIFINDEX).ifr_ifindex);
}

TEST_P(Ioctl, AnInterfacesNameIsFoundByIndex) {
  ifreq r = {};
  r.ifr_ifindex = InterfaceIndex("lo");
  EXPECT_EQ(0, UdpSocket().Ioctl(SIOCGIFNAME, &r));
  EXPECT_STREQ("lo", r.ifr_name);
}

TEST_P(Ioctl, AnUnknownInterfaceIsENODEV) {
  ifreq r = Named("nosuch0");
  EXPECT_EQ(-ENODEV, UdpSocket().Ioctl(SIOCGIFINDEX, &r));
  r.ifr_ifindex = 99999;
  EXPECT_EQ(-ENODEV, UdpSocket().Ioctl(SIOCGIFNAME, &r));
}

TEST_P(Ioctl, FlagsTellThatLoopbackIsUp) {
  const int flags = Ask(SIOCGIFFLAGS).ifr_flags;
  EXPECT_TRUE(flags & IFF_LOOPBACK);
  EXPECT_TRUE(flags & IFF_UP);
  EXPECT_FALSE(flags & IFF_BROADCAST);
}

TEST_P(Ioctl, AddressesOfAnInterface) {
  EXPECT_EQ("127.0.0.1", Ip(Ask(SIOCGIFADDR).ifr_addr));
  EXPECT_EQ("255.0.0.0", Ip(Ask(SIOCGIFNETMASK).ifr_netmask));
}

TEST_P(Ioctl, AnInterfaceWithoutAnAddressIsEADDRNOTAVAIL) {
  ifreq r = Named(GetVeth().a.c_str());
  EXPECT_EQ(-EADDRNOTAVAIL, UdpSocket().Ioctl(SIOCGIFADDR, &r));
}

TEST_P(Ioctl, HardwareAddressesHaveAType) {
  EXPECT_EQ(ARPHRD_LOOPBACK, Ask(SIOCGIFHWADDR).ifr_hwaddr.sa_family);
  const ifreq veth = Ask(SIOCGIFHWADDR, GetVeth().a.c_str());
  EXPECT_EQ(ARPHRD_ETHER, veth.ifr_hwaddr.sa_family);
  EXPECT_NE(std::string(6, '\0'), std::string(veth.ifr_hwaddr.sa_data, 6));
}

TEST_P(Ioctl, NumbersOfAnInterface) {
  EXPECT_EQ(65536, Ask(SIOCGIFMTU).ifr_mtu);
  EXPECT_EQ(1000, Ask(SIOCGIFTXQLEN).ifr_qlen);
  EXPECT_EQ(0, Ask(SIOCGIFMETRIC).ifr_metric);
}

TEST_P(Ioctl, TheMapOfAnInterfaceWithoutHardwareIsZeros) {
  const ifmap map = Ask(SIOCGIFMAP).ifr_map;
  EXPECT_EQ(0u, map.mem_start | map.mem_end | map.base_addr | map.irq | map.dma | map.port);
}

TEST_P(Ioctl, InterfacesWithAddressesAreListed) {
  ifreq list[32] = {};
  ifconf conf = {};
  conf.ifc_len = sizeof(list);
  conf.ifc_req = list;
  EXPECT_EQ(0, UdpSocket().Ioctl(SIOCGIFCONF, &conf));
  ASSERT_LE(sizeof(ifreq), static_cast<size_t>(conf.ifc_len));
  EXPECT_EQ(0u, static_cast<size_t>(conf.ifc_len) % sizeof(ifreq));
  EXPECT_STREQ("lo", list[0].ifr_name);
  EXPECT_EQ("127.0.0.1", Ip(list[0].ifr_addr));
}

TEST_P(Ioctl, TheSizeOfTheListOfInterfacesCanBeAsked) {
  ifconf conf = {};
  EXPECT_EQ(0, UdpSocket().Ioctl(SIOCGIFCONF, &conf));
  EXPECT_LE(static_cast<int>(sizeof(ifreq)), conf.ifc_len);
}

TEST_P(Ioctl, OfTheListOfInterfacesComesWhatFits) {
  ifreq one = {};
  ifconf conf = {};
  conf.ifc_req = &one;
  conf.ifc_len = sizeof(one) - 1;
  EXPECT_EQ(0, UdpSocket().Ioctl(SIOCGIFCONF, &conf));
  EXPECT_EQ(0, conf.ifc_len);
  EXPECT_STREQ("", one.ifr_name);
}

TEST_P(Ioctl, AnInterfacesMtuCanBeSetByThoseWhoMay) {
  ifreq r = Named(GetVeth().a.c_str());
  r.ifr_mtu = 1300;
  EXPECT_EQ(0, UdpSocket().Ioctl(SIOCSIFMTU, &r));
  EXPECT_EQ(1300, Ask(SIOCGIFMTU, GetVeth().a.c_str()).ifr_mtu);
  r.ifr_mtu = 1500;
  EXPECT_EQ(0, UdpSocket().Ioctl(SIOCSIFMTU, &r));
}

TEST_P(Ioctl, AnyFamilysSocketMayAskForAnIndex) {
  ifreq r = Named("lo");
  EXPECT_EQ(0, Socket(AF_UNIX, SOCK_DGRAM).Ioctl(SIOCGIFINDEX, &r));
  EXPECT_LT(0, r.ifr_ifindex);
}

TEST_P(Ioctl, TheLastDatagramsTimeIsTold) {
  const auto [a, b] = UdpPair();
  timeval tv = {};
  EXPECT_EQ(-ENOENT, b.Ioctl(SIOCGSTAMP, &tv)) << "none yet, and now it is kept";
  a.Send("x");
  b.Read();
  EXPECT_EQ(0, b.Ioctl(SIOCGSTAMP, &tv));
  timeval now = {};
  gettimeofday(&now, nullptr);
  EXPECT_LE(now.tv_sec - 60, tv.tv_sec);
  EXPECT_GE(now.tv_sec, tv.tv_sec);
  timespec ts = {};
  EXPECT_EQ(0, b.Ioctl(SIOCGSTAMPNS, &ts));
  EXPECT_EQ(tv.tv_sec, ts.tv_sec);
}

TEST_P(Ioctl, FionreadOnAListenerIsEINVAL) {
  int n = 0;
  EXPECT_EQ(-EINVAL, Listener().Ioctl(FIONREAD, &n));
}

TEST_P(Ioctl, OutqOfAUdpSocketIsEmpty) {
  const auto [a, b] = UdpPair();
  EXPECT_EQ(0, a.IoctlInt(SIOCOUTQ));
}

}  // namespace
