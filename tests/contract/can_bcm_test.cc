// SPDX-License-Identifier: Apache-2.0
//
// CAN_BCM, the broadcast manager: it is connected to an interface, told what to
// send and what to look for, and tells what it saw.
#include "can.h"

#include <linux/can/bcm.h>

#include <cstddef>

using namespace contract;

namespace {

constexpr bcm_timeval kSoon = {0, 10000};

class CanBcm : public CanContract {
 protected:
  CanBcm() : CanContract("CAN_BCM", SOCK_DGRAM, CAN_BCM) {}

  Sock Connected() const {
    Sock s = Socket();
    Must(s.Connect(First()), "connect");
    return s;
  }
  static bcm_msg_head Head(uint32_t opcode, canid_t id, uint32_t flags = 0) {
    bcm_msg_head h = {};
    h.opcode = opcode;
    h.can_id = id;
    h.flags = flags;
    return h;
  }
  static std::string Told(bcm_msg_head head, const std::vector<can_frame> &frames = {}) {
    head.nframes = static_cast<uint32_t>(frames.size());
    std::string bytes = BytesOf(head);
    for (const can_frame &f : frames)
      bytes += BytesOf(f);
    return bytes;
  }
  static bool Tell(const Sock &s, const bcm_msg_head &head,
                   const std::vector<can_frame> &frames = {}) {
    const std::string bytes = Told(head, frames);
    return static_cast<long>(bytes.size()) == s.Send(bytes);
  }
  // Its head is 56 bytes, and ends in frames: here there is one at most.
  struct News {
    uint32_t opcode, nframes;
    canid_t id;
    bcm_timeval ival2;
    can_frame frame;
  };
  static News Next(const Sock &s) {
    const std::string bytes = s.Read();
    const auto head = ValueOf<bcm_msg_head>(bytes);
    News news = {head.opcode, head.nframes, head.can_id, head.ival2, {}};
    if (bytes.size() > sizeof(head))
      news.frame = ValueOf<can_frame>(std::string_view(bytes).substr(sizeof(head)));
    return news;
  }
};
CONTRACT_FIXTURE(CanBcm);

TEST_P(CanBcm, TxSendSendsOneFrame) {
  const Sock s = Connected(), to = RawAt(First());
  EXPECT_TRUE(Tell(s, Head(TX_SEND, 0), {Frame(0x42, "now")}));
  const can_frame got = NextFrame(to);
  EXPECT_EQ(0x42u, got.can_id);
  EXPECT_EQ("now", DataOf(got));
}

TEST_P(CanBcm, TxSetupSendsAgainAndAgain) {
  const Sock s = Connected(), to = RawAt(First());
  bcm_msg_head head = Head(TX_SETUP, 0x50, SETTIMER | STARTTIMER);
  head.ival2 = kSoon;
  EXPECT_TRUE(Tell(s, head, {Frame(0x50, "a")}));
  for (int i = 0; i < 3; i++)
    EXPECT_EQ(0x50u, NextId(to));
  EXPECT_TRUE(Tell(s, Head(TX_DELETE, 0x50)));
  EXPECT_FALSE(Tell(s, Head(TX_DELETE, 0x50))) << "it is gone";
}

TEST_P(CanBcm, SeveralFramesAreSentInTurn) {
  const Sock s = Connected(), to = RawAt(First());
  bcm_msg_head head = Head(TX_SETUP, 0x51, SETTIMER | STARTTIMER | TX_CP_CAN_ID);
  head.ival2 = kSoon;
  EXPECT_TRUE(Tell(s, head, {Frame(0, "a"), Frame(0, "b")}));
  EXPECT_EQ("a", DataOf(NextFrame(to)));
  const can_frame second = NextFrame(to);
  EXPECT_EQ("b", DataOf(second));
  EXPECT_EQ(0x51u, second.can_id);
  EXPECT_EQ("a", DataOf(NextFrame(to)));
}

TEST_P(CanBcm, TheEndOfACountIsTold) {
  const Sock s = Connected(), to = RawAt(First());
  bcm_msg_head head = Head(TX_SETUP, 0x52, SETTIMER | STARTTIMER | TX_COUNTEVT);
  head.count = 2;
  head.ival1 = kSoon;
  EXPECT_TRUE(Tell(s, head, {Frame(0x52)}));
  const News news = Next(s);
  EXPECT_EQ(static_cast<uint32_t>(TX_EXPIRED), news.opcode);
  EXPECT_EQ(0x52u, news.id);
  EXPECT_EQ(0x52u, NextId(to));
  EXPECT_EQ(0x52u, NextId(to));
  EXPECT_EQ(0, to.Now(POLLIN));
}

TEST_P(CanBcm, TxReadTellsWhatIsSetUp) {
  const Sock s = Connected();
  bcm_msg_head head = Head(TX_SETUP, 0x53, SETTIMER);
  head.ival2 = {7, 8000};
  EXPECT_TRUE(Tell(s, head, {Frame(0x53, "x")}));
  EXPECT_TRUE(Tell(s, Head(TX_READ, 0x53)));
  const News news = Next(s);
  EXPECT_EQ(static_cast<uint32_t>(TX_STATUS), news.opcode);
  EXPECT_EQ(7, news.ival2.tv_sec);
  EXPECT_EQ(8000, news.ival2.tv_usec);
  EXPECT_EQ(1u, news.nframes);
  EXPECT_EQ("x", DataOf(news.frame));
}

TEST_P(CanBcm, AContentFilterTellsOnlyOfChanges) {
  const Sock s = Connected(), from = RawAt(First());
  // Of the data, the first byte alone is looked at.
  EXPECT_TRUE(Tell(s, Head(RX_SETUP, 0x60), {Frame(0x60, std::string_view("\xff\0", 2))}));
  SendFrame(from, Frame(0x60, "A1"));
  SendFrame(from, Frame(0x60, "A2"));
  SendFrame(from, Frame(0x61, "C1"));
  SendFrame(from, Frame(0x60, "B1"));
  const News first = Next(s), second = Next(s);
  EXPECT_EQ(static_cast<uint32_t>(RX_CHANGED), first.opcode);
  EXPECT_EQ("A1", DataOf(first.frame));
  EXPECT_EQ("B1", DataOf(second.frame));
  EXPECT_EQ(0x60u, second.frame.can_id);
}

TEST_P(CanBcm, AFilterByIdentifierTellsOfEachFrame) {
  const Sock s = Connected(), from = RawAt(First());
  EXPECT_TRUE(Tell(s, Head(RX_SETUP, 0x62, RX_FILTER_ID)));
  for (int i = 0; i < 2; i++) {
    SendFrame(from, Frame(0x62, "same"));
    EXPECT_EQ("same", DataOf(Next(s).frame));
  }
  EXPECT_TRUE(Tell(s, Head(RX_DELETE, 0x62)));
  SendFrame(from, Frame(0x62, "same"));
  EXPECT_EQ(0, s.Now(POLLIN));
}

TEST_P(CanBcm, AFrameThatDoesNotComeIsTold) {
  const Sock s = Connected(), from = RawAt(First());
  bcm_msg_head head = Head(RX_SETUP, 0x63, SETTIMER | RX_FILTER_ID);
  head.ival1 = kSoon;
  EXPECT_TRUE(Tell(s, head));
  SendFrame(from, Frame(0x63));
  EXPECT_EQ(static_cast<uint32_t>(RX_CHANGED), Next(s).opcode);
  const News news = Next(s);
  EXPECT_EQ(static_cast<uint32_t>(RX_TIMEOUT), news.opcode);
  EXPECT_EQ(0x63u, news.id);
}

TEST_P(CanBcm, NewsNamesItsInterface) {
  const Sock s = Connected(), from = RawAt(First());
  Addr at;
  EXPECT_TRUE(Tell(s, Head(RX_SETUP, 0x64, RX_FILTER_ID)));
  SendFrame(from, Frame(0x64));
  s.ReadFrom(&at);
  EXPECT_EQ(AF_CAN, at.family());
  EXPECT_EQ(GetVcans().first, at.as<sockaddr_can>().can_ifindex);
}

TEST_P(CanBcm, ConnectedToAllInterfacesItHearsEach) {
  const Sock s = Socket(), first = RawAt(First()), second = RawAt(Second());
  Addr at;
  EXPECT_EQ(0, s.Connect(Everywhere()));
  EXPECT_TRUE(Tell(s, Head(RX_SETUP, 0x65, RX_FILTER_ID)));
  SendFrame(first, Frame(0x65));
  s.ReadFrom(&at);
  EXPECT_EQ(GetVcans().first, at.as<sockaddr_can>().can_ifindex);
  SendFrame(second, Frame(0x65));
  s.ReadFrom(&at);
  EXPECT_EQ(GetVcans().second, at.as<sockaddr_can>().can_ifindex);
}

TEST_P(CanBcm, ConnectedToAllInterfacesItSendsWhereTheAddressSays) {
  const Sock s = Socket(), to = RawAt(Second());
  EXPECT_EQ(0, s.Connect(Everywhere()));
  const std::string told = Told(Head(TX_SEND, 0), {Frame(0x66)});
  EXPECT_EQ(static_cast<long>(told.size()), s.SendTo(told, Second()));
  EXPECT_EQ(0x66u, NextId(to));
}

TEST_P(CanBcm, UnconnectedItIsENOTCONN) {
  EXPECT_EQ(-ENOTCONN, Socket().Send(Told(Head(TX_SEND, 0), {Frame(1)})));
}

TEST_P(CanBcm, ItIsConnectedOnceToAnInterfaceThatIsThere) {
  EXPECT_EQ(-EISCONN, Connected().Connect(Second()));
  EXPECT_EQ(-ENODEV, Socket().Connect(At(4321)));
  EXPECT_EQ(-EOPNOTSUPP, Socket().Bind(First())) << "it is not bound";
}

TEST_P(CanBcm, AMessageThatIsNoneIsEINVAL) {
  EXPECT_EQ(-EINVAL, Connected().Send("short"));
  EXPECT_EQ(-EINVAL, Connected().Send(Told(Head(4711, 0))));
  EXPECT_EQ(-EINVAL, Connected().Send(Told(Head(TX_SEND, 0)))) << "without a frame";
}

TEST_P(CanBcm, ClosedItSendsNoMore) {
  const Sock to = RawAt(First()), other = RawAt(First());
  Sock s = Connected();
  bcm_msg_head head = Head(TX_SETUP, 0x67, SETTIMER | STARTTIMER);
  head.ival2 = kSoon;
  EXPECT_TRUE(Tell(s, head, {Frame(0x67)}));
  EXPECT_EQ(0x67u, NextId(to));
  EXPECT_EQ(0, s.Close());
  // What came before the end; after it there is nothing but the last frame.
  while (to.Now(POLLIN))
    NextId(to);
  EXPECT_EQ(0, to.Wait(POLLIN, 30));
  SendFrame(other, Frame(0x68));
  EXPECT_EQ(0x68u, NextId(to));
}

}  // namespace
