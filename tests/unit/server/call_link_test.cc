// SPDX-License-Identifier: Apache-2.0
//
// Requests that depend on the one before them.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cerrno>
#include <vector>

#include "call_fixture.h"

namespace {

using sb_test::Answer;
using sb_test::CallEngine;
using sb_test::kMs;

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

}  // namespace
