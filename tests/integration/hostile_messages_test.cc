// SPDX-License-Identifier: Apache-2.0
//
// Messages that are not what they should be.
#include <errno.h>

#include <random>

#include "integration/hostile.h"

using namespace sb_test;

namespace {

class HostileMessages : public Hostile {};

std::string Garbage(std::mt19937 &random, size_t most) {
  std::string s(random() % most, '\0');
  for (char &c : s) c = static_cast<char>(random());
  return s;
}

// Sockets of each kind that needs no privilege, for what is asked of them.
std::vector<uint32_t> SomeSockets(RawSession &session) {
  std::vector<uint32_t> all = {
      session.Socket(AF_INET, SOCK_DGRAM),  session.Socket(AF_INET, SOCK_STREAM),
      session.Socket(AF_INET6, SOCK_DGRAM), session.Socket(AF_UNIX, SOCK_DGRAM),
      session.Socket(AF_UNIX, SOCK_STREAM), session.Socket(AF_NETLINK, SOCK_RAW, 0)};
  return all;
}

TEST_F(HostileMessages, GarbageIsRefusedByEveryMethod) {
  std::mt19937 random(20240601);
  RawClient client(address());
  RawSession session(client);
  std::vector<std::string> methods = {"Admin/GetStatus", "Admin/ListSockets", "Admin/ListSessions",
                                      "/grpc.health.v1.Health/Check"};
  for (const OpName &op : kOps) methods.push_back(std::string("Broker/") + op.method);
  for (const std::string &method : methods)
    for (int i = 0; i < 12; i++) {
      RawClient::Result r = client.Unary(method, Garbage(random, 200), session.token());
      EXPECT_TRUE(r.status == GRPC_STATUS_OK || r.status == GRPC_STATUS_INVALID_ARGUMENT ||
                  r.status == GRPC_STATUS_NOT_FOUND)
          << method << ": " << r.status << " " << r.details;
    }
}

TEST_F(HostileMessages, GarbageEndsAStreamAndNothingElse) {
  std::mt19937 random(20240602);
  RawClient client(address());
  for (const char *method : {"Broker/Session", "Broker/Transfer"})
    for (int i = 0; i < 40; i++) {
      RawSession session(client);
      RawCall stream(client, method, session.token());
      (void)stream.Send("\xff" + Garbage(random, 300));
      EXPECT_EQ(GRPC_STATUS_INVALID_ARGUMENT, stream.Finish()) << method;
    }
}

TEST_F(HostileMessages, ATruncatedRequestIsRefused) {
  RawClient client(address());
  RawSession session(client);
  std::string whole = OnHandle(kBind, session.Socket(AF_INET, SOCK_DGRAM));
  for (size_t n = whole.size() - 1; n > 6; n--) {  // 6 bytes are the handle's
    RawClient::Result r = client.Unary("Broker/Bind", whole.substr(0, n), session.token());
    EXPECT_EQ(GRPC_STATUS_INVALID_ARGUMENT, r.status) << n;
  }
}

unsigned TimeoutField(unsigned op) {
  if (op == kSend || op == kRecv || op == kRecvMany) return 4;
  if (op == kSendMany) return 5;
  return op == kAccept || op == kConnect || op == kPoll ? 3 : 63;  // 63: nobody's
}

// What each operation is told when all but the handle is missing.
TEST_F(HostileMessages, MissingSubmessagesAreErrorsOfTheRequest) {
  RawClient client(address());
  RawSession session(client);
  Pb empty_ifreq = Pb().B(2, ""), no_value = Pb().V(1, IPPROTO_IP).V(2, IP_TTL);
  for (uint32_t s : SomeSockets(session)) {
    ASSERT_NE(0u, s);
    EXPECT_EQ(EINVAL, session.Do(kBind, Pb().V(1, s)).error());
    EXPECT_EQ(EINVAL, session.Do(kConnect, Pb().V(1, s)).error());
    EXPECT_EQ(EINVAL, session.Do(kSetOption, Pb().V(1, s).V(2, SOL_SOCKET).V(3, SO_KEEPALIVE)).error());
    EXPECT_EQ(EINVAL, session.Do(kSetOption, Pb().V(1, s).V(2, SOL_SOCKET).V(3, SO_LINGER).B(4, "")).error());
    EXPECT_NE(0, session.Do(kIoctl, Pb().V(1, s).V(2, 0x8933)).error());
    EXPECT_NE(0, session.Do(kIoctl, Pb().V(1, s).V(2, 0x8933).B(3, "")).error());
    EXPECT_NE(0, session.Do(kIoctl, Pb().V(1, s).V(2, 0x8933).B(3, empty_ifreq)).error());
    EXPECT_NE(0, session.Do(kSend, Pb().V(1, s).B(2, "x").V(4, 0).B(6, "")).error());
    EXPECT_NE(0, session.Do(kSend, Pb().V(1, s).B(2, "x").V(4, 0).B(6, no_value)).error());
    EXPECT_NE(0, session.Do(kSendMany, Pb().V(1, s).V(3, 0).V(5, 0).B(7, Pb().B(1, ""))).error());
    EXPECT_NE(0, session.Do(kGetOption, Pb().V(1, s).V(2, 12345).V(3, 1)).error());
    EXPECT_EQ(EINVAL, session.Do(kPoll, Pb()).error());
  }
}

TEST_F(HostileMessages, EmptyAndUnknownValuesInsideAreSurvived) {
  RawClient client(address());
  RawSession session(client);
  std::vector<uint32_t> sockets = SomeSockets(session);
  for (const OpName &op : kOps)
    for (unsigned field = 1; field < 10; field++)
      for (const Pb &value : {Pb().B(field, ""), Pb().V(field, 0), Pb().V(field, UINT64_MAX),
                              Pb().B(field, Pb().B(1, "")), Pb().B(field, Pb().B(4, Pb().V(1, 1)))}) {
        Pb message = OnHandle(op.op, sockets[field % sockets.size()]);
        if (op.op != kClose) message.append(value);
        message.V(TimeoutField(op.op), 0);
        RawClient::Result r = client.Unary(std::string("Broker/") + op.method, message, session.token());
        EXPECT_TRUE(r.status == GRPC_STATUS_OK || r.status == GRPC_STATUS_INVALID_ARGUMENT) << op.method;
      }
}

TEST_F(HostileMessages, EveryAddressKindLeftEmptyIsAnError) {
  RawClient client(address());
  RawSession session(client);
  for (unsigned kind : {1, 2, 4, 5, 6, 7})
    for (uint32_t s : SomeSockets(session)) {
      int error = session.Do(kConnect, Pb().V(1, s).B(2, Pb().B(kind, "")).V(3, 0)).error();
      EXPECT_TRUE(error != -1 && (error || kind == 5)) << "kind " << kind;
    }
}

TEST_F(HostileMessages, HugeLengthsAreBounded) {
  RawClient client(address());
  RawSession session(client);
  uint32_t s = session.Socket(AF_INET, SOCK_DGRAM), a, b;
  ASSERT_TRUE(MakePair(session, SOCK_STREAM, &a, &b));
  EXPECT_EQ(EAGAIN, session.Do(kRecv, Pb().V(1, s).V(2, UINT32_MAX).V(4, 0)).error());
  EXPECT_EQ(EAGAIN, session.Do(kRecv, Pb().V(1, a).V(2, UINT32_MAX).V(3, MSG_WAITALL).V(4, 1000)).error());
  EXPECT_NE(0, session.Do(kRecv, Pb().V(1, s).V(2, 1).V(4, 0).V(5, UINT32_MAX)).error());
  EXPECT_EQ(EINVAL, session.Do(kGetOption, Pb().V(1, s).V(2, SOL_SOCKET).V(3, SO_TYPE).V(4, 1u << 31)).error());
  EXPECT_EQ(EINVAL, session.Do(kSetOption, Pb().V(1, s).V(2, SOL_SOCKET).V(3, SO_KEEPALIVE)
                                               .B(4, Pb().V(1, 1)).V(5, UINT32_MAX)).error());
  EXPECT_EQ(EINVAL, session.Do(kRecvMany, Pb().V(1, s).V(2, UINT32_MAX).V(2, UINT32_MAX).V(4, 0)).error());
  EXPECT_NE(0, session.Do(kRecvMany, Pb().V(1, s).V(2, 1).V(4, 0).V(5, UINT32_MAX)).error());
  Pb many = Pb().V(1, s).B(2, std::string(1000000, 1)).V(4, 0);
  EXPECT_EQ(EINVAL, session.Do(kRecvMany, many).error());
  EXPECT_EQ(EINVAL, session.Do(kPoll, Pb().B(1, std::string(1000000, 1)).B(2, std::string(1000000, 1))).error());
  EXPECT_EQ(EINVAL, session.Do(kPoll, Pb().V(1, s).B(2, std::string(2, 1))).error());
  Pb filter;
  for (int i = 0; i < 5000; i++) filter.B(1, Pb().V(1, 6));
  EXPECT_NE(0, session.Do(kSetOption, Pb().V(1, s).V(2, SOL_SOCKET).V(3, SO_ATTACH_FILTER).B(4, Pb().B(9, filter))).error());
}

TEST_F(HostileMessages, SizesThatDoNotAddUpAreInvalid) {
  RawClient client(address());
  RawSession session(client);
  uint32_t s = session.Socket(AF_INET, SOCK_DGRAM);
  Pb to = InetAddress("127.0.0.1", 9);
  for (const Pb &sizes : {Pb(), Pb().V(3, 2), Pb().V(3, 4), Pb().V(3, UINT32_MAX),
                          Pb().V(3, UINT32_MAX).V(3, 4), Pb().V(3, 1).V(3, 1),
                          Pb().B(3, std::string(1025, '\0'))}) {
    Pb request = Pb().V(1, s).B(2, "abc").V(5, 0).B(6, to);
    request.append(sizes);
    EXPECT_EQ(EINVAL, session.Do(kSendMany, request).error());
  }
  EXPECT_EQ(EINVAL, session.Do(kSendMany, Pb().V(1, s).B(2, "ab").V(3, 1).V(3, 1).B(6, to).B(6, to).B(6, to)).error());
  EXPECT_EQ(EINVAL, session.Do(kSendMany, Pb().V(1, s).B(2, "ab").V(3, 1).V(3, 1).B(6, to).B(7, "")).error());
}

TEST_F(HostileMessages, IdsThatAreZeroOrInFlightAreInvalid) {
  RawClient client(address());
  RawSession session(client);
  uint32_t s = session.Socket(AF_INET, SOCK_DGRAM);
  auto request = [&](uint64_t id, unsigned op, const Pb &body) {
    return std::string(Pb().B(1, Pb().V(1, id).B(op, body)));
  };
  ASSERT_TRUE(session.stream().Send(request(500, kRecv, Pb().V(1, s).V(2, 1)) +
                                    request(500, kRecv, Pb().V(1, s).V(2, 1))));
  RawReply twice = session.Await(500);
  EXPECT_EQ(EINVAL, twice.error());
  for (uint64_t id : {uint64_t{0}, uint64_t{1} << 32, UINT64_MAX}) {
    ASSERT_TRUE(session.stream().Send(request(id, kGetOption, OnHandle(kGetOption, s))));
    EXPECT_EQ(EINVAL, session.Await(id).error()) << id;
  }
  uint64_t cancel = session.Put(kCancel, Pb().V(1, 500));
  ASSERT_TRUE(session.Flush());
  EXPECT_EQ(ECANCELED, session.Await(500).error());
  EXPECT_EQ(1u, PbNumber(session.Await(cancel).body, 2));
}

TEST_F(HostileMessages, CancellingWhatIsNotThereFindsNothing) {
  RawClient client(address());
  RawSession session(client);
  for (uint64_t id : {uint64_t{0}, uint64_t{1}, uint64_t{9999}, uint64_t{1} << 32, UINT64_MAX}) {
    RawReply r = session.Do(kCancel, Pb().V(1, id));
    EXPECT_EQ(0, r.error());
    EXPECT_EQ(0u, PbNumber(r.body, 2));
  }
}

TEST_F(HostileMessages, HelloTwiceIsAnErrorAndTheSessionLives) {
  RawClient client(address());
  RawSession session(client);
  RawReply again = session.Do(kHello, Pb().V(1, 1));
  EXPECT_EQ(EEXIST, again.error());
  EXPECT_EQ("", Token(again.body));
  EXPECT_NE(0u, session.Socket(AF_INET, SOCK_DGRAM));
}

TEST_F(HostileMessages, ARequestBeforeHelloEndsTheStream) {
  RawClient client(address());
  for (const OpName &op : kOps) {
    RawSession session(client, false);
    session.Put(op.op, OnHandle(op.op, 1));
    session.Flush();
    EXPECT_EQ(GRPC_STATUS_FAILED_PRECONDITION, session.stream().Finish()) << op.method;
  }
}

TEST_F(HostileMessages, AVersionThatIsNotSpokenIsEproto) {
  RawClient client(address());
  for (uint64_t version : {0u, 2u, UINT32_MAX}) {
    RawSession session(client, false);
    RawReply r = session.Do(kHello, Pb().V(1, version).B(2, std::string(100000, 'x')));
    EXPECT_EQ(EPROTO, r.error());
    EXPECT_EQ(1u, PbNumber(r.body, 2));
    EXPECT_EQ("", Token(r.body));
  }
}

TEST_F(HostileMessages, AnUnknownOperationIsAnsweredWithoutOneAndTheSessionGoesOn) {
  RawClient client(address());
  RawSession session(client);
  const uint64_t kId = 1000;
  for (const Pb &request : {Pb().V(1, kId), Pb().V(1, kId).B(99, ""), Pb().V(1, kId).B(100000, "")}) {
    ASSERT_TRUE(session.stream().Send(Pb().B(1, request)));
    const RawReply reply = session.Next();
    EXPECT_EQ(kId, reply.id);
    EXPECT_EQ(0u, reply.op);
  }
  EXPECT_NE(0u, session.Socket(AF_INET, SOCK_DGRAM));
}

TEST_F(HostileMessages, OneRequestTooManyInAMessageEndsTheStream) {
  RawClient client(address());
  RawSession session(client);
  for (int i = 0; i < 1025; i++) session.Put(kClose, Pb().V(1, 1));
  session.Flush();
  EXPECT_EQ(GRPC_STATUS_RESOURCE_EXHAUSTED, session.stream().Finish());
}

TEST_F(HostileMessages, AMessageOverTheLimitEndsTheStream) {
  RawClient client(address());
  RawSession session(client);
  session.stream().StartSend(std::string((4 << 20) + 1, 'x'));
  EXPECT_EQ(GRPC_STATUS_RESOURCE_EXHAUSTED, session.stream().Finish());
  RawSession other(client);
  EXPECT_EQ(GRPC_STATUS_RESOURCE_EXHAUSTED,
            client.Unary("Broker/Send", std::string((4 << 20) + 1, 'x'), other.token()).status);
}

// 32 MiB of zeros are 32 KiB when compressed.
TEST_F(HostileMessages, ACompressedMessageCannotGrowBeyondTheLimit) {
  RawClient client(address(), true);
  std::string bomb(32 << 20, '\0');
  for (int i = 0; i < 2; i++)
    EXPECT_EQ(GRPC_STATUS_UNIMPLEMENTED, client.Unary("Admin/GetStatus", bomb).status);
  EXPECT_LT(GrownMiB(), 25);
}

}  // namespace
