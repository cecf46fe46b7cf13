// SPDX-License-Identifier: Apache-2.0
//
// Unary calls whose client gives up while the broker takes data for them:
// what was taken goes to the next who asks, in its place.
//
// A reply that has left the broker when the client gives up is lost to it, as any
// reply on a connection is. So the calls here are given up before anything comes.
#include <errno.h>

#include <functional>

#include "integration/hostile.h"

using namespace sb_test;

namespace {

class HostileCancel : public Hostile {
 protected:
  // Starts `n` calls that wait, has something come, and gives up in the same moment.
  // Returns what came in spite of it, in order.
  std::vector<std::string> GiveUp(RawClient &client, const std::string &method, const Pb &request,
                                  const std::string &token, int n, const std::function<void()> &come) {
    std::vector<std::unique_ptr<RawCall>> calls;
    std::vector<std::string> came;
    for (int i = 0; i < n; i++) {
      calls.emplace_back(new RawCall(client, method, token));
      calls.back()->StartSend(request);
      calls.back()->CloseSend();
      calls.back()->StartReceive();
    }
    for (auto &c : calls) c->Sent();
    for (auto &c : calls) c->Cancel();
    come();
    for (auto &c : calls) {
      std::string reply;
      if (c->Receive(&reply) && PbNumber(reply, 1) == 0) came.push_back(reply);
      c->Finish();
    }
    return came;
  }
};

TEST_F(HostileCancel, ReceivesGivenUpLoseNoByte) {
  RawClient client(address()), giving(address());
  RawSession session(client);
  uint32_t a, b;
  ASSERT_TRUE(MakePair(session, SOCK_STREAM, &a, &b));
  std::string sent, got;
  for (int i = 0; i < 200; i++) {
    std::string piece = std::to_string(i) + ",";
    sent += piece;
    for (auto &r : GiveUp(giving, "Broker/Recv", Pb().V(1, b).V(2, 3), session.token(), 2,
                          [&] { session.Do(kSend, Pb().V(1, a).B(2, piece)); }))
      got += PbBytes(r, 2);
  }
  for (int i = 0; i < 2000 && got.size() < sent.size(); i++) {
    RawReply r = session.Do(kRecv, Pb().V(1, b).V(2, 100).V(4, 1000000000));
    if (r.error()) break;
    got += PbBytes(r.body, 2);
  }
  EXPECT_EQ(sent.size(), got.size());
}

TEST_F(HostileCancel, ManyDatagramsGivenUpAreAllThereForTheNext) {
  RawClient client(address()), giving(address());
  RawSession session(client);
  uint32_t a, b;
  ASSERT_TRUE(MakePair(session, SOCK_DGRAM, &a, &b));
  size_t got = 0;
  for (int i = 0; i < 200; i++)
    for (auto &r : GiveUp(giving, "Broker/RecvMany", Pb().V(1, b).V(2, 10).V(2, 10).V(3, MSG_WAITFORONE),
                          session.token(), 1, [&] {
                            session.Do(kSendMany, Pb().V(1, a).B(2, "abcd").V(3, 2).V(3, 2));
                          }))
      got += PbBytes(r, 2).size();
  for (int i = 0; i < 2000 && got < 800; i++) {
    RawReply r = session.Do(kRecvMany, Pb().V(1, b).V(2, 10).V(2, 10).V(3, MSG_WAITFORONE).V(4, 1000000000));
    if (r.error()) break;
    got += PbBytes(r.body, 2).size();
  }
  EXPECT_EQ(800u, got);
}

TEST_F(HostileCancel, AcceptsGivenUpLoseNoConnection) {
  RawClient client(address()), giving(address());
  RawSession session(client);
  unsigned port;
  uint32_t s = TcpListener(session, &port);
  size_t accepted = 0;
  for (int i = 0; i < 100; i++) {
    accepted += GiveUp(giving, "Broker/Accept", Pb().V(1, s), session.token(), 1, [&] {
      uint32_t c = session.Socket(AF_INET, SOCK_STREAM);
      EXPECT_EQ(0, session.Do(kConnect, Pb().V(1, c).B(2, InetAddress("127.0.0.1", port))).error());
    }).size();
  }
  for (int i = 0; i < 200 && accepted < 100; i++) {
    if (session.Do(kAccept, Pb().V(1, s).V(3, 1000000000)).error()) break;
    accepted++;
  }
  EXPECT_EQ(100u, accepted);
}

}  // namespace
