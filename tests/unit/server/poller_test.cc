// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/eventfd.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "c_headers.h"

namespace {

// A descriptor that is ready whenever it is told to be, and counts what it hears.
struct Owner {
  struct watch watch = {};
  struct poller *poller = nullptr;
  Owner *victim = nullptr;  // closed when this one is ready
  int readied = 0, released = 0;
  uint32_t events = 0;

  explicit Owner(struct poller *p) : poller(p) {
    watch.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    watch.ready = [](struct watch *w, uint32_t e) {
      Owner *o = Of(w);
      o->readied++;
      o->events = e;
      if (o->victim) o->victim->CloseWatch();
      o->victim = nullptr;
    };
    watch.release = [](struct watch *w) { Of(w)->released++; };
    list_init(&watch.grave);
  }
  ~Owner() { close(watch.fd); }
  static Owner *Of(struct watch *w) { return reinterpret_cast<Owner *>(w); }
  void MakeReady() { ASSERT_EQ(eventfd_write(watch.fd, 1), 0); }
  void CloseWatch() { watch_close(poller, &watch); }
};

class Poller : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(poller_init(&poller_), 0); }
  void TearDown() override { poller_done(&poller_); }
  void Turn() {
    poller_wake(&poller_);  // it returns, whatever else there is
    poller_wait(&poller_, &batch_);
    poller_dispatch(&poller_, &batch_);
  }
  // Closed and released: it may go.
  void Bury(Owner *o) {
    o->CloseWatch();
    Turn();
    EXPECT_EQ(o->released, 1);
  }
  struct poller poller_ = {};
  struct poller_batch batch_ = {};
};

TEST_F(Poller, TellsTheWatcherOfAReadyDescriptor) {
  Owner o(&poller_);
  ASSERT_EQ(watch_arm(&poller_, &o.watch, EPOLLIN), 0);
  o.MakeReady();
  Turn();
  EXPECT_EQ(o.readied, 1);
  EXPECT_EQ(o.events, static_cast<uint32_t>(EPOLLIN));
  Bury(&o);
}

TEST_F(Poller, AnUnarmedWatcherHearsNothing) {
  Owner o(&poller_);
  ASSERT_EQ(watch_arm(&poller_, &o.watch, EPOLLIN), 0);
  ASSERT_EQ(watch_arm(&poller_, &o.watch, 0), 0);
  o.MakeReady();
  Turn();
  EXPECT_EQ(o.readied, 0);
  Bury(&o);
}

TEST_F(Poller, OneThatIsClosedByAnotherOfTheSameBatchHearsNothingMore) {
  Owner a(&poller_), b(&poller_);
  a.victim = &b;
  b.victim = &a;
  for (Owner *o : {&a, &b}) {
    ASSERT_EQ(watch_arm(&poller_, &o->watch, EPOLLIN), 0);
    o->MakeReady();
  }
  Turn();
  EXPECT_EQ(a.readied + b.readied, 1) << "whichever came first closed the other";
  EXPECT_EQ(a.released + b.released, 1);
  Bury(a.released ? &b : &a);
}

TEST_F(Poller, AClosedWatcherIsReleasedOnlyAfterTheBatchThatMayNameIt) {
  Owner o(&poller_);
  ASSERT_EQ(watch_arm(&poller_, &o.watch, EPOLLIN), 0);
  o.MakeReady();
  poller_wait(&poller_, &batch_);
  o.CloseWatch();
  EXPECT_EQ(o.released, 0) << "the batch still names it";
  poller_dispatch(&poller_, &batch_);
  EXPECT_EQ(o.readied, 0);
  EXPECT_EQ(o.released, 1);
}

TEST_F(Poller, ManyClosedWatchersWakeTheThreadToReleaseThem) {
  std::vector<std::unique_ptr<Owner>> owners;
  for (int i = 0; i < 64; i++) {
    owners.push_back(std::make_unique<Owner>(&poller_));
    owners.back()->CloseWatch();
  }
  poller_wait(&poller_, &batch_);  // would hang if nobody had woken it
  poller_dispatch(&poller_, &batch_);
  for (auto &o : owners) EXPECT_EQ(o->released, 1);
}

TEST_F(Poller, WhatIsStillInItsGraveIsReleasedAtTheEnd) {
  struct poller p = {};
  ASSERT_EQ(poller_init(&p), 0);
  Owner o(&p);
  o.CloseWatch();
  poller_done(&p);
  EXPECT_EQ(o.released, 1);
}

TEST_F(Poller, WakeEndsAWaitOfAnotherThread) {
  std::thread waiter([&] { poller_wait(&poller_, &batch_); });
  poller_wake(&poller_);
  waiter.join();
  EXPECT_EQ(batch_.n, 1);
}

}  // namespace
