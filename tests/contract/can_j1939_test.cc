// SPDX-License-Identifier: Apache-2.0
//
// CAN_J1939: messages between the control units of a vehicle, by address or by name.
#include <time.h>
// needs time.h before it
#include <linux/errqueue.h>

#include "can.h"

#include <linux/can/j1939.h>
#include <linux/net_tstamp.h>

using namespace contract;

namespace {

constexpr uint8_t kEngine = 0x20, kPanel = 0x30;
constexpr uint32_t kPgn = 0x12300, kBroadcastPgn = 0x0fef1;
constexpr uint64_t kEngineName = 0x8000000000000001, kPanelName = 0x8000000000000002;

class CanJ1939 : public CanContract {
 protected:
  CanJ1939() : CanContract("CAN_J1939", SOCK_DGRAM, CAN_J1939) {}

  static Addr Unit(uint8_t address, uint32_t pgn = J1939_NO_PGN, uint64_t name = J1939_NO_NAME) {
    sockaddr_can a = First().as<sockaddr_can>();
    a.can_addr.j1939.name = name;
    a.can_addr.j1939.pgn = pgn;
    a.can_addr.j1939.addr = address;
    return Addr::Of(a);
  }
  using J1939 = decltype(sockaddr_can::can_addr.j1939);
  static J1939 Of(const Addr &a) { return a.as<sockaddr_can>().can_addr.j1939; }

  Sock At(const Addr &a) const {
    Sock s = Bound(Socket(), a);
    Must(s.Set(SOL_SOCKET, SO_BROADCAST, 1), "SO_BROADCAST");
    return s;
  }
  Sock Engine() const { return At(Unit(kEngine)); }
  Sock Panel() const { return At(Unit(kPanel)); }

  // A unit that has a name, and the address that it said was its own.
  Sock Named(uint64_t name, uint8_t address) const {
    Sock s = At(Unit(address, J1939_NO_PGN, name));
    const Addr everybody = Unit(J1939_NO_ADDR, J1939_PGN_ADDRESS_CLAIMED);
    Must(s.SendTo(BytesOf(name), everybody), "claim");
    return s;
  }
  // A claim is good after a quarter of a second without another's.
  static long SendToOnceClaimed(const Sock &s, std::string_view data, const Addr &to) {
    long r = -EADDRNOTAVAIL;
    for (int i = 0; i < 200 && r == -EADDRNOTAVAIL; i++) {
      r = s.SendTo(data, to);
      if (r == -EADDRNOTAVAIL)
        s.Wait(POLLPRI, 10);
    }
    return r;
  }
};
CONTRACT_FIXTURE(CanJ1939);

TEST_P(CanJ1939, AMessageGoesFromAddressToAddress) {
  const Sock engine = Engine(), panel = Panel(), wire = RawAt(First());
  Addr from;
  EXPECT_EQ(5, engine.SendTo("hello", Unit(kPanel, kPgn)));
  EXPECT_EQ("hello", panel.ReadFrom(&from));
  EXPECT_EQ(kEngine, Of(from).addr);
  EXPECT_EQ(kPgn, Of(from).pgn);
  EXPECT_EQ(0u, Of(from).name);
  EXPECT_EQ(GetVcans().first, from.as<sockaddr_can>().can_ifindex);
  const can_frame frame = NextFrame(wire);
  EXPECT_EQ(CAN_EFF_FLAG | 6u << 26 | kPgn << 8 | kPanel << 8 | kEngine, frame.can_id);
  EXPECT_EQ("hello", DataOf(frame));
}

TEST_P(CanJ1939, ALongMessageIsAgreedOnAndSegmented) {
  const Sock engine = Engine(), panel = Panel();
  const std::string text = Pattern(1000);
  EXPECT_EQ(1000, engine.SendTo(text, Unit(kPanel, kPgn)));
  EXPECT_EQ(text, panel.Read());
}

TEST_P(CanJ1939, EverybodyHearsABroadcast) {
  const Sock engine = Engine(), panel = Panel(), other = At(Unit(0x31));
  EXPECT_EQ(4, engine.SendTo("news", Unit(J1939_NO_ADDR, kBroadcastPgn)));
  EXPECT_EQ("news", panel.Read());
  EXPECT_EQ("news", other.Read());
}

TEST_P(CanJ1939, ALongBroadcastGoesInSegments) {
  const Sock engine = Engine(), panel = Panel();
  EXPECT_EQ(20, engine.SendTo(Pattern(20), Unit(J1939_NO_ADDR, kBroadcastPgn)));
  EXPECT_EQ(Pattern(20), panel.Read());
}

TEST_P(CanJ1939, ABroadcastWantsItsOption) {
  const Sock s = Bound(Socket(), Unit(kEngine));
  EXPECT_EQ(-EACCES, s.SendTo("x", Unit(J1939_NO_ADDR, kBroadcastPgn)));
}

TEST_P(CanJ1939, OthersDoNotHearWhatIsForOne) {
  const Sock engine = Engine(), other = At(Unit(0x31));
  engine.SendTo("one", Unit(kPanel, kPgn));
  engine.SendTo("all", Unit(J1939_NO_ADDR, kBroadcastPgn));
  EXPECT_EQ("all", other.Read());
}

TEST_P(CanJ1939, APromiscuousSocketHearsAll) {
  const Sock engine = Engine(), other = At(Unit(0x31));
  EXPECT_LE(0, other.Set(SOL_CAN_J1939, SO_J1939_PROMISC, 1)) << "the kernel says 1";
  EXPECT_EQ(1, other.Get(SOL_CAN_J1939, SO_J1939_PROMISC));
  engine.SendTo("one", Unit(kPanel, kPgn));
  EXPECT_EQ("one", other.Read());
}

TEST_P(CanJ1939, AConnectedSocketSendsToItsPeer) {
  const Sock engine = Engine(), panel = Panel();
  Addr from;
  EXPECT_EQ(0, engine.Connect(Unit(kPanel, kPgn)));
  EXPECT_EQ(2, engine.Send("up"));
  EXPECT_EQ("up", panel.ReadFrom(&from));
  EXPECT_EQ(4, panel.SendTo("down", Unit(Of(from).addr, kPgn)));
  EXPECT_EQ("down", engine.Read());
  const auto peer = Of(engine.Peer());
  EXPECT_EQ(kPanel, peer.addr);
  EXPECT_EQ(kPgn, peer.pgn);
}

TEST_P(CanJ1939, ABoundPgnIsTheOnlyOneHeard) {
  const Sock engine = Engine(), panel = At(Unit(kPanel, 0x12400));
  engine.SendTo("other", Unit(kPanel, kPgn));
  engine.SendTo("mine", Unit(kPanel, 0x12400));
  EXPECT_EQ("mine", panel.Read());
}

TEST_P(CanJ1939, FiltersChooseBySenderAndPgn) {
  const Sock engine = Engine(), brake = At(Unit(0x21)), panel = Panel();
  j1939_filter filters[2] = {};
  filters[0].addr = kEngine;
  filters[0].addr_mask = 0xff;
  filters[1].pgn = 0x12400;
  filters[1].pgn_mask = 0x3ffff;
  EXPECT_EQ(0, panel.Set(SOL_CAN_J1939, SO_J1939_FILTER, filters));
  brake.SendTo("no", Unit(kPanel, kPgn));
  engine.SendTo("engine's", Unit(kPanel, kPgn));
  brake.SendTo("pgn", Unit(kPanel, 0x12400));
  EXPECT_EQ("engine's", panel.Read());
  EXPECT_EQ("pgn", panel.Read());
}

TEST_P(CanJ1939, ControlMessagesTellDestinationAndPriority) {
  const Sock engine = Engine(), panel = Panel();
  EXPECT_EQ(0, engine.Set(SOL_CAN_J1939, SO_J1939_SEND_PRIO, 3));
  EXPECT_EQ(3, engine.Get(SOL_CAN_J1939, SO_J1939_SEND_PRIO));
  engine.SendTo("x", Unit(kPanel, kPgn));
  const Received m = panel.ReadMessage();
  EXPECT_EQ(kPanel, m.Control<uint8_t>(SOL_CAN_J1939, SCM_J1939_DEST_ADDR));
  EXPECT_EQ(3, m.Control<uint8_t>(SOL_CAN_J1939, SCM_J1939_PRIO));
  EXPECT_FALSE(m.Control(SOL_CAN_J1939, SCM_J1939_DEST_NAME)) << "it has no name";
}

TEST_P(CanJ1939, UnitsFindEachOtherByName) {
  const Sock engine = Named(kEngineName, kEngine), panel = Named(kPanelName, kPanel);
  EXPECT_EQ(5, SendToOnceClaimed(engine, "hello", Unit(J1939_NO_ADDR, kPgn, kPanelName)));
  Received m = panel.ReadMessage();
  while (m.data != "hello") // what the claims left
    m = panel.ReadMessage();
  EXPECT_EQ(kEngine, Of(m.from).addr);
  EXPECT_EQ(kEngineName, Of(m.from).name);
  EXPECT_EQ(kPanelName, m.Control<uint64_t>(SOL_CAN_J1939, SCM_J1939_DEST_NAME));
  EXPECT_EQ(kPanel, m.Control<uint8_t>(SOL_CAN_J1939, SCM_J1939_DEST_ADDR));
}

TEST_P(CanJ1939, ANameNotClaimedIsEADDRNOTAVAIL) {
  const Sock s = At(Unit(kEngine, J1939_NO_PGN, 0x8000000000000077));
  EXPECT_EQ(-EADDRNOTAVAIL, s.SendTo("x", Unit(kPanel, kPgn)));
}

TEST_P(CanJ1939, TheNameTellsAllFields) {
  const Addr name = At(Unit(kEngine, kPgn, kEngineName)).Name();
  EXPECT_EQ(AF_CAN, name.family());
  EXPECT_EQ(GetVcans().first, name.as<sockaddr_can>().can_ifindex);
  EXPECT_EQ(kEngine, Of(name).addr);
  EXPECT_EQ(static_cast<uint32_t>(J1939_NO_PGN), Of(name).pgn) << "which is a peer's";
  EXPECT_EQ(kEngineName, Of(name).name);
}

TEST_P(CanJ1939, ItNeedsAnInterfaceAndAPgnThatIs) {
  EXPECT_EQ(-ENODEV, Socket().Bind(Everywhere()));
  EXPECT_EQ(-EINVAL, Socket().Bind(Unit(kEngine, 0x12345))) << "with an address in it";
  EXPECT_EQ(-EBADFD, Socket().SendTo("x", Unit(kPanel, kPgn)));
}

TEST_P(CanJ1939, AnAcknowledgedMessageIsToldInTheErrorQueue) {
  const Sock engine = Engine(), panel = Panel();
  EXPECT_LE(0, engine.Set(SOL_CAN_J1939, SO_J1939_ERRQUEUE, 1));
  EXPECT_EQ(0, engine.Set(SOL_SOCKET, SO_TIMESTAMPING,
                          SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_TX_ACK |
                              SOF_TIMESTAMPING_OPT_CMSG |
                              SOF_TIMESTAMPING_OPT_ID | SOF_TIMESTAMPING_OPT_STATS |
                              SOF_TIMESTAMPING_OPT_TSONLY));
  EXPECT_EQ(100, engine.SendTo(Pattern(100), Unit(kPanel, kPgn)));
  EXPECT_EQ(Pattern(100), panel.Read());
  EXPECT_TRUE(engine.Wait(POLLPRI) & POLLERR);
  const Received m = engine.ReadMessage(MSG_ERRQUEUE);
  EXPECT_TRUE(m.flags & MSG_ERRQUEUE);
  const auto told = m.Control<sock_extended_err>(SOL_CAN_J1939, SCM_J1939_ERRQUEUE);
  ASSERT_TRUE(told);
  EXPECT_EQ(static_cast<uint32_t>(ENOMSG), told->ee_errno);
  EXPECT_EQ(SO_EE_ORIGIN_TIMESTAMPING, told->ee_origin);
  EXPECT_EQ(static_cast<uint32_t>(SCM_TSTAMP_ACK), told->ee_info);
  EXPECT_TRUE(m.Control(SOL_SOCKET, SCM_TIMESTAMPING_OPT_STATS));
}

TEST_P(CanJ1939, NobodyAtTheAddressIsToldInTheErrorQueue) {
  const Sock engine = Engine();
  EXPECT_LE(0, engine.Set(SOL_CAN_J1939, SO_J1939_ERRQUEUE, 1));
  EXPECT_EQ(100, engine.SendTo(Pattern(100), Unit(kPanel, kPgn)));
  EXPECT_TRUE(engine.Wait(POLLPRI) & POLLERR);
  const auto told = engine.ReadMessage(MSG_ERRQUEUE)
                        .Control<sock_extended_err>(SOL_CAN_J1939, SCM_J1939_ERRQUEUE);
  ASSERT_TRUE(told);
  EXPECT_EQ(static_cast<uint32_t>(EHOSTUNREACH), told->ee_errno);
  EXPECT_EQ(SO_EE_ORIGIN_LOCAL, told->ee_origin);
  EXPECT_EQ(static_cast<uint32_t>(J1939_EE_INFO_TX_ABORT), told->ee_info);
}

}  // namespace
