// SPDX-License-Identifier: Apache-2.0
#include "policy.h"

namespace contract {
namespace {

constexpr const char kText[] = R"(version: 1
rules:
  - name: internet
    who: WHO
    may: [socket, direct, bind, listen, connect, send, option, ioctl]
    lends: [CAP_NET_RAW, CAP_NET_ADMIN, CAP_NET_BIND_SERVICE]
    family: [inet, inet6]
    type: [stream, dgram, raw, rdm, seqpacket]
    protocol: [any, raw]
    to: [any, own, 0.0.0.0/8, 127.0.0.0/8, "::1", 224.0.0.0/4, "fe80::/10", "ff00::/8"]
    to_ports: any
    from: [any, wildcard, 127.0.0.0/8, "::1", 224.0.0.0/4, "fe80::/10", "ff00::/8"]
    from_ports: [0-65535]
    interface: any
    marks: any
    options: [SO_REUSEPORT, SO_BINDTODEVICE, SO_MARK, SO_RCVBUFFORCE, IP_HDRINCL, IP_FREEBIND,
              IP_TRANSPARENT, IP_MULTICAST_IF, IP_ADD_MEMBERSHIP, IP_DROP_MEMBERSHIP,
              IPV6_MULTICAST_IF, IPV6_ADD_MEMBERSHIP, IPV6_DROP_MEMBERSHIP,
              MCAST_JOIN_GROUP, MCAST_LEAVE_GROUP, MCAST_JOIN_SOURCE_GROUP,
              IP_ADD_SOURCE_MEMBERSHIP]
    ioctls: [SIOCGIFINDEX, SIOCGIFNAME, SIOCGIFFLAGS, SIOCGIFADDR, SIOCGIFNETMASK, SIOCGIFHWADDR,
             SIOCGIFMTU, SIOCGIFTXQLEN, SIOCGIFMETRIC, SIOCGIFCONF, SIOCGIFMAP, SIOCSIFMTU]
  - name: unix
    who: WHO
    may: [socket, direct, bind, listen, connect, send, ioctl]
    family: unix
    type: [stream, dgram, raw, rdm, seqpacket]
    unix: { paths: ["FOLDER/*"], abstract: any, autobind: true, mode: 0777 }
    ioctls: [SIOCGIFINDEX]
  - name: packet
    who: WHO
    may: [socket, bind, connect, send, option]
    lends: [CAP_NET_RAW]
    family: packet
    type: [dgram, raw]
    protocol: any
    interface: any
    options: [PACKET_ADD_MEMBERSHIP, PACKET_DROP_MEMBERSHIP]
  - name: netlink
    who: WHO
    may: [socket, bind, connect, send, option]
    lends: [CAP_NET_ADMIN]
    family: netlink
    type: [stream, dgram, raw]
    protocol: any
    netlink_groups: any
    netlink_to: any
    options: [NETLINK_ADD_MEMBERSHIP, NETLINK_DROP_MEMBERSHIP]
  - name: vsock
    who: WHO
    may: [socket, bind, listen, connect]
    family: vsock
    type: stream
    to_cids: [local]
    to_ports: any
    from_cids: [local, wildcard]
    from_ports: any
  - name: can
    who: WHO
    may: [socket, bind, connect, send, option, ioctl]
    family: can
    type: [raw, dgram]
    protocol: [raw, bcm, isotp, j1939]
    interface: any
    options: [SO_J1939_PROMISC]
    ioctls: [SIOCGIFINDEX]
  - name: tipc
    who: WHO
    may: [socket, bind, listen, connect, send, option]
    family: tipc
    type: [stream, dgram, rdm, seqpacket]
    tipc: { services: [any, 1], nodes: any, scope: cluster }
    options: [TIPC_GROUP_JOIN]
  - name: rds
    who: WHO
    may: [socket, bind, connect, send]
    family: rds
    type: seqpacket
    to: [127.0.0.0/8, 10.99.0.2]
    to_ports: any
    from: [127.0.0.0/8, 10.99.0.1]
    from_ports: [ephemeral, 1024-65535]
  - name: bluetooth
    who: WHO
    may: [socket, bind, listen, connect]
    family: bluetooth
    type: [stream, seqpacket]
    protocol: [l2cap, rfcomm, sco]
    bluetooth: { to: any, from: [any, wildcard], psms: any, cids: 0, channels: any }
  - name: controller
    who: WHO
    may: [socket, bind]
    family: bluetooth
    type: raw
    protocol: hci
    bluetooth: { devices: any, hci_channels: raw }
  - name: ciphers
    who: WHO
    may: [socket, bind]
    family: alg
    type: seqpacket
    algorithms: any
  - name: modem
    who: WHO
    may: [socket, bind, connect, send]
    family: qipcrtr
    type: dgram
    qipcrtr: { nodes: any, ports: any }
  - name: real
    who: WHO
    may: direct
    family: [inet, inet6]
    type: [stream, dgram, raw, rdm, seqpacket]
    protocol: [any, raw]
    to: any
    to_ports: any
  - name: real packets
    who: WHO
    may: direct
    family: packet
    type: [dgram, raw]
    protocol: any
    interface: any
  - name: real machines
    who: WHO
    may: direct
    family: vsock
    type: stream
    to_cids: any
    to_ports: any
  - name: real buses
    who: WHO
    may: direct
    family: can
    type: [raw, dgram]
    protocol: [raw, bcm, isotp, j1939]
    interface: any
  - name: real nodes
    who: WHO
    may: direct
    family: tipc
    type: [stream, dgram, rdm, seqpacket]
  - name: real clusters
    who: WHO
    may: direct
    family: rds
    type: seqpacket
    to: any
    to_ports: any
  - name: real modems
    who: WHO
    may: direct
    family: qipcrtr
    type: dgram
  - name: real radio
    who: WHO
    may: direct
    family: bluetooth
    type: [stream, seqpacket, raw]
    protocol: [l2cap, rfcomm, sco, hci]
  - name: real ciphers
    who: WHO
    may: direct
    family: alg
    type: seqpacket
  - name: real routes
    who: WHO
    may: direct
    family: netlink
    type: [stream, dgram, raw]
    protocol: any
  - name: of another system
    who: WHO
    may: socket
    family: 32
    type: dgram
    protocol: any
  - name: no family at all
    who: WHO
    may: socket
    family: 96
    type: stream
    protocol: any
)";

std::string Replaced(std::string text, const std::string &word, const std::string &by) {
  for (size_t at = 0; (at = text.find(word, at)) != std::string::npos; at += by.size())
    text.replace(at, word.size(), by);
  return text;
}

}  // namespace

std::string ContractPolicy(const std::string &folder) {
  // The ways in C connect as nobody; Python's, in this process, as its user.
  std::string text = Replaced(kText, "WHO", "[{ user: nobody }, { uid: 0 }]");
  return Replaced(text, "FOLDER", folder);
}

}  // namespace contract
