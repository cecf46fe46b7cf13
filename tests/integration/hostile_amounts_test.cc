// SPDX-License-Identifier: Apache-2.0
//
// Too many of everything: sockets, calls, and replies that nobody reads.
#include <errno.h>
#include <poll.h>
#include <signal.h>

#include <sstream>

#include "integration/hostile.h"

using namespace sb_test;

namespace {

class HostileAmounts : public Hostile {
 protected:
  static uid_t Other() { return geteuid() == 0 ? kNobody : geteuid(); }
  // Asks often enough for what is under way to have happened.
  double GrownInTheEndMiB() {
    double most = 0;
    for (int i = 0; i < 100; i++) most = std::max(most, GrownMiB());
    return most;
  }
};

// Puts `n` requests in messages of 1000 and counts the answers by their error.
std::string CountErrors(RawSession &session, unsigned op, const Pb &body, int n) {
  std::map<int, int> counts;
  for (int done = 0; done < n; done += 1000) {
    for (int i = 0; i < 1000; i++) session.Put(op, body);
    session.Flush();
    for (int i = 0; i < 1000; i++) counts[session.Next().error()]++;
  }
  std::string text;
  for (auto &c : counts) text += std::to_string(c.first) + ":" + std::to_string(c.second) + " ";
  return text;
}

TEST_F(HostileAmounts, AHundredThousandSocketsEndAtTheLimitOfTheirUser) {
  OtherProcess attacker(Other(), [](const std::string &where, int out) {
    RawClient client(where);
    RawSession session(client);
    Say(out, CountErrors(session, kSocket, Pb().V(2, AF_INET).V(3, SOCK_DGRAM), 100000));
    pause();
  }, address());
  std::istringstream counts(attacker.Line());
  std::string fine, refused;
  counts >> fine >> refused;
  EXPECT_EQ(geteuid() == 0 ? "0:10000" : "0:9999", fine);
  EXPECT_EQ(0u, refused.find(std::to_string(EMFILE) + ":")) << refused;
  if (geteuid() == 0) {  // another user is not concerned
    RawClient client(address());
    RawSession session(client);
    EXPECT_NE(0u, session.Socket(AF_INET, SOCK_DGRAM));
  }
  attacker.Kill();
}

TEST_F(HostileAmounts, AHundredThousandReceivesParkUpToTheLimitAndAreAllCancelled) {
  OtherProcess attacker(Other(), [](const std::string &where, int out) {
    RawClient client(where);
    RawSession session(client);
    uint32_t s = session.Socket(AF_INET, SOCK_DGRAM);
    int refused = 0, cancelled = 0;
    for (int done = 0; done < 100000; done += 1000) {
      for (int i = 0; i < 1000; i++) session.Put(kRecv, Pb().V(1, s).V(2, 100));
      session.Flush();
      uint64_t fence = session.Put(kGetOption, OnHandle(kGetOption, s));
      session.Flush();
      for (RawReply r = session.Next(); r.id != fence && r.op; r = session.Next()) refused += r.error() == EMFILE;
    }
    RawReply close = session.Do(kClose, Pb().V(1, s));
    // Ids 3 and up; one in 1001 was a fence.
    for (uint64_t id = 3; id < 3 + 20100;) {
      int n = 0;
      for (; n < 500; n++) session.Put(kCancel, Pb().V(1, id++));
      session.Flush();
      for (; n > 0;) {
        RawReply r = session.Next();
        if (!r.op) n = 0;
        cancelled += r.op == kRecv && r.error() == ECANCELED;
        n -= r.op == kCancel;
      }
    }
    Say(out, "refused " + std::to_string(refused) + " cancelled " + std::to_string(cancelled) +
                 " close " + std::to_string(close.error()));
  }, address());
  EXPECT_EQ("refused 80000 cancelled 20000 close 0\n", attacker.Line(2 * kPatienceMs));
  EXPECT_LT(GrownMiB(), 120);
}

TEST_F(HostileAmounts, AChainOfAThousandBehindADeniedHeadIsCancelled) {
  RawClient client(address());
  RawSession session(client);
  for (int round = 0; round < 5; round++) {
    session.Put(kSocket, Pb().V(2, AF_INET).V(3, SOCK_RAW).V(4, IPPROTO_RAW));
    for (int i = 0; i < 1000; i++) session.Put(kSocket, Pb().V(2, AF_INET).V(3, SOCK_DGRAM), true);
    ASSERT_TRUE(session.Flush());
    EXPECT_EQ(EACCES, session.Next().error());
    for (int i = 0; i < 1000; i++) ASSERT_EQ(ECANCELED, session.Next().error());
  }
}

TEST_F(HostileAmounts, AChainOfAThousandBehindAParkedHeadFallsWithIt) {
  RawClient client(address());
  RawSession session(client);
  uint32_t s = session.Socket(AF_INET, SOCK_DGRAM);
  for (int round = 0; round < 5; round++) {
    uint64_t head = session.Put(kRecv, Pb().V(1, s).V(2, 1));
    for (int i = 0; i < 1000; i++) session.Put(kSocket, Pb().V(2, AF_INET).V(3, SOCK_DGRAM), true);
    ASSERT_TRUE(session.Flush());
    session.Put(kCancel, Pb().V(1, head));
    ASSERT_TRUE(session.Flush());
    int cancelled = 0;
    for (int i = 0; i < 1002; i++) cancelled += session.Next().error() == ECANCELED;
    EXPECT_EQ(1001, cancelled);
  }
}

// A waiter for each of many mentions of one socket: each step that looks at all of
// them for each of them takes minutes.
TEST_F(HostileAmounts, APollThatNamesOneSocketOverAndOverHoldsUpNobody) {
  RawClient client(address());
  RawSession session(client);
  uint32_t s = session.Do(kSocket, Pb().V(1, 1).V(2, AF_INET).V(3, SOCK_DGRAM)).handle();
  RawReply bound = session.Do(kBind, Pb().V(1, s).B(2, InetAddress("127.0.0.1", 0)));
  std::string events;
  for (int i = 0; i < 16384; i++) events += '\x01';  // poll(2) takes as many as RLIMIT_NOFILE
  uint64_t poll = session.Put(kPoll, Pb().B(1, events).B(2, events));
  uint64_t receive = session.Put(kRecv, Pb().V(1, s).V(2, 10));
  ASSERT_TRUE(session.Flush());
  // The receive takes the datagram, so the poll is woken in vain.
  uint32_t from = session.Socket(AF_INET, SOCK_DGRAM);
  std::string to = PbBytes(bound.body, 2);
  EXPECT_EQ(0, session.Do(kSend, Pb().V(1, from).B(2, "x").B(5, to)).error());
  EXPECT_EQ(0, session.Await(receive).error());
  EXPECT_EQ(1u, PbNumber(session.Do(kCancel, Pb().V(1, poll)).body, 2));
  EXPECT_EQ(ECANCELED, session.Await(poll).error());
}

TEST_F(HostileAmounts, AClientThatDoesNotReadItsRepliesHoldsUpItselfAlone) {
  RawClient client(address());
  RawSession session(client);
  uint32_t a, b;
  ASSERT_TRUE(MakePair(session, SOCK_STREAM, &a, &b));
  ASSERT_EQ(0, session.Do(kSend, Pb().V(1, a).B(2, std::string(150000, 'x'))).error());
  int asked = 0;
  for (int i = 0; i < 12; i++) {
    for (int k = 0; k < 100; k++, asked++) session.Put(kRecv, Pb().V(1, b).V(2, 150000).V(3, MSG_PEEK));
    ASSERT_TRUE(session.Flush());
  }
  EXPECT_LT(GrownInTheEndMiB(), 60);  // 171 are asked for
  EXPECT_EQ("", watcher_->Complaint(bound_ms_));
  // And when it reads again, all is there.
  for (int i = 0; i < asked; i++) {
    RawReply r = session.Next();
    ASSERT_EQ(0, r.error());
    ASSERT_LE(30000u, PbBytes(r.body, 2).size());
  }
}

// Each of its calls waits for the same datagram. It stands still when that comes.
void ManyPeeks(const std::string &where, int out) {
  RawClient client(where);
  RawSession session(client);
  uint32_t s = session.Socket(AF_INET, SOCK_DGRAM);
  RawReply bound = session.Do(kBind, Pb().V(1, s).B(2, InetAddress("127.0.0.1", 0)));
  std::vector<std::unique_ptr<RawCall>> calls;
  for (int i = 0; i < 3000; i++) {
    calls.emplace_back(new RawCall(client, "Broker/Recv", session.token()));
    calls.back()->StartSend(Pb().V(1, s).V(2, 60000).V(3, MSG_PEEK));
    calls.back()->CloseSend();
    calls.back()->StartReceive();
  }
  for (auto &c : calls) c->Sent();
  session.Do(kGetOption, OnHandle(kGetOption, s));
  Say(out, std::to_string(PortOf(PbBytes(bound.body, 2))));
  raise(SIGSTOP);
  pause();
}

TEST_F(HostileAmounts, UnreadRepliesOfUnaryCallsAreBounded) {
  OtherProcess attacker(Other(), ManyPeeks, address());
  auto port = static_cast<unsigned>(std::stoul("0" + attacker.Line()));
  RawClient client(address());
  RawSession session(client);
  uint32_t s = session.Socket(AF_INET, SOCK_DGRAM);
  ASSERT_EQ(0, session.Do(kSend, Pb().V(1, s).B(2, std::string(60000, 'x')).B(5, InetAddress("127.0.0.1", port))).error());
  EXPECT_LT(GrownInTheEndMiB(), 150);  // 172 are asked for, beside what 3000 calls are to gRPC
  attacker.Kill();
}

}  // namespace
