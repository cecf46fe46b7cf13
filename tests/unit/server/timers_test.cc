// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "c_headers.h"

namespace {

std::vector<struct timer *> rung;
void Ring(struct timer *t) { rung.push_back(t); }

class Timers : public testing::Test {
 protected:
  void SetUp() override { rung.clear(); }
  void TearDown() override { timers_free(&timers_); }
  static struct timer Make() { return {0, 0, Ring}; }
  struct timers timers_ = {};
};

TEST_F(Timers, WithoutATimerNothingIsDue) {
  EXPECT_EQ(timers_next(&timers_), UINT64_MAX);
  timers_run(&timers_, UINT64_MAX);
  EXPECT_TRUE(rung.empty());
}

TEST_F(Timers, OnesThatAreDueRingInOrderAndOnce) {
  struct timer a = Make(), b = Make(), c = Make();
  ASSERT_EQ(timer_set(&timers_, &a, 30), 0);
  ASSERT_EQ(timer_set(&timers_, &b, 10), 0);
  ASSERT_EQ(timer_set(&timers_, &c, 20), 0);
  EXPECT_EQ(timers_next(&timers_), 10u);
  timers_run(&timers_, 20);
  EXPECT_EQ(rung, (std::vector<struct timer *>{&b, &c}));
  timers_run(&timers_, 29);
  EXPECT_EQ(rung.size(), 2u);
  timers_run(&timers_, 30);
  EXPECT_EQ(rung.back(), &a);
  EXPECT_EQ(timers_next(&timers_), UINT64_MAX);
}

TEST_F(Timers, SettingAgainMovesATimer) {
  struct timer a = Make(), b = Make();
  ASSERT_EQ(timer_set(&timers_, &a, 10), 0);
  ASSERT_EQ(timer_set(&timers_, &b, 20), 0);
  ASSERT_EQ(timer_set(&timers_, &a, 30), 0);
  EXPECT_EQ(timers_.count, 2u);
  EXPECT_EQ(timers_next(&timers_), 20u);
  ASSERT_EQ(timer_set(&timers_, &a, 5), 0);
  EXPECT_EQ(timers_next(&timers_), 5u);
}

TEST_F(Timers, AClearedTimerDoesNotRing) {
  struct timer a = Make(), b = Make();
  ASSERT_EQ(timer_set(&timers_, &a, 10), 0);
  ASSERT_EQ(timer_set(&timers_, &b, 20), 0);
  timer_clear(&timers_, &a);
  timer_clear(&timers_, &a);
  timers_run(&timers_, 100);
  EXPECT_EQ(rung, (std::vector<struct timer *>{&b}));
}

struct resetting {
  struct timer timer;
  struct timers *timers;
  int left;
};

TEST_F(Timers, OneThatSetsItselfAgainRingsAtItsNewTime) {
  struct resetting r = {{0, 0, [](struct timer *t) {
                           auto *self = reinterpret_cast<struct resetting *>(t);
                           Ring(t);
                           if (--self->left) {
                             ASSERT_EQ(timer_set(self->timers, t, t->when_ns + 10), 0);
                           }
                         }},
                        &timers_, 3};
  ASSERT_EQ(timer_set(&timers_, &r.timer, 10), 0);
  timers_run(&timers_, 10);
  EXPECT_EQ(rung.size(), 1u);
  timers_run(&timers_, 1000);
  EXPECT_EQ(rung.size(), 3u);
}

TEST_F(Timers, AgreesWithASortedListAfterEveryStepOfARandomWalk) {
  std::mt19937 random(7);
  std::vector<struct timer> all(200, Make());
  std::vector<bool> set(all.size());
  for (int step = 0; step < 20000; step++) {
    size_t i = random() % all.size();
    if (random() % 3) {
      ASSERT_EQ(timer_set(&timers_, &all[i], random() % 1000), 0);
      set[i] = true;
    } else {
      timer_clear(&timers_, &all[i]);
      set[i] = false;
    }
    uint64_t first = UINT64_MAX;
    for (size_t k = 0; k < all.size(); k++)
      if (set[k]) first = std::min(first, all[k].when_ns);
    ASSERT_EQ(timers_next(&timers_), first);
    ASSERT_EQ(timers_.count, static_cast<size_t>(std::count(set.begin(), set.end(), true)));
  }
  size_t n = timers_.count;
  timers_run(&timers_, 1000);
  ASSERT_EQ(rung.size(), n);
  EXPECT_TRUE(std::is_sorted(rung.begin(), rung.end(),
                             [](auto *a, auto *b) { return a->when_ns < b->when_ns; }));
}

}  // namespace
