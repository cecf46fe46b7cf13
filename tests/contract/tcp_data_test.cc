// SPDX-License-Identifier: Apache-2.0
//
// TCP: bytes, flags, waiting.
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>

#include "support.h"

using namespace contract;

namespace {

CONTRACT_SUITE(TcpData);

constexpr size_t kMiB = 1 << 20;

TEST_P(TcpData, BytesArriveBothWays) {
  const auto [a, b] = TcpPair();
  EXPECT_EQ(5, a.Send("hello"));
  EXPECT_EQ("hello", b.Read());
  EXPECT_EQ(7, b.Send("goodbye"));
  EXPECT_EQ("goodbye", a.Read());
}

TEST_P(TcpData, AReadTakesNoMoreThanItAsksFor) {
  const auto [a, b] = TcpPair();
  a.Send("abcdef");
  EXPECT_EQ("abc", b.Read(3));
  EXPECT_EQ("def", b.Read());
}

TEST_P(TcpData, AReadWaitsForData) {
  const auto pair = TcpPair();
  auto reader = InBackground([&] { return pair.second.Read(); });
  EXPECT_EQ(5, pair.first.Send("hello"));
  EXPECT_EQ("hello", reader.get());
}

TEST_P(TcpData, AWaitingReadDoesNotHoldUpAWrite) {
  const auto pair = TcpPair();
  auto reader = InBackground([&] { return pair.first.Read(); });
  EXPECT_EQ(4, pair.first.Send("ping"));
  EXPECT_EQ("ping", pair.second.Read());
  EXPECT_EQ(4, pair.second.Send("pong"));
  EXPECT_EQ("pong", reader.get());
}

TEST_P(TcpData, DontwaitIsEAGAINOnABlockingSocket) {
  const auto [a, b] = TcpPair();
  EXPECT_EQ(-EAGAIN, a.Recv(1, MSG_DONTWAIT));
}

TEST_P(TcpData, PeekLeavesTheData) {
  const auto [a, b] = TcpPair();
  a.Send("hello");
  EXPECT_EQ("hel", b.Read(3, MSG_PEEK));
  EXPECT_EQ("hello", b.Read(10, MSG_PEEK));
  EXPECT_EQ("hello", b.Read());
  EXPECT_EQ(-EAGAIN, b.Recv(1, MSG_DONTWAIT | MSG_PEEK));
}

TEST_P(TcpData, TruncThrowsBytesOfAStreamAway) {
  const auto [a, b] = TcpPair();
  a.Send("0123456789");
  char room[8] = "-------";
  EXPECT_EQ(4, api().recv(b.fd(), room, 4, MSG_TRUNC));
  EXPECT_STREQ("-------", room) << "nothing is written";
  EXPECT_EQ("456789", b.Read());
}

TEST_P(TcpData, WaitallJoinsWhatComesInPieces) {
  const auto pair = TcpPair();
  auto reader = InBackground([&] { return pair.second.Read(9, MSG_WAITALL); });
  for (const char *piece : {"abc", "def", "ghi"}) {
    EXPECT_EQ(3, pair.first.Send(piece));
    pair.first.Wait(POLLIN, 20);  // let the reader see a part
  }
  EXPECT_EQ("abcdefghi", reader.get());
}

TEST_P(TcpData, WaitallEndsWithTheStream) {
  const auto [a, b] = TcpPair();
  a.Send("abc");
  a.Shutdown(SHUT_WR);
  EXPECT_EQ("abc", b.Read(9, MSG_WAITALL));
  EXPECT_EQ("", b.Read(9, MSG_WAITALL));
}

TEST_P(TcpData, WaitallGivesWhatCameWhenTheTimeIsUp) {
  const auto [a, b] = TcpPair();
  b.SetTimeout(SO_RCVTIMEO, 150);
  a.Send("abc");
  const Stopwatch watch;
  EXPECT_EQ("abc", b.Read(9, MSG_WAITALL));
  EXPECT_LE(145, watch.ms());
}

TEST_P(TcpData, WaitallWithDontwaitTakesWhatThereIs) {
  const auto [a, b] = TcpPair();
  a.Send("abc");
  EXPECT_EQ(POLLIN, b.Wait(POLLIN));
  EXPECT_EQ("abc", b.Read(9, MSG_WAITALL | MSG_DONTWAIT));
}

TEST_P(TcpData, TheReceiveTimeoutIsEAGAIN) {
  const auto [a, b] = TcpPair();
  EXPECT_EQ(0, b.SetTimeout(SO_RCVTIMEO, 150));
  const Stopwatch watch;
  EXPECT_EQ(-EAGAIN, b.Recv());
  EXPECT_LE(145, watch.ms());
  EXPECT_GT(5000, watch.ms());
}

TEST_P(TcpData, TheSendTimeoutGivesWhatWasTaken) {
  const auto [a, b] = TcpPair();
  EXPECT_EQ(0, a.SetTimeout(SO_SNDTIMEO, 300));
  const std::string much(32 * kMiB, 'm');
  const long n = a.Send(much);
  EXPECT_LT(0, n);
  EXPECT_GT(static_cast<long>(much.size()), n);
  Fill(a);
  EXPECT_EQ(-EAGAIN, a.Send(much)) << "nothing was taken";
}

TEST_P(TcpData, ABlockingSendIsWholeThoughThePeerIsSlow) {
  const auto pair = TcpPair();
  const std::string much = Pattern(8 * kMiB);
  auto reader = InBackground([&] {
    std::string all;
    while (all.size() < much.size()) {
      pair.second.Wait(POLLPRI, 1);  // slow
      all += pair.second.ReadAll(std::min<size_t>(256 * 1024 + 1, much.size() - all.size()));
    }
    return all;
  });
  EXPECT_EQ(static_cast<long>(much.size()), pair.first.Send(much));
  EXPECT_TRUE(much == reader.get());
}

TEST_P(TcpData, ANonBlockingSendTakesAllThatThereIsRoomFor) {
  const auto [a, b] = TcpPair();
  EXPECT_LE(static_cast<long>(kMiB), a.Send(std::string(16 * kMiB, 'n'), MSG_DONTWAIT));
}

TEST_P(TcpData, ANonBlockingSendFillsTheQueueAndIsEAGAIN) {
  const auto [a, b] = TcpPair();
  a.SetNonBlocking();
  const size_t filled = Fill(a);
  EXPECT_LT(0u, filled);
  EXPECT_EQ(-EAGAIN, a.Send("x"));
  EXPECT_EQ(0, a.Now(POLLOUT));
  EXPECT_EQ(filled, b.ReadAll(filled).size());
  EXPECT_EQ(POLLOUT, a.Wait(POLLOUT));
  EXPECT_EQ(1, a.Send("x"));
}

TEST_P(TcpData, ALargeReadIsOneCall) {
  const auto pair = TcpPair();
  const std::string much = Pattern(3 * kMiB);
  auto writer = InBackground([&] { return pair.first.Send(much); });
  EXPECT_TRUE(much == pair.second.Read(much.size(), MSG_WAITALL));
  EXPECT_EQ(static_cast<long>(much.size()), writer.get());
}

TEST_P(TcpData, MegabytesGoBothWaysAtOnce) {
  const auto pair = TcpPair();
  const std::string much = Pattern(2 * kMiB);
  auto send_a = InBackground([&] { return pair.first.Send(much); });
  auto send_b = InBackground([&] { return pair.second.Send(much); });
  auto read_a = InBackground([&] { return pair.first.ReadAll(much.size()); });
  EXPECT_TRUE(much == pair.second.ReadAll(much.size()));
  EXPECT_TRUE(much == read_a.get());
  EXPECT_EQ(static_cast<long>(much.size()), send_a.get());
  EXPECT_EQ(static_cast<long>(much.size()), send_b.get());
}

TEST_P(TcpData, SmallAndLargeSendsKeepTheirOrder) {
  const auto pair = TcpPair();
  std::string all;
  for (int i = 0; i < 12; i++)
    all += Pattern(i % 2 ? 400000 : 3);
  auto reader = InBackground([&] { return pair.second.ReadAll(all.size()); });
  for (int i = 0; i < 12; i++) {
    const std::string piece = Pattern(i % 2 ? 400000 : 3);
    EXPECT_EQ(static_cast<long>(piece.size()), pair.first.Send(piece));
  }
  EXPECT_TRUE(all == reader.get());
}

TEST_P(TcpData, AZeroLengthSendIsNothing) {
  const auto [a, b] = TcpPair();
  EXPECT_EQ(0, a.Send(""));
  EXPECT_EQ(-EAGAIN, b.Recv(1, MSG_DONTWAIT));
  a.Send("x");
  EXPECT_EQ("x", b.Read());
}

TEST_P(TcpData, AZeroLengthReadTakesNothing) {
  const auto [a, b] = TcpPair();
  a.Send("x");
  EXPECT_EQ(POLLIN, b.Wait(POLLIN));
  EXPECT_EQ(0, b.Recv(0));
  EXPECT_EQ("x", b.Read());
}

TEST_P(TcpData, OneMessageGathersSeveralBuffers) {
  const auto [a, b] = TcpPair();
  EXPECT_EQ(9, a.SendMessage(Message({"ab", "", "cdef", "ghi"})));
  EXPECT_EQ("abcdefghi", b.Read());
}

TEST_P(TcpData, OneReadScattersIntoSeveralBuffers) {
  const auto [a, b] = TcpPair();
  a.Send("abcdefghi");
  const Received m = b.ReadMessage(0, Received({2, 0, 3, 100}));
  EXPECT_EQ(9, m.result);
  EXPECT_EQ("abcdefghi", m.data);
  EXPECT_EQ(0u, m.from.len) << "a stream tells no address";
}

TEST_P(TcpData, RecvfromOnAStreamTellsNoAddress) {
  const auto [a, b] = TcpPair();
  a.Send("x");
  Addr from;
  EXPECT_EQ("x", b.ReadFrom(&from));
  EXPECT_EQ(0u, from.len);
}

TEST_P(TcpData, AnAddressToSendToIsIgnoredOnAConnection) {
  const auto [a, b] = TcpPair();
  EXPECT_EQ(2, a.SendTo("hi", b.Name()));
  EXPECT_EQ("hi", b.Read());
}

TEST_P(TcpData, MoreHoldsASegmentBack) {
  const auto [a, b] = TcpPair();
  EXPECT_EQ(3, a.Send("abc", MSG_MORE));
  EXPECT_EQ(0, b.Wait(POLLIN, 50));
  EXPECT_EQ(3, a.Send("def"));
  EXPECT_EQ(POLLIN, b.Wait(POLLIN));
  EXPECT_EQ("abcdef", b.Read());
}

TEST_P(TcpData, CorkHoldsASegmentBack) {
  const auto [a, b] = TcpPair();
  EXPECT_EQ(0, a.Set(IPPROTO_TCP, TCP_CORK, 1));
  EXPECT_EQ(3, a.Send("abc"));
  EXPECT_EQ(0, b.Wait(POLLIN, 50));
  EXPECT_EQ(0, a.Set(IPPROTO_TCP, TCP_CORK, 0));
  EXPECT_EQ("abc", b.Read());
}

TEST_P(TcpData, RcvlowatHoldsReadinessBack) {
  const auto [a, b] = TcpPair();
  EXPECT_EQ(0, b.Set(SOL_SOCKET, SO_RCVLOWAT, 5));
  a.Send("ab");
  EXPECT_EQ(0, b.Wait(POLLIN, 50));
  a.Send("cde");
  EXPECT_EQ(POLLIN, b.Wait(POLLIN));
  EXPECT_EQ("abcde", b.Read());
}

TEST_P(TcpData, OutOfBandDataStandsApart) {
  const auto [a, b] = TcpPair();
  a.Send("ab");
  EXPECT_EQ(2, a.Send("c!", MSG_OOB));
  EXPECT_EQ(POLLPRI, b.Wait(POLLPRI));
  EXPECT_EQ("!", b.Read(1, MSG_OOB));
  EXPECT_EQ("abc", b.Read(10));
  EXPECT_EQ(-EINVAL, b.Recv(1, MSG_OOB)) << "it was read";
}

TEST_P(TcpData, WithoutOutOfBandDataItsReadIsEINVAL) {
  const auto [a, b] = TcpPair();
  a.Send("ab");
  EXPECT_EQ(POLLIN, b.Wait(POLLIN));
  EXPECT_EQ(-EINVAL, b.Recv(1, MSG_OOB));
}

TEST_P(TcpData, AReadStopsAtTheMark) {
  const auto [a, b] = TcpPair();
  a.Send("ab");
  a.Send("!", MSG_OOB);
  a.Send("cd");
  EXPECT_EQ(POLLPRI, b.Wait(POLLPRI));
  EXPECT_EQ(0, b.IoctlInt(SIOCATMARK));
  EXPECT_EQ("ab", b.Read(10));
  EXPECT_EQ(1, b.IoctlInt(SIOCATMARK));
  EXPECT_EQ("cd", b.Read(10));
  EXPECT_EQ(0, b.IoctlInt(SIOCATMARK));
}

TEST_P(TcpData, OutOfBandDataCanBeInline) {
  const auto [a, b] = TcpPair();
  EXPECT_EQ(0, b.Set(SOL_SOCKET, SO_OOBINLINE, 1));
  a.Send("ab");
  a.Send("!", MSG_OOB);
  EXPECT_EQ(POLLPRI, b.Wait(POLLPRI));
  EXPECT_EQ("ab", b.Read(10));
  EXPECT_EQ(1, b.IoctlInt(SIOCATMARK));
  EXPECT_EQ("!", b.Read(10));
}

TEST_P(TcpData, FionreadTellsTheUnreadBytes) {
  const auto [a, b] = TcpPair();
  EXPECT_EQ(0, b.IoctlInt(FIONREAD));
  a.Send("hello");
  EXPECT_EQ(POLLIN, b.Wait(POLLIN));
  EXPECT_EQ(5, b.IoctlInt(FIONREAD));
  b.Read(2);
  EXPECT_EQ(3, b.IoctlInt(FIONREAD));
}

TEST_P(TcpData, SiocoutqTellsTheUnacknowledgedBytes) {
  const auto [a, b] = TcpPair();
  EXPECT_EQ(0, a.IoctlInt(SIOCOUTQ));
  const size_t filled = Fill(a);
  const int queued = a.IoctlInt(SIOCOUTQ);
  EXPECT_LT(0, queued);
  EXPECT_GE(filled, static_cast<size_t>(queued));
}

TEST_P(TcpData, SendingWithoutAConnectionIsEPIPE) {
  EXPECT_EQ(-EPIPE, TcpSocket().Send("x", MSG_NOSIGNAL));
  EXPECT_EQ(-ENOTCONN, TcpSocket().Recv());
}

TEST_P(TcpData, TwoWritersMessagesKeepEachOnesOrder) {
  const auto pair = TcpPair();
  const auto write = [&](char who) {
    for (int i = 0; i < 200; i++) {
      char record[9];
      snprintf(record, sizeof(record), "%c%07d", who, i);
      pair.first.Send(std::string_view(record, 8));
    }
    return 0;
  };
  auto x = InBackground([&] { return write('x'); });
  auto y = InBackground([&] { return write('y'); });
  int next[2] = {0, 0};
  for (int i = 0; i < 400; i++) {
    const std::string record = pair.second.ReadAll(8);
    ASSERT_EQ(8u, record.size());
    ASSERT_EQ(next[record[0] == 'y']++, std::stoi(record.substr(1)));
  }
  x.get(), y.get();
}

TEST_P(TcpData, AThousandSmallMessagesMakeARoundTrip) {
  const auto [a, b] = TcpPair();
  a.Set(IPPROTO_TCP, TCP_NODELAY, 1);
  b.Set(IPPROTO_TCP, TCP_NODELAY, 1);
  for (int i = 0; i < 1000; i++) {
    const std::string text = std::to_string(i);
    ASSERT_EQ(static_cast<long>(text.size()), a.Send(text));
    ASSERT_EQ(text, b.Read());
    ASSERT_EQ(2, b.Send("ok"));
    ASSERT_EQ("ok", a.Read());
  }
}

TEST_P(TcpData, AReadOnAListenerIsENOTCONN) { EXPECT_EQ(-ENOTCONN, Listener().Recv()); }

}  // namespace
