// SPDX-License-Identifier: Apache-2.0
//
// MPTCP (RFC 8684): TCP over more than one path, of which loopback is one.
#include <linux/mptcp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "support.h"

using namespace contract;

namespace {

constexpr int kLevel = 284;  // SOL_MPTCP

class Mptcp : public FamilyContract {
 protected:
  Mptcp() : FamilyContract("MPTCP", AF_INET, SOCK_STREAM, IPPROTO_MPTCP) {}

  Sock MptcpListener() const {
    Sock s = Bound(Socket());
    Must(s.Listen(), "listen");
    return s;
  }
  Pair Connected() const { return StreamPair(MptcpListener(), Socket()); }
};
CONTRACT_FIXTURE(Mptcp);

TEST_P(Mptcp, AStreamTalksBothWays) {
  const auto [client, server] = Connected();
  const std::string much = Pattern(1 << 20);
  auto sent = InBackground([&] { return client.Send(much); });
  EXPECT_EQ(much, server.ReadAll(much.size()));
  EXPECT_EQ(static_cast<long>(much.size()), sent.get());
  EXPECT_EQ(2, server.Send("hi"));
  EXPECT_EQ("hi", client.Read());
}

TEST_P(Mptcp, BothEndsSayThatItIsOne) {
  const auto [client, server] = Connected();
  EXPECT_EQ(IPPROTO_MPTCP, client.Get(SOL_SOCKET, SO_PROTOCOL));
  EXPECT_EQ(IPPROTO_MPTCP, server.Get(SOL_SOCKET, SO_PROTOCOL));
  const auto info = client.Get<mptcp_info>(kLevel, MPTCP_INFO);
  EXPECT_NE(0u, info.mptcpi_token);
  EXPECT_EQ(0u, info.mptcpi_flags & MPTCP_INFO_FLAG_FALLBACK);
}

TEST_P(Mptcp, ThePeersAreNamedBothWays) {
  const auto [client, server] = Connected();
  EXPECT_EQ(client.Name(), server.Peer());
  EXPECT_EQ(server.Name(), client.Peer());
}

TEST_P(Mptcp, WithAnOrdinaryPeerItIsTcp) {
  const Sock listener = Listener(), client = Socket();
  ASSERT_EQ(0, client.Connect(listener.Name()));
  const Sock server = listener.Accept();
  EXPECT_EQ(5, client.Send("hello"));
  EXPECT_EQ("hello", server.Read());
}

TEST_P(Mptcp, NobodyAtThePortIsRefused) {
  EXPECT_EQ(-ECONNREFUSED, Socket().Connect(ClosedPort().Name()));
}

TEST_P(Mptcp, AConnectThatMayNotWaitIsInProgress) {
  const Sock listener = MptcpListener(), client = Socket();
  client.SetNonBlocking();
  EXPECT_EQ(-EINPROGRESS, client.Connect(listener.Name()));
  EXPECT_TRUE(client.Wait(POLLOUT) & POLLOUT);
  EXPECT_EQ(0, client.Get(SOL_SOCKET, SO_ERROR));
}

TEST_P(Mptcp, TheEndOfAStreamIsReadAsSuch) {
  const auto [client, server] = Connected();
  client.Send("last");
  EXPECT_EQ(0, client.Shutdown(SHUT_WR));
  EXPECT_EQ("last", server.Read());
  EXPECT_EQ("", server.Read());
  EXPECT_EQ(4, server.Send("back"));
  EXPECT_EQ("back", client.Read());
}

TEST_P(Mptcp, TcpsOptionsAreReadBack) {
  const Sock s = Socket();
  EXPECT_EQ(0, s.Set(IPPROTO_TCP, TCP_NODELAY, 1));
  EXPECT_EQ(0, s.Set(SOL_SOCKET, SO_KEEPALIVE, 1));
  EXPECT_EQ(1, s.Get(SOL_SOCKET, SO_KEEPALIVE));
}

}  // namespace
