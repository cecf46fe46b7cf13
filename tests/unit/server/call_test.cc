// SPDX-License-Identifier: Apache-2.0
//
// The life of a call: waiting, order, time, cancelling, links, limits.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <string>
#include <vector>

#include "engine.h"

namespace {

using sb_test::Answer;
using sb_test::Engine;
using sb_test::Pair;

constexpr int64_t kMs = 1000000;

class CallEngine : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(e_.ok());
    stream_ = e_.AdoptPair(SOCK_STREAM);
    ASSERT_NE(stream_.handle, 0u);
  }
  void TearDown() override {
    if (stream_.fd >= 0) close(stream_.fd);
    // Whatever happened, nothing is held any more once all is answered.
    if (!e_.session()) return;
    e_.Settle();
  }
  void CloseOther(Pair *p) {
    close(p->fd);
    p->fd = -1;
  }
  uint64_t HeldBytes() { return e_.session()->account->bytes; }
  uint64_t HeldCalls() { return e_.session()->account->calls; }

  Engine e_;
  Pair stream_;
};

// ---- waiting ----------------------------------------------------------------

TEST_F(CallEngine, RecvOfWhatIsThereIsAnsweredAtOnce) {
  stream_.Write("abc");
  Answer *a = e_.Recv(stream_.handle, 10);
  ASSERT_TRUE(e_.IsDone(a));
  EXPECT_EQ(a->error, 0);
  EXPECT_EQ(a->data(), "abc");
}

TEST_F(CallEngine, RecvParksUntilTheBytesCome) {
  Answer *a = e_.Recv(stream_.handle, 10);
  e_.Settle();
  ASSERT_FALSE(e_.IsDone(a));
  stream_.Write("abc");
  ASSERT_TRUE(e_.RunUntil(a));
  EXPECT_EQ(a->data(), "abc");
}

TEST_F(CallEngine, RecvParksUntilTheStreamEnds) {
  Answer *a = e_.Recv(stream_.handle, 10);
  CloseOther(&stream_);
  ASSERT_TRUE(e_.RunUntil(a));
  EXPECT_EQ(a->error, 0);
  EXPECT_EQ(a->data(), "");
}

TEST_F(CallEngine, RecvThatMayNotWaitSaysAgain) {
  Answer *a = e_.Recv(stream_.handle, 10, 0);
  ASSERT_TRUE(e_.IsDone(a));
  EXPECT_EQ(a->error, -EAGAIN);
}

TEST_F(CallEngine, WaitersFinishInTheOrderTheyCame) {
  std::vector<Answer *> waiting;
  for (int i = 0; i < 5; i++) waiting.push_back(e_.Recv(stream_.handle, 1));
  stream_.Write("abcde");
  for (auto *a : waiting) ASSERT_TRUE(e_.RunUntil(a));
  for (size_t i = 0; i < 5; i++) {
    EXPECT_EQ(waiting[i]->data(), std::string(1, static_cast<char>('a' + i)));
    EXPECT_EQ(waiting[i]->order, static_cast<int>(i));
  }
}

TEST_F(CallEngine, ARecvThatMayNotWaitDoesNotQueueBehindOneThatWaits) {
  Answer *waits = e_.Recv(stream_.handle, 1);
  Answer *asks = e_.Recv(stream_.handle, 1, 0);
  EXPECT_TRUE(e_.IsDone(asks));
  EXPECT_FALSE(e_.IsDone(waits));
  EXPECT_EQ(asks->error, -EAGAIN);
}

TEST_F(CallEngine, AParkedRecvDoesNotHoldUpASend) {
  Answer *recv = e_.Recv(stream_.handle, 1);
  Answer *send = e_.Send(stream_.handle, "out");
  ASSERT_TRUE(e_.IsDone(send));
  EXPECT_EQ(send->reply<Sockbroker__V1__SendReply>()->sent, 3u);
  EXPECT_EQ(stream_.Read(10), "out");
  EXPECT_FALSE(e_.IsDone(recv));
}

TEST_F(CallEngine, ABlockingSendEndsWhenEverythingIsQueued) {
  const std::string much(4 << 20, 'm');
  Answer *a = e_.Send(stream_.handle, much);
  size_t got = 0;
  ASSERT_FALSE(e_.IsDone(a)) << "more than a socket's buffer";
  for (int i = 0; i < 100000 && !e_.IsDone(a); i++) {
    got += stream_.Read(1 << 16).size();
    e_.Turn(0);
  }
  ASSERT_TRUE(e_.IsDone(a));
  EXPECT_EQ(a->reply<Sockbroker__V1__SendReply>()->sent, much.size());
  for (std::string s; !(s = stream_.Read(1 << 16)).empty();) got += s.size();
  EXPECT_EQ(got, much.size());
}

TEST_F(CallEngine, ASecondSendOnAStreamDoesNotOvertakeTheFirst) {
  const std::string much(1 << 20, 'm');
  Answer *first = e_.Send(stream_.handle, much);
  Answer *second = e_.Send(stream_.handle, "z");
  EXPECT_FALSE(e_.IsDone(second));
  std::string got;
  for (int i = 0; i < 100000 && got.size() < much.size() + 1; i++) {
    got += stream_.Read(1 << 16);
    e_.Turn(0);
  }
  ASSERT_TRUE(e_.IsDone(first) && e_.IsDone(second));
  EXPECT_EQ(got, much + "z");
}

TEST_F(CallEngine, WaitallEndsWhenAllIsThere) {
  Answer *a = e_.Recv(stream_.handle, 6, -1, 0, MSG_WAITALL);
  for (const char *part : {"ab", "cd"}) {
    stream_.Write(part);
    e_.Settle();
    EXPECT_FALSE(e_.IsDone(a));
  }
  stream_.Write("efgh");
  ASSERT_TRUE(e_.RunUntil(a));
  EXPECT_EQ(a->data(), "abcdef");
  EXPECT_EQ(e_.Recv(stream_.handle, 9)->data(), "gh");
}

TEST_F(CallEngine, PollWaitsForOneOfManyAndSaysWhich) {
  Pair other = e_.AdoptPair(SOCK_DGRAM);
  uint32_t handles[] = {stream_.handle, other.handle, 12345}, events[] = {POLLIN, POLLIN, POLLIN};
  Answer *a = e_.Begin<Sockbroker__V1__PollRequest>("Poll", [&](auto *q) {
    q->n_handles = q->n_events = 2;
    q->handles = handles;
    q->events = events;
  });
  ASSERT_FALSE(e_.IsDone(a));
  other.Write("x");
  ASSERT_TRUE(e_.RunUntil(a));
  auto *r = a->reply<Sockbroker__V1__PollReply>();
  EXPECT_EQ(r->count, 1u);
  EXPECT_EQ(r->revents[0], 0u);
  EXPECT_EQ(r->revents[1], static_cast<uint32_t>(POLLIN));
  a = e_.Begin<Sockbroker__V1__PollRequest>("Poll", [&](auto *q) {
    q->n_handles = q->n_events = 3;
    q->handles = handles;
    q->events = events;
  });
  ASSERT_TRUE(e_.IsDone(a));
  EXPECT_EQ(a->reply<Sockbroker__V1__PollReply>()->revents[2], static_cast<uint32_t>(POLLNVAL));
  close(other.fd);
}

TEST_F(CallEngine, AHandleThatIsNoneIsEbadf) {
  Answer *a = e_.Recv(stream_.handle + 1, 1);
  ASSERT_TRUE(e_.IsDone(a));
  EXPECT_EQ(a->error, -EBADF);
}

// ---- time ---------------------------------------------------------------------

TEST_F(CallEngine, WhenTheTimeIsUpRecvSaysAgain) {
  Answer *a = e_.Recv(stream_.handle, 1, 20 * kMs);
  EXPECT_FALSE(e_.IsDone(a));
  ASSERT_TRUE(e_.RunUntil(a));
  EXPECT_EQ(a->error, -EAGAIN);
}

TEST_F(CallEngine, ARecvIsNotAnsweredBeforeItsTime) {
  auto start = std::chrono::steady_clock::now();
  Answer *a = e_.Recv(stream_.handle, 1, 50 * kMs);
  ASSERT_TRUE(e_.RunUntil(a));
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(50));
}

TEST_F(CallEngine, AnEarlierTimeoutIsNotHeldUpByALaterOne) {
  Answer *late = e_.Recv(stream_.handle, 1, 3600 * 1000 * kMs);
  Answer *soon = e_.Recv(stream_.handle, 1, 20 * kMs);
  ASSERT_TRUE(e_.RunUntil(soon));
  EXPECT_EQ(soon->error, -EAGAIN);
  EXPECT_FALSE(e_.IsDone(late));
}

TEST_F(CallEngine, WhenTheTimeIsUpAHalfDoneSendSaysHowMuchWasSent) {
  const std::string much(4 << 20, 'm');
  Answer *a = e_.Send(stream_.handle, much, 20 * kMs);
  ASSERT_TRUE(e_.RunUntil(a));
  uint64_t sent = a->reply<Sockbroker__V1__SendReply>()->sent;
  size_t got = 0;
  EXPECT_EQ(a->error, 0);
  EXPECT_GT(sent, 0u);
  EXPECT_LT(sent, much.size());
  for (std::string s; !(s = stream_.Read(1 << 16)).empty();) got += s.size();
  EXPECT_EQ(got, sent);
}

TEST_F(CallEngine, WhenTheTimeIsUpWaitallGivesWhatCame) {
  stream_.Write("ab");
  Answer *a = e_.Recv(stream_.handle, 6, 20 * kMs, 0, MSG_WAITALL);
  ASSERT_TRUE(e_.RunUntil(a));
  EXPECT_EQ(a->error, 0);
  EXPECT_EQ(a->data(), "ab");
}

TEST_F(CallEngine, ATimeoutOfAllTheNanosecondsThereAreWaits) {
  Answer *a = e_.Recv(stream_.handle, 1, INT64_MAX);
  e_.Settle();
  EXPECT_FALSE(e_.IsDone(a));
  EXPECT_TRUE(e_.Cancel(a));
}

// ---- cancelling -----------------------------------------------------------------

TEST_F(CallEngine, ACancelledRecvIsCanceledAndTheBytesStay) {
  Answer *a = e_.Recv(stream_.handle, 1);
  EXPECT_TRUE(e_.Cancel(a));
  ASSERT_TRUE(a->done);
  EXPECT_EQ(a->error, -ECANCELED);
  stream_.Write("x");
  e_.Settle();
  EXPECT_EQ(e_.Recv(stream_.handle, 1)->data(), "x");
}

TEST_F(CallEngine, ACancelledWaitallGivesWhatCame) {
  Answer *a = e_.Recv(stream_.handle, 6, -1, 0, MSG_WAITALL);
  stream_.Write("abc");
  e_.Settle();
  EXPECT_TRUE(e_.Cancel(a));
  EXPECT_EQ(a->error, 0);
  EXPECT_EQ(a->data(), "abc");
}

TEST_F(CallEngine, ACancelledSendSaysHowMuchWasSent) {
  Answer *a = e_.Send(stream_.handle, std::string(4 << 20, 'm'));
  EXPECT_TRUE(e_.Cancel(a));
  EXPECT_EQ(a->error, 0);
  EXPECT_GT(a->reply<Sockbroker__V1__SendReply>()->sent, 0u);
}

TEST_F(CallEngine, OneThatIsDoneIsNotFoundByCancel) {
  stream_.Write("x");
  EXPECT_FALSE(e_.Cancel(e_.Recv(stream_.handle, 1)));
}

TEST_F(CallEngine, CancellingTheFirstWaiterLetsTheNextHaveTheBytes) {
  Answer *first = e_.Recv(stream_.handle, 1), *second = e_.Recv(stream_.handle, 1);
  e_.Cancel(first);
  stream_.Write("x");
  ASSERT_TRUE(e_.RunUntil(second));
  EXPECT_EQ(second->data(), "x");
}

// ---- links -----------------------------------------------------------------------

TEST_F(CallEngine, ALinkedCallWaitsForTheOneBeforeIt) {
  Answer *recv = e_.Recv(stream_.handle, 1, -1, 1);
  Answer *linked = e_.GetSockName(stream_.handle, 2, true);
  EXPECT_FALSE(e_.IsDone(linked));
  stream_.Write("x");
  ASSERT_TRUE(e_.RunUntil(linked));
  EXPECT_EQ(linked->error, 0);
  EXPECT_LT(recv->order, linked->order);
}

TEST_F(CallEngine, ACallThatIsNotLinkedDoesNotWait) {
  e_.Recv(stream_.handle, 1, -1, 1);
  EXPECT_TRUE(e_.IsDone(e_.GetSockName(stream_.handle, 2)));
}

TEST_F(CallEngine, ALinkToOneThatHasFailedIsCanceled) {
  Answer *bad = e_.GetSockName(999, 1);
  Answer *linked = e_.GetSockName(stream_.handle, 2, true);
  EXPECT_EQ(bad->error, -EBADF);
  ASSERT_TRUE(e_.IsDone(linked));
  EXPECT_EQ(linked->error, -ECANCELED);
  EXPECT_EQ(e_.GetSockName(stream_.handle, 3, true)->error, -ECANCELED) << "and so is the next";
  EXPECT_EQ(e_.GetSockName(stream_.handle, 4)->error, 0) << "and an unlinked one starts afresh";
}

TEST_F(CallEngine, ALinkToOneThatFailsLaterIsCanceled) {
  Answer *recv = e_.Recv(stream_.handle, 1, 20 * kMs, 1);
  Answer *linked = e_.GetSockName(stream_.handle, 2, true);
  Answer *next = e_.GetSockName(stream_.handle, 3, true);
  ASSERT_TRUE(e_.RunUntil(next));
  EXPECT_EQ(recv->error, -EAGAIN);
  EXPECT_EQ(linked->error, -ECANCELED);
  EXPECT_EQ(next->error, -ECANCELED);
}

TEST_F(CallEngine, CancellingTheMiddleOfAChainCancelsTheRestAndNotTheBeginning) {
  Answer *recv = e_.Recv(stream_.handle, 1, -1, 1);
  Answer *middle = e_.GetSockName(stream_.handle, 2, true);
  Answer *last = e_.GetSockName(stream_.handle, 3, true);
  EXPECT_TRUE(e_.Cancel(middle));
  EXPECT_EQ(middle->error, -ECANCELED);
  ASSERT_TRUE(e_.IsDone(last));
  EXPECT_EQ(last->error, -ECANCELED);
  EXPECT_FALSE(e_.IsDone(recv));
  stream_.Write("x");
  ASSERT_TRUE(e_.RunUntil(recv));
  EXPECT_EQ(recv->data(), "x");
}

TEST_F(CallEngine, CancellingTheHeadOfAChainCancelsAllOfIt) {
  Answer *recv = e_.Recv(stream_.handle, 1, -1, 1);
  Answer *linked = e_.GetSockName(stream_.handle, 2, true);
  EXPECT_TRUE(e_.Cancel(recv));
  ASSERT_TRUE(e_.IsDone(linked));
  EXPECT_EQ(linked->error, -ECANCELED);
}

TEST_F(CallEngine, AChainOfAThousandRunsInOrder) {
  std::vector<Answer *> chain = {e_.Recv(stream_.handle, 1, -1, 1)};
  e_.session()->limits.calls = 2000;
  for (uint64_t id = 2; id <= 1000; id++)
    chain.push_back(e_.GetSockName(stream_.handle, id, true));
  stream_.Write("x");
  ASSERT_TRUE(e_.RunUntil(chain.back()));
  for (size_t i = 0; i < chain.size(); i++) {
    ASSERT_EQ(chain[i]->error, 0) << i;
    ASSERT_EQ(chain[i]->order, static_cast<int>(i));
  }
  EXPECT_EQ(HeldCalls(), 0u);
}

TEST_F(CallEngine, ALinkedCallFindsTheSocketThatTheOneBeforeItMade) {
  e_.Recv(stream_.handle, 1, -1, 1);
  Answer *dup = e_.Begin<Sockbroker__V1__DupRequest>(
      "Dup", [&](auto *q) { q->handle = stream_.handle, q->new_handle = 77; }, 2, true);
  Answer *name = e_.GetSockName(77, 3, true);
  stream_.Write("x");
  ASSERT_TRUE(e_.RunUntil(name));
  EXPECT_EQ(dup->error, 0);
  EXPECT_EQ(name->error, 0);
}

TEST_F(CallEngine, AnIdThatIsWaitingAlreadyIsInvalid) {
  Answer *first = e_.Recv(stream_.handle, 1, -1, 9);
  Answer *again = e_.Recv(stream_.handle, 1, -1, 9);
  ASSERT_TRUE(e_.IsDone(again));
  EXPECT_EQ(again->error, -EINVAL);
  EXPECT_FALSE(e_.IsDone(first));
  EXPECT_EQ(HeldCalls(), 1u);
}

// ---- limits ----------------------------------------------------------------------

TEST_F(CallEngine, OverTheLimitOfCallsTheOneThatWouldWaitIsEmfile) {
  e_.session()->limits.calls = 2;
  e_.Recv(stream_.handle, 1);
  e_.Recv(stream_.handle, 1);
  Answer *third = e_.Recv(stream_.handle, 1);
  ASSERT_TRUE(e_.IsDone(third));
  EXPECT_EQ(third->error, -EMFILE);
}

TEST_F(CallEngine, OverTheLimitWhatNeedNotWaitIsAnsweredStill) {
  e_.session()->limits.calls = 1;
  Answer *waits = e_.Recv(stream_.handle, 1);
  EXPECT_EQ(e_.GetSockName(stream_.handle)->error, 0);
  EXPECT_EQ(e_.Close(stream_.handle)->error, 0);
  EXPECT_FALSE(e_.IsDone(waits));
  EXPECT_TRUE(e_.Cancel(waits));
}

TEST_F(CallEngine, OverTheLimitOfBytesTheOneThatWouldWaitIsEnobufs) {
  e_.session()->limits.bytes = HeldBytes() + 1;
  Answer *a = e_.Recv(stream_.handle, 1);
  ASSERT_TRUE(e_.IsDone(a));
  EXPECT_EQ(a->error, -ENOBUFS);
  EXPECT_EQ(HeldCalls(), 0u);
}

TEST_F(CallEngine, OverTheLimitAHalfDoneSendSaysHowMuchWasSent) {
  e_.session()->limits.calls = 0;
  Answer *a = e_.Send(stream_.handle, std::string(4 << 20, 'm'));
  ASSERT_TRUE(e_.IsDone(a));
  size_t got = 0;
  for (std::string s; !(s = stream_.Read(1 << 16)).empty();) got += s.size();
  EXPECT_EQ(a->error, 0) << "bytes have left: an error would hide them";
  EXPECT_EQ(a->reply<Sockbroker__V1__SendReply>()->sent, got);
}

TEST_F(CallEngine, OverTheLimitWaitallGivesWhatItTook) {
  e_.session()->limits.calls = 0;
  stream_.Write("ab");
  Answer *a = e_.Recv(stream_.handle, 6, -1, 0, MSG_WAITALL);
  ASSERT_TRUE(e_.IsDone(a));
  EXPECT_EQ(a->error, 0) << "bytes were taken: an error would lose them";
  EXPECT_EQ(a->data(), "ab");
}

TEST_F(CallEngine, OverTheLimitOfSocketsASocketIsEmfileAndNothingIsLeft) {
  e_.session()->limits.sockets = 1;
  Answer *a = e_.Begin<Sockbroker__V1__SocketRequest>(
      "Socket", [](auto *q) { q->family = AF_UNIX, q->type = SOCK_STREAM; });
  EXPECT_EQ(a->error, -EMFILE);
  a = e_.Begin<Sockbroker__V1__SocketPairRequest>(
      "SocketPair", [](auto *q) { q->family = AF_UNIX, q->type = SOCK_STREAM; });
  EXPECT_EQ(a->error, -EMFILE);
  EXPECT_EQ(e_.session()->account->sockets, 1u);
  EXPECT_EQ(e_.session()->handles.count, 1u);
}

TEST_F(CallEngine, HalfASocketPairOverTheLimitIsUndone) {
  e_.session()->limits.sockets = 2;
  Answer *a = e_.Begin<Sockbroker__V1__SocketPairRequest>(
      "SocketPair", [](auto *q) { q->family = AF_UNIX, q->type = SOCK_STREAM; });
  EXPECT_EQ(a->error, -EMFILE);
  EXPECT_EQ(e_.session()->account->sockets, 1u);
  EXPECT_EQ(e_.session()->handles.count, 1u);
}

TEST_F(CallEngine, WhatWasAnsweredIsNotHeldAnyMore) {
  std::vector<Answer *> all;
  for (int i = 0; i < 50; i++) all.push_back(e_.Recv(stream_.handle, 1));
  EXPECT_EQ(HeldCalls(), 50u);
  EXPECT_GT(HeldBytes(), 0u);
  CloseOther(&stream_);
  ASSERT_TRUE(e_.RunUntil(all.back()));
  EXPECT_EQ(HeldCalls(), 0u);
  EXPECT_EQ(HeldBytes(), 0u);
  EXPECT_EQ(e_.session()->held_bytes, 0u);
}

// ---- close ------------------------------------------------------------------------

TEST_F(CallEngine, CloseLeavesTheReceiversThatWait) {
  Answer *recv = e_.Recv(stream_.handle, 1);
  Answer *closed = e_.Close(stream_.handle);
  ASSERT_TRUE(e_.IsDone(closed));
  EXPECT_EQ(closed->error, 0);
  EXPECT_EQ(e_.GetSockName(stream_.handle)->error, -EBADF);
  EXPECT_FALSE(e_.IsDone(recv)) << "as a thread in recv(2) while another closes";
  stream_.Write("x");
  ASSERT_TRUE(e_.RunUntil(recv));
  EXPECT_EQ(recv->data(), "x");
  EXPECT_EQ(e_.session()->account->sockets, 0u) << "with the last call the socket is closed";
}

TEST_F(CallEngine, CloseIsSeenByTheOtherSideAtOnce) {
  char c;
  e_.Close(stream_.handle);
  EXPECT_EQ(recv(stream_.fd, &c, 1, MSG_DONTWAIT), 0);
}

TEST_F(CallEngine, TheEndOfTheSessionEndsItsCallsAndSockets) {
  Answer *recv = e_.Recv(stream_.handle, 1, -1, 1);
  Answer *linked = e_.GetSockName(stream_.handle, 2, true);
  char c;
  e_.CloseSession();
  EXPECT_TRUE(recv->done && linked->done);
  EXPECT_EQ(::recv(stream_.fd, &c, 1, MSG_DONTWAIT), 0);
  EXPECT_EQ(e_.shard()->n_sockets, 0u);
}

// ---- policy ------------------------------------------------------------------------

TEST(CallPolicy, WhatIsDeniedNeverTouchesTheSocket) {
  Engine e(
      "version: 1\n"
      "rules:\n"
      "  - name: udp\n"
      "    who: everyone\n"
      "    may: [socket]\n"
      "    family: inet\n"
      "    type: dgram\n"
      "    protocol: any\n");
  ASSERT_TRUE(e.ok());
  Answer *made = e.Begin<Sockbroker__V1__SocketRequest>(
      "Socket", [](auto *q) { q->family = AF_INET, q->type = SOCK_DGRAM; });
  ASSERT_EQ(made->error, 0);
  uint32_t handle = made->reply<Sockbroker__V1__SocketReply>()->handle;

  uint8_t loopback[4] = {127, 0, 0, 1};
  Sockbroker__V1__Address__Inet inet = SOCKBROKER__V1__ADDRESS__INET__INIT;
  Sockbroker__V1__Address address = SOCKBROKER__V1__ADDRESS__INIT;
  inet.ip = {4, loopback};
  address.kind_case = SOCKBROKER__V1__ADDRESS__KIND_INET;
  address.inet = &inet;
  Answer *bind = e.Begin<Sockbroker__V1__BindRequest>(
      "Bind", [&](auto *q) { q->handle = handle, q->address = &address; });
  EXPECT_EQ(bind->error, -EACCES);
  EXPECT_EQ(e.session()->denials, 1u);

  struct sockaddr_in name = {};
  socklen_t len = sizeof(name);
  ASSERT_EQ(getsockname(e.Sock(handle)->watch.fd, reinterpret_cast<sockaddr *>(&name), &len), 0);
  EXPECT_EQ(name.sin_port, 0) << "it was bound";
  Answer *other = e.Begin<Sockbroker__V1__SocketRequest>(
      "Socket", [](auto *q) { q->family = AF_INET, q->type = SOCK_STREAM; });
  EXPECT_EQ(other->error, -EACCES);
  EXPECT_EQ(e.session()->account->sockets, 1u);
}

// ---- what was taken and not heard ---------------------------------------------------

TEST_F(CallEngine, BytesThatWereNotHeardComeFirstAndAreCutAsAStreamIs) {
  stream_.Write("abcdef");
  Answer *lost = e_.Recv(stream_.handle, 4, -1, 0, 0, true);
  ASSERT_EQ(lost->data(), "abcd");
  e_.Undo(lost);
  e_.Free(lost);
  EXPECT_EQ(e_.Recv(stream_.handle, 3)->data(), "abc");
  EXPECT_EQ(e_.Recv(stream_.handle, 3)->data(), "d") << "what is left of it";
  EXPECT_EQ(e_.Recv(stream_.handle, 3)->data(), "ef");
}

TEST_F(CallEngine, BytesThatWereNotHeardWakeOneWhoWaits) {
  stream_.Write("ab");
  Answer *lost = e_.Recv(stream_.handle, 4, -1, 0, 0, true);
  Answer *waits = e_.Recv(stream_.handle, 4);
  e_.Undo(lost);
  e_.Free(lost);
  ASSERT_TRUE(e_.RunUntil(waits));
  EXPECT_EQ(waits->data(), "ab");
}

TEST_F(CallEngine, PollSaysThatBytesWhichWereNotHeardCanBeReceived) {
  stream_.Write("ab");
  Answer *lost = e_.Recv(stream_.handle, 4, -1, 0, 0, true);
  e_.Undo(lost);
  e_.Free(lost);
  uint32_t handle = stream_.handle, events = POLLIN;
  Answer *poll = e_.Begin<Sockbroker__V1__PollRequest>("Poll", [&](auto *q) {
    q->n_handles = q->n_events = 1;
    q->handles = &handle;
    q->events = &events;
    q->timeout_case = SOCKBROKER__V1__POLL_REQUEST__TIMEOUT_TIMEOUT_NS;
  });
  ASSERT_TRUE(e_.IsDone(poll));
  EXPECT_EQ(poll->reply<Sockbroker__V1__PollReply>()->count, 1u);
  EXPECT_EQ(e_.Recv(stream_.handle, 4)->data(), "ab");
}

TEST_F(CallEngine, APeekAtBytesThatWereNotHeardLeavesThem) {
  stream_.Write("ab");
  Answer *lost = e_.Recv(stream_.handle, 4, -1, 0, 0, true);
  e_.Undo(lost);
  e_.Free(lost);
  EXPECT_EQ(e_.Recv(stream_.handle, 1, 0, 0, MSG_PEEK)->data(), "a");
  EXPECT_EQ(e_.Recv(stream_.handle, 4)->data(), "ab");
}

TEST_F(CallEngine, ADatagramThatWasNotHeardIsCutAndTheRestIsGone) {
  Pair d = e_.AdoptPair(SOCK_DGRAM);
  d.Write("abcdef");
  d.Write("next");
  Answer *lost = e_.Recv(d.handle, 10, -1, 0, 0, true);
  e_.Undo(lost);
  e_.Free(lost);
  Answer *cut = e_.Recv(d.handle, 3, -1, 0, MSG_TRUNC);
  auto *r = cut->reply<Sockbroker__V1__RecvReply>();
  EXPECT_EQ(cut->data(), "abc");
  EXPECT_EQ(r->length, 6u);
  EXPECT_TRUE(r->flags & MSG_TRUNC);
  EXPECT_EQ(e_.Recv(d.handle, 10)->data(), "next");
  close(d.fd);
}

TEST_F(CallEngine, AnEmptyDatagramThatWasNotHeardIsGivenBackToo) {
  Pair d = e_.AdoptPair(SOCK_DGRAM);
  d.Write("");
  d.Write("next");
  Answer *lost = e_.Recv(d.handle, 10, -1, 0, 0, true);
  EXPECT_EQ(lost->data(), "");
  e_.Undo(lost);
  e_.Free(lost);
  EXPECT_EQ(e_.Recv(d.handle, 10)->data(), "");
  EXPECT_EQ(e_.Recv(d.handle, 10)->data(), "next");
  close(d.fd);
}

TEST_F(CallEngine, DatagramsOfARecvManyThatWasNotHeardComeOneByOneInTheirOrder) {
  Pair d = e_.AdoptPair(SOCK_DGRAM);
  uint32_t lengths[] = {10, 10, 10};
  for (const char *text : {"one", "", "three"}) d.Write(text);
  Answer *lost = e_.Begin<Sockbroker__V1__RecvManyRequest>(
      "RecvMany",
      [&](auto *q) { q->handle = d.handle, q->lengths = lengths, q->n_lengths = 3; }, 0, false,
      true);
  ASSERT_EQ(lost->reply<Sockbroker__V1__RecvManyReply>()->n_sizes, 3u);
  d.Write("four");
  e_.Undo(lost);
  e_.Free(lost);
  for (const char *text : {"one", "", "three", "four"})
    EXPECT_EQ(e_.Recv(d.handle, 10, 0)->data(), text);
  close(d.fd);
}

TEST_F(CallEngine, AConnectionThatWasNotHeardOfIsTheNextOnesAndItsNumberIsFree) {
  struct sockaddr_in name = {};
  socklen_t len = sizeof(name);
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr *>(&name), len), 0);
  ASSERT_EQ(listen(listener, 5), 0);
  ASSERT_EQ(getsockname(listener, reinterpret_cast<sockaddr *>(&name), &len), 0);
  ASSERT_EQ(connect(client, reinterpret_cast<sockaddr *>(&name), len), 0);
  uint32_t handle = e_.Adopt(listener, AF_INET, SOCK_STREAM);
  auto fill = [&](Sockbroker__V1__AcceptRequest *q) { q->handle = handle, q->new_handle = 50; };

  Answer *lost = e_.Begin<Sockbroker__V1__AcceptRequest>("Accept", fill, 0, false, true);
  ASSERT_EQ(lost->error, 0);
  e_.Undo(lost);
  e_.Free(lost);
  EXPECT_EQ(e_.GetSockName(50)->error, -EBADF);
  Answer *next = e_.Begin<Sockbroker__V1__AcceptRequest>("Accept", fill);
  ASSERT_TRUE(e_.IsDone(next));
  auto *r = next->reply<Sockbroker__V1__AcceptReply>();
  EXPECT_EQ(r->handle, 50u);
  ASSERT_NE(r->address, nullptr);
  EXPECT_EQ(r->address->kind_case, SOCKBROKER__V1__ADDRESS__KIND_INET);
  ASSERT_EQ(send(client, "hi", 2, 0), 2);
  Answer *got = e_.Recv(50, 10);
  ASSERT_TRUE(e_.RunUntil(got));
  EXPECT_EQ(got->data(), "hi");
  close(client);
}

TEST_F(CallEngine, WhatWasNotHeardGoesWithItsSocket) {
  stream_.Write("ab");
  Answer *lost = e_.Recv(stream_.handle, 4, -1, 0, 0, true);
  e_.Undo(lost);
  e_.Free(lost);
  EXPECT_EQ(e_.Close(stream_.handle)->error, 0);
  EXPECT_EQ(e_.session()->account->sockets, 0u);
}

// ---- congestion ----------------------------------------------------------------------

TEST_F(CallEngine, AClientThatDoesNotReadReceivesNothingMoreUntilItDoes) {
  Answer *a = e_.Recv(stream_.handle, 10);
  shard_enter(e_.shard());
  session_set_congested(e_.session(), true);
  shard_leave(e_.shard());
  stream_.Write("abc");
  EXPECT_LT(e_.Settle(), 5) << "the ready socket is left alone, not asked again and again";
  EXPECT_FALSE(e_.IsDone(a));
  Answer *also = e_.Recv(stream_.handle, 10);
  EXPECT_FALSE(e_.IsDone(also));
  EXPECT_EQ(e_.Recv(stream_.handle, 10, 0)->error, -ENOBUFS);
  shard_enter(e_.shard());
  session_set_congested(e_.session(), false);
  shard_leave(e_.shard());
  ASSERT_TRUE(e_.RunUntil(a));
  EXPECT_EQ(a->data(), "abc");
}

TEST_F(CallEngine, AClientThatDoesNotReadMaySendStill) {
  shard_enter(e_.shard());
  session_set_congested(e_.session(), true);
  shard_leave(e_.shard());
  EXPECT_EQ(e_.Send(stream_.handle, "out")->error, 0);
  EXPECT_EQ(e_.Close(stream_.handle)->error, 0);
}

// ---- readiness that is none ------------------------------------------------------------

// A peek that waits for more than there is finds its socket ready for ever.
TEST_F(CallEngine, ASocketThatIsReadyInVainIsAskedByTheClockAndNotInALoop) {
  stream_.Write("a");
  auto start = std::chrono::steady_clock::now();
  Answer *a = e_.Recv(stream_.handle, 2, -1, 0, MSG_PEEK | MSG_WAITALL);
  for (int i = 0; i < 9; i++) ASSERT_TRUE(e_.Turn(5000)) << i;
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(60))
      << "nine turns of a busy loop take no time";
  EXPECT_FALSE(e_.IsDone(a));
  stream_.Write("b");
  ASSERT_TRUE(e_.RunUntil(a));
  EXPECT_EQ(a->data(), "ab");
}

// Somebody else who holds the description takes the bytes first, again and again.
TEST_F(CallEngine, AfterReadinessInVainTheBytesAreStillFound) {
  int thief = dup(e_.Sock(stream_.handle)->watch.fd);
  Answer *a = e_.Recv(stream_.handle, 2);
  char c;
  for (int i = 0; i < 5; i++) {
    stream_.Write("x");
    struct poller_batch batch;
    poller_wait(&e_.shard()->poller, &batch);
    (void)!::recv(thief, &c, 1, MSG_DONTWAIT);
    shard_enter(e_.shard());
    poller_dispatch(&e_.shard()->poller, &batch);
    shard_leave(e_.shard());
  }
  close(thief);
  if (!e_.IsDone(a)) stream_.Write("y");
  ASSERT_TRUE(e_.RunUntil(a));
  EXPECT_EQ(a->error, 0);
  EXPECT_FALSE(a->data().empty());
}

// ---- what may block ----------------------------------------------------------------------

// The only worker is kept busy, so that what goes to it stays there.
class BusyWorker : public CallEngine {
 protected:
  struct Gate {
    struct job job;
    int fd;
  };
  void SetUp() override {
    CallEngine::SetUp();
    ASSERT_EQ(pipe2(pipe_, O_CLOEXEC), 0);
    auto *gate = new Gate{{{nullptr, nullptr},
                           [](struct job *j) {
                             auto *g = reinterpret_cast<Gate *>(j);
                             char c;
                             (void)!read(g->fd, &c, 1);
                             close(g->fd);
                             delete g;
                           }},
                          pipe_[0]};
    workers_add(e_.shard()->workers, &gate->job);
    // A netlink send goes to a worker always.
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    ASSERT_GE(fd, 0);
    netlink_ = e_.Adopt(fd, AF_NETLINK, SOCK_RAW);
    struct nlmsghdr noop = {};
    noop.nlmsg_len = sizeof(noop);
    noop.nlmsg_type = NLMSG_NOOP;
    message_.assign(reinterpret_cast<char *>(&noop), sizeof(noop));
  }
  void TearDown() override {
    Open();
    CallEngine::TearDown();
  }
  void Open() {
    if (pipe_[1] >= 0) close(pipe_[1]);
    pipe_[1] = -1;
  }
  int pipe_[2];
  uint32_t netlink_;
  std::string message_;
};

TEST_F(BusyWorker, ACallOnASocketThatAWorkerHasIsHeldAndRunsAfter) {
  Answer *send = e_.Send(netlink_, message_);
  Answer *name = e_.GetSockName(netlink_);
  Answer *again = e_.Send(netlink_, message_);
  Answer *elsewhere = e_.GetSockName(stream_.handle);
  EXPECT_FALSE(e_.IsDone(send));
  EXPECT_FALSE(e_.IsDone(name));
  EXPECT_TRUE(e_.IsDone(elsewhere)) << "only that socket is held up";
  Open();
  ASSERT_TRUE(e_.RunUntil(again));
  EXPECT_EQ(send->error, 0);
  EXPECT_EQ(name->error, 0);
  EXPECT_EQ(again->error, 0);
  EXPECT_LT(send->order, name->order);
  EXPECT_LT(name->order, again->order);
}

TEST_F(BusyWorker, ACallThatAWorkerHasIsNotCancelled) {
  Answer *send = e_.Send(netlink_, message_);
  EXPECT_FALSE(e_.Cancel(send));
  Open();
  ASSERT_TRUE(e_.RunUntil(send));
  EXPECT_EQ(send->error, 0);
}

TEST_F(BusyWorker, AHeldCallIsCancelled) {
  Answer *send = e_.Send(netlink_, message_);
  Answer *name = e_.GetSockName(netlink_);
  EXPECT_TRUE(e_.Cancel(name));
  EXPECT_EQ(name->error, -ECANCELED);
  Open();
  ASSERT_TRUE(e_.RunUntil(send));
}

TEST_F(BusyWorker, TheSessionMayEndWhileAWorkerHasACall) {
  Answer *send = e_.Send(netlink_, message_);
  Answer *name = e_.GetSockName(netlink_);
  e_.CloseSession();
  EXPECT_TRUE(e_.IsDone(name));
  EXPECT_FALSE(e_.IsDone(send));
  Open();
  ASSERT_TRUE(e_.RunUntil(send)) << "it ends by itself, and nothing is used that has gone";
}

TEST_F(BusyWorker, OverTheLimitCloseTakesTheHandleAndSaysSo) {
  e_.session()->limits.calls = 0;
  Answer *closed = e_.Close(netlink_);
  ASSERT_TRUE(e_.IsDone(closed));
  EXPECT_EQ(closed->error, 0) << "the handle is gone: an error would say that it is not";
  EXPECT_EQ(e_.GetSockName(netlink_)->error, -EBADF);
  Open();
}

}  // namespace
