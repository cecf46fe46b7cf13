// SPDX-License-Identifier: Apache-2.0
//
// AF_BLUETOOTH between two emulated controllers: HCI, L2CAP, RFCOMM, SCO.
#include "bluetooth.h"

#include <memory>

#include "support.h"

using namespace contract;

namespace {

constexpr BdAddr kA = {1, 0, 0, 0xdd, 0xcc, 0xbb}, kB = {2, 0, 0, 0xdd, 0xcc, 0xbb};
constexpr BdAddr kNobody = {9, 0, 0, 0xdd, 0xcc, 0xbb}, kAny = {};

// On the air as long as there are tests.
struct Air {
  Controller a{kA}, b{kB};
  Air() {
    Must(a.PowerOn(), "HCIDEVUP");
    Must(b.PowerOn(), "HCIDEVUP");
  }
};
std::unique_ptr<Air> air;

class Bluetooth : public FamilyContract {
 protected:
  Bluetooth() : FamilyContract("AF_BLUETOOTH", AF_BLUETOOTH, SOCK_SEQPACKET, kL2cap) {}
  static void SetUpTestSuite() {
    // A family that is not there skips the tests one by one.
    const Sock s(KernelApi(), KernelApi().socket(AF_BLUETOOTH, SOCK_RAW | SOCK_CLOEXEC, kHci));
    if (s)
      air = std::make_unique<Air>();
  }
  static void TearDownTestSuite() { air.reset(); }

  static Addr L2cap(const BdAddr &a, unsigned psm, unsigned cid = 0) {
    L2capAddr l2 = {};
    l2.family = AF_BLUETOOTH;
    l2.bdaddr = a;
    l2.psm = static_cast<uint16_t>(psm);
    l2.cid = static_cast<uint16_t>(cid);
    return Addr::Of(l2);
  }
  static Addr Rfcomm(const BdAddr &a, unsigned channel) {
    RfcommAddr rc = {};
    rc.family = AF_BLUETOOTH;
    rc.bdaddr = a;
    rc.channel = static_cast<uint8_t>(channel);
    return Addr::Of(rc);
  }
  static Addr Sco(const BdAddr &a) {
    ScoAddr sco = {};
    sco.family = AF_BLUETOOTH;
    sco.bdaddr = a;
    return Addr::Of(sco);
  }
  static Addr Hci(int dev, uint16_t channel = 0) {
    HciAddr hci = {AF_BLUETOOTH, static_cast<uint16_t>(dev), channel};
    return Addr::Of(hci);
  }
  static int DevA() { return air->a.index(); }

  Sock HciSocket() const { return Socket(AF_BLUETOOTH, SOCK_RAW, kHci); }
  Sock L2capSocket() const { return Socket(AF_BLUETOOTH, SOCK_SEQPACKET, kL2cap); }
  Sock RfcommSocket() const { return Socket(AF_BLUETOOTH, SOCK_STREAM, kRfcomm); }
  Sock ScoSocket() const { return Socket(AF_BLUETOOTH, SOCK_SEQPACKET, kSco); }

  Sock ListenerAt(Sock s, const Addr &at) const {
    Sock listener = Bound(std::move(s), at);
    Must(listener.Listen(), "listen");
    return listener;
  }
  // From a to a listener at b, whose address is `to`.
  static Pair Call(const Sock &listener, Sock client, const Addr &from, const Addr &to) {
    Must(client.Bind(from), "bind");
    Must(client.Connect(to), "connect");
    Sock server = listener.Accept();
    Must(server.fd(), "accept");
    return {std::move(client), std::move(server)};
  }
  Pair L2capPair() const {
    const Sock listener = ListenerAt(L2capSocket(), L2cap(kB, 0x1001));
    return Call(listener, L2capSocket(), L2cap(kA, 0), L2cap(kB, 0x1001));
  }
  // Each by a channel of its own: one that is just closed is busy for a while.
  Pair RfcommPair() const {
    static unsigned channel = 1;
    const Addr at = Rfcomm(kB, channel++);
    const Sock listener = ListenerAt(RfcommSocket(), at);
    return Call(listener, RfcommSocket(), Rfcomm(kA, 0), at);
  }
};
CONTRACT_FIXTURE(Bluetooth);

// ---- HCI ----

constexpr std::string_view kReadName("\x01\x14\x0c\x00", 4);

// The events that may be listened to without a capability.
HciFilter EventsFilter() { return {1u << kHciEvent, {0x1000d9fe, 0x0000b00c}, 0}; }

TEST_P(Bluetooth, ACommandReachesTheControllerAndItsEventComesBack) {
  const Sock s = Bound(HciSocket(), Hci(DevA()));
  ASSERT_EQ(0, s.Set(kSolHci, kHciFilter, EventsFilter()));
  EXPECT_EQ(static_cast<long>(kReadName.size()), s.Send(kReadName));
  const std::string event = s.Read();
  ASSERT_LT(15u, event.size());
  EXPECT_EQ(kHciEvent, event[0]);
  EXPECT_EQ(0x0e, event[1]) << "Command Complete";
  EXPECT_EQ(std::string("\x14\x0c\x00", 3), event.substr(4, 3)) << "of this command, well";
  EXPECT_EQ("emulated", event.substr(7, 8));
}

TEST_P(Bluetooth, TheHciFilterIsReadBackAndChooses) {
  const Sock s = Bound(HciSocket(), Hci(DevA())), all = Bound(HciSocket(), Hci(DevA()));
  HciFilter filter = EventsFilter();
  ASSERT_EQ(0, all.Set(kSolHci, kHciFilter, filter));
  filter.opcode = 0x1009;  // Read BD_ADDR
  ASSERT_EQ(0, s.Set(kSolHci, kHciFilter, filter));
  const auto got = s.Get<HciFilter>(kSolHci, kHciFilter);
  EXPECT_EQ(filter.types, got.types);
  EXPECT_EQ(filter.events[1], got.events[1]);
  EXPECT_EQ(filter.opcode, got.opcode);
  all.Send(kReadName);
  all.Read();
  EXPECT_EQ(0, s.Now(POLLIN)) << "that was another command";
  s.Send(std::string_view("\x01\x09\x10\x00", 4));
  EXPECT_EQ(std::string(kA.begin(), kA.end()), s.Read().substr(7, 6));
}

TEST_P(Bluetooth, HciTellsTheDirectionOfAPacket) {
  const Sock s = Bound(HciSocket(), Hci(DevA()));
  HciFilter filter = EventsFilter();
  ASSERT_EQ(0, s.Set(kSolHci, kHciFilter, filter));
  EXPECT_EQ(0, s.Set(kSolHci, kHciDataDir, 1));
  EXPECT_EQ(1, s.Get(kSolHci, kHciDataDir));
  s.Send(kReadName);
  const Received m = s.ReadMessage();
  EXPECT_EQ(1, m.Control<int>(kSolHci, 0x0001)) << "it came in";
}

TEST_P(Bluetooth, AnHciSocketsNameIsItsDevice) {
  const Sock s = Bound(HciSocket(), Hci(DevA()));
  const auto name = s.Name().as<HciAddr>();
  EXPECT_EQ(AF_BLUETOOTH, name.family);
  EXPECT_EQ(DevA(), name.dev);
  EXPECT_EQ(sizeof(HciAddr), s.Name().len);
  EXPECT_EQ(-ENODEV, HciSocket().Bind(Hci(4711)));
}

TEST_P(Bluetooth, AnUnboundHciSocketCannotSend) {
  EXPECT_EQ(-EINVAL, HciSocket().Send(kReadName));
}

// ---- L2CAP ----

TEST_P(Bluetooth, L2capTalksBothWaysAndKeepsItsBounds) {
  const auto [client, server] = L2capPair();
  EXPECT_EQ(5, client.Send("hello"));
  EXPECT_EQ(5, client.Send("again"));
  EXPECT_EQ("hello", server.Read());
  EXPECT_EQ("again", server.Read());
  EXPECT_EQ(600, server.Send(Pattern(600)));
  EXPECT_EQ(Pattern(600), client.Read());
}

TEST_P(Bluetooth, L2capNamesBothEnds) {
  const auto [client, server] = L2capPair();
  EXPECT_EQ(kA, client.Name().as<L2capAddr>().bdaddr);
  const auto peer = client.Peer().as<L2capAddr>();
  EXPECT_EQ(AF_BLUETOOTH, peer.family);
  EXPECT_EQ(kB, peer.bdaddr);
  EXPECT_EQ(0x1001, peer.psm);
  EXPECT_NE(0, peer.cid);
  EXPECT_EQ(kA, server.Peer().as<L2capAddr>().bdaddr);
  EXPECT_EQ(sizeof(L2capAddr), client.Name().len);
}

TEST_P(Bluetooth, L2capsAcceptTellsWhoCalls) {
  const Sock listener = ListenerAt(L2capSocket(), L2cap(kB, 0x1003));
  const Sock client = Bound(L2capSocket(), L2cap(kA, 0));
  auto connected = InBackground([&] { return client.Connect(L2cap(kB, 0x1003)); });
  Addr from;
  const Sock server = listener.Accept(&from);
  EXPECT_EQ(0, connected.get());
  EXPECT_EQ(kA, from.as<L2capAddr>().bdaddr);
}

TEST_P(Bluetooth, AMessageLongerThanThePeerTakesIsEMSGSIZE) {
  const auto [client, server] = L2capPair();
  EXPECT_EQ(-EMSGSIZE, client.Send(Pattern(673))) << "672 is the standard's default";
}

TEST_P(Bluetooth, NobodyAtThePsmIsRefused) {
  const Sock client = Bound(L2capSocket(), L2cap(kA, 0));
  EXPECT_EQ(-ECONNREFUSED, client.Connect(L2cap(kB, 0x10ff)));
}

TEST_P(Bluetooth, AConnectThatMayNotWaitIsInProgress) {
  const Sock listener = ListenerAt(L2capSocket(), L2cap(kB, 0x1005));
  const Sock client = Bound(L2capSocket(), L2cap(kA, 0));
  client.SetNonBlocking();
  EXPECT_EQ(-EINPROGRESS, client.Connect(L2cap(kB, 0x1005)));
  EXPECT_TRUE(client.Wait(POLLOUT) & POLLOUT);
  EXPECT_EQ(0, client.Get(SOL_SOCKET, SO_ERROR));
}

TEST_P(Bluetooth, TheEndOfAConnectionIsReadAsSuch) {
  Pair pair = L2capPair();
  EXPECT_EQ(0, pair.first.Shutdown(SHUT_RDWR));
  EXPECT_EQ("", pair.second.Read());
  EXPECT_TRUE(pair.second.Now(POLLIN) & POLLHUP);
}

TEST_P(Bluetooth, ATakenPsmIsEADDRINUSE) {
  const Sock listener = ListenerAt(L2capSocket(), L2cap(kB, 0x1007));
  EXPECT_EQ(-EADDRINUSE, L2capSocket().Bind(L2cap(kB, 0x1007)));
  EXPECT_EQ(-EINVAL, L2capSocket().Bind(L2cap(kB, 0x1008))) << "a psm is odd";
}

TEST_P(Bluetooth, ListenChoosesAPsm) {
  const Sock s = Bound(L2capSocket(), L2cap(kB, 0));
  EXPECT_EQ(0, s.Listen());
  EXPECT_NE(0, s.Name().as<L2capAddr>().psm);
}

TEST_P(Bluetooth, SecurityIsAnOption) {
  const Sock s = L2capSocket();
  const std::array<uint8_t, 2> medium = {2, 0};
  EXPECT_EQ(1, (s.Get<std::array<uint8_t, 2>>(kSolBluetooth, 4)[0])) << "BT_SECURITY_LOW";
  EXPECT_EQ(0, s.Set(kSolBluetooth, 4, medium));
  EXPECT_EQ(2, (s.Get<std::array<uint8_t, 2>>(kSolBluetooth, 4)[0]));
}

TEST_P(Bluetooth, SetupMayBeDeferred) {
  const Sock listener = Bound(L2capSocket(), L2cap(kB, 0x1009));
  EXPECT_EQ(0, listener.Set(kSolBluetooth, 7, 1)) << "BT_DEFER_SETUP";
  EXPECT_EQ(1, listener.Get(kSolBluetooth, 7));
  EXPECT_EQ(0, listener.Listen());
  const Sock client = Bound(L2capSocket(), L2cap(kA, 0));
  auto connected = InBackground([&] { return client.Connect(L2cap(kB, 0x1009)); });
  const Sock server = listener.Accept();
  ASSERT_TRUE(server);
  EXPECT_EQ(0, server.Recv(1)) << "which says yes";
  EXPECT_EQ(0, connected.get());
  EXPECT_EQ(POLLOUT, server.Wait(POLLOUT)) << "it is set up";
  client.Send("x");
  EXPECT_EQ("x", server.Read());
}

// ---- RFCOMM ----

TEST_P(Bluetooth, RfcommIsAStream) {
  const auto [client, server] = RfcommPair();
  EXPECT_EQ(5, client.Send("hello"));
  EXPECT_EQ("hello", server.ReadAll(5));
  const std::string much = Pattern(5000);
  auto sent = InBackground([&] { return server.Send(much); });
  EXPECT_EQ(much, client.ReadAll(much.size()));
  EXPECT_EQ(5000, sent.get());
}

TEST_P(Bluetooth, RfcommNamesBothEnds) {
  const auto [client, server] = RfcommPair();
  EXPECT_EQ(kB, client.Peer().as<RfcommAddr>().bdaddr);
  EXPECT_EQ(server.Name().as<RfcommAddr>().channel, client.Peer().as<RfcommAddr>().channel);
  EXPECT_EQ(kA, server.Peer().as<RfcommAddr>().bdaddr);
  EXPECT_EQ(kB, server.Name().as<RfcommAddr>().bdaddr);
  EXPECT_EQ(sizeof(RfcommAddr), server.Name().len);
}

TEST_P(Bluetooth, NobodyAtTheChannelIsRefused) {
  const Sock client = Bound(RfcommSocket(), Rfcomm(kA, 0));
  EXPECT_EQ(-ECONNREFUSED, client.Connect(Rfcomm(kB, 29)));
}

TEST_P(Bluetooth, RfcommListensOnAChannelOfItsChoice) {
  const Sock s = Bound(RfcommSocket(), Rfcomm(kAny, 0));
  EXPECT_EQ(0, s.Listen());
  EXPECT_LE(1, s.Name().as<RfcommAddr>().channel);
}

TEST_P(Bluetooth, AnRfcommPeerThatIsClosedIsECONNRESET) {
  Pair pair = RfcommPair();
  pair.first.Send("last");
  EXPECT_EQ("last", pair.second.Read());
  EXPECT_EQ(0, pair.first.Close());
  EXPECT_EQ(-ECONNRESET, pair.second.Recv());
}

// ---- SCO ----

TEST_P(Bluetooth, ScoCarriesVoice) {
  const Sock listener = ListenerAt(ScoSocket(), Sco(kB));
  const Pair pair = Call(listener, ScoSocket(), Sco(kA), Sco(kB));
  EXPECT_EQ(48, pair.first.Send(Pattern(48)));
  EXPECT_EQ(Pattern(48), pair.second.Read());
  EXPECT_EQ(kB, pair.first.Peer().as<ScoAddr>().bdaddr);
  EXPECT_EQ(kA, pair.second.Peer().as<ScoAddr>().bdaddr);
}

// Not by L2CAP, whose channels may not outlive their link in Debian's 6.1: it crashes.
TEST_P(Bluetooth, NobodyAtTheAddressIsEHOSTDOWN) {
  const Sock s = Bound(ScoSocket(), Sco(kA));
  EXPECT_EQ(-EHOSTDOWN, s.Connect(Sco(kNobody)));
}

TEST_P(Bluetooth, AScoSocketsNameIsItsAddress) {
  const Sock s = Bound(ScoSocket(), Sco(kA));
  EXPECT_EQ(AF_BLUETOOTH, s.Name().family());
  EXPECT_EQ(kA, s.Name().as<ScoAddr>().bdaddr);
  EXPECT_EQ(0, s.Listen());
  EXPECT_EQ(-EADDRINUSE, Bound(ScoSocket(), Sco(kA)).Listen());
}

}  // namespace
