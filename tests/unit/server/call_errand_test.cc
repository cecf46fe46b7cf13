// SPDX-License-Identifier: Apache-2.0
//
// Calls that wait for an errand: work that goes on without them. The engine's resolvers
// are kept busy, so that an errand begins when the test says so.
#include <fcntl.h>
#include <unistd.h>

#include "call_fixture.h"

namespace sb_test {
namespace {

typedef Sockbroker__V1__GetServByPortRequest Request;
typedef Sockbroker__V1__GetServByPortReply Reply;

// A resolver waits for the end of the file.
struct Gate {
  struct job job;
  int fd;
};

// All resolvers meet the test here, one after the other having done what came before.
struct Meeting {
  struct job job;
  pthread_barrier_t *all;
};

class CallErrand : public CallEngine {
 protected:
  void SetUp() override {
    CallEngine::SetUp();
    ASSERT_EQ(0, pthread_barrier_init(&all_, nullptr, kEngineResolvers + 1));
    ASSERT_EQ(pipe2(pipe_, O_CLOEXEC), 0);
    for (int i = 0; i < kEngineResolvers; i++) {
      auto *gate = new Gate{{{nullptr, nullptr}, Wait, nullptr}, dup(pipe_[0])};
      workers_add(e_.shard()->resolvers, &gate->job);
    }
  }
  void TearDown() override {
    Open();
    ErrandsEnd();
    if (e_.session()) {
      EXPECT_EQ(0u, Lookups());
    }
    CallEngine::TearDown();
    pthread_barrier_destroy(&all_);  // the resolvers have ended
    close(pipe_[0]);
  }
  static void Wait(struct job *j) {
    auto *gate = reinterpret_cast<Gate *>(j);
    char c;
    (void)!read(gate->fd, &c, 1);
    close(gate->fd);
    delete gate;
  }
  void Open() {
    if (pipe_[1] >= 0) close(pipe_[1]);
    pipe_[1] = -1;
  }
  Answer *Ask(uint64_t id = 0, int64_t timeout_ns = -1, bool linked = false) {
    return e_.Begin<Request>("GetServByPort", [&](Request *q) {
      q->port = 80;
      if (timeout_ns < 0) return;
      q->timeout_case = SOCKBROKER__V1__GET_SERV_BY_PORT_REQUEST__TIMEOUT_TIMEOUT_NS;
      q->timeout_ns = static_cast<uint64_t>(timeout_ns);
    }, id, linked);
  }
  uint64_t Lookups() { return e_.session()->account->lookups; }
  static void Meet(struct job *j) {
    auto *meeting = reinterpret_cast<Meeting *>(j);
    pthread_barrier_t *all = meeting->all;
    delete meeting;
    pthread_barrier_wait(all);
  }
  // Those that were begun have ended, also those that were left.
  void ErrandsEnd() {
    for (int i = 0; i < kEngineResolvers; i++)
      workers_add(e_.shard()->resolvers, &(new Meeting{{{nullptr, nullptr}, Meet, nullptr}, &all_})->job);
    pthread_barrier_wait(&all_);
  }
  pthread_barrier_t all_;
  int pipe_[2] = {-1, -1};
};

TEST_F(CallErrand, IsAnsweredWhenItIsDone) {
  Answer *a = Ask();
  EXPECT_FALSE(e_.IsDone(a));
  EXPECT_EQ(1u, Lookups());
  EXPECT_EQ(1u, HeldCalls());
  Open();
  ASSERT_TRUE(e_.RunUntil(a));
  EXPECT_EQ(0, a->error);
  ASSERT_NE(nullptr, a->reply<Reply>()->service);
  EXPECT_EQ(80u, a->reply<Reply>()->service->port);
  EXPECT_EQ(0u, HeldCalls());
}

TEST_F(CallErrand, HoldsUpNobodyElse) {
  Answer *a = Ask();
  EXPECT_TRUE(e_.IsDone(e_.GetSockName(stream_.handle)));
  Answer *name = e_.Begin<Sockbroker__V1__GetHostNameRequest>("GetHostName", [](auto *) {});
  EXPECT_TRUE(e_.IsDone(name));
  EXPECT_FALSE(e_.IsDone(a));
}

TEST_F(CallErrand, ACancelledCallLeavesItBehindAndItsPlaceTaken) {
  Answer *a = Ask(7);
  EXPECT_TRUE(e_.Cancel(a));
  EXPECT_TRUE(e_.IsDone(a));
  EXPECT_EQ(-ECANCELED, a->error);
  EXPECT_EQ(0u, HeldCalls());
  EXPECT_EQ(0u, HeldBytes());
  EXPECT_EQ(1u, Lookups());
}

TEST_F(CallErrand, ACallWhoseTimeIsUpLeavesItBehindToo) {
  Answer *a = Ask(0, 5 * kMs);
  ASSERT_TRUE(e_.RunUntil(a));
  EXPECT_EQ(-EAGAIN, a->error);
  EXPECT_EQ(1u, Lookups());
}

TEST_F(CallErrand, WithoutTimeNoneIsBegun) {
  Answer *a = Ask(0, 0);
  EXPECT_TRUE(e_.IsDone(a));
  EXPECT_EQ(-EAGAIN, a->error);
  EXPECT_EQ(0u, Lookups());
}

TEST_F(CallErrand, ThereAreSoManyForAUserAndNoMore) {
  for (int i = 0; i < static_cast<int>(e_.session()->limits.lookups); i++) EXPECT_FALSE(e_.IsDone(Ask()));
  Answer *more = Ask();
  EXPECT_TRUE(e_.IsDone(more));
  EXPECT_EQ(-EMFILE, more->error);
  EXPECT_EQ(e_.session()->limits.lookups, HeldCalls());
}

TEST_F(CallErrand, ASessionThatEndsLeavesAllBehind) {
  for (int i = 0; i < 3; i++) Ask();
  struct account *account = account_get(e_.session()->account->uid);
  e_.CloseSession();
  EXPECT_EQ(3u, account->lookups);
  Open();
  ErrandsEnd();
  EXPECT_EQ(0u, account->lookups);
  account_put(account);
}

TEST_F(CallErrand, WhatIsLinkedToItWaitsForIt) {
  Answer *a = Ask(1), *b = e_.GetSockName(stream_.handle, 2, true);
  EXPECT_FALSE(e_.IsDone(b));
  Open();
  ASSERT_TRUE(e_.RunUntil(b));
  EXPECT_EQ(0, a->error);
  EXPECT_EQ(0, b->error);
}

TEST_F(CallErrand, ItsTurnComesAlthoughTheCallLimitIsReached) {
  e_.session()->limits.calls = 1;
  Answer *a = Ask(), *refused = Ask();
  EXPECT_TRUE(e_.IsDone(refused));
  EXPECT_EQ(-EMFILE, refused->error);
  EXPECT_EQ(1u, Lookups()) << "what did not wait was not begun";
  Open();
  ASSERT_TRUE(e_.RunUntil(a));
  EXPECT_EQ(0, a->error);
}

}  // namespace
}  // namespace sb_test
