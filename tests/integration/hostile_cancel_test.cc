// SPDX-License-Identifier: Apache-2.0
//
// Clients that give up in the moment in which something comes for them. On the
// session stream nothing is ever lost by it: Cancel is answered by the result or by
// ECANCELED. A unary call can't say as much: a reply that has left the broker before the end
// of the call has reached it is gone. From when it has, nothing is taken any more.
#include <errno.h>

#include "integration/hostile.h"

using namespace sb_test;

namespace {

class HostileCancel : public Hostile {
 protected:
  void SetUp() override {
    Hostile::SetUp();
    client_.reset(new RawClient(address()));
    other_.reset(new RawClient(address()));
    session_.reset(new RawSession(*client_));
    sender_.reset(new RawSession(*other_));
    u_ = session_->Socket(AF_INET, SOCK_DGRAM);
    to_ = PbBytes(session_->Do(kBind, Pb().V(1, u_).B(2, InetAddress("127.0.0.1", 0))).body, 2);
    from_ = sender_->Socket(AF_INET, SOCK_DGRAM);
  }
  void TearDown() override {
    session_.reset();
    sender_.reset();
    client_.reset();
    other_.reset();
    Hostile::TearDown();
  }
  // Has a call wait, and sends its Cancel and what it waits for at the same time, by two
  // connections. Returns the answer to the call.
  RawReply Race(unsigned op, const Pb &request, unsigned come, const Pb &what) {
    uint64_t waiting = session_->Put(op, request);
    EXPECT_TRUE(session_->Flush());
    uint64_t sent = sender_->Put(come, what), cancel = session_->Put(kCancel, Pb().V(1, waiting));
    EXPECT_TRUE(sender_->Flush() && session_->Flush());
    EXPECT_EQ(0, sender_->Await(sent).error());
    session_->Await(cancel);
    RawReply r = session_->Await(waiting);
    EXPECT_TRUE(r.error() == 0 || r.error() == ECANCELED) << r.error();
    return r;
  }
  // Until a call waits, or none does, by a bounded number of round trips.
  bool Waits(bool one) {
    for (int i = 0; i < 20000; i++) {
      std::string list = admin_.Unary("Admin/ListSockets", "").reply;
      bool waits = list.find(std::string("\x70\x01", 2)) != std::string::npos;  // waiting_calls: 1
      if (waits == one) return true;
    }
    return false;
  }

  std::unique_ptr<RawClient> client_, other_;
  std::unique_ptr<RawSession> session_, sender_;
  uint32_t u_ = 0, from_ = 0;
  std::string to_;
};

TEST_F(HostileCancel, ReceivesThatAreCancelledLoseNoDatagram) {
  size_t got = 0;
  for (int i = 0; i < 200; i++)
    got += PbBytes(Race(kRecv, Pb().V(1, u_).V(2, 10), kSend, Pb().V(1, from_).B(2, "ab").B(5, to_)).body, 2).size();
  for (RawReply r; got < 400 && (r = session_->Do(kRecv, Pb().V(1, u_).V(2, 10).V(4, 0))).error() == 0;)
    got += PbBytes(r.body, 2).size();
  EXPECT_EQ(400u, got);
}

TEST_F(HostileCancel, ReceivesOfManyThatAreCancelledLoseNoDatagram) {
  size_t got = 0;
  Pb four = Pb().V(1, u_).V(2, 9).V(2, 9).V(2, 9).V(2, 9);
  for (int i = 0; i < 200; i++)
    got += PbBytes(Race(kRecvMany, four, kSendMany, Pb().V(1, from_).B(2, "abcd").V(3, 2).V(3, 2).B(6, to_)).body, 2).size();
  for (RawReply r; got < 800 && (r = session_->Do(kRecv, Pb().V(1, u_).V(2, 10).V(4, 0))).error() == 0;)
    got += PbBytes(r.body, 2).size();
  EXPECT_EQ(800u, got);
}

TEST_F(HostileCancel, AcceptsThatAreCancelledLoseNoConnection) {
  unsigned port;
  uint32_t s = TcpListener(*session_, &port);
  int accepted = 0;
  for (int i = 0; i < 100; i++) {
    uint32_t c = sender_->Socket(AF_INET, SOCK_STREAM);
    Pb connect = Pb().V(1, c).B(2, InetAddress("127.0.0.1", port));
    accepted += Race(kAccept, Pb().V(1, s), kConnect, connect).error() == 0;
  }
  while (accepted < 100 && session_->Do(kAccept, Pb().V(1, s).V(3, 0)).error() == 0) accepted++;
  EXPECT_EQ(100, accepted);
}

TEST_F(HostileCancel, AUnaryReceiveThatHasEndedTakesNothing) {
  size_t got = 0;
  for (int i = 0; i < 50; i++) {
    {
      RawCall call(*other_, "Broker/Recv", session_->token());
      ASSERT_TRUE(call.Send(Pb().V(1, u_).V(2, 10)));
      ASSERT_TRUE(Waits(true));
    }
    ASSERT_TRUE(Waits(false));
    ASSERT_EQ(0, sender_->Do(kSend, Pb().V(1, from_).B(2, "ab").B(5, to_)).error());
    RawReply r = session_->Do(kRecv, Pb().V(1, u_).V(2, 10).V(4, 0));
    got += PbBytes(r.body, 2).size();
  }
  EXPECT_EQ(100u, got);
}

}  // namespace
