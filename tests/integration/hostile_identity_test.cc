// SPDX-License-Identifier: Apache-2.0
//
// Somebody else's sockets, sessions and tokens.
#include <errno.h>
#include <poll.h>

#include "integration/hostile.h"

using namespace sb_test;

namespace {

class HostileIdentity : public Hostile {};

TEST_F(HostileIdentity, AnotherSessionsHandleIsABadOneInEveryOperation) {
  RawClient mine(address()), theirs(address());
  RawSession owner(mine), thief(theirs);
  uint32_t s = owner.Do(kSocket, Pb().V(1, 77).V(2, AF_INET).V(3, SOCK_DGRAM)).handle();
  uint32_t own = owner.Socket(AF_INET, SOCK_STREAM);
  ASSERT_EQ(77u, s);
  for (uint32_t handle : {s, own, 0u, 0xffffffffu})
    for (const OpName &op : kOps) {
      if (!TakesHandle(op.op)) continue;
      EXPECT_EQ(EBADF, thief.Do(op.op, OnHandle(op.op, handle)).error()) << op.method;
      RawClient::Result r = theirs.Unary(std::string("Broker/") + op.method, OnHandle(op.op, handle),
                                         thief.token());
      EXPECT_EQ(GRPC_STATUS_OK, r.status) << op.method;
      EXPECT_EQ(EBADF, static_cast<int>(PbNumber(r.reply, 1))) << op.method;
    }
  EXPECT_EQ(0, owner.Do(kGetOption, OnHandle(kGetOption, s)).error());
}

TEST_F(HostileIdentity, AnotherSessionsHandleIsInvalidToPoll) {
  RawClient mine(address()), theirs(address());
  RawSession owner(mine), thief(theirs);
  uint32_t s = owner.Do(kSocket, Pb().V(1, 77).V(2, AF_INET).V(3, SOCK_DGRAM)).handle();
  RawReply r = thief.Do(kPoll, Pb().V(1, s).V(2, POLLOUT).V(3, 0));
  EXPECT_EQ(0, r.error());
  EXPECT_EQ(std::string(1, POLLNVAL), PbBytes(r.body, 3));
}

TEST_F(HostileIdentity, AnotherSessionsHandleCannotBePassed) {
  RawClient mine(address()), theirs(address());
  RawSession owner(mine), thief(theirs);
  uint32_t s = owner.Do(kSocket, Pb().V(1, 77).V(2, AF_INET).V(3, SOCK_DGRAM)).handle(), a, b;
  ASSERT_TRUE(MakePair(thief, SOCK_STREAM, &a, &b));
  Pb rights = Pb().V(1, SOL_SOCKET).V(2, SCM_RIGHTS).B(4, Pb().V(1, s));
  EXPECT_EQ(EBADF, thief.Do(kSend, Pb().V(1, a).B(2, "x").B(6, rights)).error());
}

// A message that waits holds what it carries: were it closed meanwhile, its number
// might be somebody else's socket by the time the message goes.
TEST_F(HostileIdentity, AHandleClosedWhileItsMessageWaitsDoesNotBecomeAnothers) {
  RawClient mine(address()), theirs(address());
  RawSession thief(theirs), victim(mine);
  uint32_t a, b;
  ASSERT_TRUE(MakePair(thief, SOCK_STREAM, &a, &b));
  uint32_t bait = thief.Socket(AF_INET, SOCK_STREAM);
  std::string block(1 << 16, 'x');
  size_t filled = 0;
  for (int i = 0; i < 1000; i++) {
    RawReply r = thief.Do(kSend, Pb().V(1, a).B(2, block).V(4, 0));
    if (r.error()) break;
    filled += PbNumber(r.body, 2);
  }
  Pb rights = Pb().V(1, SOL_SOCKET).V(2, SCM_RIGHTS).B(4, Pb().V(1, bait));
  uint64_t waiting = thief.Put(kSend, Pb().V(1, a).B(2, "y").B(6, rights));
  ASSERT_TRUE(thief.Flush());
  ASSERT_EQ(0, thief.Do(kClose, Pb().V(1, bait)).error());

  // Its sockets take the numbers that are free.
  for (int i = 0; i < 8; i++) ASSERT_NE(0u, victim.Socket(AF_INET, SOCK_DGRAM));
  uint32_t got = 0;
  for (size_t taken = 0; taken <= filled && !got;) {
    RawReply r = thief.Do(kRecv, Pb().V(1, b).V(2, 1 << 16).V(5, 64));
    ASSERT_EQ(0, r.error());
    taken += PbBytes(r.body, 2).size();
    std::string passed = PbBytes(PbBytes(r.body, 6), 4), handles = PbBytes(passed, 1);
    if (!passed.empty() && !handles.empty()) {
      size_t shift = 0;
      for (char c : handles) got |= static_cast<uint32_t>(c & 0x7f) << shift, shift += 7;
    }
  }
  thief.Await(waiting);
  ASSERT_NE(0u, got);
  RawReply type = thief.Do(kGetOption, Pb().V(1, got).V(2, SOL_SOCKET).V(3, SO_TYPE).V(4, 4));
  EXPECT_EQ(SOCK_STREAM, static_cast<int>(PbNumber(PbBytes(type.body, 2), 1)));
}

TEST_F(HostileIdentity, AStolenTokenIsNoUseToAnotherUser) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root, to be another user";
  RawClient mine(address());
  RawSession owner(mine);
  uint32_t s = owner.Socket(AF_INET, SOCK_DGRAM);
  OtherProcess thief(kNobody, [](const std::string &argument, int out) {
    size_t cut = argument.find(' ');
    RawClient client("unix:" + argument.substr(cut + 1));
    std::string token = argument.substr(0, cut), statuses;
    RawSession own(client);
    for (const OpName &op : kOps)
      if (client.Unary(std::string("Broker/") + op.method, OnHandle(op.op, 1), token).status !=
          GRPC_STATUS_UNAUTHENTICATED)
        statuses += op.method;
    RawCall transfer(client, "Broker/Transfer", token);
    if (transfer.Finish() != GRPC_STATUS_UNAUTHENTICATED) statuses += "Transfer";
    Say(out, statuses.empty() ? "refused" : statuses);
  }, owner.token() + " " + address().substr(5));
  EXPECT_EQ("refused\n", thief.Line());
  EXPECT_EQ(0, owner.Do(kGetOption, OnHandle(kGetOption, s)).error());
}

TEST_F(HostileIdentity, TheTokenOfAnEndedSessionIsWorthNothing) {
  RawClient client(address());
  std::string token;
  { token = RawSession(client).token(); }
  RawClient::Result r = {};
  for (int i = 0; i < 1000 && r.status != GRPC_STATUS_UNAUTHENTICATED; i++)
    r = client.Unary("Broker/Socket", Pb().V(2, AF_INET).V(3, SOCK_DGRAM), token);
  EXPECT_EQ(GRPC_STATUS_UNAUTHENTICATED, r.status);
}

TEST_F(HostileIdentity, MadeUpTokensAreRefused) {
  RawClient client(address());
  RawSession session(client);
  std::string longer = session.token() + "0", shorter = session.token(), changed = session.token(),
              shard = session.token();
  shorter.pop_back();
  changed.back() = changed.back() == '0' ? '1' : '0';
  shard.replace(0, 4, "ffff");
  for (const std::string &token :
       {longer, shorter, changed, shard, std::string("0"), std::string(36, '0'), std::string(36, 'g'),
        std::string(36, ' '), std::string(36, '-'), std::string(4000, 'a')})
    EXPECT_EQ(GRPC_STATUS_UNAUTHENTICATED,
              client.Unary("Broker/Socket", Pb().V(2, AF_INET).V(3, SOCK_DGRAM), token).status)
        << token;
  for (const OpName &op : kOps)
    EXPECT_EQ(GRPC_STATUS_UNAUTHENTICATED, client.Unary(std::string("Broker/") + op.method, "").status);
  EXPECT_EQ(0, session.Do(kSocket, Pb().V(2, AF_INET).V(3, SOCK_DGRAM)).error());
}

TEST_F(HostileIdentity, MethodsThatDoNotExistAreUnimplemented) {
  RawClient client(address());
  for (const char *method : {"Broker/Fly", "Broker/", "Broker/bind", "Broker/BindX", "Admin/Stop",
                             "Admin/", "/x/y", "/grpc.health.v1.Health/Watch", "/sockbroker.v1.Broker"})
    EXPECT_EQ(GRPC_STATUS_UNIMPLEMENTED, client.Unary(method, "").status) << method;
}

}  // namespace
