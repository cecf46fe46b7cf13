/* SPDX-License-Identifier: Apache-2.0 */
/* Internet addresses: what `any` leaves out, and the many spellings of one. */
#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstring>

#include "policy_helper.h"

namespace {

const char kTcp[] = "may: [connect], family: [inet, inet6], type: stream, protocol: tcp, to_ports: any, to: ";
const char kUdp[] = "may: [send], family: [inet, inet6], type: dgram, protocol: udp, to_ports: any, to: ";
const char kServe[] = "may: [bind, listen], family: [inet, inet6], type: stream, protocol: tcp, ";

PolicyPtr ConnectTo(const std::string &to) { return Rule(kTcp + to); }
std::string Tcp4(const std::string &ip) { return "connect inet stream tcp " + ip + ":80"; }
std::string Tcp6(const std::string &ip) { return "connect inet6 stream tcp [" + ip + "]:80"; }

TEST(Address, AnyCoversTheInternet) {
  PolicyPtr p = ConnectTo("any");
  EXPECT_ALLOWED(p, Tcp4("192.0.2.1"));
  EXPECT_ALLOWED(p, Tcp4("10.1.2.3"));
  EXPECT_ALLOWED(p, Tcp6("2001:db8::1"));
}

class AnyLeavesOut : public testing::TestWithParam<const char *> {};
TEST_P(AnyLeavesOut, UnlessItIsNamed) {
  std::string ip = GetParam();
  bool v6 = ip.find(':') != ip.npos;
  std::string words = v6 ? Tcp6(ip) : Tcp4(ip);
  EXPECT_DENIED(ConnectTo("any"), words);
  EXPECT_DENIED(ConnectTo(v6 ? "'::/0'" : "0.0.0.0/0"), words);
  EXPECT_ALLOWED(ConnectTo("'" + ip + "'"), words);
}
INSTANTIATE_TEST_SUITE_P(Special, AnyLeavesOut,
                         testing::Values("127.0.0.1", "127.255.255.254", "::1", "169.254.0.1",
                                         "fe80::1", "169.254.169.254", "fd00:ec2::254",
                                         "169.254.170.2", "100.100.100.200", "168.63.129.16",
                                         "0.1.2.3", "224.0.0.1", "239.1.1.1", "255.255.255.255",
                                         "ff02::1", "2002:7f00:1::", "2001:0:1::1"));

TEST(Address, APrefixThatCoversLoopbackByAccidentDoesNotNameIt) {
  EXPECT_DENIED(ConnectTo("126.0.0.0/7"), Tcp4("127.0.0.1"));
  EXPECT_ALLOWED(ConnectTo("126.0.0.0/7"), Tcp4("126.0.0.1"));
  EXPECT_DENIED(ConnectTo("0.0.0.0/1"), Tcp4("127.0.0.1"));
  EXPECT_DENIED(ConnectTo("'::/1'"), Tcp6("::1"));
  EXPECT_ALLOWED(ConnectTo("127.0.0.0/8"), Tcp4("127.0.0.1"));
}

TEST(Address, LinkLocalDoesNotNameTheMetadataService) {
  PolicyPtr p = ConnectTo("169.254.0.0/16");
  EXPECT_ALLOWED(p, Tcp4("169.254.1.1"));
  EXPECT_DENIED(p, Tcp4("169.254.169.254"));
}

TEST(Address, TheUnspecifiedAddressIsJudgedAsLoopback) {
  EXPECT_DENIED(ConnectTo("any"), Tcp4("0.0.0.0"));
  EXPECT_DENIED(ConnectTo("any"), Tcp6("::"));
  EXPECT_ALLOWED(ConnectTo("127.0.0.1"), Tcp4("0.0.0.0"));
  EXPECT_ALLOWED(ConnectTo("['::1', 127.0.0.1]"), Tcp6("::"));
  EXPECT_DENIED(ConnectTo("'::1'"), Tcp6("::")) << "a socket bound to a mapped address goes to IPv4";
}

TEST(Address, MappedCompatibleAndNat64AreJudgedAsTheIpv4TheyCarry) {
  for (const char *ip : {"::ffff:127.0.0.1", "::127.0.0.1", "64:ff9b::127.0.0.1", "::ffff:0.0.0.0",
                         "::ffff:169.254.169.254", "64:ff9b::169.254.169.254"}) {
    EXPECT_DENIED(ConnectTo("any"), Tcp6(ip));
    EXPECT_DENIED(ConnectTo("['::/0', '::/1', '64:ff00::/24']"), Tcp6(ip));
  }
  for (const char *ip : {"::ffff:10.0.0.1", "::10.0.0.1", "64:ff9b::10.0.0.1"}) {
    EXPECT_ALLOWED(ConnectTo("10.0.0.0/8"), Tcp6(ip));
    EXPECT_DENIED(ConnectTo("192.0.2.0/24"), Tcp6(ip));
  }
}

TEST(Address, NetworksOwnNat64WantsBothItsAddressesNamed) {
  std::string words = Tcp6("64:ff9b:1::127.0.0.1");
  EXPECT_DENIED(ConnectTo("any"), words);
  EXPECT_DENIED(ConnectTo("'64:ff9b:1::/48'"), words);
  EXPECT_DENIED(ConnectTo("127.0.0.1"), words);
  EXPECT_ALLOWED(ConnectTo("['64:ff9b:1::/48', 127.0.0.1]"), words);
}

TEST(Address, AnIpv4NameOnAnIpv6SocketIsJudgedAsIpv4) {
  struct intent in = Words(Tcp4("127.0.0.1"));
  in.family = AF_INET6;
  EXPECT_EQ(-EACCES, Judge(ConnectTo("any"), in).error);
  EXPECT_EQ(0, Judge(ConnectTo("127.0.0.1"), in).error);
}

TEST(Address, HostsOwnAddressesMustBeNamed) {
  struct sock_addr own[2] = {Words(Tcp4("10.0.0.5")).addr, Words(Tcp6("2001:db8::5")).addr};
  PolicyPtr any = ConnectTo("any"), range = ConnectTo("10.0.0.0/8"), exact = ConnectTo("10.0.0.5"),
            word = ConnectTo("[any, own]");
  for (PolicyPtr *p : {&any, &range, &exact, &word})
    ASSERT_EQ(0, policy_set_host_addresses(p->get(), own, 2));
  EXPECT_DENIED(any, Tcp4("10.0.0.5"));
  EXPECT_DENIED(any, Tcp6("::ffff:10.0.0.5"));
  EXPECT_DENIED(any, Tcp6("2001:db8::5"));
  EXPECT_ALLOWED(any, Tcp4("10.0.0.6"));
  EXPECT_DENIED(range, Tcp4("10.0.0.5"));
  EXPECT_ALLOWED(exact, Tcp4("10.0.0.5"));
  EXPECT_ALLOWED(word, Tcp4("10.0.0.5"));
  EXPECT_ALLOWED(word, Tcp6("2001:db8::5"));
}

TEST(Address, LoopbackNamedByItsRangeIsNotAskedForAgainAsTheHostsOwn) {
  struct sock_addr own = Words(Tcp4("127.0.0.1")).addr;
  PolicyPtr p = ConnectTo("127.0.0.0/8"), q = ConnectTo("own");
  ASSERT_EQ(0, policy_set_host_addresses(p.get(), &own, 1));
  ASSERT_EQ(0, policy_set_host_addresses(q.get(), &own, 1));
  EXPECT_ALLOWED(p, Tcp4("127.0.0.1"));
  EXPECT_DENIED(q, Tcp4("127.0.0.1")) << "`own` is not loopback";
}

TEST(Address, TheAddressToBindIsFreeOfTheHostsOwnRule) {
  struct sock_addr own = Words(Tcp4("10.0.0.5")).addr;
  PolicyPtr p = Rule(std::string(kServe) + "from: any, from_ports: any");
  ASSERT_EQ(0, policy_set_host_addresses(p.get(), &own, 1));
  EXPECT_ALLOWED(p, "bind inet stream tcp 10.0.0.5:8080");
}

TEST(Address, DestinationPortsAreLookedAt) {
  PolicyPtr p = Rule("may: [connect], family: inet, type: stream, protocol: tcp, to: any, "
                     "to_ports: [80, 8000-8099]");
  EXPECT_ALLOWED(p, "connect inet stream tcp 192.0.2.1:80");
  EXPECT_ALLOWED(p, "connect inet stream tcp 192.0.2.1:8099");
  EXPECT_DENIED(p, "connect inet stream tcp 192.0.2.1:8100");
  EXPECT_DENIED(p, "connect inet stream tcp 192.0.2.1:0");
}

TEST(Address, EachDatagramIsJudgedByItsOwnDestination) {
  PolicyPtr p = Rule(std::string(kUdp) + "10.0.0.0/8");
  EXPECT_ALLOWED(p, "send inet dgram udp 10.0.0.1:53");
  EXPECT_DENIED(p, "send inet dgram udp 11.0.0.1:53");
  EXPECT_DENIED(p, "connect inet dgram udp 10.0.0.1:53") << "send does not mean connect";
}

TEST(Address, ADestinationOfFamilyUnspecIsReadAsTheKernelReadsIt) {
  struct intent in = Words("send inet dgram udp 127.0.0.1:53");
  in.addr.ss.ss_family = AF_UNSPEC;
  EXPECT_EQ(-EACCES, Judge(Rule(std::string(kUdp) + "any"), in).error);
  in = Words("bind inet stream tcp 0.0.0.0:8080");
  in.addr.ss.ss_family = AF_UNSPEC;
  EXPECT_EQ(-EACCES, Judge(Rule(std::string(kServe) + "from: any, from_ports: any"), in).error);
  EXPECT_EQ(0, Judge(Rule(std::string(kServe) + "from: wildcard, from_ports: any"), in).error);
}

TEST(Address, RawSocketsHaveNoPorts) {
  PolicyPtr p = Rule("may: [bind, send], family: inet, type: raw, protocol: gre, to: any, from: any");
  EXPECT_ALLOWED(p, "send inet raw gre 192.0.2.1:47");
  EXPECT_ALLOWED(p, "bind inet raw gre 192.0.2.1:47");
}

TEST(Address, DissolvingAnAssociationNeedsNoRule) {
  PolicyPtr p = Parse("version: 1\nrules: []\n");
  EXPECT_ALLOWED(p, "connect inet dgram udp unspec");
  EXPECT_DENIED(p, "send inet dgram udp unspec");
  EXPECT_DENIED(p, "bind inet dgram udp unspec");
}

TEST(Address, ShortOrForeignAddressesAreDenied) {
  struct intent in = Words(Tcp4("192.0.2.1"));
  PolicyPtr p = ConnectTo("any");
  in.addr.len = 8;
  EXPECT_EQ(-EACCES, Judge(p, in).error);
  in.addr.len = 0;
  EXPECT_EQ(-EACCES, Judge(p, in).error);
  in = Words(Tcp4("192.0.2.1"));
  in.addr.ss.ss_family = AF_UNIX;
  EXPECT_EQ(-EACCES, Judge(p, in).error);
}

/* ---- bind and listen --------------------------------------------------- */

TEST(Bind, AnyIsNeitherTheWildcardNorLoopback) {
  PolicyPtr p = Rule(std::string(kServe) + "from: any, from_ports: any");
  EXPECT_ALLOWED(p, "bind inet stream tcp 192.0.2.1:8080");
  EXPECT_DENIED(p, "bind inet stream tcp 0.0.0.0:8080");
  EXPECT_DENIED(p, "bind inet stream tcp 127.0.0.1:8080");
  EXPECT_DENIED(p, "bind inet6 stream tcp [::]:8080");
  EXPECT_DENIED(p, "bind inet6 stream tcp [::ffff:0.0.0.0]:8080");
  EXPECT_DENIED(p, "bind inet6 stream tcp [::ffff:127.0.0.1]:8080");
}

TEST(Bind, TheIpv6WildcardAcceptsIpv4AndWantsBothNamed) {
  EXPECT_DENIED(Rule(std::string(kServe) + "from: '::', from_ports: any"),
                "bind inet6 stream tcp [::]:8080");
  EXPECT_ALLOWED(Rule(std::string(kServe) + "from: wildcard, from_ports: any"),
                 "bind inet6 stream tcp [::]:8080");
  EXPECT_ALLOWED(Rule(std::string(kServe) + "from: wildcard, from_ports: any"),
                 "bind inet stream tcp 0.0.0.0:8080");
}

TEST(Bind, PortsBelow1024AreNotUnderAny) {
  PolicyPtr any = Rule(std::string(kServe) + "from: 127.0.0.1, from_ports: any");
  EXPECT_DENIED(any, "bind inet stream tcp 127.0.0.1:80");
  EXPECT_DENIED(any, "bind inet stream tcp 127.0.0.1:1023");
  EXPECT_ALLOWED(any, "bind inet stream tcp 127.0.0.1:1024");
  EXPECT_ALLOWED(Rule(std::string(kServe) + "from: 127.0.0.1, from_ports: 80"),
                 "bind inet stream tcp 127.0.0.1:80");
}

TEST(Bind, PortZeroIsTheKernelsChoiceAndMustBeCoveredWhole) {
  auto serve = [](const std::string &ports) {
    return Rule(std::string(kServe) + "from: 127.0.0.1, from_ports: " + ports);
  };
  const char zero[] = "bind inet stream tcp 127.0.0.1:0";
  EXPECT_DENIED(serve("8080"), zero);
  EXPECT_DENIED(serve("2000-65535"), zero);
  EXPECT_ALLOWED(serve("any"), zero);
  EXPECT_ALLOWED(serve("ephemeral"), zero);
  EXPECT_ALLOWED(serve("0"), zero);
  EXPECT_ALLOWED(serve("1024-65535"), zero);
  EXPECT_DENIED(serve("ephemeral"), "bind inet stream tcp 127.0.0.1:8080");
  EXPECT_ALLOWED(serve("ephemeral"), "listen inet stream tcp 127.0.0.1:40000");
  EXPECT_DENIED(serve("ephemeral"), "listen inet stream tcp 127.0.0.1:80");
}

TEST(Bind, ListeningUnboundIsListeningOnTheWildcard) {
  PolicyPtr any = Rule(std::string(kServe) + "from: any, from_ports: any");
  EXPECT_DENIED(any, "listen inet stream tcp 0.0.0.0:0");
  EXPECT_DENIED(any, "listen inet stream tcp unbound");
  EXPECT_DENIED(any, "listen inet6 stream tcp unbound");
  PolicyPtr all = Rule(std::string(kServe) + "from: wildcard, from_ports: ephemeral");
  EXPECT_ALLOWED(all, "listen inet stream tcp unbound");
  EXPECT_ALLOWED(all, "listen inet6 stream tcp [::]:0");
  EXPECT_DENIED(Rule(std::string(kServe) + "from: wildcard, from_ports: 8080"),
                "listen inet stream tcp unbound");
}

TEST(Bind, BindDoesNotMeanListen) {
  PolicyPtr p = Rule("may: bind, family: inet, type: stream, protocol: tcp, from: 127.0.0.1, "
                     "from_ports: any");
  EXPECT_DENIED(p, "listen inet stream tcp 127.0.0.1:8080");
}

/* ---- rules that deny cover all that their words can mean ---------------- */

TEST(Deny, AnyLeavesNothingOut) {
  PolicyPtr p = Rules("verdict: deny, " + std::string(kTcp) + "any",
                      std::string(kTcp) + "[any, 127.0.0.0/8]");
  EXPECT_DENIED(p, Tcp4("127.0.0.1"));
  EXPECT_DENIED(p, Tcp6("::1"));
  EXPECT_DENIED(p, Tcp6("::"));
}

TEST(Deny, ARangeIsDeniedInEverySpelling) {
  PolicyPtr p = Rules("verdict: deny, " + std::string(kTcp) + "10.0.0.0/8",
                      std::string(kTcp) + "any");
  EXPECT_DENIED(p, Tcp6("::ffff:10.0.0.1"));
  EXPECT_DENIED(p, Tcp6("64:ff9b::10.0.0.1"));
  EXPECT_ALLOWED(p, Tcp4("11.0.0.1"));
}

TEST(Deny, TheWildcardIsEveryAddressThatMayNotBeBound) {
  PolicyPtr p = Rules("verdict: deny, " + std::string(kServe) + "from: 192.0.2.1, from_ports: any",
                      std::string(kServe) + "from: wildcard, from_ports: any");
  EXPECT_DENIED(p, "bind inet stream tcp 0.0.0.0:8080");
  EXPECT_DENIED(p, "bind inet6 stream tcp [::]:8080");
}

TEST(Deny, PortZeroMightBecomeAPortThatIsDenied) {
  PolicyPtr p = Rules("verdict: deny, " + std::string(kServe) + "from: any, from_ports: 40000",
                      std::string(kServe) + "from: any, from_ports: any");
  EXPECT_DENIED(p, "bind inet stream tcp 192.0.2.1:0");
  EXPECT_ALLOWED(p, "bind inet stream tcp 192.0.2.1:40001");
}

}  // namespace
