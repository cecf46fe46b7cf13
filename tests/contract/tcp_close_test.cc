// SPDX-License-Identifier: Apache-2.0
//
// TCP: how connections end.
#include <netinet/tcp.h>

#include "support.h"

using namespace contract;

namespace {

CONTRACT_SUITE(TcpClose);

constexpr linger kReset = {1, 0};

TEST_P(TcpClose, CloseIsTheEndOfThePeersStream) {
  auto [a, b] = TcpPair();
  EXPECT_EQ(0, a.Close());
  EXPECT_EQ("", b.Read());
  EXPECT_EQ(0, b.Recv()) << "as often as asked";
}

TEST_P(TcpClose, WhatWasSentBeforeTheEndIsReadFirst) {
  auto [a, b] = TcpPair();
  a.Send("last words");
  a.Close();
  EXPECT_EQ("last words", b.ReadAll(100));
  EXPECT_EQ("", b.Read());
}

TEST_P(TcpClose, CloseLosesNothingThatWasQueued) {
  auto [a, b] = TcpPair();
  const size_t filled = Fill(a);
  a.Close();
  EXPECT_EQ(filled, b.ReadAll(filled + 1).size());
}

TEST_P(TcpClose, AHalfClosedConnectionStillReceives) {
  const auto [a, b] = TcpPair();
  a.Send("question");
  EXPECT_EQ(0, a.Shutdown(SHUT_WR));
  EXPECT_EQ("question", b.ReadAll(100));
  EXPECT_EQ(6, b.Send("answer"));
  EXPECT_EQ("answer", a.Read());
}

TEST_P(TcpClose, SendingAfterShutdownIsEPIPE) {
  const auto [a, b] = TcpPair();
  a.Shutdown(SHUT_WR);
  EXPECT_EQ(-EPIPE, a.Send("x", MSG_NOSIGNAL));
}

TEST_P(TcpClose, ReadingAfterShutdownIsTheEnd) {
  const auto [a, b] = TcpPair();
  EXPECT_EQ(0, a.Shutdown(SHUT_RD));
  EXPECT_EQ("", a.Read());
  EXPECT_EQ(1, a.Send("x")) << "the other direction is open";
  EXPECT_EQ("x", b.Read());
}

TEST_P(TcpClose, ShutdownOfBothIsHangup) {
  const auto [a, b] = TcpPair();
  EXPECT_EQ(0, a.Shutdown(SHUT_RDWR));
  EXPECT_EQ("", a.Read());
  EXPECT_EQ(-EPIPE, a.Send("x", MSG_NOSIGNAL));
  EXPECT_TRUE(a.Wait(POLLIN) & POLLHUP);
  EXPECT_EQ("", b.Read());
}

TEST_P(TcpClose, ShutdownWakesAWaitingRead) {
  const auto pair = TcpPair();
  auto reader = InBackground([&] { return pair.first.Read(); });
  EXPECT_EQ(0, pair.first.Shutdown(SHUT_RD));
  EXPECT_EQ("", reader.get());
}

TEST_P(TcpClose, ShutdownWithoutAConnectionIsENOTCONN) {
  EXPECT_EQ(-ENOTCONN, TcpSocket().Shutdown(SHUT_RDWR));
}

TEST_P(TcpClose, ShutdownOfAnUnknownDirectionIsEINVAL) {
  const auto [a, b] = TcpPair();
  EXPECT_EQ(-EINVAL, a.Shutdown(3));
  EXPECT_EQ(-EINVAL, a.Shutdown(-1));
}

TEST_P(TcpClose, ShutdownMayBeRepeated) {
  const auto [a, b] = TcpPair();
  EXPECT_EQ(0, a.Shutdown(SHUT_WR));
  EXPECT_EQ(0, a.Shutdown(SHUT_WR));
}

TEST_P(TcpClose, ClosingWithUnreadDataResetsThePeer) {
  auto [a, b] = TcpPair();
  a.Send("unread");
  EXPECT_EQ(POLLIN, b.Wait(POLLIN));
  b.Close();
  EXPECT_TRUE(a.Wait(POLLIN) & POLLERR);
  EXPECT_EQ("<ECONNRESET>", a.Read());
}

TEST_P(TcpClose, LingerOfZeroResetsThePeer) {
  auto [a, b] = TcpPair();
  EXPECT_EQ(0, a.Set(SOL_SOCKET, SO_LINGER, kReset));
  EXPECT_EQ(0, a.Close());
  EXPECT_EQ("<ECONNRESET>", b.Read());
}

TEST_P(TcpClose, AResetIsToldOnce) {
  auto [a, b] = TcpPair();
  a.Set(SOL_SOCKET, SO_LINGER, kReset);
  a.Close();
  EXPECT_EQ("<ECONNRESET>", b.Read());
  EXPECT_EQ("", b.Read());
  EXPECT_EQ(-EPIPE, b.Send("x", MSG_NOSIGNAL));
}

TEST_P(TcpClose, AResetBehindMuchDataIsToldOnceItIsRead) {
  auto [a, b] = TcpPair();
  Fill(a);
  a.Set(SOL_SOCKET, SO_LINGER, kReset);
  a.Close();
  EXPECT_TRUE(b.Wait(0) & POLLHUP);
  long n, total = 0;
  while ((n = b.Recv(1 << 20)) > 0) total += n;
  EXPECT_LT(0, total);
  EXPECT_EQ(-ECONNRESET, n);
  EXPECT_EQ(0, b.Recv());
}

TEST_P(TcpClose, AResetWakesAWaitingRead) {
  auto [a, b] = TcpPair();
  auto reader = InBackground([&s = b] { return s.Read(); });
  a.Set(SOL_SOCKET, SO_LINGER, kReset);
  a.Close();
  EXPECT_EQ("<ECONNRESET>", reader.get());
}

TEST_P(TcpClose, AResetWakesAWaitingSend) {
  auto [a, b] = TcpPair();
  Fill(b);
  // The kernel may find room for a few more first.
  auto writer = InBackground([&s = b] {
    long n;
    do n = s.Send("one more", MSG_NOSIGNAL);
    while (n > 0);
    return n;
  });
  a.Set(SOL_SOCKET, SO_LINGER, kReset);
  a.Close();
  EXPECT_EQ(-ECONNRESET, writer.get());
}

TEST_P(TcpClose, SoErrorTellsTheResetAndForgetsIt) {
  auto [a, b] = TcpPair();
  a.Set(SOL_SOCKET, SO_LINGER, kReset);
  a.Close();
  EXPECT_TRUE(b.Wait(POLLIN) & POLLERR);
  EXPECT_EQ(ECONNRESET, b.Get(SOL_SOCKET, SO_ERROR));
  EXPECT_EQ(0, b.Get(SOL_SOCKET, SO_ERROR));
  EXPECT_EQ("", b.Read());
}

TEST_P(TcpClose, SendingToAClosedPeerEndsInEPIPE) {
  auto [a, b] = TcpPair();
  b.Close();
  EXPECT_EQ("", a.Read());
  EXPECT_EQ(1, a.Send("x")) << "answered by a reset";
  EXPECT_TRUE(a.Wait(POLLPRI) & POLLERR);
  EXPECT_EQ(-EPIPE, a.Send("x", MSG_NOSIGNAL));
}

TEST_P(TcpClose, LingerWaitsAsLongAsItSays) {
  auto [a, b] = TcpPair();
  const linger second = {1, 1};
  EXPECT_EQ(0, a.Set(SOL_SOCKET, SO_LINGER, second));
  Fill(a);
  const Stopwatch watch;
  EXPECT_EQ(0, a.Close());
  EXPECT_LE(900, watch.ms());
  EXPECT_GT(10000, watch.ms());
}

TEST_P(TcpClose, LingerEndsWhenAllIsAcknowledged) {
  auto [a, b] = TcpPair();
  const linger long_time = {1, 30};
  EXPECT_EQ(0, a.Set(SOL_SOCKET, SO_LINGER, long_time));
  const size_t filled = Fill(a);
  const Stopwatch watch;
  auto closer = InBackground([&s = a] { return s.Close(); });
  EXPECT_EQ(filled, b.ReadAll(filled + 1).size());
  EXPECT_EQ(0, closer.get());
  EXPECT_GT(20000, watch.ms());
}

TEST_P(TcpClose, LingerWithNothingToWaitForIsQuick) {
  auto [a, b] = TcpPair();
  const linger long_time = {1, 30};
  EXPECT_EQ(0, a.Set(SOL_SOCKET, SO_LINGER, long_time));
  EXPECT_EQ("", (b.Shutdown(SHUT_WR), a.Read()));
  const Stopwatch watch;
  EXPECT_EQ(0, a.Close());
  EXPECT_GT(10000, watch.ms());
  EXPECT_EQ("", b.Read());
}

TEST_P(TcpClose, TcpInfoTellsThatThePeerHasClosed) {
  auto [a, b] = TcpPair();
  EXPECT_EQ(TCP_ESTABLISHED, a.Get<tcp_info>(IPPROTO_TCP, TCP_INFO).tcpi_state);
  b.Close();
  EXPECT_EQ("", a.Read());
  EXPECT_EQ(TCP_CLOSE_WAIT, a.Get<tcp_info>(IPPROTO_TCP, TCP_INFO).tcpi_state);
}

TEST_P(TcpClose, AKernelPeerSeesTheEnd) {
  auto [client, server] = StreamPair(Listener(), KernelSocket(AF_INET, SOCK_STREAM));
  server.Send("bye");
  server.Close();
  EXPECT_EQ("bye", client.ReadAll(10));
  EXPECT_EQ("", client.Read());
}

TEST_P(TcpClose, AKernelPeerSeesTheReset) {
  auto [client, server] = StreamPair(Listener(), KernelSocket(AF_INET, SOCK_STREAM));
  server.Set(SOL_SOCKET, SO_LINGER, kReset);
  server.Close();
  EXPECT_EQ("<ECONNRESET>", client.Read());
}

}  // namespace
