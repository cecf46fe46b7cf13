// SPDX-License-Identifier: Apache-2.0
//
// Calls that a worker runs, and those behind them.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>

#include "call_fixture.h"

namespace {

using sb_test::Answer;
using sb_test::CallEngine;

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
                           }, nullptr},
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

TEST_F(BusyWorker, OverTheLimitCloseDoesNotWaitForTheWorker) {
  Answer *send = e_.Send(netlink_, message_);
  e_.session()->limits.calls = 1;
  EXPECT_EQ(e_.GetSockName(netlink_)->error, -EMFILE);
  Answer *closed = e_.Close(netlink_);
  ASSERT_TRUE(e_.IsDone(closed));
  EXPECT_EQ(closed->error, 0);
  EXPECT_EQ(e_.GetSockName(netlink_)->error, -EBADF);
  Open();
  ASSERT_TRUE(e_.RunUntil(send));
  EXPECT_EQ(send->error, 0) << "it has the socket still";
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
