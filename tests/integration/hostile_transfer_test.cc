// SPDX-License-Identifier: Apache-2.0
//
// The Transfer stream, abused.
#include <errno.h>

#include "integration/hostile.h"

using namespace sb_test;

namespace {

enum Kind { kNone, kChunkSend, kChunkRecv, kChunkCancel };

Pb Chunk(uint32_t handle, int kind, uint64_t id) {
  return Pb().V(2, handle).V(3, static_cast<uint64_t>(kind)).V(4, id);
}

class HostileTransfer : public Hostile {
 protected:
  void SetUp() override {
    Hostile::SetUp();
    client_.reset(new RawClient(address()));
    session_.reset(new RawSession(*client_));
    ASSERT_TRUE(MakePair(*session_, SOCK_STREAM, &a_, &b_));
  }
  void TearDown() override {
    session_.reset();
    client_.reset();
    Hostile::TearDown();
  }
  std::unique_ptr<RawClient> client_;
  std::unique_ptr<RawSession> session_;
  uint32_t a_ = 0, b_ = 0;
};

TEST_F(HostileTransfer, ChunksOutOfPlaceEndTheStream) {
  std::string sends = Chunk(a_, kChunkSend, 1).V(8, 1).B(15, "x");
  for (const std::vector<std::string> &chunks : std::vector<std::vector<std::string>>{
           {Chunk(a_, 77, 1)}, {Chunk(a_, kNone, 1).V(8, 1)}, {Chunk(a_, kNone, 1).B(15, "x")},
           {sends, Chunk(a_, kChunkSend, 2).V(8, 1).B(15, "y")}, {sends, Chunk(a_, kChunkRecv, 1).V(7, 1)},
           {Pb().B(2, "handle")}, {Pb().B(15, "x").V(2, a_)}, {std::string("\x7a\xff\xff\xff\xff\x0f")},
           {std::string(200, '\xff')}, {std::string(129, '\x20')}}) {
    RawCall stream(*client_, "Broker/Transfer", session_->token());
    for (auto &c : chunks) (void)stream.Send(c);
    EXPECT_EQ(GRPC_STATUS_INVALID_ARGUMENT, stream.Finish()) << stream.details();
  }
}

TEST_F(HostileTransfer, HandlesThatAreNotItsOwnAreBadOnes) {
  RawClient other(address());
  RawSession thief(other);
  uint32_t s = session_->Do(kSocket, Pb().V(1, 77).V(2, AF_INET).V(3, SOCK_DGRAM)).handle();
  for (uint32_t handle : {s, 0u, 0xffffffffu})
    for (const Pb &chunk : {Chunk(handle, kChunkSend, 1).B(15, "x"), Chunk(handle, kChunkRecv, 1).V(7, 1)}) {
      RawCall stream(other, "Broker/Transfer", thief.token());
      std::string reply;
      ASSERT_TRUE(stream.Send(chunk) && stream.Receive(&reply));
      EXPECT_EQ(static_cast<uint64_t>(EBADF), PbNumber(reply, 1));
    }
}

TEST_F(HostileTransfer, WithoutASessionThereIsNone) {
  RawCall none(*client_, "Broker/Transfer"), wrong(*client_, "Broker/Transfer", std::string(36, '0'));
  EXPECT_EQ(GRPC_STATUS_UNAUTHENTICATED, none.Finish());
  EXPECT_EQ(GRPC_STATUS_UNAUTHENTICATED, wrong.Finish());
}

TEST_F(HostileTransfer, AnOversizeChunkEndsTheStream) {
  RawCall stream(*client_, "Broker/Transfer", session_->token());
  stream.StartSend(Chunk(a_, kChunkSend, 1).B(15, std::string((4 << 20) + 1, 'x')));
  EXPECT_EQ(GRPC_STATUS_RESOURCE_EXHAUSTED, stream.Finish());
}

TEST_F(HostileTransfer, AskingForAllThereEverWasGivesWhatThereIs) {
  RawCall stream(*client_, "Broker/Transfer", session_->token());
  session_->Do(kSend, Pb().V(1, a_).B(2, "hello"));
  std::string reply;
  ASSERT_TRUE(stream.Send(Chunk(b_, kChunkRecv, 1).V(7, uint64_t{1} << 63)) && stream.Receive(&reply));
  EXPECT_EQ("hello", PbBytes(reply, 15));
  EXPECT_EQ(5u, PbNumber(reply, 7));
}

TEST_F(HostileTransfer, ReceivesSentAheadKeepTheirBytesAndOrder) {
  std::string sent, got;
  for (int i = 0; i < 100; i++) sent += std::to_string(1000 + i);
  for (int round = 0; round < 20; round++) {
    RawCall stream(*client_, "Broker/Transfer", session_->token());
    session_->Do(kSend, Pb().V(1, a_).B(2, sent));
    for (uint64_t id = 1; id <= 4; id++) ASSERT_TRUE(stream.Send(Chunk(b_, kChunkRecv, id).V(7, 100).V(5, MSG_WAITALL)));
    got.clear();
    std::string reply;
    while (got.size() < sent.size() && stream.Receive(&reply, 5000)) got += PbBytes(reply, 15);
    ASSERT_EQ(sent, got);
  }
}

// The second begins while the first one's last piece is being written.
TEST_F(HostileTransfer, ALongReceiveBehindAShortOneKeepsItsBytesAndOrder) {
  unsigned port;
  uint32_t l = TcpListener(*session_, &port), c = session_->Socket(AF_INET, SOCK_STREAM);
  ASSERT_EQ(0, session_->Do(kConnect, Pb().V(1, c).B(2, InetAddress("127.0.0.1", port))).error());
  uint32_t s = session_->Do(kAccept, Pb().V(1, l)).handle();
  RawCall down(*client_, "Broker/Transfer", session_->token());
  for (uint64_t round = 0; round < 10; round++) {
    std::string sent(1 << 20, '\0'), got, reply;
    for (size_t i = 0; i < sent.size(); i++) sent[i] = static_cast<char>(i / 1000);
    uint64_t id = session_->Put(kSend, Pb().V(1, c).B(2, sent));
    ASSERT_TRUE(session_->Flush());
    ASSERT_TRUE(down.Send(Chunk(s, kChunkRecv, 2 * round + 1).V(7, 10).V(5, MSG_WAITALL)));
    ASSERT_TRUE(down.Send(Chunk(s, kChunkRecv, 2 * round + 2).V(7, sent.size() - 10).V(5, MSG_WAITALL)));
    while (got.size() < sent.size() && down.Receive(&reply, 10000)) got += PbBytes(reply, 15);
    ASSERT_EQ(sent.size(), got.size());
    ASSERT_TRUE(sent == got);
    ASSERT_EQ(0, session_->Await(id).error());
  }
}

TEST_F(HostileTransfer, CancelAnswersAReceiveThatWaits) {
  RawCall stream(*client_, "Broker/Transfer", session_->token());
  std::string reply;
  ASSERT_TRUE(stream.Send(Chunk(b_, kChunkRecv, 1).V(7, 100)) && stream.Send(Chunk(b_, kChunkCancel, 1)));
  ASSERT_TRUE(stream.Receive(&reply));
  EXPECT_EQ(static_cast<uint64_t>(ECANCELED), PbNumber(reply, 1));
}

TEST_F(HostileTransfer, StreamsThatDoNotReadHoldUpNobody) {
  session_->Do(kSend, Pb().V(1, a_).B(2, std::string(100000, 'x')));
  std::vector<std::unique_ptr<RawCall>> all;
  for (int i = 0; i < 200; i++) {
    all.emplace_back(new RawCall(*client_, "Broker/Transfer", session_->token()));
    ASSERT_TRUE(all.back()->Send(Chunk(b_, kChunkRecv, 1).V(7, uint64_t{1} << 40).V(5, MSG_WAITALL)));
  }
  EXPECT_EQ(0, session_->Do(kGetOption, OnHandle(kGetOption, a_)).error());
  for (auto &c : all) c->Cancel();
}

TEST_F(HostileTransfer, KillingAClientInTheMiddleLeavesNothing) {
  for (int kind : {kChunkSend, kChunkRecv}) {
    OtherProcess attacker(geteuid(), [](const std::string &argument, int out) {
      RawClient client(argument.substr(1));
      RawSession session(client);
      uint32_t a, b;
      MakePair(session, SOCK_STREAM, &a, &b);
      RawCall stream(client, "Broker/Transfer", session.token());
      if (argument[0] == kChunkSend + '0')
        stream.Send(Chunk(a, kChunkSend, 1).V(8, 1).B(15, std::string(2 << 20, 'x')));
      else
        stream.Send(Chunk(a, kChunkRecv, 1).V(7, 1000));
      session.Do(kGetOption, OnHandle(kGetOption, a));
      Say(out, "under way");
      for (;;) stream.Finish();
    }, std::to_string(kind) + address());
    EXPECT_EQ("under way\n", attacker.Line());
    attacker.Kill();
  }
}

}  // namespace
