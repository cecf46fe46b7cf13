/* SPDX-License-Identifier: Apache-2.0 */
/* The order of rules, defaults, capabilities, options, ioctls. */
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "policy_helper.h"
#include "wire/sockopt.h"

namespace {

const char kPing[] = "may: [socket, send], lends: CAP_NET_RAW, family: inet, type: raw, "
                     "protocol: icmp, to: 127.0.0.0/8";

TEST(Judge, WithoutARuleEverythingIsDenied) {
  PolicyPtr p = Parse("version: 1\nrules: []\n");
  struct verdict v = Judge(p, "socket inet stream tcp");
  EXPECT_EQ(-EACCES, v.error);
  EXPECT_EQ(nullptr, v.rule);
  EXPECT_EQ(-EPERM, Judge(p, "inspect").error);
  EXPECT_EQ(-EPERM, Judge(p, "option inet stream tcp SO_MARK 1").error);
  EXPECT_EQ(-EPERM, Judge(p, "ioctl inet dgram udp SIOCGIFINDEX").error);
}

TEST(Judge, AnIntentThatAsksNothingNewIsAllowed) {
  struct intent none = {};
  EXPECT_EQ(0, Judge(Parse("version: 1\nrules: []\n"), none).error);
}

TEST(Judge, AnActionOutOfRangeIsDenied) {
  struct intent in = Words("socket inet stream tcp");
  in.action = static_cast<enum action>(ACTION_COUNT);
  EXPECT_EQ(-EPERM, Judge(Rule("may: [socket], family: any, type: any, protocol: any"), in).error);
}

TEST(Judge, TheFirstRuleThatMatchesDecides) {
  PolicyPtr p = Rules("verdict: deny, may: socket, family: inet, type: stream, protocol: tcp",
                      "may: socket, family: inet, type: any, protocol: any");
  struct verdict v = Judge(p, "socket inet stream tcp");
  char text[RULE_TEXT_BYTES];
  EXPECT_EQ(-EACCES, v.error);
  EXPECT_STREQ("rule 1 'first' (test.yaml:3)", rule_print(p.get(), v.rule, text, sizeof(text)));
  EXPECT_ALLOWED(p, "socket inet dgram udp");
  EXPECT_STREQ("no rule (default deny)", rule_print(p.get(), nullptr, text, sizeof(text)));
}

TEST(Judge, ARuleThatDeniesAllDeniesAll) {
  PolicyPtr p = Rules("verdict: deny, may: any", "may: [socket, inspect], family: any, type: any, protocol: any");
  EXPECT_DENIED(p, "socket inet stream tcp");
  EXPECT_EQ(-EPERM, Judge(p, "inspect").error);
}

TEST(Judge, ActionsAreGrantedOneByOne) {
  PolicyPtr p = Rule("may: socket, family: inet, type: stream, protocol: tcp");
  EXPECT_ALLOWED(p, "socket inet stream tcp");
  EXPECT_DENIED(p, "connect inet stream tcp 192.0.2.1:80");
  EXPECT_EQ(-EPERM, Judge(p, "inspect").error);
  EXPECT_EQ(0, Judge(Rule("may: inspect"), "inspect").error);
}

TEST(Judge, FamilyTypeAndProtocolMustAllMatch) {
  PolicyPtr p = Rule("may: socket, family: inet, type: stream, protocol: tcp");
  EXPECT_DENIED(p, "socket inet6 stream tcp");
  EXPECT_DENIED(p, "socket inet dgram udp");
  EXPECT_DENIED(p, "socket inet stream mptcp");
}

TEST(Judge, ProtocolZeroIsWhatTheKernelMakesOfIt) {
  PolicyPtr p = Rule("may: socket, family: inet, type: [stream, dgram], protocol: tcp");
  EXPECT_ALLOWED(p, "socket inet stream 0");
  EXPECT_DENIED(p, "socket inet dgram 0") << "that is udp";
}

TEST(Judge, RawIsNotUnderTypeAny) {
  PolicyPtr p = Rule("may: socket, family: any, type: any, protocol: any");
  EXPECT_ALLOWED(p, "socket inet dgram udp");
  EXPECT_DENIED(p, "socket inet raw icmp");
  EXPECT_DENIED(p, "socket inet 10 0") << "SOCK_PACKET";
}

TEST(Judge, TheProtocolWithAHeaderOfOnesOwnIsNotUnderAny) {
  PolicyPtr any = Rule("may: socket, family: any, type: raw, protocol: any");
  EXPECT_ALLOWED(any, "socket inet raw icmp");
  EXPECT_DENIED(any, "socket inet raw raw");
  EXPECT_DENIED(any, "socket inet6 raw 255");
  EXPECT_ALLOWED(Rule("may: socket, family: inet, type: raw, protocol: raw"), "socket inet raw raw");
}

TEST(Judge, FamilyAnyIsInetAndInet6Alone) {
  PolicyPtr p = Rule("may: socket, family: any, type: [stream, dgram, raw, seqpacket], protocol: any");
  for (const char *words : {"socket unix stream", "socket packet raw all", "socket netlink raw route",
                            "socket can raw raw", "socket vsock stream", "socket 44 raw 0"})
    EXPECT_DENIED(p, words);
}

TEST(Judge, AFamilyWithoutANameIsGrantedByItsNumber) {
  PolicyPtr p = Rule("may: socket, family: 38, type: seqpacket, protocol: any");
  EXPECT_ALLOWED(p, "socket 38 seqpacket 0");
  EXPECT_DENIED(p, "socket 39 seqpacket 0");
}

TEST(Judge, SockPacketIsGrantedByNoRule) {
  PolicyPtr p = Rules("may: socket, family: packet, type: [raw, dgram], protocol: any, interface: any",
                      "may: socket, family: inet, type: [any, raw], protocol: any");
  EXPECT_DENIED(p, "socket inet 10 3");
  EXPECT_DENIED(p, "socket packet 10 3");
}

/* ---- capabilities ------------------------------------------------------ */

TEST(Lends, OnlyForTheCallsThatCanUseIt) {
  PolicyPtr p = Rule(kPing);
  EXPECT_EQ(static_cast<uint32_t>(LEND_NET_RAW), Judge(p, "socket inet raw icmp").lends);
  struct verdict v = Judge(p, "send inet raw icmp 127.0.0.1:0");
  EXPECT_EQ(0, v.error);
  EXPECT_EQ(0u, v.lends) << "a control message could set SO_MARK with it";
  EXPECT_EQ(static_cast<uint32_t>(LEND_NET_RAW), policy_lends(p.get()));
}

TEST(Lends, NothingUnlessTheRuleSaysSo) {
  PolicyPtr p = Rule("may: socket, family: netlink, type: raw, protocol: route");
  EXPECT_EQ(0u, Judge(p, "socket netlink raw route").lends);
  EXPECT_EQ(0u, policy_lends(p.get()));
}

TEST(Lends, LowPortsAreBoundWithTheCapabilityOfTheRule) {
  PolicyPtr p = Rule("may: [bind, listen], lends: CAP_NET_BIND_SERVICE, family: inet, type: stream, "
                     "protocol: tcp, from: 127.0.0.1, from_ports: 80");
  EXPECT_EQ(static_cast<uint32_t>(LEND_NET_BIND_SERVICE),
            Judge(p, "bind inet stream tcp 127.0.0.1:80").lends);
  EXPECT_EQ(0u, Judge(p, "listen inet stream tcp 127.0.0.1:80").lends);
}

TEST(Lends, ADenialLendsNothing) { EXPECT_EQ(0u, Judge(Rule(kPing), "socket inet raw tcp").lends); }

/* ---- options and ioctls ------------------------------------------------ */

const char kOption[] = "may: option, family: inet, type: stream, protocol: tcp, options: ";

TEST(Option, OnesOwnSocketsOptionsNeedNoRule) {
  PolicyPtr p = Parse("version: 1\nrules: []\n");
  EXPECT_ALLOWED(p, "option inet stream tcp SO_REUSEADDR 1");
  EXPECT_ALLOWED(p, "option inet stream tcp 9999:9999");
  EXPECT_ALLOWED(p, "ioctl inet stream tcp FIONREAD");
  EXPECT_ALLOWED(p, "ioctl inet stream tcp 0x9999");
}

TEST(Option, OthersMustBeNamed) {
  PolicyPtr p = Rule(std::string(kOption) + "IP_TRANSPARENT");
  EXPECT_ALLOWED(p, "option inet stream tcp IP_TRANSPARENT 1");
  EXPECT_EQ(-EPERM, Judge(p, "option inet stream tcp IP_FREEBIND 1").error);
  EXPECT_EQ(-EPERM, Judge(p, "option inet dgram udp IP_TRANSPARENT 1").error);
}

class MustBeNamed : public testing::TestWithParam<const char *> {};
TEST_P(MustBeNamed, BecauseItReachesBeyondTheSocket) {
  const struct sockopt *row = sockopt_find_text(GetParam());
  ASSERT_NE(nullptr, row);
  struct intent in = Words("option inet stream tcp SO_REUSEADDR");
  in.level = row->level;
  in.name = row->name;
  EXPECT_EQ(-EPERM, Judge(Parse("version: 1\nrules: []\n"), in).error);
}
INSTANTIATE_TEST_SUITE_P(Options, MustBeNamed,
                         testing::Values("SO_MARK", "SO_BINDTODEVICE", "SO_BINDTOIFINDEX",
                                         "IP_HDRINCL", "IP_OPTIONS", "IP_TRANSPARENT",
                                         "IP_FREEBIND", "IP_ADD_MEMBERSHIP", "IPV6_RTHDR",
                                         "IPV6_HDRINCL", "SO_RCVBUFFORCE", "SO_REUSEPORT",
                                         "PACKET_ADD_MEMBERSHIP", "NETLINK_ADD_MEMBERSHIP"));

TEST(Option, MarksAreListed) {
  PolicyPtr p = Rule(std::string(kOption) + "SO_MARK, marks: [7, 0x10-0x1f]");
  EXPECT_ALLOWED(p, "option inet stream tcp SO_MARK 7");
  EXPECT_ALLOWED(p, "option inet stream tcp SO_MARK 31");
  EXPECT_EQ(-EPERM, Judge(p, "option inet stream tcp SO_MARK 8").error);
  EXPECT_EQ(-EPERM, Judge(p, "option inet stream tcp SO_MARK 0").error);
}

TEST(Option, TheInterfaceIsLookedAtToo) {
  PolicyPtr lo = Rule(std::string(kOption) + "SO_BINDTODEVICE, interface: lo");
  PolicyPtr other = Rule(std::string(kOption) + "SO_BINDTODEVICE, interface: other0");
  struct intent in = Words("option inet stream tcp SO_BINDTODEVICE lo");
  EXPECT_EQ(0, Judge(lo, in).error);
  EXPECT_EQ(-EPERM, Judge(other, in).error);
  in.ifindex = 0;
  EXPECT_EQ(-EPERM, Judge(lo, in).error) << "unbinding reaches all interfaces";
  EXPECT_EQ(0, Judge(Rule(std::string(kOption) + "SO_BINDTODEVICE, interface: any"), in).error);
}

TEST(Option, NetlinkGroupsAreListed) {
  PolicyPtr p = Rule("may: option, family: netlink, type: raw, protocol: route, "
                     "options: NETLINK_ADD_MEMBERSHIP, netlink_groups: [1, 5]");
  EXPECT_ALLOWED(p, "option netlink raw route NETLINK_ADD_MEMBERSHIP 5");
  EXPECT_EQ(-EPERM, Judge(p, "option netlink raw route NETLINK_ADD_MEMBERSHIP 2").error);
}

TEST(Option, ADenialOfAllOptionsStillLeavesOnesOwn) {
  PolicyPtr p = Rules("verdict: deny, may: option, family: inet, type: any, protocol: any, options: any",
                      std::string(kOption) + "IP_FREEBIND");
  EXPECT_EQ(-EPERM, Judge(p, "option inet stream tcp IP_FREEBIND 1").error);
  EXPECT_ALLOWED(p, "option inet stream tcp SO_REUSEADDR 1");
}

TEST(Ioctl, QuestionsAboutInterfacesMustBeNamed) {
  PolicyPtr p = Rule("may: ioctl, family: inet, type: dgram, protocol: udp, ioctls: SIOCGIFINDEX");
  EXPECT_ALLOWED(p, "ioctl inet dgram udp SIOCGIFINDEX");
  EXPECT_EQ(-EPERM, Judge(p, "ioctl inet dgram udp SIOCGIFHWADDR").error);
}

TEST(Ioctl, ChangesToAnInterfaceWantItNamed) {
  PolicyPtr p = Rule("may: ioctl, lends: CAP_NET_ADMIN, family: inet, type: dgram, protocol: udp, "
                     "ioctls: SIOCSIFFLAGS, interface: lo");
  EXPECT_ALLOWED(p, "ioctl inet dgram udp SIOCSIFFLAGS lo");
  EXPECT_EQ(-EPERM, Judge(p, "ioctl inet dgram udp SIOCSIFFLAGS").error);
}

TEST(Ioctl, ToReceiveAllOfAnInterfaceWantsItNamed) {
  PolicyPtr p = Rule("may: ioctl, lends: CAP_NET_RAW, family: inet, type: raw, protocol: icmp, "
                     "ioctls: SIO_RCVALL, interface: lo");
  EXPECT_ALLOWED(p, "ioctl inet raw icmp SIO_RCVALL lo");
  EXPECT_EQ(-EPERM, Judge(p, "ioctl inet raw icmp SIO_RCVALL").error) << "some interface";
  EXPECT_EQ(-EPERM, Judge(p, "ioctl inet raw icmp SIO_RCVALL #2147483647").error);
  EXPECT_ALLOWED(p, "ioctl inet stream tcp SIO_KEEPALIVE_VALS");
}

}  // namespace
