// SPDX-License-Identifier: Apache-2.0
//
// AF_NETLINK: asking the kernel about interfaces and routes.
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <cstdlib>
#include <set>

#include "root.h"
#include "support.h"

using namespace contract;

namespace {

class Netlink : public contract::Contract {
 protected:
  Sock Route() const {
    Sock s = Socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
    Must(s.fd(), "netlink socket");
    return s;
  }
  static Addr At(uint32_t pid, uint32_t groups = 0) {
    sockaddr_nl nl = {};
    nl.nl_family = AF_NETLINK;
    nl.nl_pid = pid;
    nl.nl_groups = groups;
    return Addr::Of(nl);
  }
  static std::string Request(int type, int flags) {
    struct {
      nlmsghdr header;
      rtgenmsg body;
      char pad[3];
    } r = {};
    r.header.nlmsg_len = sizeof(r);
    r.header.nlmsg_type = static_cast<uint16_t>(type);
    r.header.nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | flags);
    r.header.nlmsg_seq = 5;
    return std::string(reinterpret_cast<const char *>(&r), sizeof(r));
  }
  // Calls f with each message until NLMSG_DONE; the number of them.
  template <class F>
  static int Dump(const Sock &s, F f) {
    int n = 0;
    for (int i = 0; i < 1000; i++) {
      std::string data = s.Read();
      auto left = static_cast<unsigned>(data.size());
      for (auto *h = reinterpret_cast<nlmsghdr *>(data.data()); NLMSG_OK(h, left);
           h = NLMSG_NEXT(h, left)) {
        if (h->nlmsg_type == NLMSG_DONE)
          return n;
        if (h->nlmsg_type == NLMSG_ERROR)
          return -1;
        EXPECT_TRUE(h->nlmsg_flags & NLM_F_MULTI);
        EXPECT_EQ(5u, h->nlmsg_seq);
        n++;
        f(h);
      }
    }
    return -1;
  }
};
INSTANTIATE_TEST_SUITE_P(Contract, Netlink, testing::ValuesIn(AllApis()), ApiName);

TEST_P(Netlink, ADumpOfLinksHasLoopback) {
  GetVeth();
  const Sock s = Route();
  const std::string request = Request(RTM_GETLINK, NLM_F_DUMP);
  EXPECT_EQ(static_cast<long>(request.size()), s.SendTo(request, At(0)));
  std::set<int> indices;
  EXPECT_LE(3, Dump(s, [&](nlmsghdr *h) {
              EXPECT_EQ(RTM_NEWLINK, h->nlmsg_type);
              indices.insert(static_cast<ifinfomsg *>(NLMSG_DATA(h))->ifi_index);
            }));
  EXPECT_TRUE(indices.count(InterfaceIndex("lo")));
  EXPECT_TRUE(indices.count(GetVeth().ifindex_b));
}

TEST_P(Netlink, ADumpOfRoutesHasTheLocalTable) {
  const Sock s = Route();
  s.SendTo(Request(RTM_GETROUTE, NLM_F_DUMP), At(0));
  bool local = false;
  EXPECT_LT(0, Dump(s, [&](nlmsghdr *h) {
              local |= static_cast<rtmsg *>(NLMSG_DATA(h))->rtm_table == RT_TABLE_LOCAL;
            }));
  EXPECT_TRUE(local);
}

TEST_P(Netlink, ADumpOfAddressesHasLoopback) {
  const Sock s = Route();
  EXPECT_EQ(0, s.Connect(At(0)));
  s.Send(Request(RTM_GETADDR, NLM_F_DUMP));
  EXPECT_LE(2, Dump(s, [](nlmsghdr *h) { EXPECT_EQ(RTM_NEWADDR, h->nlmsg_type); }));
}

TEST_P(Netlink, AnswersComeFromTheKernel) {
  const Sock s = Route();
  s.SendTo(Request(RTM_GETLINK, NLM_F_DUMP), At(0));
  Addr from;
  s.ReadFrom(&from);
  EXPECT_EQ(At(0), from);
}

TEST_P(Netlink, BindChoosesANumber) {
  const Sock a = Route(), b = Route();
  EXPECT_EQ(0u, a.Name().as<sockaddr_nl>().nl_pid);
  EXPECT_EQ(0, a.Bind(At(0)));
  EXPECT_EQ(0, b.Bind(At(0)));
  EXPECT_NE(0u, a.Name().as<sockaddr_nl>().nl_pid);
  EXPECT_NE(a.Name(), b.Name());
  EXPECT_EQ(sizeof(sockaddr_nl), a.Name().len);
}

TEST_P(Netlink, ATakenNumberIsEADDRINUSE) {
  const Sock a = Route(), b = Route();
  EXPECT_EQ(0, a.Bind(At(0x7000001)));
  EXPECT_EQ(-EADDRINUSE, b.Bind(At(0x7000001)));
}

TEST_P(Netlink, AMalformedRequestIsAnsweredWithAnError) {
  const Sock s = Route();
  s.SendTo(Request(0x7FF, NLM_F_ACK), At(0));
  const std::string answer = s.Read();
  ASSERT_LE(NLMSG_LENGTH(sizeof(nlmsgerr)), answer.size());
  const auto *h = reinterpret_cast<const nlmsghdr *>(answer.data());
  EXPECT_EQ(NLMSG_ERROR, h->nlmsg_type);
  EXPECT_EQ(-EOPNOTSUPP, static_cast<const nlmsgerr *>(NLMSG_DATA(h))->error);
}

TEST_P(Netlink, PeekWithTruncTellsTheLength) {
  const Sock s = Route();
  s.SendTo(Request(RTM_GETLINK, NLM_F_DUMP), At(0));
  const long length = s.Recv(1, MSG_PEEK | MSG_TRUNC);
  EXPECT_LT(100, length);
  EXPECT_EQ(length, static_cast<long>(s.Read(static_cast<size_t>(length)).size()));
}

TEST_P(Netlink, AGroupTellsOfChanges) {
  const Sock s = Bound(Route(), At(0, RTMGRP_LINK));
  EXPECT_EQ(-EAGAIN, s.Recv(1, MSG_DONTWAIT));
  ASSERT_EQ(0, RootCommand("ip link set lo txqueuelen 1001 && ip link set lo txqueuelen 1000"));
  Addr from;
  const std::string news = s.ReadFrom(&from);
  EXPECT_EQ(RTM_NEWLINK, reinterpret_cast<const nlmsghdr *>(news.data())->nlmsg_type);
  EXPECT_EQ(static_cast<uint32_t>(RTMGRP_LINK), from.as<sockaddr_nl>().nl_groups);
}

TEST_P(Netlink, AGroupIsJoinedByOption) {
  const Sock s = Bound(Route(), At(0));
  EXPECT_EQ(0, s.Set(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, RTNLGRP_LINK));
  ASSERT_EQ(0, RootCommand("ip link set lo txqueuelen 1001 && ip link set lo txqueuelen 1000"));
  const std::string news = s.Read();
  EXPECT_EQ(RTM_NEWLINK, reinterpret_cast<const nlmsghdr *>(news.data())->nlmsg_type);
  EXPECT_EQ(0, s.Set(SOL_NETLINK, NETLINK_DROP_MEMBERSHIP, RTNLGRP_LINK));
}

TEST_P(Netlink, AnUnknownProtocolIsEPROTONOSUPPORT) {
  EXPECT_EQ(-EPROTONOSUPPORT, Socket(AF_NETLINK, SOCK_RAW, 200).fd());
  EXPECT_EQ(-ESOCKTNOSUPPORT, Socket(AF_NETLINK, SOCK_STREAM, NETLINK_ROUTE).fd());
}

TEST_P(Netlink, ASendToANumberOfNobodyIsRefused) {
  EXPECT_EQ(-ECONNREFUSED, Route().SendTo(Request(RTM_GETLINK, 0), At(0x7000002)));
}

}  // namespace
