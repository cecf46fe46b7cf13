// SPDX-License-Identifier: Apache-2.0
//
// CAN_ISOTP (ISO 15765-2): messages longer than a frame, between two identifiers.
#include "can.h"

#include <linux/can/isotp.h>

using namespace contract;

namespace {

constexpr int kLevel = SOL_CAN_BASE + CAN_ISOTP;
constexpr canid_t kTester = 0x700, kEcu = 0x708;

class CanIsotp : public CanContract {
 protected:
  CanIsotp() : CanContract("CAN_ISOTP", SOCK_DGRAM, CAN_ISOTP) {}

  static Addr Ids(canid_t receive, canid_t send) {
    sockaddr_can a = First().as<sockaddr_can>();
    a.can_addr.tp.rx_id = receive;
    a.can_addr.tp.tx_id = send;
    return Addr::Of(a);
  }
  Sock Tester() const { return Bound(Socket(), Ids(kEcu, kTester)); }
  Sock Ecu() const { return Bound(Socket(), Ids(kTester, kEcu)); }
  static can_isotp_options Options(uint32_t flags) {
    can_isotp_options o = {};
    o.flags = flags;
    return o;
  }
};
CONTRACT_FIXTURE(CanIsotp);

TEST_P(CanIsotp, AShortMessageIsOneFrame) {
  const Sock tester = Tester(), ecu = Ecu(), wire = RawAt(First());
  EXPECT_EQ(5, tester.Send("hello"));
  EXPECT_EQ("hello", ecu.Read());
  const can_frame frame = NextFrame(wire);
  EXPECT_EQ(kTester, frame.can_id);
  EXPECT_EQ("\x05hello", DataOf(frame));
}

TEST_P(CanIsotp, ALongMessageGoesInSegmentsBothWays) {
  const Sock tester = Tester(), ecu = Ecu();
  const std::string question = Pattern(200), answer = Pattern(4095);
  EXPECT_EQ(200, tester.Send(question));
  EXPECT_EQ(question, ecu.Read());
  EXPECT_EQ(4095, ecu.Send(answer));
  EXPECT_EQ(answer, tester.Read());
}

TEST_P(CanIsotp, TheReceiverControlsTheFlow) {
  const Sock tester = Tester(), ecu = Socket(), wire = RawAt(First());
  const can_isotp_fc_options blocks = {2, 0, 0};
  EXPECT_EQ(0, ecu.Set(kLevel, CAN_ISOTP_RECV_FC, blocks));
  EXPECT_EQ(0, ecu.Bind(Ids(kTester, kEcu)));
  tester.Send(Pattern(6 + 4 * 7));
  EXPECT_EQ(Pattern(6 + 4 * 7), ecu.Read());
  std::string order;
  for (int i = 0; i < 7; i++)
    order += NextId(wire) == kEcu ? 'E' : 'T';
  EXPECT_EQ("TETTETT", order) << "the first frame, and two after each go-ahead";
}

TEST_P(CanIsotp, OptionsAreReadBack) {
  const Sock s = Socket();
  can_isotp_options options = Options(CAN_ISOTP_TX_PADDING);
  options.txpad_content = 0xaa;
  options.frame_txtime = 1000;
  const can_isotp_fc_options flow = {4, 1, 0};
  const can_isotp_ll_options link = {CANFD_MTU, 64, CANFD_BRS};
  EXPECT_EQ(0, s.Set(kLevel, CAN_ISOTP_OPTS, options));
  EXPECT_EQ(0, s.Set(kLevel, CAN_ISOTP_RECV_FC, flow));
  EXPECT_EQ(0, s.Set(kLevel, CAN_ISOTP_LL_OPTS, link));
  EXPECT_EQ(0, s.Set(kLevel, CAN_ISOTP_TX_STMIN, 4711));
  EXPECT_EQ(0, s.Set(kLevel, CAN_ISOTP_RX_STMIN, 815));
  EXPECT_EQ(BytesOf(options), BytesOf(s.Get<can_isotp_options>(kLevel, CAN_ISOTP_OPTS)));
  EXPECT_EQ(BytesOf(flow), BytesOf(s.Get<can_isotp_fc_options>(kLevel, CAN_ISOTP_RECV_FC)));
  EXPECT_EQ(BytesOf(link), BytesOf(s.Get<can_isotp_ll_options>(kLevel, CAN_ISOTP_LL_OPTS)));
  EXPECT_EQ(4711, s.Get(kLevel, CAN_ISOTP_TX_STMIN));
  EXPECT_EQ(815, s.Get(kLevel, CAN_ISOTP_RX_STMIN));
}

TEST_P(CanIsotp, OptionsComeBeforeBind) {
  EXPECT_EQ(-EISCONN, Tester().Set(kLevel, CAN_ISOTP_OPTS, Options(0)));
}

TEST_P(CanIsotp, FramesArePaddedIfAskedFor) {
  const Sock tester = Socket(), wire = RawAt(First());
  can_isotp_options options = Options(CAN_ISOTP_TX_PADDING);
  options.txpad_content = '.';
  EXPECT_EQ(0, tester.Set(kLevel, CAN_ISOTP_OPTS, options));
  EXPECT_EQ(0, tester.Bind(Ids(kEcu, kTester)));
  tester.Send("hi");
  EXPECT_EQ("\x02hi.....", DataOf(NextFrame(wire)));
}

TEST_P(CanIsotp, AnExtendedAddressStandsInFront) {
  const Sock tester = Socket(), ecu = Socket(), wire = RawAt(First());
  can_isotp_options options = Options(CAN_ISOTP_EXTEND_ADDR);
  options.ext_address = 'X';
  EXPECT_EQ(0, tester.Set(kLevel, CAN_ISOTP_OPTS, options));
  EXPECT_EQ(0, ecu.Set(kLevel, CAN_ISOTP_OPTS, options));
  EXPECT_EQ(0, tester.Bind(Ids(kEcu, kTester)));
  EXPECT_EQ(0, ecu.Bind(Ids(kTester, kEcu)));
  tester.Send("hi");
  EXPECT_EQ("hi", ecu.Read());
  EXPECT_EQ("X\x02hi", DataOf(NextFrame(wire)));
}

TEST_P(CanIsotp, CanFdCarriesMoreInAFrame) {
  const Sock tester = Socket(), ecu = Socket(), wire = Raw();
  const can_isotp_ll_options link = {CANFD_MTU, 64, 0};
  EXPECT_EQ(0, wire.Set(SOL_CAN_RAW, CAN_RAW_FD_FRAMES, 1));
  EXPECT_EQ(0, wire.Bind(First()));
  EXPECT_EQ(0, tester.Set(kLevel, CAN_ISOTP_LL_OPTS, link));
  EXPECT_EQ(0, ecu.Set(kLevel, CAN_ISOTP_LL_OPTS, link));
  EXPECT_EQ(0, tester.Bind(Ids(kEcu, kTester)));
  EXPECT_EQ(0, ecu.Bind(Ids(kTester, kEcu)));
  tester.Send(Pattern(50));
  EXPECT_EQ(Pattern(50), ecu.Read());
  EXPECT_EQ(CANFD_MTU, wire.Read(CANFD_MTU).size());
  EXPECT_EQ(0, wire.Now(POLLIN)) << "one frame was enough";
}

TEST_P(CanIsotp, TheNameIsBothIdentifiers) {
  const Addr name = Tester().Name();
  const auto can = name.as<sockaddr_can>();
  EXPECT_EQ(AF_CAN, name.family());
  EXPECT_EQ(GetVcans().first, can.can_ifindex);
  EXPECT_EQ(kEcu, can.can_addr.tp.rx_id);
  EXPECT_EQ(kTester, can.can_addr.tp.tx_id);
}

TEST_P(CanIsotp, ASenderIsItsInterface) {
  const Sock tester = Tester(), ecu = Ecu();
  Addr from;
  tester.Send("x");
  EXPECT_EQ("x", ecu.ReadFrom(&from));
  EXPECT_EQ(AF_CAN, from.family());
  EXPECT_EQ(GetVcans().first, from.as<sockaddr_can>().can_ifindex);
}

TEST_P(CanIsotp, EqualIdentifiersAreEADDRNOTAVAIL) {
  EXPECT_EQ(-EADDRNOTAVAIL, Socket().Bind(Ids(kEcu, kEcu)));
  EXPECT_EQ(-ENODEV, Socket().Bind(Everywhere()));
}

TEST_P(CanIsotp, UnboundItIsEADDRNOTAVAIL) {
  EXPECT_EQ(-EADDRNOTAVAIL, Socket().Send("x"));
}

TEST_P(CanIsotp, AnEmptyMessageIsEINVAL) { EXPECT_EQ(-EINVAL, Tester().Send("")); }

TEST_P(CanIsotp, ATruncatedMessageIsMarked) {
  const Sock tester = Tester(), ecu = Ecu();
  tester.Send(Pattern(100));
  const Received m = ecu.ReadMessage(0, Received({10}));
  EXPECT_EQ(Pattern(100).substr(0, 10), m.data);
  EXPECT_EQ(MSG_TRUNC, m.flags & MSG_TRUNC);
}

TEST_P(CanIsotp, ASendThatMayNotWaitForTheOneBeforeIsEAGAIN) {
  const Sock tester = Tester();
  EXPECT_EQ(200, tester.Send(Pattern(200))) << "whose flow nobody controls";
  EXPECT_EQ(-EAGAIN, tester.Send("x", MSG_DONTWAIT));
}

TEST_P(CanIsotp, ASendWaitsForTheOneBefore) {
  const Sock tester = Tester(), ecu = Ecu();
  for (char c : {'a', 'b', 'c'})
    EXPECT_EQ(300, tester.Send(std::string(300, c)));
  for (char c : {'a', 'b', 'c'})
    EXPECT_EQ(std::string(300, c), ecu.Read());
}

TEST_P(CanIsotp, ASendMayWaitUntilAllHasGone) {
  const Sock tester = Socket(), ecu = Ecu(), wire = RawAt(First());
  EXPECT_EQ(0, tester.Set(kLevel, CAN_ISOTP_OPTS, Options(CAN_ISOTP_WAIT_TX_DONE)));
  EXPECT_EQ(0, tester.Bind(Ids(kEcu, kTester)));
  EXPECT_EQ(200, tester.Send(Pattern(200)));
  int frames = 0;
  for (; wire.Now(POLLIN); frames++)
    NextId(wire);
  EXPECT_EQ(1 + 1 + 28, frames) << "the first, the go-ahead, and the rest";
}

// The daemon must go on meanwhile: one second is what a sender waits for the other end.
TEST_P(CanIsotp, NobodyAtTheOtherEndIsECOMMAndHoldsUpNobody) {
  const Sock tester = Socket(), other = BoundUdp();
  EXPECT_EQ(0, tester.Set(kLevel, CAN_ISOTP_OPTS, Options(CAN_ISOTP_WAIT_TX_DONE)));
  EXPECT_EQ(0, tester.Bind(Ids(kEcu, kTester)));
  auto sent = InBackground([&] { return tester.Send(Pattern(200)); });
  for (int i = 0; i < 3; i++) {
    EXPECT_EQ(1, other.SendTo("x", other.Name()));
    EXPECT_EQ("x", other.Read());
    EXPECT_EQ(std::future_status::timeout, sent.wait_for(std::chrono::milliseconds(1)));
  }
  EXPECT_EQ(-ECOMM, sent.get());
}

}  // namespace
