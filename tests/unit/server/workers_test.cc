// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <vector>

#include "c_headers.h"

namespace {

std::mutex lock;
std::condition_variable changed;
int begun, ended;
bool open_gate;
std::vector<int> order;

struct Job {
  struct job job = {};
  int number = 0;
};

class Workers : public testing::Test {
 protected:
  void SetUp() override {
    begun = ended = 0;
    open_gate = false;
    order.clear();
  }
};

void Note(struct job *j) {
  std::lock_guard<std::mutex> hold(lock);
  order.push_back(reinterpret_cast<Job *>(j)->number);
}

void WaitAtGate(struct job *) {
  std::unique_lock<std::mutex> hold(lock);
  begun++;
  changed.notify_all();
  changed.wait(hold, [] { return open_gate; });
  ended++;
}

TEST_F(Workers, WhatIsQueuedIsDoneBeforeTheEnd) {
  struct workers *w = workers_new(3);
  ASSERT_NE(w, nullptr);
  std::vector<Job> jobs(1000);
  for (Job &j : jobs) {
    j.job.run = Note;
    workers_add(w, &j.job);
  }
  EXPECT_EQ(workers_free(w), nullptr);
  EXPECT_EQ(order.size(), jobs.size());
}

TEST_F(Workers, OneThreadDoesTheJobsInTheirOrder) {
  struct workers *w = workers_new(1);
  ASSERT_NE(w, nullptr);
  std::vector<Job> jobs(100);
  for (size_t i = 0; i < jobs.size(); i++) {
    jobs[i].job.run = Note;
    jobs[i].number = static_cast<int>(i);
    workers_add(w, &jobs[i].job);
  }
  workers_free(w);
  ASSERT_EQ(order.size(), jobs.size());
  for (size_t i = 0; i < order.size(); i++) EXPECT_EQ(order[i], static_cast<int>(i));
}

TEST_F(Workers, JobsRunSideBySideButNoMoreThanThereAreThreads) {
  struct workers *w = workers_new(2);
  ASSERT_NE(w, nullptr);
  Job jobs[3];
  for (Job &j : jobs) {
    j.job.run = WaitAtGate;
    workers_add(w, &j.job);
  }
  {
    std::unique_lock<std::mutex> hold(lock);
    changed.wait(hold, [] { return begun == 2; });
    EXPECT_EQ(ended, 0);
    open_gate = true;
    changed.notify_all();
  }
  workers_free(w);
  EXPECT_EQ(ended, 3);
}

TEST_F(Workers, NoneIsFreedWithoutHarm) {
  EXPECT_EQ(workers_free(nullptr), nullptr);
  EXPECT_TRUE(workers_end(nullptr, 0));
}

TEST_F(Workers, WhoIsIdleEndsInTime) {
  struct workers *w = workers_new(3);
  ASSERT_NE(w, nullptr);
  EXPECT_TRUE(workers_end(w, 20000));
}

struct Hung {
  struct job job = {};
  int pipe[2] = {-1, -1};
};

TEST_F(Workers, AJobThatNeverEndsIsLeftAloneAndTheQueueIsDropped) {
  static struct workers *w;  // and all they use stays
  static Hung hung;
  static int dropped;
  w = workers_new(1);
  ASSERT_NE(w, nullptr);
  ASSERT_EQ(0, pipe(hung.pipe));
  hung.job.run = [](struct job *j) {
    char c;
    {
      std::lock_guard<std::mutex> hold(lock);
      begun++;
      changed.notify_all();
    }
    (void)!read(reinterpret_cast<Hung *>(j)->pipe[0], &c, 1);
  };
  workers_add(w, &hung.job);
  {
    std::unique_lock<std::mutex> hold(lock);
    changed.wait(hold, [] { return begun == 1; });
  }
  Job jobs[3];
  for (Job &j : jobs) {
    j.job.run = Note;
    j.job.drop = [](struct job *) { dropped++; };
    workers_add(w, &j.job);
  }
  EXPECT_FALSE(workers_end(w, 10));
  EXPECT_EQ(3, dropped);
  EXPECT_TRUE(order.empty());
}

}  // namespace
