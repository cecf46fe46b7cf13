// SPDX-License-Identifier: Apache-2.0
//
// A call waits: for bytes, for its turn, for its time; and is cancelled.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <string>
#include <vector>

#include "call_fixture.h"

namespace {

using sb_test::Answer;
using sb_test::CallEngine;
using sb_test::Pair;
using sb_test::kMs;

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

// ---- time

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

// ---- cancelling

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

// ---- readiness that is none

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

}  // namespace
