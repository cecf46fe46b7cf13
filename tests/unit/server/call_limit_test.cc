// SPDX-License-Identifier: Apache-2.0
//
// What a call may not: limits, policy, congestion; and what close leaves.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>
#include <vector>

#include "call_fixture.h"

namespace {

using sb_test::Answer;
using sb_test::CallEngine;
using sb_test::Engine;

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

// ---- close

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

// ---- policy

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

// ---- congestion

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

}  // namespace
