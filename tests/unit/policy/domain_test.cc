/* SPDX-License-Identifier: Apache-2.0 */
/* Families that few know: TIPC, RDS, SMC, Bluetooth, AF_ALG, QIPCRTR; and the rarer
 * protocols of the others. */
#include <linux/if_alg.h>
#include <linux/tipc.h>
#include <netinet/in.h>

#include <cstring>

#include "policy_helper.h"

namespace {

struct intent WithAddress(const std::string &words, const void *sa, size_t length) {
  struct intent in = Words(words);
  std::memset(&in.addr, 0, sizeof(in.addr));
  std::memcpy(&in.addr.ss, sa, length);
  in.addr.len = static_cast<socklen_t>(length);
  return in;
}

/* ---- TIPC -------------------------------------------------------------- */

PolicyPtr Tipc(const std::string &keys, const std::string &may = "[bind, connect, send]") {
  return Rule("may: " + may + ", family: tipc, type: any, tipc: { " + keys + " }");
}

TEST(Tipc, AServiceMustBeNamed) {
  PolicyPtr p = Tipc("services: [18888, '1000:5-9', 2000-2999]");
  EXPECT_ALLOWED(p, "send tipc rdm name:18888:17");
  EXPECT_ALLOWED(p, "connect tipc stream name:1000:5");
  EXPECT_ALLOWED(p, "connect tipc stream name:2500:0");
  EXPECT_DENIED(p, "connect tipc stream name:1000:4");
  EXPECT_DENIED(p, "connect tipc stream name:1001:5");
  EXPECT_DENIED(p, "send tipc rdm name:3000:0");
}

TEST(Tipc, ARangeMustBeInsideWhole) {
  PolicyPtr p = Tipc("services: ['1000:5-9'], scope: cluster");
  EXPECT_ALLOWED(p, "bind tipc rdm range:1000:5-9");
  EXPECT_DENIED(p, "bind tipc rdm range:1000:5-10");
  EXPECT_DENIED(p, "send tipc rdm range:1000:0-9") << "a multicast";
}

TEST(Tipc, AnyLeavesOutTheServicesOfTipcItself) {
  PolicyPtr p = Tipc("services: any");
  EXPECT_ALLOWED(p, "connect tipc seqpacket name:64:1");
  EXPECT_DENIED(p, "connect tipc seqpacket name:1:1") << "the cluster's topology";
  EXPECT_ALLOWED(Tipc("services: 1"), "connect tipc seqpacket name:1:1");
}

TEST(Tipc, ASocketIsReachedByItsNodeOnlyWhereNodesAreNamed) {
  EXPECT_DENIED(Tipc("services: any"), "send tipc rdm id:1:77");
  PolicyPtr p = Tipc("nodes: [own, 0x1001001]", "[connect, send]");
  EXPECT_ALLOWED(p, "send tipc rdm id:0:77");
  EXPECT_ALLOWED(p, "connect tipc stream id:16781313:77");
  EXPECT_DENIED(p, "send tipc rdm id:2:77");
  EXPECT_DENIED(p, "send tipc rdm name:1000:1");
}

TEST(Tipc, TheClusterMustBeNamedToBind) {
  struct sockaddr_tipc sa = {};
  sa.family = AF_TIPC;
  sa.addrtype = TIPC_SERVICE_RANGE;
  sa.addr.nameseq = {1000, 1, 1};
  auto bind = [&](const PolicyPtr &p, int scope) {
    sa.scope = static_cast<signed char>(scope);
    return Judge(p, WithAddress("bind tipc rdm name:1:1", &sa, sizeof(sa))).error;
  };
  PolicyPtr node = Tipc("services: 1000"), cluster = Tipc("services: 1000, scope: cluster");
  EXPECT_EQ(0, bind(node, TIPC_NODE_SCOPE));
  EXPECT_EQ(0, bind(node, -TIPC_NODE_SCOPE));
  for (int scope : {0, 1, 2, -2, 4, -128}) EXPECT_EQ(-EACCES, bind(node, scope)) << scope;
  for (int scope : {0, 1, 2, -2, 3}) EXPECT_EQ(0, bind(cluster, scope)) << scope;
}

TEST(Tipc, ADenialOfAServiceHoldsForWhatIncludesIt) {
  PolicyPtr p = Rules("verdict: deny, may: [bind, send], family: tipc, type: any, "
                      "tipc: { services: ['1000:5'] }",
                      "may: [bind, send], family: tipc, type: any, "
                      "tipc: { services: any, scope: cluster }");
  EXPECT_DENIED(p, "bind tipc rdm range:1000:0-9");
  EXPECT_DENIED(p, "send tipc rdm range:1000:5-5");
  EXPECT_DENIED(p, "send tipc rdm name:1000:5");
  EXPECT_ALLOWED(p, "bind tipc rdm range:1000:6-9");
}

TEST(Tipc, WhatIsNoAddressIsUnderNoRule) {
  PolicyPtr p = Tipc("services: any, nodes: any, scope: cluster");
  struct intent in = Words("send tipc rdm name:1000:1");
  in.addr.len--;
  EXPECT_EQ(-EACCES, Judge(p, in).error);
  struct sockaddr_tipc sa = {};
  sa.family = AF_TIPC;
  sa.addrtype = 9;
  EXPECT_EQ(-EACCES, Judge(p, WithAddress("send tipc rdm name:1:1", &sa, sizeof(sa))).error);
  sa.addrtype = TIPC_SERVICE_ADDR;
  sa.family = AF_INET;
  EXPECT_EQ(-EACCES, Judge(p, WithAddress("send tipc rdm name:1:1", &sa, sizeof(sa))).error);
}

TEST(Tipc, ToListenSaysNothingMore) {
  PolicyPtr p = Rule("may: listen, family: tipc, type: stream");
  EXPECT_ALLOWED(p, "listen tipc stream id:1:77");
  EXPECT_DENIED(p, "listen tipc seqpacket id:1:77");
}

/* ---- RDS, SMC ---------------------------------------------------------- */

TEST(Rds, IsJudgedByItsInternetAddresses) {
  PolicyPtr p = Rule("may: [bind, send, connect], family: rds, type: seqpacket, from: 127.0.0.1, "
                     "from_ports: ephemeral, to: any, to_ports: 4000-4999");
  EXPECT_ALLOWED(p, "bind rds seqpacket 127.0.0.1:0");
  EXPECT_DENIED(p, "bind rds seqpacket 0.0.0.0:0");
  EXPECT_ALLOWED(p, "send rds seqpacket 192.0.2.1:4000");
  EXPECT_DENIED(p, "send rds seqpacket 192.0.2.1:3999");
  EXPECT_DENIED(p, "send rds seqpacket 127.0.0.1:4000");
  EXPECT_DENIED(p, "connect rds seqpacket 169.254.169.254:4000");
}

TEST(Smc, ItsSecondProtocolIsNotTakenForAPing) {
  PolicyPtr p = Rule("may: [bind, connect], family: smc, type: stream, protocol: [smc, smc6], to: any, "
                     "to_ports: 443, from: wildcard, from_ports: 8080");
  EXPECT_ALLOWED(p, "connect smc stream smc6 192.0.2.1:443");
  EXPECT_DENIED(p, "connect smc stream smc6 192.0.2.1:22") << "IPPROTO_ICMP has this number";
  EXPECT_DENIED(p, "bind smc stream smc6 0.0.0.0:80");
  EXPECT_ALLOWED(p, "bind smc stream smc 0.0.0.0:8080");
}

TEST(Smc, AnUnboundListenerIsOnTheWildcard) {
  auto listen = [](const std::string &from) {
    return Rule("may: listen, family: smc, type: stream, protocol: smc, from_ports: ephemeral, from: " +
                from);
  };
  EXPECT_DENIED(listen("any"), "listen smc stream smc unbound");
  EXPECT_ALLOWED(listen("wildcard"), "listen smc stream smc unbound");
}

/* ---- the rarer protocols of inet --------------------------------------- */

TEST(Inet, SctpUdpLiteAndMptcpHavePorts) {
  PolicyPtr p = Rule("may: [connect, send], family: inet, type: [stream, dgram, seqpacket], "
                     "protocol: [sctp, udplite, mptcp], to: any, to_ports: 9");
  for (const char *kind : {"stream sctp", "seqpacket sctp", "dgram udplite", "stream mptcp"}) {
    EXPECT_ALLOWED(p, "connect inet " + std::string(kind) + " 192.0.2.1:9");
    EXPECT_DENIED(p, "connect inet " + std::string(kind) + " 192.0.2.1:10");
    EXPECT_DENIED(p, "connect inet " + std::string(kind) + " 127.0.0.1:9");
  }
  EXPECT_DENIED(p, "connect inet stream tcp 192.0.2.1:9");
}

TEST(Inet, APingHasAnIdentifierAndNoPort) {
  PolicyPtr p = Rule("may: [socket, bind, send], family: inet, type: dgram, protocol: icmp, "
                     "from: 127.0.0.1, to: 127.0.0.1");
  EXPECT_ALLOWED(p, "bind inet dgram icmp 127.0.0.1:77");
  EXPECT_ALLOWED(p, "send inet dgram icmp 127.0.0.1:0");
  EXPECT_DENIED(p, "bind inet dgram icmp 0.0.0.0:0");
}

/* ---- CAN --------------------------------------------------------------- */

TEST(Can, EachProtocolIsBoundedByItsInterface) {
  PolicyPtr p = Rule("may: [socket, bind, connect, send], family: can, type: dgram, "
                     "protocol: [bcm, isotp, j1939], interface: lo");
  for (const char *protocol : {"bcm", "isotp", "j1939"}) {
    std::string rest = " can dgram " + std::string(protocol);
    EXPECT_ALLOWED(p, "socket" + rest);
    EXPECT_ALLOWED(p, "connect" + rest + " can:lo");
    EXPECT_ALLOWED(p, "bind" + rest + " can:lo:pgn=0x1f000");
    EXPECT_DENIED(p, "connect" + rest + " can:*");
    EXPECT_DENIED(p, "send" + rest + " can:#2147483647");
  }
  EXPECT_DENIED(p, "connect can raw raw can:lo");
  EXPECT_ALLOWED(Rule("may: connect, family: can, type: dgram, protocol: bcm, interface: any"),
                 "connect can dgram bcm can:*");
}

/* ---- Bluetooth --------------------------------------------------------- */

PolicyPtr Bluetooth(const std::string &protocol, const std::string &keys,
                    const std::string &may = "[bind, listen, connect, send]") {
  return Rule("may: " + may + ", family: bluetooth, type: [any, raw], protocol: " + protocol +
              ", bluetooth: { " + keys + " }");
}
const std::string kDevice = "00:11:22:33:44:55";

TEST(Bluetooth, DevicesAndPsmsMustBeNamed) {
  PolicyPtr p = Bluetooth("l2cap", "to: '00:11:22:33:44:55', psms: [1, 25]", "connect");
  EXPECT_ALLOWED(p, "connect bluetooth seqpacket l2cap " + kDevice + ":25");
  EXPECT_DENIED(p, "connect bluetooth seqpacket l2cap " + kDevice + ":26");
  EXPECT_DENIED(p, "connect bluetooth seqpacket l2cap 55:44:33:22:11:00:25") << "not backwards";
  EXPECT_DENIED(p, "connect bluetooth stream rfcomm " + kDevice + ":25");
  EXPECT_ALLOWED(Bluetooth("l2cap", "to: any, psms: any", "connect"),
                 "connect bluetooth seqpacket l2cap " + kDevice + ":25");
}

TEST(Bluetooth, AnyLeavesOutAllAdaptersAndOurselves) {
  PolicyPtr to = Bluetooth("[l2cap, rfcomm, sco]", "to: any, psms: any, channels: any", "connect");
  EXPECT_ALLOWED(to, "connect bluetooth stream rfcomm " + kDevice + ":1");
  EXPECT_ALLOWED(to, "connect bluetooth seqpacket sco " + kDevice);
  for (const char *device : {"ff:ff:ff:00:00:00", "00:00:00:00:00:00"})
    EXPECT_DENIED(to, "connect bluetooth stream rfcomm " + std::string(device) + ":1");
  PolicyPtr from = Bluetooth("rfcomm", "from: any, channels: any", "bind");
  EXPECT_ALLOWED(from, "bind bluetooth stream rfcomm " + kDevice + ":1");
  EXPECT_DENIED(from, "bind bluetooth stream rfcomm 00:00:00:00:00:00:1");
  EXPECT_ALLOWED(Bluetooth("rfcomm", "from: wildcard, channels: 1", "bind"),
                 "bind bluetooth stream rfcomm 00:00:00:00:00:00:1");
}

TEST(Bluetooth, PsmsOfServicesAreNamedToBind) {
  PolicyPtr p = Bluetooth("l2cap", "from: wildcard, psms: any", "bind");
  EXPECT_DENIED(p, "bind bluetooth seqpacket l2cap 00:00:00:00:00:00:25");
  EXPECT_ALLOWED(p, "bind bluetooth seqpacket l2cap 00:00:00:00:00:00:4097");
  EXPECT_ALLOWED(p, "bind bluetooth seqpacket l2cap 00:00:00:00:00:00:0");
  PolicyPtr one = Bluetooth("l2cap", "from: wildcard, psms: 25", "bind");
  EXPECT_ALLOWED(one, "bind bluetooth seqpacket l2cap 00:00:00:00:00:00:25");
  EXPECT_DENIED(one, "bind bluetooth seqpacket l2cap 00:00:00:00:00:00:0") << "the kernel's choice";
}

TEST(Bluetooth, AFixedChannelIsNoWayAroundThePsms) {
  PolicyPtr p = Bluetooth("l2cap", "to: any, psms: any", "connect");
  EXPECT_DENIED(p, "connect bluetooth seqpacket l2cap " + kDevice + ":0:cid=0x4:type=0x1");
  EXPECT_ALLOWED(Bluetooth("l2cap", "to: any, cids: 4", "connect"),
                 "connect bluetooth seqpacket l2cap " + kDevice + ":0:cid=0x4:type=0x1");
  EXPECT_DENIED(Bluetooth("l2cap", "to: any, cids: 4", "connect"),
                "connect bluetooth seqpacket l2cap " + kDevice + ":25:cid=0x4");
}

TEST(Bluetooth, WhatIsMissingOfAnAddressIsZerosAsToTheKernel) {
  PolicyPtr p = Bluetooth("rfcomm", "from: '66:11:22:33:44:55', channels: any", "bind");
  struct intent in = Words("bind bluetooth stream rfcomm 66:11:22:33:44:55:7");
  in.addr.len = 8;
  EXPECT_EQ(0, Judge(p, in).error);
  in.addr.len = 7; /* the device is cut */
  EXPECT_EQ(-EACCES, Judge(p, in).error);
  in.addr.len = 2;
  EXPECT_EQ(-EACCES, Judge(p, in).error);
}

TEST(Bluetooth, AControllerIsNamedAndTheMightyChannelsToo) {
  PolicyPtr p = Bluetooth("hci", "devices: 0", "bind");
  EXPECT_ALLOWED(p, "bind bluetooth raw hci 0:0");
  EXPECT_DENIED(p, "bind bluetooth raw hci 1:0");
  EXPECT_DENIED(p, "bind bluetooth raw hci none:0");
  for (const char *channel : {"0:1", "0:2", "0:3", "0:4"})
    EXPECT_DENIED(p, "bind bluetooth raw hci " + std::string(channel));
  EXPECT_ALLOWED(Bluetooth("hci", "devices: none, hci_channels: monitor", "bind"),
                 "bind bluetooth raw hci none:2");
}

TEST(Bluetooth, ADenialOfOneDeviceHoldsForAllAdaptersAtOnce) {
  PolicyPtr p = Rules("verdict: deny, may: bind, family: bluetooth, type: any, protocol: rfcomm, "
                      "bluetooth: { from: '00:11:22:33:44:55', channels: any }",
                      "may: bind, family: bluetooth, type: any, protocol: rfcomm, "
                      "bluetooth: { from: [any, wildcard], channels: any }");
  EXPECT_DENIED(p, "bind bluetooth stream rfcomm " + kDevice + ":1");
  EXPECT_DENIED(p, "bind bluetooth stream rfcomm 00:00:00:00:00:00:1");
  EXPECT_ALLOWED(p, "bind bluetooth stream rfcomm 00:11:22:33:44:56:1");
}

TEST(Bluetooth, WhatIsLentIsLentToBindAndToRawSockets) {
  PolicyPtr p = Rule("may: [socket, bind], lends: CAP_NET_BIND_SERVICE, family: bluetooth, "
                     "type: seqpacket, protocol: l2cap, bluetooth: { from: wildcard, psms: 25 }");
  EXPECT_EQ(LEND_NET_BIND_SERVICE,
            static_cast<int>(Judge(p, "bind bluetooth seqpacket l2cap 00:00:00:00:00:00:25").lends));
  EXPECT_EQ(0u, Judge(p, "socket bluetooth seqpacket l2cap").lends);
}

/* ---- AF_ALG ------------------------------------------------------------ */

PolicyPtr Alg(const std::string &algorithms) {
  return Rule("may: [socket, bind], family: alg, type: seqpacket, algorithms: " + algorithms);
}

TEST(Alg, AlgorithmsMustBeNamed) {
  PolicyPtr p = Alg("[hash/sha256, 'skcipher/*', 'aead/gcm(*)']");
  EXPECT_ALLOWED(p, "socket alg seqpacket");
  EXPECT_ALLOWED(p, "bind alg seqpacket alg:hash:sha256");
  EXPECT_ALLOWED(p, "bind alg seqpacket skcipher/cbc(aes)");
  EXPECT_ALLOWED(p, "bind alg seqpacket aead/gcm(aes)");
  EXPECT_DENIED(p, "bind alg seqpacket hash/sha256-generic");
  EXPECT_DENIED(p, "bind alg seqpacket hash/md5");
  EXPECT_DENIED(p, "bind alg seqpacket rng/stdrng");
  EXPECT_ALLOWED(Alg("any"), "bind alg seqpacket rng/stdrng");
}

TEST(Alg, TextsEndWhereTheKernelEndsThem) {
  struct sockaddr_alg sa = {};
  sa.salg_family = AF_ALG;
  std::memcpy(sa.salg_type, "hashXXXXXXXXXX", 14);
  std::memcpy(sa.salg_name, "sha256\0/evil", 12);
  const char words[] = "bind alg seqpacket hash/x";
  EXPECT_EQ(-EACCES, Judge(Alg("hash/sha256"), WithAddress(words, &sa, sizeof(sa))).error);
  std::memcpy(sa.salg_type, "hash\0XXXXXXXXX", 14);
  EXPECT_EQ(0, Judge(Alg("hash/sha256"), WithAddress(words, &sa, sizeof(sa))).error);
  std::memset(sa.salg_name, 'a', sizeof(sa.salg_name));
  EXPECT_EQ(0, Judge(Alg("'hash/a*'"), WithAddress(words, &sa, sizeof(sa))).error);
  EXPECT_EQ(-EACCES, Judge(Alg("'hash/*b'"), WithAddress(words, &sa, sizeof(sa))).error);
  EXPECT_EQ(-EACCES, Judge(Alg("'hash/a*'"), WithAddress(words, &sa, sizeof(sa) - 1)).error);
}

TEST(Alg, AFieldCannotPretendToBeTheOther) {
  struct sockaddr_alg sa = {};
  sa.salg_family = AF_ALG;
  std::memcpy(sa.salg_type, "skcipher/x", 11);
  std::memcpy(sa.salg_name, "y", 2);
  EXPECT_EQ(-EACCES, Judge(Alg("'skcipher/*'"),
                           WithAddress("bind alg seqpacket hash/x", &sa, sizeof(sa))).error);
}

/* ---- QIPCRTR ----------------------------------------------------------- */

TEST(Qipcrtr, NodesAndPortsMustBeNamed) {
  PolicyPtr p = Rule("may: [bind, send, connect], family: qipcrtr, type: dgram, "
                     "qipcrtr: { nodes: [1, 5-7], ports: [0, 0x4000-0x7fff] }");
  EXPECT_ALLOWED(p, "bind qipcrtr dgram 1:0");
  EXPECT_ALLOWED(p, "send qipcrtr dgram 6:16384");
  EXPECT_DENIED(p, "send qipcrtr dgram 2:16384");
  EXPECT_DENIED(p, "bind qipcrtr dgram 1:15");
}

TEST(Qipcrtr, AnyLeavesOutTheBroadcastAndTheControlPort) {
  const std::string may = "may: send, family: qipcrtr, type: dgram, qipcrtr: ";
  PolicyPtr p = Rule(may + "{ nodes: any, ports: any }");
  EXPECT_ALLOWED(p, "send qipcrtr dgram 1:15");
  EXPECT_DENIED(p, "send qipcrtr dgram 4294967295:15");
  EXPECT_DENIED(p, "send qipcrtr dgram 1:4294967294");
  EXPECT_ALLOWED(Rule(may + "{ nodes: broadcast, ports: control }"),
                 "send qipcrtr dgram 4294967295:4294967294");
}

/* ---- families without addresses ---------------------------------------- */

TEST(Other, AreGrantedByTheirNames) {
  PolicyPtr p = Rule("may: socket, family: xdp, type: raw, protocol: 0");
  EXPECT_ALLOWED(p, "socket xdp raw 0");
  EXPECT_ALLOWED(p, "socket 44 raw 0");
  EXPECT_DENIED(p, "socket key raw 0");
}

}  // namespace
