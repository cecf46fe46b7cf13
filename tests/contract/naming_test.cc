// SPDX-License-Identifier: Apache-2.0
//
// bind, getsockname, getpeername, and lengths of addresses.
#include "support.h"

using namespace contract;

namespace {

CONTRACT_SUITE(Naming);

// An address of the documentation's range, which nobody here has.
Addr Foreign(unsigned port = 0) { return Addr::Inet("203.0.113.7", port); }

TEST_P(Naming, BindingToPortZeroGetsAPort) {
  for (int type : {SOCK_STREAM, SOCK_DGRAM}) {
    const Sock s = Socket(AF_INET, type);
    EXPECT_EQ(0, s.Bind(Addr::Loopback4(0)));
    EXPECT_NE(0u, s.Name().port());
    EXPECT_EQ("127.0.0.1", s.Name().ip());
    EXPECT_EQ(sizeof(sockaddr_in), s.Name().len);
  }
}

TEST_P(Naming, TheNameBeforeBindIsTheWildcard) {
  EXPECT_EQ(Addr::Inet("0.0.0.0", 0), TcpSocket().Name());
  EXPECT_EQ(Addr::Inet6("::", 0), Udp6Socket().Name());
}

TEST_P(Naming, BindingTwiceIsEINVAL) {
  const Sock s = BoundUdp();
  EXPECT_EQ(-EINVAL, s.Bind(Addr::Loopback4()));
}

TEST_P(Naming, ATakenPortIsEADDRINUSE) {
  const Sock udp = BoundUdp();
  EXPECT_EQ(-EADDRINUSE, UdpSocket().Bind(udp.Name()));
  const Sock tcp = Listener();
  EXPECT_EQ(-EADDRINUSE, TcpSocket().Bind(tcp.Name()));
}

TEST_P(Naming, AFailedBindCanBeRepeatedElsewhere) {
  const Sock taken = BoundUdp();
  const Sock s = UdpSocket();
  EXPECT_EQ(-EADDRINUSE, s.Bind(taken.Name()));
  EXPECT_EQ(0, s.Bind(Addr::Loopback4()));
  EXPECT_NE(taken.Name(), s.Name());
}

TEST_P(Naming, TcpAndUdpPortsAreApart) {
  const Sock tcp = Bound(TcpSocket());
  EXPECT_EQ(0, UdpSocket().Bind(tcp.Name()));
}

TEST_P(Naming, TheWildcardTakesThePortOnEveryAddress) {
  const Sock any = Bound(UdpSocket(), Addr::Inet("0.0.0.0"));
  EXPECT_EQ("0.0.0.0", any.Name().ip());
  EXPECT_EQ(-EADDRINUSE, UdpSocket().Bind(Addr::Loopback4(any.Name().port())));
}

TEST_P(Naming, TheSamePortOnAnotherAddressIsFree) {
  const Sock s = BoundUdp();
  EXPECT_EQ(0, UdpSocket().Bind(Addr::Inet("127.0.0.2", s.Name().port())));
}

TEST_P(Naming, ReuseAddrLetsDatagramSocketsShareAPort) {
  const Sock a = UdpSocket(), b = UdpSocket();
  EXPECT_EQ(0, a.Set(SOL_SOCKET, SO_REUSEADDR, 1));
  EXPECT_EQ(0, b.Set(SOL_SOCKET, SO_REUSEADDR, 1));
  EXPECT_EQ(0, a.Bind(Addr::Loopback4()));
  EXPECT_EQ(0, b.Bind(a.Name()));
}

TEST_P(Naming, ReuseAddrDoesNotShareAListenersPort) {
  const Sock listener = TcpSocket(), other = TcpSocket();
  listener.Set(SOL_SOCKET, SO_REUSEADDR, 1);
  other.Set(SOL_SOCKET, SO_REUSEADDR, 1);
  EXPECT_EQ(0, listener.Bind(Addr::Loopback4()));
  EXPECT_EQ(0, listener.Listen());
  EXPECT_EQ(-EADDRINUSE, other.Bind(listener.Name()));
}

TEST_P(Naming, ReuseAddrTakesAPortWithDyingConnections) {
  Sock listener = TcpSocket();
  EXPECT_EQ(0, listener.Set(SOL_SOCKET, SO_REUSEADDR, 1));
  EXPECT_EQ(0, listener.Bind(Addr::Loopback4()));
  EXPECT_EQ(0, listener.Listen());
  const Addr at = listener.Name();
  auto [client, server] = StreamPair(std::move(listener), TcpSocket());
  EXPECT_EQ(0, server.Shutdown(SHUT_WR));
  EXPECT_EQ("", client.Read());
  client.Close();
  EXPECT_EQ("", server.Read());
  server.Close();  // closed first, so it is in TIME_WAIT now
  EXPECT_EQ(-EADDRINUSE, TcpSocket().Bind(at));
  const Sock again = TcpSocket();
  EXPECT_EQ(0, again.Set(SOL_SOCKET, SO_REUSEADDR, 1));
  EXPECT_EQ(0, again.Bind(at));
  EXPECT_EQ(0, again.Listen());
}

TEST_P(Naming, ReusePortLetsListenersShareAPort) {
  const Sock a = TcpSocket(), b = TcpSocket();
  EXPECT_EQ(0, a.Set(SOL_SOCKET, SO_REUSEPORT, 1));
  EXPECT_EQ(0, b.Set(SOL_SOCKET, SO_REUSEPORT, 1));
  EXPECT_EQ(0, a.Bind(Addr::Loopback4()));
  EXPECT_EQ(0, a.Listen());
  EXPECT_EQ(0, b.Bind(a.Name()));
  EXPECT_EQ(0, b.Listen());
}

TEST_P(Naming, AnAddressOfSomebodyElseIsEADDRNOTAVAIL) {
  EXPECT_EQ(-EADDRNOTAVAIL, UdpSocket().Bind(Foreign()));
  EXPECT_EQ(-EADDRNOTAVAIL, TcpSocket().Bind(Foreign()));
}

TEST_P(Naming, FreebindTakesAnAddressOfSomebodyElse) {
  const Sock s = UdpSocket();
  EXPECT_EQ(0, s.Set(IPPROTO_IP, IP_FREEBIND, 1));
  EXPECT_EQ(0, s.Bind(Foreign()));
  EXPECT_EQ("203.0.113.7", s.Name().ip());
}

TEST_P(Naming, APrivilegedPortIsThereForThoseWhoMay) {
  const Sock s = UdpSocket();
  EXPECT_EQ(0, s.Bind(Addr::Loopback4(80)));
  EXPECT_EQ(80u, s.Name().port());
}

TEST_P(Naming, AShortAddressIsEINVAL) {
  Addr a = Addr::Loopback4();
  for (socklen_t len : {1u, 2u, 8u, 15u}) {
    a.len = len;
    EXPECT_EQ(-EINVAL, UdpSocket().Bind(a)) << len;
  }
}

TEST_P(Naming, AShortInet6AddressIsEINVAL) {
  Addr a = Addr::Loopback6();
  a.len = 20;
  EXPECT_EQ(-EINVAL, Udp6Socket().Bind(a));
}

TEST_P(Naming, AnAddressLongerThanAnyIsEINVAL) {
  std::vector<char> room(512);
  const Addr a = Addr::Loopback4();
  memcpy(room.data(), a.get(), a.len);
  const Sock s = UdpSocket();
  EXPECT_EQ(-EINVAL, Result(api().bind(s.fd(), reinterpret_cast<sockaddr *>(room.data()), 129)));
  EXPECT_EQ(-EINVAL, Result(api().connect(s.fd(), reinterpret_cast<sockaddr *>(room.data()), 500)));
}

TEST_P(Naming, AnAddressWithRoomToSpareIsTaken) {
  Addr a = Addr::Loopback4();
  a.len = sizeof(sockaddr_storage);
  const Sock s = UdpSocket();
  EXPECT_EQ(0, s.Bind(a));
  EXPECT_EQ(sizeof(sockaddr_in), s.Name().len);
}

TEST_P(Naming, AnAddressOfAnotherFamilyIsRefused) {
  EXPECT_EQ(-EAFNOSUPPORT, UdpSocket().Bind(Addr::Loopback6()));
  EXPECT_EQ(-EAFNOSUPPORT, TcpSocket().Connect(Addr::Loopback6(9)));
  EXPECT_EQ(-EINVAL, Udp6Socket().Bind(Addr::Loopback4())) << "too short for the family";
}

TEST_P(Naming, ANameThatDoesNotFitIsCutAndItsLengthTold) {
  const Sock s = BoundUdp();
  char room[64];
  memset(room, '?', sizeof(room));
  socklen_t len = 4;
  EXPECT_EQ(0, api().getsockname(s.fd(), reinterpret_cast<sockaddr *>(room), &len));
  EXPECT_EQ(sizeof(sockaddr_in), len);
  EXPECT_EQ(0, memcmp(room, s.Name().get(), 4));
  EXPECT_EQ('?', room[4]) << "no more than was asked for is written";
}

TEST_P(Naming, ANameOfNoRoomTellsItsLength) {
  const Sock s = BoundUdp();
  sockaddr_in untouched = {};
  socklen_t len = 0;
  EXPECT_EQ(0, api().getsockname(s.fd(), reinterpret_cast<sockaddr *>(&untouched), &len));
  EXPECT_EQ(sizeof(sockaddr_in), len);
  EXPECT_EQ(0, untouched.sin_family);
}

TEST_P(Naming, ANegativeLengthIsEINVAL) {
  const Sock s = BoundUdp();
  Addr a;
  auto len = static_cast<socklen_t>(-1);
  EXPECT_EQ(-EINVAL, Result(api().getsockname(s.fd(), a.get(), &len)));
}

TEST_P(Naming, ThePeersNameIsCutByAccept) {
  const Sock listener = Listener();
  const Sock client = TcpSocket();
  client.Connect(listener.Name());
  char room[64];
  memset(room, '?', sizeof(room));
  socklen_t len = 3;
  const Sock server(api(), api().accept(listener.fd(), reinterpret_cast<sockaddr *>(room), &len));
  ASSERT_TRUE(server);
  EXPECT_EQ(sizeof(sockaddr_in), len);
  EXPECT_EQ('?', room[3]);
}

TEST_P(Naming, ThePeersNameIsCutByRecvfrom) {
  const Sock s = BoundUdp();
  BoundUdp().SendTo("x", s.Name());
  char room[64], c = 0;
  memset(room, '?', sizeof(room));
  socklen_t len = 3;
  EXPECT_EQ(1, api().recvfrom(s.fd(), &c, 1, 0, reinterpret_cast<sockaddr *>(room), &len));
  EXPECT_EQ(sizeof(sockaddr_in), len);
  EXPECT_EQ('?', room[3]);
}

TEST_P(Naming, ThereIsNoPeerBeforeConnect) {
  EXPECT_EQ(-ENOTCONN, TcpSocket().PeerResult());
  EXPECT_EQ(-ENOTCONN, BoundUdp().PeerResult());
  EXPECT_EQ(-ENOTCONN, Listener().PeerResult());
}

TEST_P(Naming, BothEndsOfAConnectionTellTheSameNames) {
  const auto [client, server] = TcpPair();
  EXPECT_EQ(client.Name(), server.Peer());
  EXPECT_EQ(server.Name(), client.Peer());
}

TEST_P(Naming, ConnectGivesAnUnboundSocketItsName) {
  const Sock to = BoundUdp();
  const Sock s = UdpSocket();
  EXPECT_EQ(0, s.Connect(to.Name()));
  EXPECT_EQ("127.0.0.1", s.Name().ip());
  EXPECT_NE(0u, s.Name().port());
  EXPECT_EQ(to.Name(), s.Peer());
}

TEST_P(Naming, SendingGivesAnUnboundDatagramSocketAPort) {
  const Sock to = BoundUdp();
  const Sock s = UdpSocket();
  EXPECT_EQ(1, s.SendTo("x", to.Name()));
  EXPECT_EQ("0.0.0.0", s.Name().ip());
  EXPECT_NE(0u, s.Name().port());
}

TEST_P(Naming, AClientMayChooseItsAddress) {
  const Sock listener = Listener();
  const Sock client = Bound(TcpSocket(), Addr::Inet("127.0.0.9"));
  EXPECT_EQ(0, client.Connect(listener.Name()));
  Addr from;
  EXPECT_TRUE(listener.Accept(&from));
  EXPECT_EQ(client.Name(), from);
}

TEST_P(Naming, Inet6NamesHaveTheirOwnLength) {
  const Sock s = BoundUdp6();
  EXPECT_EQ("::1", s.Name().ip());
  EXPECT_EQ(sizeof(sockaddr_in6), s.Name().len);
}

TEST_P(Naming, AnInet6ListenerSeesInet4PeersAsMapped) {
  const Sock listener = Listener(Addr::Inet6("::"));
  const Sock client = TcpSocket();
  EXPECT_EQ(0, client.Connect(Addr::Loopback4(listener.Name().port())));
  Addr from;
  const Sock server = listener.Accept(&from);
  EXPECT_EQ("::ffff:127.0.0.1", from.ip());
  EXPECT_EQ("::ffff:127.0.0.1", server.Name().ip());
  EXPECT_EQ(client.Name().port(), from.port());
}

TEST_P(Naming, AnInet6SocketReachesInet4ByMappedAddresses) {
  const Sock listener = Listener();
  const Sock client = Socket(AF_INET6, SOCK_STREAM);
  EXPECT_EQ(0, client.Connect(Addr::Inet6("::ffff:127.0.0.1", listener.Name().port())));
  Addr from;
  EXPECT_TRUE(listener.Accept(&from));
  EXPECT_EQ(Addr::Loopback4(client.Name().port()), from);
}

TEST_P(Naming, V6OnlyKeepsInet4Out) {
  const Sock listener = Socket(AF_INET6, SOCK_STREAM);
  EXPECT_EQ(0, listener.Set(IPPROTO_IPV6, IPV6_V6ONLY, 1));
  EXPECT_EQ(0, listener.Bind(Addr::Inet6("::")));
  EXPECT_EQ(0, listener.Listen());
  EXPECT_EQ(-ECONNREFUSED, TcpSocket().Connect(Addr::Loopback4(listener.Name().port())));
}

TEST_P(Naming, V6OnlyLeavesThePortToInet4) {
  const Sock both = Bound(Udp6Socket(), Addr::Inet6("::"));
  EXPECT_EQ(-EADDRINUSE, UdpSocket().Bind(Addr::Inet("0.0.0.0", both.Name().port())));
  const Sock only = Udp6Socket();
  only.Set(IPPROTO_IPV6, IPV6_V6ONLY, 1);
  EXPECT_EQ(0, only.Bind(Addr::Inet6("::")));
  EXPECT_EQ(0, UdpSocket().Bind(Addr::Inet("0.0.0.0", only.Name().port())));
}

TEST_P(Naming, V6OnlyAfterBindIsEINVAL) {
  const Sock s = BoundUdp6();
  EXPECT_EQ(-EINVAL, s.Set(IPPROTO_IPV6, IPV6_V6ONLY, 1));
}

TEST_P(Naming, ALinkLocalAddressWantsAnInterface) {
  EXPECT_EQ(-EINVAL, Udp6Socket().Bind(Addr::Inet6("fe80::1")));
}

TEST_P(Naming, PeersNamesEndWithTheConnection) {
  auto [client, server] = TcpPair();
  const linger now = {1, 0};
  server.Set(SOL_SOCKET, SO_LINGER, now);
  server.Close();
  EXPECT_TRUE(client.Wait(POLLIN) & POLLHUP);
  EXPECT_EQ(-ENOTCONN, client.PeerResult());
}

}  // namespace
