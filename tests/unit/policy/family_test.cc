/* SPDX-License-Identifier: Apache-2.0 */
/* Families with addresses of their own: unix, packet, CAN, netlink, vsock. */
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <cstring>

#include "policy_helper.h"

namespace {

/* ---- unix -------------------------------------------------------------- */

PolicyPtr Unix(const std::string &unix_key, const std::string &may = "[bind, connect]") {
  return Rule("may: " + may + ", family: unix, type: any, unix: { " + unix_key + " }");
}

TEST(Unix, APathMustBeNamed) {
  PolicyPtr p = Unix("paths: [/run/app/sock, /run/many/*.sock]");
  EXPECT_ALLOWED(p, "connect unix stream /run/app/sock");
  EXPECT_ALLOWED(p, "connect unix stream /run/many/a.sock");
  EXPECT_DENIED(p, "connect unix stream /run/docker.sock");
  EXPECT_DENIED(p, "connect unix stream /run/app/sockets");
}

TEST(Unix, AStarStaysInsideItsDirectory) {
  PolicyPtr p = Unix("paths: /run/*/sock");
  EXPECT_ALLOWED(p, "connect unix stream /run/a/sock");
  EXPECT_DENIED(p, "connect unix stream /run/a/b/sock");
  EXPECT_DENIED(p, "connect unix stream /run//sock");
  EXPECT_DENIED(p, "connect unix stream /run/.hidden/sock");
}

TEST(Unix, PathsThatLeadElsewhereAreDenied) {
  PolicyPtr p = Unix("paths: [/run/app/*, /run/*/*]");
  for (const char *path : {"/run/app/..", "/run/app/.", "/run/app/", "/run/../sock", "/run/./sock",
                           "//run/app/a"})
    EXPECT_DENIED(p, std::string("connect unix stream ") + path);
}

TEST(Unix, ARelativePathIsDenied) {
  struct intent in = Words("connect unix stream /un/a");
  char *path = reinterpret_cast<struct sockaddr_un *>(&in.addr.ss)->sun_path;
  std::memcpy(path, "run/a", 6);
  EXPECT_EQ(-EACCES, Judge(Unix("paths: [/run/*, /*/*]"), in).error);
}

TEST(Unix, APathThatFillsTheAddressIsReadToItsEnd) {
  struct sockaddr_un un = {};
  struct intent in = Words("connect unix stream /a");
  un.sun_family = AF_UNIX;
  std::memset(un.sun_path, 'a', sizeof(un.sun_path));
  un.sun_path[0] = '/';
  std::memcpy(&in.addr.ss, &un, sizeof(un));
  in.addr.len = sizeof(un);
  EXPECT_EQ(0, Judge(Unix("paths: /*"), in).error);
  EXPECT_EQ(-EACCES, Judge(Unix("paths: /b*"), in).error);
}

TEST(Unix, AbstractNamesAreComparedByAllTheirBytes) {
  PolicyPtr p = Unix("abstract: [name, pre*]");
  EXPECT_ALLOWED(p, "connect unix stream @name");
  EXPECT_ALLOWED(p, "connect unix stream @prefix");
  EXPECT_DENIED(p, "connect unix stream @name2");
  EXPECT_DENIED(p, "connect unix stream @name\\x00");
  EXPECT_DENIED(p, "connect unix stream @xpre");
  EXPECT_DENIED(p, "connect unix stream /name");
}

TEST(Unix, APathRuleGivesNoAbstractName) {
  EXPECT_DENIED(Unix("paths: /run/*"), "connect unix stream @/run/a");
  EXPECT_DENIED(Unix("abstract: any"), "connect unix stream /run/a");
}

TEST(Unix, AutobindIsSaidInWords) {
  EXPECT_DENIED(Unix("abstract: any"), "bind unix dgram unix:");
  EXPECT_ALLOWED(Unix("autobind: true"), "bind unix dgram unix:");
  EXPECT_DENIED(Unix("autobind: true"), "connect unix dgram unix:");
  EXPECT_DENIED(Unix("autobind: false"), "bind unix dgram unix:");
}

TEST(Unix, TheModeIsTheRules) {
  EXPECT_EQ(0660u, Judge(Unix("paths: /run/a, mode: 0660"), "bind unix stream /run/a").unix_mode);
  EXPECT_EQ(0600u, Judge(Unix("paths: /run/a"), "bind unix stream /run/a").unix_mode);
}

TEST(Unix, ADenialOfAllPathsHoldsForUncleanOnes) {
  PolicyPtr p = Rules("verdict: deny, may: connect, family: unix, type: any, unix: { paths: any }",
                      "may: connect, family: unix, type: any, unix: { paths: /run/a }");
  EXPECT_DENIED(p, "connect unix stream /run/a");
}

/* ---- packet ------------------------------------------------------------ */

const char kPacket[] = "may: [socket, bind, send], family: packet, type: raw, ";

TEST(Packet, TheInterfaceMustBeNamed) {
  PolicyPtr p = Rule(std::string(kPacket) + "protocol: all, interface: lo");
  EXPECT_ALLOWED(p, "bind packet raw all lo");
  EXPECT_DENIED(p, "bind packet raw all any") << "index 0 is all interfaces";
  EXPECT_DENIED(p, "bind packet raw all #2147483647");
  PolicyPtr other = Rule(std::string(kPacket) + "protocol: all, interface: [eth9, l]");
  EXPECT_DENIED(other, "bind packet raw all lo");
  EXPECT_ALLOWED(Rule(std::string(kPacket) + "protocol: all, interface: any"),
                 "bind packet raw all any");
  EXPECT_ALLOWED(Rule(std::string(kPacket) + "protocol: all, interface: 'l*'"),
                 "bind packet raw all lo");
}

TEST(Packet, ASocketOfANarrowRuleMustBeBornDeaf) {
  EXPECT_TRUE(Judge(Rule(std::string(kPacket) + "protocol: all, interface: lo"),
                    "socket packet raw all").narrow_interface);
  EXPECT_FALSE(Judge(Rule(std::string(kPacket) + "protocol: all, interface: any"),
                     "socket packet raw all").narrow_interface);
}

TEST(Packet, BindMayNotChangeTheEthernetType) {
  PolicyPtr p = Rule(std::string(kPacket) + "protocol: arp, interface: lo");
  EXPECT_ALLOWED(p, "socket packet raw arp");
  EXPECT_ALLOWED(p, "socket packet raw none") << "it hears nothing";
  for (const char *words : {"bind packet raw arp lo", "bind packet raw none lo"}) {
    struct intent in = Words(words);
    EXPECT_EQ(0, Judge(p, in).error) << words;
    reinterpret_cast<struct sockaddr_ll *>(&in.addr.ss)->sll_protocol = htons(0x0003);
    EXPECT_EQ(-EACCES, Judge(p, in).error) << words;
  }
}

TEST(Packet, AnAddressOfAnotherFamilyIsDenied) {
  PolicyPtr p = Rule(std::string(kPacket) + "protocol: all, interface: any");
  struct intent in = Words("send packet raw all lo");
  in.addr.ss.ss_family = AF_INET6; /* the kernel would not look at it */
  EXPECT_EQ(-EACCES, Judge(p, in).error);
}

TEST(Packet, ADenialOfOneInterfaceDeniesAllAtOnceToo) {
  PolicyPtr p = Rules("verdict: deny, " + std::string(kPacket) + "protocol: any, interface: lo",
                      std::string(kPacket) + "protocol: all, interface: any");
  EXPECT_DENIED(p, "bind packet raw all lo");
  EXPECT_DENIED(p, "bind packet raw all any");
}

/* ---- CAN --------------------------------------------------------------- */

TEST(Can, TheInterfaceMustBeNamed) {
  PolicyPtr p = Rule("may: [socket, bind, send], family: can, type: raw, protocol: raw, interface: lo");
  EXPECT_ALLOWED(p, "socket can raw raw");
  EXPECT_ALLOWED(p, "bind can raw raw lo");
  EXPECT_DENIED(p, "bind can raw raw any");
  EXPECT_DENIED(p, "send can raw raw any");
  EXPECT_DENIED(p, "socket can dgram bcm");
}

/* ---- netlink ----------------------------------------------------------- */

const char kNetlink[] = "may: [socket, bind, send], family: netlink, type: raw, protocol: route";

TEST(Netlink, GroupsMustBeNamed) {
  PolicyPtr none = Rule(kNetlink);
  EXPECT_ALLOWED(none, "bind netlink raw route 0");
  EXPECT_DENIED(none, "bind netlink raw route 0:0x1");
  PolicyPtr some = Rule(std::string(kNetlink) + ", netlink_groups: [1, 5]");
  EXPECT_ALLOWED(some, "bind netlink raw route 0:0x11");
  EXPECT_DENIED(some, "bind netlink raw route 0:0x13");
  EXPECT_ALLOWED(Rule(std::string(kNetlink) + ", netlink_groups: any"),
                 "bind netlink raw route 0:0x80000000");
}

TEST(Netlink, MessagesGoToTheKernelUnlessMoreIsSaid) {
  PolicyPtr p = Rule(kNetlink);
  EXPECT_ALLOWED(p, "send netlink raw route 0");
  EXPECT_DENIED(p, "send netlink raw route 77");
  EXPECT_DENIED(p, "send netlink raw route 0:0x1");
  PolicyPtr any = Rule(std::string(kNetlink) + ", netlink_to: any");
  EXPECT_ALLOWED(any, "send netlink raw route 77");
  EXPECT_ALLOWED(any, "send netlink raw route 0:0x1");
}

TEST(Netlink, ADenialWithoutGroupsIsOfAllGroups) {
  PolicyPtr p = Rules("verdict: deny, " + std::string(kNetlink),
                      std::string(kNetlink) + ", netlink_groups: any, netlink_to: any");
  EXPECT_DENIED(p, "bind netlink raw route 0");
  EXPECT_DENIED(p, "bind netlink raw route 0:0x1");
  EXPECT_DENIED(p, "send netlink raw route 77");
}

TEST(Netlink, ADenialOfOneGroupLeavesTheOthersAndNone) {
  PolicyPtr p = Rules("verdict: deny, " + std::string(kNetlink) + ", netlink_groups: 1",
                      "may: bind, family: netlink, type: raw, protocol: route, netlink_groups: any");
  EXPECT_DENIED(p, "bind netlink raw route 0:0x3");
  EXPECT_ALLOWED(p, "bind netlink raw route 0:0x2");
  EXPECT_ALLOWED(p, "bind netlink raw route 0");
}

TEST(Netlink, ProtocolsAreNotAlike) {
  EXPECT_DENIED(Rule(kNetlink), "socket netlink raw netfilter");
}

/* ---- vsock ------------------------------------------------------------- */

TEST(Vsock, AnyLeavesOutTheReservedContexts) {
  PolicyPtr p = Rule("may: connect, family: vsock, type: stream, to_cids: any, to_ports: any");
  EXPECT_ALLOWED(p, "connect vsock stream 7:1000");
  for (const char *to : {"0:1000", "1:1000", "2:1000", "4294967295:1000"})
    EXPECT_DENIED(p, std::string("connect vsock stream ") + to);
  EXPECT_ALLOWED(Rule("may: connect, family: vsock, type: stream, to_cids: host, to_ports: 1000"),
                 "connect vsock stream 2:1000");
}

TEST(Vsock, TheWildcardIsNamedToBind) {
  auto serve = [](const std::string &cids) {
    return Rule("may: [bind, listen], family: vsock, type: stream, from_ports: [2000, ephemeral], "
                "from_cids: " + cids);
  };
  EXPECT_DENIED(serve("any"), "bind vsock stream 4294967295:2000");
  EXPECT_ALLOWED(serve("wildcard"), "bind vsock stream 4294967295:2000");
  EXPECT_DENIED(serve("any"), "listen vsock stream unbound");
  EXPECT_ALLOWED(serve("wildcard"), "listen vsock stream unbound");
}

}  // namespace
