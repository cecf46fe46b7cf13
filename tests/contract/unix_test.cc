// SPDX-License-Identifier: Apache-2.0
//
// AF_UNIX pairs: streams, datagrams, sequenced packets.
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/un.h>

#include "support.h"

using namespace contract;

namespace {

CONTRACT_SUITE(Unix);

constexpr int kTypes[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};

TEST_P(Unix, APairTalksBothWays) {
  for (int type : kTypes) {
    const auto [a, b] = UnixPair(type);
    EXPECT_EQ(5, a.Send("hello"));
    EXPECT_EQ("hello", b.Read());
    EXPECT_EQ(2, b.Send("yo"));
    EXPECT_EQ("yo", a.Read());
  }
}

TEST_P(Unix, AStreamHasNoBoundaries) {
  const auto [a, b] = UnixPair(SOCK_STREAM);
  a.Send("ab");
  a.Send("cd");
  EXPECT_EQ("abcd", b.Read());
}

TEST_P(Unix, DatagramsAndPacketsKeepTheirBoundaries) {
  for (int type : {SOCK_DGRAM, SOCK_SEQPACKET}) {
    const auto [a, b] = UnixPair(type);
    a.Send("ab");
    a.Send("cd");
    EXPECT_EQ("ab", b.Read());
    EXPECT_EQ("cd", b.Read());
  }
}

TEST_P(Unix, WhatDoesNotFitIsMarkedAndLost) {
  for (int type : {SOCK_DGRAM, SOCK_SEQPACKET}) {
    const auto [a, b] = UnixPair(type);
    a.Send("hello");
    a.Send("next");
    const Received m = b.ReadMessage(0, Received({2}));
    EXPECT_EQ("he", m.data);
    EXPECT_TRUE(m.flags & MSG_TRUNC);
    EXPECT_EQ("next", b.Read());
  }
}

TEST_P(Unix, TruncTellsTheRealLength) {
  for (int type : {SOCK_DGRAM, SOCK_SEQPACKET}) {
    const auto [a, b] = UnixPair(type);
    a.Send("hello");
    EXPECT_EQ(5, b.Recv(2, MSG_TRUNC));
  }
}

TEST_P(Unix, EndOfRecordMayBeSaid) {
  const auto [a, b] = UnixPair(SOCK_SEQPACKET);
  EXPECT_EQ(5, a.Send("hello", MSG_EOR));
  EXPECT_EQ("hello", b.ReadMessage().data);
}

TEST_P(Unix, AnEmptyDatagramIsReceived) {
  const auto [a, b] = UnixPair(SOCK_DGRAM);
  EXPECT_EQ(0, a.Send(""));
  a.Send("x");
  EXPECT_EQ("", b.Read());
  EXPECT_EQ("x", b.Read());
}

TEST_P(Unix, PeekLeavesTheData) {
  for (int type : kTypes) {
    const auto [a, b] = UnixPair(type);
    a.Send("hello");
    EXPECT_EQ("hello", b.Read(10, MSG_PEEK));
    EXPECT_EQ("hello", b.Read());
    EXPECT_EQ(-EAGAIN, b.Recv(1, MSG_DONTWAIT));
  }
}

TEST_P(Unix, CloseIsTheEnd) {
  for (int type : {SOCK_STREAM, SOCK_SEQPACKET}) {
    auto [a, b] = UnixPair(type);
    a.Send("last");
    a.Close();
    EXPECT_EQ("last", b.Read());
    EXPECT_EQ("", b.Read());
    EXPECT_EQ(-EPIPE, b.Send("x", MSG_NOSIGNAL));
  }
}

TEST_P(Unix, ClosingWithUnreadDataResetsThePeer) {
  auto [a, b] = UnixPair(SOCK_STREAM);
  a.Send("unread");
  b.Close();
  EXPECT_EQ("<ECONNRESET>", a.Read());
  EXPECT_EQ("", a.Read());
}

TEST_P(Unix, SendingADatagramToAClosedPeerIsRefused) {
  auto [a, b] = UnixPair(SOCK_DGRAM);
  b.Close();
  EXPECT_EQ(-ECONNREFUSED, a.Send("x"));
}

TEST_P(Unix, AHalfClosedPairStillReceives) {
  const auto [a, b] = UnixPair(SOCK_STREAM);
  EXPECT_EQ(0, a.Shutdown(SHUT_WR));
  EXPECT_EQ("", b.Read());
  EXPECT_EQ(2, b.Send("hi"));
  EXPECT_EQ("hi", a.Read());
  EXPECT_EQ(-EPIPE, a.Send("x", MSG_NOSIGNAL));
}

TEST_P(Unix, AFullDatagramQueueIsEAGAINUntilItIsRead) {
  const auto [a, b] = UnixPair(SOCK_DGRAM);
  int sent = 0;
  while (sent < 10000 && a.Send("x", MSG_DONTWAIT) == 1)
    sent++;
  EXPECT_LT(0, sent);
  EXPECT_EQ(-EAGAIN, a.Send("x", MSG_DONTWAIT));
  EXPECT_EQ(0, a.Now(POLLOUT));
  while (sent-- > 0)
    EXPECT_EQ("x", b.Read());
  EXPECT_EQ(POLLOUT, a.Wait(POLLOUT));
}

TEST_P(Unix, ABlockedDatagramSendGoesWhenThereIsRoom) {
  const auto pair = UnixPair(SOCK_DGRAM);
  while (pair.first.Send("x", MSG_DONTWAIT) == 1)
    continue;
  auto sender = InBackground([&] { return pair.first.Send("waited"); });
  std::string last;
  for (int i = 0; i < 10000 && last != "waited"; i++)
    last = pair.second.Read();
  EXPECT_EQ("waited", last);
  EXPECT_EQ(6, sender.get());
}

TEST_P(Unix, AFullStreamIsEAGAINUntilItIsRead) {
  const auto [a, b] = UnixPair(SOCK_STREAM);
  const size_t filled = Fill(a);
  EXPECT_EQ(-EAGAIN, a.Send("x", MSG_DONTWAIT));
  EXPECT_EQ(filled, b.ReadAll(filled).size());
  EXPECT_EQ(POLLOUT, a.Wait(POLLOUT));
}

TEST_P(Unix, ABlockingSendIsWhole) {
  const auto pair = UnixPair(SOCK_STREAM);
  const std::string much = Pattern(4 << 20);
  auto sender = InBackground([&] { return pair.first.Send(much); });
  EXPECT_TRUE(much == pair.second.ReadAll(much.size()));
  EXPECT_EQ(static_cast<long>(much.size()), sender.get());
}

TEST_P(Unix, WaitallJoinsWhatComesInPieces) {
  const auto pair = UnixPair(SOCK_STREAM);
  auto reader = InBackground([&] { return pair.second.Read(6, MSG_WAITALL); });
  for (const char *piece : {"ab", "cd", "ef"}) {
    pair.first.Send(piece);
    pair.first.Wait(POLLIN, 10);
  }
  EXPECT_EQ("abcdef", reader.get());
}

TEST_P(Unix, ADatagramLargerThanTheBufferIsEMSGSIZE) {
  const auto [a, b] = UnixPair(SOCK_DGRAM);
  const auto size = static_cast<size_t>(a.Get(SOL_SOCKET, SO_SNDBUF));
  EXPECT_EQ(-EMSGSIZE, a.Send(std::string(size + 1000, 'x')));
}

TEST_P(Unix, PeercredIsThere) {
  const auto [a, b] = UnixPair(SOCK_STREAM);
  ucred who = {};
  socklen_t len = sizeof(who);
  EXPECT_EQ(0, a.GetRaw(SOL_SOCKET, SO_PEERCRED, &who, &len));
  EXPECT_EQ(sizeof(who), len);
  EXPECT_LT(0, who.pid);
}

TEST_P(Unix, PasscredTellsTheSender) {
  const auto [a, b] = UnixPair(SOCK_DGRAM);
  EXPECT_EQ(0, b.Set(SOL_SOCKET, SO_PASSCRED, 1));
  EXPECT_EQ(1, b.Get(SOL_SOCKET, SO_PASSCRED));
  a.Send("x");
  const auto who = b.ReadMessage().Control<ucred>(SOL_SOCKET, SCM_CREDENTIALS);
  ASSERT_TRUE(who);
  EXPECT_LT(0, who->pid);
}

TEST_P(Unix, APairsEndsAreUnnamed) {
  const auto [a, b] = UnixPair(SOCK_STREAM);
  EXPECT_EQ(Addr::Family(AF_UNIX), a.Name());
  EXPECT_EQ(Addr::Family(AF_UNIX), a.Peer());
}

TEST_P(Unix, FionreadAndOutqTellTheSameBytes) {
  const auto [a, b] = UnixPair(SOCK_STREAM);
  a.Send("hello");
  EXPECT_EQ(5, b.IoctlInt(FIONREAD));
  EXPECT_LT(0, a.IoctlInt(SIOCOUTQ));
  b.Read();
  EXPECT_EQ(0, b.IoctlInt(FIONREAD));
  EXPECT_EQ(0, a.IoctlInt(SIOCOUTQ));
}

TEST_P(Unix, TheReceiveTimeoutIsEAGAIN) {
  const auto [a, b] = UnixPair(SOCK_STREAM);
  b.SetTimeout(SO_RCVTIMEO, 150);
  const Stopwatch watch;
  EXPECT_EQ(-EAGAIN, b.Recv());
  EXPECT_LE(145, watch.ms());
}

TEST_P(Unix, SendingWithoutAPeerIsENOTCONN) {
  EXPECT_EQ(-ENOTCONN, Socket(AF_UNIX, SOCK_STREAM).Send("x", MSG_NOSIGNAL));
  EXPECT_EQ(-ENOTCONN, Socket(AF_UNIX, SOCK_DGRAM).Send("x"));
  EXPECT_EQ(-ENOTCONN, Socket(AF_UNIX, SOCK_SEQPACKET).Recv());
}

TEST_P(Unix, OptionsOfOtherFamiliesAreNotSupported) {
  const auto [a, b] = UnixPair(SOCK_STREAM);
  EXPECT_EQ(-EOPNOTSUPP, a.Set(IPPROTO_IP, IP_TTL, 3));
  EXPECT_EQ(-EOPNOTSUPP, a.GetResult(IPPROTO_IP, IP_TTL));
}

}  // namespace
