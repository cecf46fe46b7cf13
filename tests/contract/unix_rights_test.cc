// SPDX-License-Identifier: Apache-2.0
//
// SCM_RIGHTS: sockets that travel through sockets.
#include <fcntl.h>

#include "support.h"

using namespace contract;

namespace {

class UnixRights : public contract::Contract {
 protected:
  // The sockets that came with a message.
  std::vector<Sock> Sockets(const Received &m) const {
    std::vector<Sock> all;
    const auto bytes = m.Control(SOL_SOCKET, SCM_RIGHTS);
    for (size_t at = 0; bytes && at < bytes->size(); at += sizeof(int)) {
      int fd;
      memcpy(&fd, bytes->data() + at, sizeof(fd));
      all.emplace_back(api(), fd);
    }
    return all;
  }

  Sock SendThrough(const Pair &way, const Sock &s) const {
    Must(way.first.SendMessage(Message("x").Rights({s.fd()})), "sendmsg");
    std::vector<Sock> got = Sockets(way.second.ReadMessage());
    if (got.size() != 1)
      throw std::runtime_error("no socket came");
    return std::move(got[0]);
  }
};
INSTANTIATE_TEST_SUITE_P(Contract, UnixRights, testing::ValuesIn(AllApis()), ApiName);

TEST_P(UnixRights, ASocketTravelsAndWorks) {
  for (int type : {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET}) {
    const auto [a, b] = TcpPair();
    const Sock got = SendThrough(UnixPair(type), a);
    EXPECT_NE(a.fd(), got.fd());
    EXPECT_EQ(a.Name(), got.Name());
    EXPECT_EQ(5, got.Send("hello"));
    EXPECT_EQ("hello", b.Read());
    b.Send("yo");
    EXPECT_EQ("yo", got.Read());
  }
}

TEST_P(UnixRights, WhatTravelledOutlivesTheSendersDescriptor) {
  auto [a, b] = TcpPair();
  const Pair way = UnixPair(SOCK_STREAM);
  EXPECT_EQ(1, way.first.SendMessage(Message("x").Rights({a.fd()})));
  a.Close();
  EXPECT_EQ(-EAGAIN, b.Recv(1, MSG_DONTWAIT)) << "the connection lives in the message";
  const std::vector<Sock> got = Sockets(way.second.ReadMessage());
  ASSERT_EQ(1u, got.size());
  got[0].Send("hello");
  EXPECT_EQ("hello", b.Read());
}

TEST_P(UnixRights, TheReceivedOneSharesTheSocket) {
  const Sock s = BoundUdp();
  const Sock got = SendThrough(UnixPair(SOCK_STREAM), s);
  EXPECT_EQ(0, got.Set(SOL_SOCKET, SO_BROADCAST, 1));
  EXPECT_EQ(1, s.Get(SOL_SOCKET, SO_BROADCAST));
}

TEST_P(UnixRights, ClosingTheReceivedOneLeavesTheSenders) {
  const auto [a, b] = TcpPair();
  SendThrough(UnixPair(SOCK_STREAM), a).Close();
  EXPECT_EQ(2, a.Send("hi"));
  EXPECT_EQ("hi", b.Read());
}

TEST_P(UnixRights, SeveralTravelTogetherInOrder) {
  const Sock a = BoundUdp(), b = BoundUdp(), c = BoundUdp();
  const Pair way = UnixPair(SOCK_STREAM);
  EXPECT_EQ(1, way.first.SendMessage(Message("x").Rights({a.fd(), b.fd(), c.fd()})));
  const Received m = way.second.ReadMessage();
  const std::vector<Sock> got = Sockets(m);
  ASSERT_EQ(3u, got.size());
  EXPECT_EQ(a.Name(), got[0].Name());
  EXPECT_EQ(b.Name(), got[1].Name());
  EXPECT_EQ(c.Name(), got[2].Name());
  EXPECT_EQ(CMSG_SPACE(3 * sizeof(int)), m.control_bytes);
  EXPECT_EQ(0, m.flags);
}

TEST_P(UnixRights, OneSocketMayTravelTwiceInAMessage) {
  const Sock s = BoundUdp();
  const Pair way = UnixPair(SOCK_STREAM);
  way.first.SendMessage(Message("x").Rights({s.fd(), s.fd()}));
  const std::vector<Sock> got = Sockets(way.second.ReadMessage());
  ASSERT_EQ(2u, got.size());
  EXPECT_NE(got[0].fd(), got[1].fd());
  EXPECT_EQ(s.Name(), got[1].Name());
}

TEST_P(UnixRights, UnixSocketsTravelToo) {
  const auto [a, b] = UnixPair(SOCK_STREAM);
  const Sock got = SendThrough(UnixPair(SOCK_STREAM), a);
  got.Send("hello");
  EXPECT_EQ("hello", b.Read());
}

TEST_P(UnixRights, WhatDoesNotFitIsClosedAndMarked) {
  auto [a, b] = TcpPair();
  const Sock keep = BoundUdp();
  const Pair way = UnixPair(SOCK_STREAM);
  // On x86-64 CMSG_SPACE rounds up to room for two: ask for exactly one.
  way.first.SendMessage(Message("x").Rights({keep.fd(), a.fd(), a.fd()}));
  const Received m = way.second.ReadMessage(0, Received({10}, CMSG_LEN(sizeof(int))));
  EXPECT_EQ(1u, Sockets(m).size());
  EXPECT_EQ("x", m.data);
  EXPECT_TRUE(m.flags & MSG_CTRUNC);
  a.Close();
  EXPECT_EQ("", b.Read()) << "nobody holds it";
}

TEST_P(UnixRights, APlainReadThrowsTheSocketsAway) {
  auto [a, b] = TcpPair();
  const Pair way = UnixPair(SOCK_STREAM);
  way.first.SendMessage(Message("x").Rights({a.fd()}));
  a.Close();
  EXPECT_EQ("x", way.second.Read());
  EXPECT_EQ("", b.Read());
}

TEST_P(UnixRights, AMessageNobodyReadsIsThrownAwayWithItsSockets) {
  auto [a, b] = TcpPair();
  Pair way = UnixPair(SOCK_STREAM);
  way.first.SendMessage(Message("x").Rights({a.fd()}));
  a.Close();
  way.first.Close();
  way.second.Close();
  EXPECT_EQ("", b.Read());
}

TEST_P(UnixRights, CloexecCanBeAskedFor) {
  const Sock s = BoundUdp();
  const Pair way = UnixPair(SOCK_STREAM);
  way.first.SendMessage(Message("x").Rights({s.fd()}));
  const std::vector<Sock> got = Sockets(way.second.ReadMessage(MSG_CMSG_CLOEXEC));
  ASSERT_EQ(1u, got.size());
  EXPECT_EQ(FD_CLOEXEC, api().fcntl(got[0].fd(), F_GETFD, 0));
}

TEST_P(UnixRights, ABadDescriptorIsEBADF) {
  const auto [a, b] = UnixPair(SOCK_STREAM);
  EXPECT_EQ(-EBADF, a.SendMessage(Message("x").Rights({1 << 20})));
  EXPECT_EQ(-EBADF, a.SendMessage(Message("x").Rights({-1})));
  EXPECT_EQ(-EAGAIN, b.Recv(1, MSG_DONTWAIT)) << "nothing was sent";
}

TEST_P(UnixRights, InetSocketsIgnoreThem) {
  const auto [a, b] = UdpPair();
  const Sock s = BoundUdp();
  EXPECT_EQ(1, a.SendMessage(Message("x").Rights({s.fd()})));
  const Received m = b.ReadMessage();
  EXPECT_EQ("x", m.data);
  EXPECT_EQ(0u, m.control_bytes);
}

TEST_P(UnixRights, AReadEndsWithTheMessageThatCarriedSockets) {
  const auto [a, b] = UnixPair(SOCK_STREAM);
  const Sock s = BoundUdp();
  a.SendMessage(Message("with").Rights({s.fd()}));
  a.Send(" after");
  const Received m = b.ReadMessage();
  EXPECT_EQ("with", m.data);
  EXPECT_EQ(1u, Sockets(m).size());
  EXPECT_EQ(" after", b.Read());
}

TEST_P(UnixRights, HundredsTravelOneAfterTheOther) {
  const Sock s = BoundUdp();
  const Pair way = UnixPair(SOCK_STREAM);
  for (int i = 0; i < 300; i++) {
    ASSERT_EQ(1, way.first.SendMessage(Message("x").Rights({s.fd()})));
    ASSERT_EQ(1u, Sockets(way.second.ReadMessage()).size()) << i;
  }
}

}  // namespace
