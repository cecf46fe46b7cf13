// SPDX-License-Identifier: Apache-2.0
//
// TCP: listen, connect, accept.
#include <fcntl.h>
#include <netinet/tcp.h>

#include "support.h"

using namespace contract;

namespace {

CONTRACT_SUITE(Tcp);

TEST_P(Tcp, ConnectToAClosedPortIsRefused) {
  const Sock closed = ClosedPort();
  EXPECT_EQ(-ECONNREFUSED, TcpSocket().Connect(closed.Name()));
}

TEST_P(Tcp, ARefusedSocketCanConnectElsewhere) {
  const Sock closed = ClosedPort();
  const Sock listener = Listener();
  const Sock s = TcpSocket();
  EXPECT_EQ(-ECONNREFUSED, s.Connect(closed.Name()));
  EXPECT_EQ(0, s.Get(SOL_SOCKET, SO_ERROR)) << "connect has told it";
  EXPECT_EQ(0, s.Connect(listener.Name()));
}

TEST_P(Tcp, AKernelClientReachesTheListener) {
  auto [client, server] = StreamPair(Listener(), KernelSocket(AF_INET, SOCK_STREAM));
  EXPECT_EQ(5, client.Send("hello"));
  EXPECT_EQ("hello", server.Read());
  EXPECT_EQ(2, server.Send("yo"));
  EXPECT_EQ("yo", client.Read());
}

TEST_P(Tcp, AClientReachesTheKernelsListener) {
  Sock listener = Bound(KernelSocket(AF_INET, SOCK_STREAM));
  ASSERT_EQ(0, listener.Listen());
  auto [client, server] = StreamPair(std::move(listener), TcpSocket());
  EXPECT_EQ(5, client.Send("hello"));
  EXPECT_EQ("hello", server.Read());
}

TEST_P(Tcp, ConnectOnANonBlockingSocketIsInProgress) {
  const Sock listener = Listener();
  const Sock s = TcpSocket();
  s.SetNonBlocking();
  EXPECT_EQ(-EINPROGRESS, s.Connect(listener.Name()));
  EXPECT_EQ(POLLOUT, s.Wait(POLLOUT));
  EXPECT_EQ(0, s.Get(SOL_SOCKET, SO_ERROR));
  EXPECT_EQ(listener.Name(), s.Peer());
}

TEST_P(Tcp, AConnectInProgressCanBeRefused) {
  const Sock closed = ClosedPort();
  const Sock s = TcpSocket();
  s.SetNonBlocking();
  EXPECT_EQ(-EINPROGRESS, s.Connect(closed.Name()));
  EXPECT_TRUE(s.Wait(POLLOUT) & POLLERR);
  EXPECT_EQ(ECONNREFUSED, s.Get(SOL_SOCKET, SO_ERROR));
  EXPECT_EQ(0, s.Get(SOL_SOCKET, SO_ERROR)) << "told once";
}

TEST_P(Tcp, ARepeatedConnectTellsTheRefusal) {
  const Sock closed = ClosedPort();
  const Sock s = TcpSocket();
  s.SetNonBlocking();
  EXPECT_EQ(-EINPROGRESS, s.Connect(closed.Name()));
  EXPECT_TRUE(s.Wait(POLLOUT) & POLLERR);
  EXPECT_EQ(-ECONNREFUSED, s.Connect(closed.Name()));
}

TEST_P(Tcp, ARepeatedConnectTellsTheSuccessOnceAndThenEISCONN) {
  const Sock listener = Listener();
  const Sock s = TcpSocket();
  s.SetNonBlocking();
  EXPECT_EQ(-EINPROGRESS, s.Connect(listener.Name()));
  EXPECT_EQ(POLLOUT, s.Wait(POLLOUT));
  EXPECT_EQ(0, s.Connect(listener.Name()));
  EXPECT_EQ(-EISCONN, s.Connect(listener.Name()));
}

TEST_P(Tcp, ConnectOnAConnectedSocketIsEISCONN) {
  const auto [client, server] = TcpPair();
  EXPECT_EQ(-EISCONN, client.Connect(client.Peer()));
  EXPECT_EQ(-EISCONN, server.Connect(server.Peer()));
}

TEST_P(Tcp, ConnectWhileConnectingIsEALREADY) {
  const auto [listener, first] = FullListener();
  const Sock s = TcpSocket();
  s.SetNonBlocking();
  EXPECT_EQ(-EINPROGRESS, s.Connect(listener.Name()));
  EXPECT_EQ(-EALREADY, s.Connect(listener.Name()));
  EXPECT_EQ(0, s.Now(POLLOUT));
}

TEST_P(Tcp, ConnectIsUpAfterTheSendTimeout) {
  const auto [listener, first] = FullListener();
  const Sock s = TcpSocket();
  EXPECT_EQ(0, s.SetTimeout(SO_SNDTIMEO, 150));
  const Stopwatch watch;
  EXPECT_EQ(-EINPROGRESS, s.Connect(listener.Name()));
  EXPECT_LE(145, watch.ms());
  EXPECT_GT(5000, watch.ms());
  EXPECT_EQ(-EALREADY, s.Connect(listener.Name())) << "it goes on";
}

TEST_P(Tcp, AConnectThatWaitsFinishesWhenTheQueueHasRoom) {
  const auto [listener, first] = FullListener();
  const Sock s = TcpSocket();
  s.SetNonBlocking();
  EXPECT_EQ(-EINPROGRESS, s.Connect(listener.Name()));
  EXPECT_TRUE(listener.Accept());
  EXPECT_EQ(POLLOUT, s.Wait(POLLOUT)) << "at the second SYN, after a second";
  EXPECT_EQ(0, s.Get(SOL_SOCKET, SO_ERROR));
}

TEST_P(Tcp, SendingWhileConnectingIsEAGAIN) {
  const auto [listener, first] = FullListener();
  const Sock s = TcpSocket();
  s.SetNonBlocking();
  EXPECT_EQ(-EINPROGRESS, s.Connect(listener.Name()));
  EXPECT_EQ(-EAGAIN, s.Send("x"));
  EXPECT_EQ(-EAGAIN, s.Recv());
  EXPECT_EQ(-ENOTCONN, s.PeerResult());
}

TEST_P(Tcp, ConnectToTheWildcardReachesLoopback) {
  const Sock listener = Listener();
  const Sock s = TcpSocket();
  EXPECT_EQ(0, s.Connect(Addr::Inet("0.0.0.0", listener.Name().port())));
  EXPECT_EQ(listener.Name(), s.Peer());
}

TEST_P(Tcp, ConnectToUnspecEndsTheConnection) {
  auto [client, server] = TcpPair();
  EXPECT_EQ(0, client.Connect(Addr::Family(AF_UNSPEC)));
  EXPECT_EQ(-ENOTCONN, client.PeerResult());
  EXPECT_EQ("<ECONNRESET>", server.Read());
  const Sock listener = Listener();
  EXPECT_EQ(0, client.Connect(listener.Name()));
}

TEST_P(Tcp, AShortAddressToConnectToIsEINVAL) {
  Addr a = Addr::Loopback4(9);
  a.len = 10;
  EXPECT_EQ(-EINVAL, TcpSocket().Connect(a));
}

TEST_P(Tcp, ConnectToBroadcastIsRefused) {
  EXPECT_EQ(-ENETUNREACH, TcpSocket().Connect(Addr::Inet("127.255.255.255", 9)));
}

TEST_P(Tcp, ConnectWithoutARouteIsENETUNREACH) {
  EXPECT_EQ(-ENETUNREACH, TcpSocket().Connect(Addr::Inet("203.0.113.7", 9)));
}

TEST_P(Tcp, AListenersConnectIsEISCONN) {
  const Sock listener = Listener();
  EXPECT_EQ(-EISCONN, listener.Connect(Addr::Loopback4(9)));
}

TEST_P(Tcp, AcceptOnANonBlockingListenerIsEAGAIN) {
  const Sock listener = Listener();
  listener.SetNonBlocking();
  EXPECT_EQ(-EAGAIN, listener.Accept().fd());
  EXPECT_EQ(0, listener.Now(POLLIN));
}

TEST_P(Tcp, AcceptGivesThePeersAddress) {
  const Sock listener = Listener();
  const Sock client = TcpSocket();
  client.Connect(listener.Name());
  Addr from;
  const Sock server = listener.Accept(&from);
  EXPECT_EQ(client.Name(), from);
  EXPECT_EQ(from, server.Peer());
  EXPECT_EQ(listener.Name(), server.Name());
}

TEST_P(Tcp, AnAcceptedSocketBlocksThoughItsListenerDoesNot) {
  const Sock listener = Listener();
  listener.SetNonBlocking();
  const Sock client = TcpSocket();
  client.Connect(listener.Name());
  EXPECT_EQ(POLLIN, listener.Wait(POLLIN));
  const Sock server = listener.Accept();
  ASSERT_TRUE(server);
  EXPECT_FALSE(api().fcntl(server.fd(), F_GETFL, 0) & O_NONBLOCK);
}

TEST_P(Tcp, Accept4MakesANonBlockingSocket) {
  const Sock listener = Listener();
  const Sock client = TcpSocket();
  client.Connect(listener.Name());
  const Sock server = listener.Accept4(SOCK_NONBLOCK | SOCK_CLOEXEC);
  ASSERT_TRUE(server);
  EXPECT_TRUE(api().fcntl(server.fd(), F_GETFL, 0) & O_NONBLOCK);
  EXPECT_EQ(FD_CLOEXEC, api().fcntl(server.fd(), F_GETFD, 0));
  EXPECT_EQ(-EAGAIN, server.Recv());
}

TEST_P(Tcp, Accept4WithAnUnknownFlagIsEINVAL) {
  const Sock listener = Listener();
  EXPECT_EQ(-EINVAL, listener.Accept4(1).fd());
}

TEST_P(Tcp, AcceptWithoutListenIsEINVAL) {
  EXPECT_EQ(-EINVAL, Bound(TcpSocket()).Accept().fd());
  EXPECT_EQ(-EOPNOTSUPP, BoundUdp().Accept().fd());
}

TEST_P(Tcp, AcceptIsUpAfterTheReceiveTimeout) {
  const Sock listener = Listener();
  listener.SetTimeout(SO_RCVTIMEO, 150);
  const Stopwatch watch;
  EXPECT_EQ(-EAGAIN, listener.Accept().fd());
  EXPECT_LE(145, watch.ms());
  EXPECT_GT(5000, watch.ms());
}

TEST_P(Tcp, AcceptWaitsForAConnection) {
  const Sock listener = Listener();
  auto server = InBackground([&] { return listener.Accept(); });
  const Sock client = TcpSocket();
  EXPECT_EQ(0, client.Connect(listener.Name()));
  EXPECT_EQ(client.Name(), server.get().Peer());
}

TEST_P(Tcp, ConnectionsAreAcceptedInTheOrderTheyCame) {
  const Sock listener = Listener();
  const Sock a = TcpSocket(), b = TcpSocket(), c = TcpSocket();
  for (const Sock *s : {&a, &b, &c})
    EXPECT_EQ(0, s->Connect(listener.Name()));
  for (const Sock *s : {&a, &b, &c})
    EXPECT_EQ(s->Name(), listener.Accept().Peer());
}

TEST_P(Tcp, ManyClientsConnectAtOnce) {
  const Sock listener = Listener(Addr::Loopback4(), 128);
  std::vector<Sock> clients, servers;
  for (int i = 0; i < 50; i++) {
    clients.push_back(TcpSocket());
    clients.back().SetNonBlocking();
    EXPECT_EQ(-EINPROGRESS, clients.back().Connect(listener.Name()));
  }
  for (int i = 0; i < 50; i++)
    servers.push_back(listener.Accept());
  for (const Sock &client : clients)
    EXPECT_EQ(POLLOUT, client.Wait(POLLOUT));
  for (const Sock &server : servers)
    EXPECT_EQ(1, server.Send("x"));
  for (const Sock &client : clients)
    EXPECT_EQ(POLLIN, client.Wait(POLLIN));
}

TEST_P(Tcp, ListenBindsAnUnboundSocket) {
  const Sock s = TcpSocket();
  EXPECT_EQ(0, s.Listen());
  EXPECT_EQ("0.0.0.0", s.Name().ip());
  ASSERT_NE(0u, s.Name().port());
  EXPECT_EQ(0, TcpSocket().Connect(Addr::Loopback4(s.Name().port())));
}

TEST_P(Tcp, ListenIsForStreamsOnly) { EXPECT_EQ(-EOPNOTSUPP, BoundUdp().Listen()); }

TEST_P(Tcp, ListenOnAConnectedSocketIsEINVAL) {
  const auto [client, server] = TcpPair();
  EXPECT_EQ(-EINVAL, client.Listen());
}

TEST_P(Tcp, ListenMayBeRepeated) {
  const Sock listener = Listener(Addr::Loopback4(), 1);
  EXPECT_EQ(0, listener.Listen(20));
  EXPECT_EQ(0, TcpSocket().Connect(listener.Name()));
}

TEST_P(Tcp, AListenerTellsThatItAccepts) {
  EXPECT_EQ(1, Listener().Get(SOL_SOCKET, SO_ACCEPTCONN));
  EXPECT_EQ(0, Bound(TcpSocket()).Get(SOL_SOCKET, SO_ACCEPTCONN));
}

TEST_P(Tcp, AcceptedSocketsInheritOptions) {
  Sock listener = Listener();
  listener.Set(IPPROTO_TCP, TCP_NODELAY, 1);
  listener.Set(SOL_SOCKET, SO_KEEPALIVE, 1);
  const auto [client, server] = StreamPair(std::move(listener), TcpSocket());
  EXPECT_EQ(1, server.Get(IPPROTO_TCP, TCP_NODELAY));
  EXPECT_EQ(1, server.Get(SOL_SOCKET, SO_KEEPALIVE));
  EXPECT_EQ(0, client.Get(IPPROTO_TCP, TCP_NODELAY));
}

TEST_P(Tcp, ClosingAListenerResetsWhatItDidNotAccept) {
  Sock listener = Listener();
  const Addr at = listener.Name();
  const Sock client = TcpSocket();
  EXPECT_EQ(0, client.Connect(at));
  EXPECT_EQ(POLLIN, listener.Wait(POLLIN));
  EXPECT_EQ(0, listener.Close());
  EXPECT_EQ("<ECONNRESET>", client.Read());
  EXPECT_EQ(-ECONNREFUSED, TcpSocket().Connect(at));
}

TEST_P(Tcp, AConnectionThatWasResetIsAcceptedStill) {
  const Sock listener = Listener();
  Sock client = TcpSocket();
  client.Connect(listener.Name());
  const linger now = {1, 0};
  client.Set(SOL_SOCKET, SO_LINGER, now);
  client.Close();
  const Sock server = listener.Accept();
  ASSERT_TRUE(server);
  EXPECT_EQ("<ECONNRESET>", server.Read());
}

TEST_P(Tcp, ShutdownWakesAWaitingAccept) {
  const Sock listener = Listener();
  auto accepted = InBackground([&] { return listener.Accept().fd(); });
  EXPECT_EQ(0, listener.Shutdown(SHUT_RD));
  EXPECT_EQ(-EINVAL, accepted.get());
}

TEST_P(Tcp, Inet6ConnectsLikeInet4) {
  const auto [client, server] =
      StreamPair(Listener(Addr::Loopback6()), Socket(AF_INET6, SOCK_STREAM));
  EXPECT_EQ("::1", server.Peer().ip());
  EXPECT_EQ(2, client.Send("hi"));
  EXPECT_EQ("hi", server.Read());
}

}  // namespace
