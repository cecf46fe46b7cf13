/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors: `direct`, `sets`, `files`. */
#include "policy_helper.h"

namespace {

const char kTcp[] = "family: [inet, inet6], type: stream, protocol: tcp";

std::string Direct(const std::string &rest) { return "may: direct, " + std::string(kTcp) + ", " + rest; }

TEST(Direct, IsGrantedByItself) {
  PolicyPtr p = Rule("may: [socket, connect], " + std::string(kTcp) + ", to: any, to_ports: any");
  EXPECT_DENIED(p, "direct inet stream tcp");
  p = Rule(Direct("to: any, to_ports: any"));
  EXPECT_ALLOWED(p, "direct inet stream tcp");
  EXPECT_ALLOWED(p, "direct inet6 stream tcp");
  EXPECT_DENIED(p, "socket inet stream tcp");
  EXPECT_DENIED(p, "connect inet stream tcp 192.0.2.1:80");
}

TEST(Direct, IsForTheFamilyTypeAndProtocolThatAreNamed) {
  PolicyPtr p = Rule(Direct("to: any, to_ports: any"));
  EXPECT_DENIED(p, "direct inet dgram udp");
  EXPECT_DENIED(p, "direct inet stream mptcp");
  EXPECT_DENIED(p, "direct inet raw tcp");
  EXPECT_DENIED(p, "direct unix stream");
}

TEST(Direct, RawSocketsAreNamedLikeAnyOther) {
  EXPECT_DENIED(Rule("may: direct, family: inet, type: any, protocol: any, to: any, to_ports: any"),
                "direct inet raw icmp");
  EXPECT_ALLOWED(Rule("may: direct, family: inet, type: raw, protocol: icmp, to: any"),
                 "direct inet raw icmp");
}

TEST(Direct, ToAnyMayStandBesideWhatMustBeNamed) {
  PolicyPtr p = Rule("may: [socket, connect, direct], " + std::string(kTcp) +
                     ", to: [any, 127.0.0.0/8, own], to_ports: [any]");
  EXPECT_ALLOWED(p, "direct inet stream tcp");
  EXPECT_ALLOWED(p, "connect inet stream tcp 127.0.0.1:80") << "as the broker does it";
}

TEST(Direct, OtherFamiliesNeedWhatBoundsTheirDestinations) {
  EXPECT_ALLOWED(Rule("may: direct, family: packet, type: raw, protocol: all, interface: any"),
                 "direct packet raw all");
  EXPECT_ALLOWED(Rule("may: direct, family: can, type: raw, protocol: raw, interface: any"),
                 "direct can raw raw");
  EXPECT_ALLOWED(Rule("may: direct, family: vsock, type: stream, to_cids: any, to_ports: any"),
                 "direct vsock stream");
  EXPECT_ALLOWED(Rule("may: direct, family: rds, type: seqpacket, to: any, to_ports: any"),
                 "direct rds seqpacket");
  EXPECT_ALLOWED(Rule("may: direct, family: unix, type: stream"), "direct unix stream");
  EXPECT_ALLOWED(Rule("may: direct, family: netlink, type: raw, protocol: route"),
                 "direct netlink raw route");
  EXPECT_ALLOWED(Rule("may: direct, family: xdp, type: raw, protocol: 0"), "direct xdp raw 0");
}

TEST(Direct, LendsNothing) {
  PolicyPtr p = Rule("may: [socket, direct], lends: CAP_NET_RAW, family: inet, type: raw, "
                     "protocol: icmp, to: any");
  EXPECT_EQ(static_cast<uint32_t>(LEND_NET_RAW), Judge(p, "socket inet raw icmp").lends);
  EXPECT_EQ(0u, Judge(p, "direct inet raw icmp").lends);
}

TEST(Direct, ADenialNeedsNoDestinationAndIsOfAllOfThem) {
  PolicyPtr p = Rules("verdict: deny, may: direct, " + std::string(kTcp),
                      Direct("to: any, to_ports: any"));
  EXPECT_DENIED(p, "direct inet stream tcp");
}

TEST(Direct, ADenialMayStandBesideOthersWithTheirKeys) {
  PolicyPtr p = Rules("verdict: deny, may: [direct, connect], family: inet, type: stream, "
                      "protocol: tcp, to: 192.0.2.0/24, to_ports: any",
                      "may: [direct, connect], family: any, type: stream, protocol: tcp, to: any, "
                      "to_ports: any");
  EXPECT_DENIED(p, "direct inet stream tcp") << "one cannot tell where it will go";
  EXPECT_ALLOWED(p, "direct inet6 stream tcp");
  EXPECT_ALLOWED(p, "connect inet stream tcp 198.51.100.1:80");
}

TEST(Direct, OfAllActionsIsDeniedWithThem) {
  PolicyPtr p = Rules("verdict: deny, may: any", "may: [direct, files], " + std::string(kTcp) +
                      ", to: any, to_ports: any");
  EXPECT_DENIED(p, "direct inet stream tcp");
  EXPECT_DENIED(p, "files");
}

/* ---- sets -------------------------------------------------------------- */

TEST(Sets, AMarkIsSetUnderItsCapability) {
  PolicyPtr p = Rule(Direct("to: 192.0.2.0/24, to_ports: 443, lends: CAP_NET_ADMIN, "
                            "sets: { mark: 0x10 }"));
  struct verdict v = Judge(p, "direct inet stream tcp");
  EXPECT_EQ(0, v.error);
  EXPECT_TRUE(v.sets.has_mark);
  EXPECT_EQ(0x10u, v.sets.mark);
  EXPECT_STREQ("", v.sets.device);
  EXPECT_EQ(static_cast<uint32_t>(LEND_NET_ADMIN), v.lends);
}

TEST(Sets, ADeviceIsSetUnderItsCapability) {
  PolicyPtr p = Rule("may: direct, family: any, type: stream, protocol: [tcp, mptcp], "
                     "to: 192.0.2.0/24, to_ports: 443, lends: [CAP_NET_RAW], sets: { device: eth0 }");
  struct verdict v = Judge(p, "direct inet6 stream mptcp");
  EXPECT_EQ(0, v.error);
  EXPECT_FALSE(v.sets.has_mark);
  EXPECT_STREQ("eth0", v.sets.device);
  EXPECT_EQ(static_cast<uint32_t>(LEND_NET_RAW), v.lends);
}

TEST(Sets, BothGoTogether) {
  PolicyPtr p = Rule(Direct("to: any, to_ports: any, lends: [CAP_NET_RAW, CAP_NET_ADMIN], "
                            "sets: { device: eth0, mark: 4294967295 }"));
  struct verdict v = Judge(p, "direct inet stream tcp");
  EXPECT_EQ(UINT32_MAX, v.sets.mark);
  EXPECT_STREQ("eth0", v.sets.device);
  EXPECT_EQ(static_cast<uint32_t>(LEND_NET_ADMIN | LEND_NET_RAW), v.lends);
}

TEST(Sets, NothingWhenTheBrokerDoesTheCall) {
  PolicyPtr p = Rule("may: [socket, connect, direct], " + std::string(kTcp) +
                     ", to: 192.0.2.0/24, to_ports: 443, lends: CAP_NET_ADMIN, sets: { mark: 7 }");
  for (const char *words : {"socket inet stream tcp", "connect inet stream tcp 192.0.2.1:443"}) {
    struct verdict v = Judge(p, words);
    EXPECT_EQ(0, v.error) << words;
    EXPECT_FALSE(v.sets.has_mark) << words;
    EXPECT_EQ(0u, v.lends) << words;
  }
}

TEST(Sets, ADenialSetsNothing) {
  PolicyPtr p = Rule(Direct("to: 192.0.2.0/24, to_ports: 443, lends: CAP_NET_ADMIN, "
                            "sets: { mark: 7 }"));
  struct verdict v = Judge(p, "direct inet dgram udp");
  EXPECT_EQ(-EACCES, v.error);
  EXPECT_FALSE(v.sets.has_mark);
}

/* ---- files ------------------------------------------------------------- */

TEST(Files, AreNoSocketsAndNeedNoFamily) {
  PolicyPtr p = Rule("may: files");
  EXPECT_ALLOWED(p, "files");
  EXPECT_DENIED(p, "direct inet stream tcp");
  EXPECT_DENIED(Rule(Direct("to: any, to_ports: any")), "files");
  EXPECT_TRUE(policy_knows(p.get(), &kSomebody));
}

TEST(Files, MayStandBesideOtherActions) {
  PolicyPtr p = Rule("may: [socket, files], family: unix, type: stream");
  EXPECT_ALLOWED(p, "files");
  EXPECT_ALLOWED(p, "socket unix stream");
}

TEST(Files, CanBeDenied) {
  PolicyPtr p = Rules("verdict: deny, may: files", "may: [socket, files], family: unix, type: stream");
  EXPECT_DENIED(p, "files");
}

/* ---- without a file ---------------------------------------------------- */

TEST(SameUser, MayHaveItsOwnDescriptorsAndFiles) {
  PolicyPtr p(policy_same_user(kSomebody.uid));
  for (const char *words : {"direct inet stream tcp", "direct packet raw all", "files"}) {
    struct verdict v = Judge(p, words);
    EXPECT_EQ(0, v.error) << words;
    EXPECT_EQ(0u, v.lends) << words;
    EXPECT_FALSE(v.sets.has_mark) << words;
  }
}

}  // namespace
