// SPDX-License-Identifier: Apache-2.0
#include "policy.h"

namespace contract {
namespace {

constexpr const char kText[] = R"(version: 1
rules:
  - name: internet
    who: { uid: 0 }
    may: [socket, bind, listen, connect, send, option, ioctl]
    lends: [CAP_NET_RAW, CAP_NET_ADMIN, CAP_NET_BIND_SERVICE]
    family: [inet, inet6]
    type: [stream, dgram, raw, rdm, seqpacket]
    protocol: [any, raw]
    to: [any, 0.0.0.0/8, 127.0.0.0/8, "::1", 224.0.0.0/4, "fe80::/10", "ff00::/8"]
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
    who: { uid: 0 }
    may: [socket, bind, listen, connect, send, ioctl]
    family: unix
    type: [stream, dgram, raw, rdm, seqpacket]
    unix: { paths: ["FOLDER/*"], abstract: any, autobind: true, mode: 0777 }
    ioctls: [SIOCGIFINDEX]
  - name: packet
    who: { uid: 0 }
    may: [socket, bind, connect, send, option]
    lends: [CAP_NET_RAW]
    family: packet
    type: [dgram, raw]
    protocol: any
    interface: any
    options: [PACKET_ADD_MEMBERSHIP, PACKET_DROP_MEMBERSHIP]
  - name: netlink
    who: { uid: 0 }
    may: [socket, bind, connect, send, option]
    lends: [CAP_NET_ADMIN]
    family: netlink
    type: [stream, dgram, raw]
    protocol: any
    netlink_groups: any
    netlink_to: any
    options: [NETLINK_ADD_MEMBERSHIP, NETLINK_DROP_MEMBERSHIP]
  - name: vsock
    who: { uid: 0 }
    may: [socket, bind, listen, connect]
    family: vsock
    type: stream
    to_cids: [local]
    to_ports: any
    from_cids: [local, wildcard]
    from_ports: any
  - name: no family at all
    who: { uid: 0 }
    may: socket
    family: 96
    type: stream
    protocol: any
)";

}  // namespace

std::string ContractPolicy(const std::string &folder) {
  static const std::string kFolder = "FOLDER";
  std::string text = kText;
  return text.replace(text.find(kFolder), kFolder.size(), folder);
}

}  // namespace contract
