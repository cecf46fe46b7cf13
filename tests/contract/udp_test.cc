// SPDX-License-Identifier: Apache-2.0
//
// UDP: datagrams and their addresses.
#include <sys/ioctl.h>

#include "support.h"

using namespace contract;

namespace {

CONTRACT_SUITE(Udp);

TEST_P(Udp, ADatagramTellsWhoSentIt) {
  const Sock a = BoundUdp(), b = BoundUdp();
  EXPECT_EQ(5, a.SendTo("hello", b.Name()));
  Addr from;
  EXPECT_EQ("hello", b.ReadFrom(&from));
  EXPECT_EQ(a.Name(), from);
  EXPECT_EQ(2, b.SendTo("yo", from));
  EXPECT_EQ("yo", a.Read());
}

TEST_P(Udp, AKernelSocketExchangesDatagrams) {
  const Sock a = BoundUdp(), b = Bound(KernelSocket(AF_INET, SOCK_DGRAM));
  a.SendTo("ping", b.Name());
  Addr from;
  EXPECT_EQ("ping", b.ReadFrom(&from));
  EXPECT_EQ(a.Name(), from);
  b.SendTo("pong", from);
  EXPECT_EQ("pong", a.ReadFrom(&from));
  EXPECT_EQ(b.Name(), from);
}

TEST_P(Udp, Inet6DatagramsTellWhoSentThem) {
  const Sock a = BoundUdp6(), b = BoundUdp6();
  EXPECT_EQ(5, a.SendTo("hello", b.Name()));
  Addr from;
  EXPECT_EQ("hello", b.ReadFrom(&from));
  EXPECT_EQ(a.Name(), from);
}

TEST_P(Udp, AMappedAddressReachesInet4) {
  const Sock a = Bound(Udp6Socket(), Addr::Inet6("::")), b = BoundUdp();
  EXPECT_EQ(2, a.SendTo("hi", Addr::Inet6("::ffff:127.0.0.1", b.Name().port())));
  Addr from;
  EXPECT_EQ("hi", b.ReadFrom(&from));
  EXPECT_EQ(Addr::Loopback4(a.Name().port()), from);
  b.SendTo("yo", from);
  EXPECT_EQ("yo", a.ReadFrom(&from));
  EXPECT_EQ("::ffff:127.0.0.1", from.ip());
}

TEST_P(Udp, AConnectedSocketNeedsNoAddress) {
  const auto [a, b] = UdpPair();
  EXPECT_EQ(5, a.Send("hello"));
  EXPECT_EQ("hello", b.Read());
}

TEST_P(Udp, AConnectedSocketHearsItsPeerOnly) {
  const auto [a, b] = UdpPair();
  EXPECT_EQ(8, BoundUdp().SendTo("stranger", b.Name()));
  a.Send("friend");
  EXPECT_EQ("friend", b.Read());
  EXPECT_EQ(-EAGAIN, b.Recv(1, MSG_DONTWAIT));
}

TEST_P(Udp, AConnectedSocketMaySendElsewhere) {
  const auto [a, b] = UdpPair();
  const Sock other = BoundUdp();
  EXPECT_EQ(2, a.SendTo("hi", other.Name()));
  EXPECT_EQ("hi", other.Read());
}

TEST_P(Udp, ConnectAgainChangesThePeer) {
  const auto [a, b] = UdpPair();
  const Sock other = BoundUdp();
  EXPECT_EQ(0, a.Connect(other.Name()));
  EXPECT_EQ(other.Name(), a.Peer());
  a.Send("hi");
  EXPECT_EQ("hi", other.Read());
}

TEST_P(Udp, ConnectToUnspecForgetsThePeer) {
  const auto [a, b] = UdpPair();
  EXPECT_EQ(0, a.Connect(Addr::Family(AF_UNSPEC)));
  EXPECT_EQ(-ENOTCONN, a.PeerResult());
  EXPECT_EQ(-EDESTADDRREQ, a.Send("x"));
}

TEST_P(Udp, SendingWithoutAnAddressIsEDESTADDRREQ) {
  EXPECT_EQ(-EDESTADDRREQ, BoundUdp().Send("x"));
}

TEST_P(Udp, SendingToPortZeroIsEINVAL) {
  EXPECT_EQ(-EINVAL, BoundUdp().SendTo("x", Addr::Loopback4(0)));
}

TEST_P(Udp, SendingToAnotherFamilyIsRefused) {
  EXPECT_EQ(-EAFNOSUPPORT, BoundUdp().SendTo("x", Addr::Loopback6(9)));
}

TEST_P(Udp, SendingToAShortAddressIsEINVAL) {
  Addr to = Addr::Loopback4(9);
  to.len = 9;
  EXPECT_EQ(-EINVAL, BoundUdp().SendTo("x", to));
}

TEST_P(Udp, SendingWithoutARouteIsENETUNREACH) {
  EXPECT_EQ(-ENETUNREACH, UdpSocket().SendTo("x", Addr::Inet("203.0.113.7", 9)));
}

TEST_P(Udp, AClosedPortAnswersAConnectedSocket) {
  const Sock closed = Bound(KernelSocket(AF_INET, SOCK_STREAM));  // no UDP there
  const Sock s = BoundUdp();
  s.Connect(closed.Name());
  EXPECT_EQ(1, s.Send("x"));
  EXPECT_TRUE(s.Wait(POLLIN) & POLLERR);
  EXPECT_EQ(-ECONNREFUSED, s.Recv());
  EXPECT_EQ(-EAGAIN, s.Recv(1, MSG_DONTWAIT)) << "told once";
}

TEST_P(Udp, TheNextSendTellsARefusalToo) {
  const Sock closed = Bound(KernelSocket(AF_INET, SOCK_STREAM));
  const Sock s = BoundUdp();
  s.Connect(closed.Name());
  EXPECT_EQ(1, s.Send("x"));
  EXPECT_TRUE(s.Wait(POLLIN) & POLLERR);
  EXPECT_EQ(-ECONNREFUSED, s.Send("x"));
}

TEST_P(Udp, AnUnconnectedSocketIsToldOfNoRefusal) {
  const Sock closed = Bound(KernelSocket(AF_INET, SOCK_STREAM));
  const Sock s = BoundUdp();
  EXPECT_EQ(1, s.SendTo("x", closed.Name()));
  EXPECT_EQ(0, s.Wait(POLLIN, 50));
  EXPECT_EQ(0, s.Get(SOL_SOCKET, SO_ERROR));
}

TEST_P(Udp, AnEmptyDatagramIsNotTheEnd) {
  const auto [a, b] = UdpPair();
  EXPECT_EQ(0, a.Send(""));
  EXPECT_EQ(1, a.Send("x"));
  EXPECT_EQ(POLLIN, b.Wait(POLLIN));
  EXPECT_EQ(0, b.Recv());
  EXPECT_EQ("x", b.Read());
}

TEST_P(Udp, DatagramsKeepTheirBoundariesAndOrder) {
  const auto [a, b] = UdpPair();
  for (const char *text : {"one", "two", "three"})
    a.Send(text);
  for (const char *text : {"one", "two", "three"})
    EXPECT_EQ(text, b.Read());
}

TEST_P(Udp, WhatDoesNotFitIsLost) {
  const auto [a, b] = UdpPair();
  a.Send("hello");
  a.Send("next");
  EXPECT_EQ("he", b.Read(2));
  EXPECT_EQ("next", b.Read());
}

TEST_P(Udp, TruncTellsTheRealLength) {
  const auto [a, b] = UdpPair();
  a.Send("hello");
  EXPECT_EQ(5, b.Recv(2, MSG_TRUNC));
  a.Send("hello");
  EXPECT_EQ(5, b.Recv(0, MSG_TRUNC | MSG_PEEK));
  EXPECT_EQ("hello", b.Read());
}

TEST_P(Udp, ACutDatagramIsMarked) {
  const auto [a, b] = UdpPair();
  a.Send("hello");
  const Received cut = b.ReadMessage(0, Received({3}));
  EXPECT_EQ(3, cut.result);
  EXPECT_EQ(MSG_TRUNC, cut.flags);
  a.Send("abc");
  EXPECT_EQ(0, b.ReadMessage(0, Received({3})).flags) << "it fits exactly";
}

TEST_P(Udp, PeekLeavesTheDatagram) {
  const auto [a, b] = UdpPair();
  a.Send("hello");
  Addr from;
  EXPECT_EQ("hello", b.ReadFrom(&from, 100, MSG_PEEK));
  EXPECT_EQ(a.Name(), from);
  EXPECT_EQ("hello", b.Read());
}

TEST_P(Udp, ADatagramTooLongIsEMSGSIZE) {
  const auto [a, b] = UdpPair();
  EXPECT_EQ(-EMSGSIZE, a.Send(std::string(70000, 'x')));
  EXPECT_EQ(-EMSGSIZE, a.Send(std::string(65508, 'x')));
}

TEST_P(Udp, TheLongestDatagramArrivesWhole) {
  const auto [a, b] = UdpPair();
  const std::string longest = Pattern(65507);
  EXPECT_EQ(65507, a.Send(longest));
  EXPECT_TRUE(longest == b.Read());
}

TEST_P(Udp, AnEmptyQueueIsEAGAIN) {
  const Sock s = BoundUdp();
  EXPECT_EQ(-EAGAIN, s.Recv(1, MSG_DONTWAIT));
  s.SetNonBlocking();
  EXPECT_EQ(-EAGAIN, s.Recv());
}

TEST_P(Udp, TheReceiveTimeoutIsEAGAIN) {
  const Sock s = BoundUdp();
  s.SetTimeout(SO_RCVTIMEO, 150);
  const Stopwatch watch;
  EXPECT_EQ(-EAGAIN, s.Recv());
  EXPECT_LE(145, watch.ms());
  EXPECT_GT(5000, watch.ms());
}

TEST_P(Udp, SeveralReadersGetOneDatagramEach) {
  const Sock s = BoundUdp();
  std::vector<std::future<std::string>> readers;
  for (int i = 0; i < 4; i++)
    readers.push_back(InBackground([&] { return s.Read(); }));
  const Sock sender = UdpSocket();
  for (int i = 0; i < 4; i++)
    sender.SendTo("x", s.Name());
  for (auto &reader : readers)
    EXPECT_EQ("x", reader.get());
}

TEST_P(Udp, AMessageGathersAndScattersBuffers) {
  const auto [a, b] = UdpPair();
  EXPECT_EQ(6, a.SendMessage(Message({"a", "bc", "", "def"})));
  const Received m = b.ReadMessage(0, Received({4, 0, 1, 10}));
  EXPECT_EQ("abcdef", m.data);
  EXPECT_EQ(0, m.flags);
}

TEST_P(Udp, AMessageNamesItsReceiverAndItsSender) {
  const Sock a = BoundUdp(), b = BoundUdp();
  EXPECT_EQ(2, a.SendMessage(Message("hi").To(b.Name())));
  const Received m = b.ReadMessage();
  EXPECT_EQ("hi", m.data);
  EXPECT_EQ(a.Name(), m.from);
}

TEST_P(Udp, AMessageWithoutBuffersIsAnEmptyDatagram) {
  const auto [a, b] = UdpPair();
  EXPECT_EQ(0, a.SendMessage(Message(std::vector<std::string>{})));
  EXPECT_EQ(0, b.Recv());
}

TEST_P(Udp, BroadcastWantsPermission) {
  const Sock s = UdpSocket();
  const Addr everybody = Addr::Inet("127.255.255.255", 9);
  EXPECT_EQ(-EACCES, s.SendTo("x", everybody));
  EXPECT_EQ(-EACCES, s.Connect(everybody));
  EXPECT_EQ(0, s.Set(SOL_SOCKET, SO_BROADCAST, 1));
  EXPECT_EQ(1, s.SendTo("x", everybody));
}

TEST_P(Udp, BroadcastReachesTheWildcard) {
  const Sock receiver = Bound(UdpSocket(), Addr::Inet("0.0.0.0"));
  const Sock s = BoundUdp();
  s.Set(SOL_SOCKET, SO_BROADCAST, 1);
  EXPECT_EQ(2, s.SendTo("hi", Addr::Inet("127.255.255.255", receiver.Name().port())));
  Addr from;
  EXPECT_EQ("hi", receiver.ReadFrom(&from));
  EXPECT_EQ(s.Name(), from);
}

TEST_P(Udp, FionreadTellsTheNextDatagramsLength) {
  const auto [a, b] = UdpPair();
  EXPECT_EQ(0, b.IoctlInt(FIONREAD));
  a.Send("hello");
  a.Send("longer text");
  EXPECT_EQ(5, b.IoctlInt(FIONREAD));
  b.Read();
  EXPECT_EQ(11, b.IoctlInt(FIONREAD));
}

TEST_P(Udp, ShutdownEndsReceiving) {
  const auto pair = UdpPair();
  auto reader = InBackground([&] { return pair.first.Recv(); });
  EXPECT_EQ(0, pair.first.Shutdown(SHUT_RD));
  EXPECT_EQ(0, reader.get());
  EXPECT_EQ(-ENOTCONN, BoundUdp().Shutdown(SHUT_RD));
}

TEST_P(Udp, SendingAfterShutdownIsEPIPE) {
  const auto [a, b] = UdpPair();
  EXPECT_EQ(0, a.Shutdown(SHUT_WR));
  EXPECT_EQ(-EPIPE, a.Send("x", MSG_NOSIGNAL));
}

TEST_P(Udp, OutOfBandDataIsNotSupported) {
  const auto [a, b] = UdpPair();
  EXPECT_EQ(-EOPNOTSUPP, a.Send("x", MSG_OOB));
}

TEST_P(Udp, MoreJoinsPiecesToOneDatagram) {
  const auto [a, b] = UdpPair();
  EXPECT_EQ(2, a.Send("ab", MSG_MORE));
  EXPECT_EQ(2, a.Send("cd"));
  EXPECT_EQ("abcd", b.Read());
}

}  // namespace
