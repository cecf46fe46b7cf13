// SPDX-License-Identifier: Apache-2.0
//
// Ping sockets: ICMP echo as datagrams, for groups that net.ipv4.ping_group_range names.
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>

#include "support.h"

using namespace contract;

namespace {

class Ping : public contract::Contract {
 protected:
  Sock Ping4() const { return Socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP); }
  Sock Ping6() const { return Socket(AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6); }

  static std::string Echo(uint8_t type, uint16_t sequence, std::string_view data) {
    icmphdr h = {};
    h.type = type;
    h.un.echo.sequence = htons(sequence);
    return BytesOf(h) + std::string(data);
  }
};
CONTRACT_FIXTURE(Ping);

TEST_P(Ping, AnEchoIsAnswered) {
  const Sock s = Ping4();
  ASSERT_TRUE(s);
  Addr from;
  const std::string echo = Echo(ICMP_ECHO, 7, "data");
  EXPECT_EQ(static_cast<long>(echo.size()), s.SendTo(echo, Addr::Loopback4()));
  const std::string answer = s.ReadFrom(&from);
  ASSERT_EQ(echo.size(), answer.size());
  const auto header = ValueOf<icmphdr>(answer);
  EXPECT_EQ(ICMP_ECHOREPLY, header.type);
  EXPECT_EQ(7, ntohs(header.un.echo.sequence));
  EXPECT_EQ("data", answer.substr(sizeof(icmphdr)));
  EXPECT_EQ("127.0.0.1", from.ip());
}

TEST_P(Ping, TheIdentifierIsTheBoundPort) {
  const Sock s = Ping4();
  EXPECT_EQ(0, s.Bind(Addr::Inet("127.0.0.1", 4711)));
  EXPECT_EQ(4711u, s.Name().port());
  s.SendTo(Echo(ICMP_ECHO, 1, "x"), Addr::Loopback4());
  EXPECT_EQ(4711, ntohs(ValueOf<icmphdr>(s.Read()).un.echo.id));
}

TEST_P(Ping, Inet6IsAnsweredToo) {
  const Sock s = Ping6();
  ASSERT_TRUE(s);
  Addr from;
  s.SendTo(Echo(ICMP6_ECHO_REQUEST, 3, "six"), Addr::Loopback6());
  const std::string answer = s.ReadFrom(&from);
  EXPECT_EQ(ICMP6_ECHO_REPLY, static_cast<uint8_t>(answer.at(0)));
  EXPECT_EQ("six", answer.substr(sizeof(icmphdr)));
  EXPECT_EQ("::1", from.ip());
}

TEST_P(Ping, AConnectedOneHearsItsPeer) {
  const Sock s = Ping4();
  EXPECT_EQ(0, s.Connect(Addr::Inet("127.0.0.9", 1)));
  EXPECT_EQ("127.0.0.9", s.Peer().ip());
  s.Send(Echo(ICMP_ECHO, 1, "x"));
  EXPECT_EQ(ICMP_ECHOREPLY, ValueOf<icmphdr>(s.Read()).type);
}

TEST_P(Ping, TheTimeToLiveOfTheAnswerIsTold) {
  const Sock s = Ping4();
  EXPECT_EQ(0, s.Set(IPPROTO_IP, IP_RECVTTL, 1));
  s.SendTo(Echo(ICMP_ECHO, 1, "x"), Addr::Loopback4());
  EXPECT_EQ(64, s.ReadMessage().Control<int>(IPPROTO_IP, IP_TTL));
}

TEST_P(Ping, NothingButEchoesIsSent) {
  const Sock s = Ping4();
  EXPECT_EQ(-EINVAL, s.SendTo(Echo(ICMP_REDIRECT, 1, "x"), Addr::Loopback4()));
  EXPECT_EQ(-EINVAL, s.SendTo("short", Addr::Loopback4()));
}

}  // namespace
