// SPDX-License-Identifier: Apache-2.0
//
// AF_PACKET, on a pair of virtual Ethernet interfaces.
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sys/ioctl.h>

#include "support.h"

using namespace contract;

namespace {

// Of the range for experiments, so that nothing else sends it.
constexpr uint16_t kProtocol = 0x88B5;

class Packet : public contract::Contract {
 protected:
  static Addr Link(int ifindex, uint16_t protocol = kProtocol, const std::string &mac = "") {
    sockaddr_ll ll = {};
    ll.sll_family = AF_PACKET;
    ll.sll_protocol = htons(protocol);
    ll.sll_ifindex = ifindex;
    ll.sll_halen = static_cast<unsigned char>(mac.size());
    memcpy(ll.sll_addr, mac.data(), mac.size());
    return Addr::Of(ll);
  }
  std::string Mac(const std::string &name) const {
    ifreq r = {};
    strncpy(r.ifr_name, name.c_str(), sizeof(r.ifr_name) - 1);
    Must(KernelSocket(AF_INET, SOCK_DGRAM).Ioctl(SIOCGIFHWADDR, &r), "SIOCGIFHWADDR");
    return std::string(r.ifr_hwaddr.sa_data, 6);
  }
  static std::string Header(const std::string &to, const std::string &from,
                            uint16_t protocol = kProtocol) {
    const uint16_t net = htons(protocol);
    return to + from + std::string(reinterpret_cast<const char *>(&net), 2);
  }
  // From b's end to a's.
  std::string Frame(const std::string &payload, uint16_t protocol = kProtocol) const {
    return Header(Mac(veth.a), Mac(veth.b), protocol) + payload;
  }
  Sock At(int ifindex, int type = SOCK_RAW, uint16_t protocol = kProtocol) const {
    return Bound(Socket(AF_PACKET, type, htons(protocol)), Link(ifindex, protocol));
  }
  Sock A(int type = SOCK_RAW, uint16_t protocol = kProtocol) const {
    return At(veth.ifindex_a, type, protocol);
  }
  Sock B(int type = SOCK_RAW) const { return At(veth.ifindex_b, type); }

  const Veth &veth = GetVeth();
};
INSTANTIATE_TEST_SUITE_P(Contract, Packet, testing::ValuesIn(AllApis()), ApiName);

TEST_P(Packet, ANameEndsWithTheHardwareAddress) {
  EXPECT_EQ(12u, Socket(AF_PACKET, SOCK_RAW).Name().len);
  EXPECT_EQ(18u, A().Name().len);
}

TEST_P(Packet, ASendersAddressIsAWholeStructure) {
  const Sock a = A(), b = B();
  b.Send(Frame("hello"));
  Addr from;
  a.ReadFrom(&from);
  EXPECT_EQ(sizeof(sockaddr_ll), from.len);
}

TEST_P(Packet, BindTakesNoLessThanAWholeStructure) {
  Addr shorter = Link(veth.ifindex_a);
  shorter.len = 18;
  EXPECT_EQ(-EINVAL, Socket(AF_PACKET, SOCK_RAW).Bind(shorter));
}

TEST_P(Packet, ARawSocketReceivesTheWholeFrame) {
  const Sock a = A(), b = B();
  const std::string frame = Frame("hello");
  EXPECT_EQ(static_cast<long>(frame.size()), b.Send(frame));
  EXPECT_EQ(frame, a.Read());
}

TEST_P(Packet, TheAddressTellsTheInterfaceAndTheSender) {
  const Sock a = A(), b = B();
  b.Send(Frame("hello"));
  Addr from;
  a.ReadFrom(&from);
  const auto ll = from.as<sockaddr_ll>();
  EXPECT_EQ(AF_PACKET, ll.sll_family);
  EXPECT_EQ(htons(kProtocol), ll.sll_protocol);
  EXPECT_EQ(veth.ifindex_a, ll.sll_ifindex);
  EXPECT_EQ(PACKET_HOST, ll.sll_pkttype);
  EXPECT_EQ(6, ll.sll_halen);
  EXPECT_EQ(Mac(veth.b), std::string(reinterpret_cast<const char *>(ll.sll_addr), 6));
}

TEST_P(Packet, ADatagramSocketReceivesWithoutTheHeader) {
  const Sock a = A(SOCK_DGRAM), b = B();
  b.Send(Frame("hello"));
  EXPECT_EQ("hello", a.Read());
}

TEST_P(Packet, ADatagramSocketSendsByAddress) {
  const Sock a = A(), b = B(SOCK_DGRAM);
  EXPECT_EQ(5, b.SendTo("hello", Link(veth.ifindex_b, kProtocol, Mac(veth.a))));
  EXPECT_EQ(Frame("hello"), a.Read());
}

TEST_P(Packet, AKernelSocketReceivesWhatIsSent) {
  Sock a = KernelSocket(AF_PACKET, SOCK_RAW, htons(kProtocol));
  ASSERT_EQ(0, a.Bind(Link(veth.ifindex_a)));
  EXPECT_EQ(static_cast<long>(Frame("hello").size()), B().Send(Frame("hello")));
  EXPECT_EQ(Frame("hello"), a.Read());
}

TEST_P(Packet, OtherProtocolsAreNotHeard) {
  const Sock a = A(), b = B();
  b.Send(Frame("other", kProtocol + 1));
  b.Send(Frame("mine"));
  EXPECT_EQ(Frame("mine"), a.Read());
}

TEST_P(Packet, AllProtocolsAreHeardByEthPAll) {
  const Sock a = A(SOCK_RAW, ETH_P_ALL), b = B();
  b.Send(Frame("one", kProtocol));
  b.Send(Frame("two", kProtocol + 1));
  std::string heard;
  for (int i = 0; i < 100 && heard != "onetwo"; i++) {
    const std::string frame = a.Read();
    if (frame.size() > 14 && frame.substr(6, 6) == Mac(veth.b) && frame[12] == '\x88')
      heard += frame.substr(14);
  }
  EXPECT_EQ("onetwo", heard);
}

TEST_P(Packet, WhatOneSendsOneselfIsMarkedOutgoing) {
  const Sock all = At(veth.ifindex_b, SOCK_RAW, ETH_P_ALL);
  B().Send(Frame("hello"));
  for (int i = 0; i < 100; i++) {
    Addr from;
    if (all.ReadFrom(&from) != Frame("hello"))
      continue;
    EXPECT_EQ(PACKET_OUTGOING, from.as<sockaddr_ll>().sll_pkttype);
    return;
  }
  FAIL() << "not heard";
}

TEST_P(Packet, FramesForOthersAreMarked) {
  const Sock a = A(), b = B();
  EXPECT_LT(0, b.Send(Header(std::string(6, '\xff'), Mac(veth.b)) + "to all"));
  Addr from;
  EXPECT_EQ("to all", a.ReadFrom(&from).substr(14));
  EXPECT_EQ(PACKET_BROADCAST, from.as<sockaddr_ll>().sll_pkttype);
  EXPECT_LT(0, b.Send(Header(std::string("\x02", 1) + "other", Mac(veth.b)) + "elsewhere"));
  EXPECT_EQ("elsewhere", a.ReadFrom(&from).substr(14));
  EXPECT_EQ(PACKET_OTHERHOST, from.as<sockaddr_ll>().sll_pkttype);
}

TEST_P(Packet, AnUnboundSocketHearsEveryInterface) {
  const Sock any = Socket(AF_PACKET, SOCK_RAW, htons(kProtocol)), b = B();
  ASSERT_TRUE(any);
  b.Send(Frame("hello"));
  Addr from;
  EXPECT_EQ(Frame("hello"), any.ReadFrom(&from));
  EXPECT_EQ(veth.ifindex_a, from.as<sockaddr_ll>().sll_ifindex);
}

TEST_P(Packet, AProtocolOfZeroHearsNothingUntilBound) {
  const Sock a = Socket(AF_PACKET, SOCK_RAW, 0), b = B();
  b.Send(Frame("unheard"));
  EXPECT_EQ(0, a.Bind(Link(veth.ifindex_a)));
  b.Send(Frame("heard"));
  EXPECT_EQ(Frame("heard"), a.Read());
}

TEST_P(Packet, TheNameTellsInterfaceAndHardware) {
  const Sock a = A();
  const auto ll = a.Name().as<sockaddr_ll>();
  EXPECT_EQ(veth.ifindex_a, ll.sll_ifindex);
  EXPECT_EQ(htons(kProtocol), ll.sll_protocol);
  EXPECT_EQ(6, ll.sll_halen);
  EXPECT_EQ(Mac(veth.a), std::string(reinterpret_cast<const char *>(ll.sll_addr), 6));
}

TEST_P(Packet, AnUnknownInterfaceIsENODEV) {
  EXPECT_EQ(-ENODEV, Socket(AF_PACKET, SOCK_RAW, 0).Bind(Link(99999)));
}

TEST_P(Packet, AuxdataTellsLengths) {
  const Sock a = A(), b = B();
  EXPECT_EQ(0, a.Set(SOL_PACKET, PACKET_AUXDATA, 1));
  const std::string frame = Frame("hello");
  b.Send(frame);
  const Received m = a.ReadMessage(0, Received({10}));
  EXPECT_EQ(frame.substr(0, 10), m.data);
  EXPECT_TRUE(m.flags & MSG_TRUNC);
  const auto aux = m.Control<tpacket_auxdata>(SOL_PACKET, PACKET_AUXDATA);
  ASSERT_TRUE(aux);
  EXPECT_EQ(frame.size(), aux->tp_len);
  EXPECT_EQ(frame.size(), aux->tp_snaplen);
  EXPECT_EQ(14, aux->tp_net);
}

TEST_P(Packet, PromiscuousMembershipIsTakenAndLeft) {
  const Sock a = A();
  packet_mreq m = {};
  m.mr_ifindex = veth.ifindex_a;
  m.mr_type = PACKET_MR_PROMISC;
  EXPECT_EQ(0, a.Set(SOL_PACKET, PACKET_ADD_MEMBERSHIP, m));
  EXPECT_EQ(0, a.Set(SOL_PACKET, PACKET_DROP_MEMBERSHIP, m));
  m.mr_ifindex = 99999;
  EXPECT_EQ(-ENODEV, a.Set(SOL_PACKET, PACKET_ADD_MEMBERSHIP, m));
}

TEST_P(Packet, StatisticsCountAndStartAgain) {
  const Sock a = A(), b = B();
  b.Send(Frame("one"));
  b.Send(Frame("two"));
  a.Read(), a.Read();
  EXPECT_EQ(2u, a.Get<tpacket_stats>(SOL_PACKET, PACKET_STATISTICS).tp_packets);
  EXPECT_EQ(0u, a.Get<tpacket_stats>(SOL_PACKET, PACKET_STATISTICS).tp_packets);
}

TEST_P(Packet, AFilterSeesTheFrame) {
  const Sock a = A(), b = B();
  sock_filter code[] = {BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 14),
                        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 'y', 0, 1),
                        BPF_STMT(BPF_RET | BPF_K, 0xFFFF), BPF_STMT(BPF_RET | BPF_K, 0)};
  const sock_fprog program = {4, code};
  EXPECT_EQ(0, a.Set(SOL_SOCKET, SO_ATTACH_FILTER, program));
  b.Send(Frame("no"));
  b.Send(Frame("yes"));
  EXPECT_EQ(Frame("yes"), a.Read());
}

TEST_P(Packet, AFrameTooLongIsEMSGSIZE) {
  EXPECT_EQ(-EMSGSIZE, B().Send(Frame(std::string(2000, 'x'))));
}

TEST_P(Packet, AFrameShorterThanItsHeaderIsEINVAL) { EXPECT_EQ(-EINVAL, B().Send("short")); }

TEST_P(Packet, PacketSocketsDoNotConnect) {
  EXPECT_EQ(-EOPNOTSUPP, A().Connect(Link(veth.ifindex_a)));
}

}  // namespace
