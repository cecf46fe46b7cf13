// SPDX-License-Identifier: Apache-2.0
//
// Raw IP sockets: ICMP, headers of one's own, filters.
#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/udp.h>

#include "support.h"

using namespace contract;

namespace {

class Raw : public contract::Contract {
 protected:
  static uint16_t Checksum(const std::string &bytes) {
    uint32_t sum = 0;
    for (size_t i = 0; i < bytes.size(); i++)
      sum += static_cast<uint32_t>(static_cast<unsigned char>(bytes[i])) << (i % 2 ? 0 : 8);
    while (sum >> 16)
      sum = (sum & 0xFFFF) + (sum >> 16);
    return htons(static_cast<uint16_t>(~sum));
  }
  static std::string Echo(uint16_t id, std::string_view payload) {
    icmphdr h = {};
    h.type = ICMP_ECHO;
    h.un.echo.id = htons(id);
    h.un.echo.sequence = htons(1);
    std::string packet = Bytes(h) + std::string(payload);
    h.checksum = Checksum(packet);
    return Bytes(h) + std::string(payload);
  }
  template <class T>
  static std::string Bytes(const T &t) {
    return std::string(reinterpret_cast<const char *>(&t), sizeof(t));
  }
  template <class T>
  static T Take(const std::string &bytes, size_t at) {
    T t = {};
    if (bytes.size() >= at + sizeof(t))
      memcpy(&t, bytes.data() + at, sizeof(t));
    return t;
  }
  // A UDP datagram with an IP header of one's own.
  static std::string UdpPacket(const Addr &from, const Addr &to, std::string_view payload) {
    udphdr udp = {};
    udp.source = htons(static_cast<uint16_t>(from.port()));
    udp.dest = htons(static_cast<uint16_t>(to.port()));
    udp.len = htons(static_cast<uint16_t>(sizeof(udp) + payload.size()));
    iphdr ip = {};
    ip.version = 4;
    ip.ihl = 5;
    ip.ttl = 17;
    ip.protocol = IPPROTO_UDP;
    ip.saddr = from.as<sockaddr_in>().sin_addr.s_addr;
    ip.daddr = to.as<sockaddr_in>().sin_addr.s_addr;
    return Bytes(ip) + Bytes(udp) + std::string(payload);
  }

  Sock Icmp() const {
    Sock s = Socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
    Must(s.fd(), "raw socket");
    return s;
  }
};
INSTANTIATE_TEST_SUITE_P(Contract, Raw, testing::ValuesIn(AllApis()), ApiName);

constexpr size_t kIp = sizeof(iphdr);

TEST_P(Raw, APingIsAnsweredWithItsIpHeader) {
  const Sock s = Icmp();
  icmp_filter only_replies = {~(1u << ICMP_ECHOREPLY)};
  EXPECT_EQ(0, s.Set(SOL_RAW, ICMP_FILTER, only_replies));
  const std::string echo = Echo(0x1234, "payload");
  EXPECT_EQ(static_cast<long>(echo.size()), s.SendTo(echo, Addr::Loopback4()));
  Addr from;
  const std::string packet = s.ReadFrom(&from);
  EXPECT_EQ("127.0.0.1", from.ip());
  const auto ip = Take<iphdr>(packet, 0);
  EXPECT_EQ(4, ip.version);
  EXPECT_EQ(IPPROTO_ICMP, ip.protocol);
  const auto reply = Take<icmphdr>(packet, kIp);
  EXPECT_EQ(ICMP_ECHOREPLY, reply.type);
  EXPECT_EQ(htons(0x1234), reply.un.echo.id);
  EXPECT_EQ("payload", packet.substr(kIp + sizeof(icmphdr)));
}

TEST_P(Raw, WithoutAFilterTheRequestIsSeenToo) {
  const Sock s = Icmp();
  s.SendTo(Echo(7, ""), Addr::Loopback4());
  EXPECT_EQ(ICMP_ECHO, Take<icmphdr>(s.Read(), kIp).type);
  EXPECT_EQ(ICMP_ECHOREPLY, Take<icmphdr>(s.Read(), kIp).type);
}

TEST_P(Raw, TheIcmpFilterComesBack) {
  const Sock s = Icmp();
  icmp_filter filter = {0xABCD};
  EXPECT_EQ(0, s.Set(SOL_RAW, ICMP_FILTER, filter));
  EXPECT_EQ(0xABCDu, s.Get<icmp_filter>(SOL_RAW, ICMP_FILTER).data);
}

TEST_P(Raw, AConnectedRawSocketNeedsNoAddressAndHearsItsPeerOnly) {
  const Sock s = Icmp();
  icmp_filter only_replies = {~(1u << ICMP_ECHOREPLY)};
  s.Set(SOL_RAW, ICMP_FILTER, only_replies);
  EXPECT_EQ(0, s.Connect(Addr::Inet("127.0.0.5")));
  Icmp().SendTo(Echo(1, "other"), Addr::Loopback4());
  s.Send(Echo(2, "mine"));
  EXPECT_EQ("mine", s.Read().substr(kIp + sizeof(icmphdr)));
}

TEST_P(Raw, ABoundRawSocketHearsItsAddressOnly) {
  const Sock s = Icmp();
  EXPECT_EQ(0, s.Bind(Addr::Inet("127.0.0.6")));
  EXPECT_EQ("127.0.0.6", s.Name().ip());
  Icmp().SendTo(Echo(1, "other"), Addr::Loopback4());
  Icmp().SendTo(Echo(2, "mine"), Addr::Inet("127.0.0.6"));
  EXPECT_EQ("mine", s.Read().substr(kIp + sizeof(icmphdr)));
}

TEST_P(Raw, ARawUdpSocketSeesDatagramsWithHeaders) {
  const Sock raw = Socket(AF_INET, SOCK_RAW, IPPROTO_UDP);
  ASSERT_TRUE(raw);
  const auto [a, b] = UdpPair();
  a.Send("hello");
  const std::string packet = raw.Read();
  EXPECT_EQ(htons(static_cast<uint16_t>(b.Name().port())), Take<udphdr>(packet, kIp).dest);
  EXPECT_EQ("hello", packet.substr(kIp + sizeof(udphdr)));
  EXPECT_EQ("hello", b.Read()) << "and its owner gets it";
}

TEST_P(Raw, HdrinclSendsAHeaderOfOnesOwn) {
  const Sock raw = Socket(AF_INET, SOCK_RAW, IPPROTO_UDP), to = BoundUdp();
  EXPECT_EQ(0, raw.Set(IPPROTO_IP, IP_HDRINCL, 1));
  EXPECT_EQ(1, raw.Get(IPPROTO_IP, IP_HDRINCL));
  to.Set(IPPROTO_IP, IP_RECVTTL, 1);
  const Addr from = Addr::Inet("127.0.0.8", 4321);
  const std::string packet = UdpPacket(from, to.Name(), "forged");
  EXPECT_EQ(static_cast<long>(packet.size()), raw.SendTo(packet, to.Name()));
  const Received m = to.ReadMessage();
  EXPECT_EQ("forged", m.data);
  EXPECT_EQ(from, m.from);
  EXPECT_EQ(17, m.Control<int>(IPPROTO_IP, IP_TTL));
}

TEST_P(Raw, ProtocolRawIncludesTheHeader) {
  const Sock raw = Socket(AF_INET, SOCK_RAW, IPPROTO_RAW), to = BoundUdp();
  ASSERT_TRUE(raw);
  EXPECT_EQ(1, raw.Get(IPPROTO_IP, IP_HDRINCL));
  const Addr from = Addr::Inet("127.0.0.8", 4321);
  EXPECT_LT(0, raw.SendTo(UdpPacket(from, to.Name(), "forged"), to.Name()));
  EXPECT_EQ("forged", to.Read());
}

TEST_P(Raw, AHeaderThatIsCutIsEINVAL) {
  const Sock raw = Socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
  EXPECT_EQ(-EINVAL, raw.SendTo("short", Addr::Loopback4()));
}

TEST_P(Raw, AnyProtocolNumberWillDo) {
  const Sock a = Socket(AF_INET, SOCK_RAW, 253);
  ASSERT_TRUE(a);
  EXPECT_EQ(5, a.SendTo("hello", Addr::Loopback4()));
  EXPECT_EQ("hello", a.Read().substr(kIp));
}

TEST_P(Raw, TheTtlIsOfTheHeader) {
  const Sock a = Socket(AF_INET, SOCK_RAW, 253);
  EXPECT_EQ(0, a.Set(IPPROTO_IP, IP_TTL, 3));
  a.SendTo("hello", Addr::Loopback4());
  EXPECT_EQ(3, Take<iphdr>(a.Read(), 0).ttl);
}

TEST_P(Raw, AnInet6PingHasNoHeaderAndAChecksumOfTheKernel) {
  const Sock s = Socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
  ASSERT_TRUE(s);
  icmp6_filter only_replies;
  ICMP6_FILTER_SETBLOCKALL(&only_replies);
  ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &only_replies);
  EXPECT_EQ(0, s.Set(IPPROTO_ICMPV6, ICMP6_FILTER, only_replies));
  icmp6_hdr echo = {};
  echo.icmp6_type = ICMP6_ECHO_REQUEST;
  echo.icmp6_id = htons(77);
  EXPECT_EQ(12, s.SendTo(Bytes(echo) + "data", Addr::Loopback6()));
  Addr from;
  const std::string packet = s.ReadFrom(&from);
  EXPECT_EQ("::1", from.ip());
  const auto reply = Take<icmp6_hdr>(packet, 0);
  EXPECT_EQ(ICMP6_ECHO_REPLY, reply.icmp6_type);
  EXPECT_EQ(htons(77), reply.icmp6_id);
  EXPECT_NE(0, reply.icmp6_cksum);
  EXPECT_EQ("data", packet.substr(sizeof(reply)));
}

TEST_P(Raw, APingSocketSeesItsOwnRepliesOnly) {
  const Sock s = Socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
  const Sock other = Socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
  ASSERT_TRUE(s);
  EXPECT_EQ(0, s.Bind(Addr::Inet("0.0.0.0")));
  const unsigned id = s.Name().port();
  EXPECT_NE(0u, id);
  other.SendTo(Echo(0, "theirs"), Addr::Loopback4());
  EXPECT_EQ(12, s.SendTo(Echo(0, "mine"), Addr::Loopback4()));
  const std::string reply = s.Read();
  EXPECT_EQ(ICMP_ECHOREPLY, Take<icmphdr>(reply, 0).type);
  EXPECT_EQ(id, ntohs(Take<icmphdr>(reply, 0).un.echo.id));
  EXPECT_EQ("mine", reply.substr(sizeof(icmphdr)));
}

}  // namespace
