// SPDX-License-Identifier: Apache-2.0
//
// CAN_RAW: frames, filters, which of one's own come back, interfaces.
#include "can.h"

#include <linux/can/error.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/time.h>

#include "root.h"

using namespace contract;

namespace {

class CanRaw : public CanContract {
 protected:
  CanRaw() : CanContract("CAN_RAW", SOCK_RAW, CAN_RAW) {}

  Sock Bound() const { return RawAt(First()); }
  static void Set(const Sock &s, int name, int value) {
    Must(s.Set(SOL_CAN_RAW, name, value), "setsockopt");
  }
  static long Filter(const Sock &s, const std::vector<can_filter> &filters) {
    return Result(s.api().setsockopt(s.fd(), SOL_CAN_RAW, CAN_RAW_FILTER, filters.data(),
                                     static_cast<socklen_t>(filters.size() * sizeof(filters[0]))));
  }
  static canfd_frame FdFrame(canid_t id) {
    canfd_frame f = {};
    f.can_id = id;
    f.len = CANFD_MAX_DLEN;
    f.flags = CANFD_BRS;
    memset(f.data, 0xa5, sizeof(f.data));
    return f;
  }
};
CONTRACT_FIXTURE(CanRaw);

TEST_P(CanRaw, AFrameArrivesAsItWasSent) {
  const Sock from = Bound(), to = Bound();
  const can_frame sent = Frame(0x123, "8 bytes!");
  EXPECT_EQ(static_cast<long>(CAN_MTU), SendFrame(from, sent));
  EXPECT_EQ(BytesOf(sent), to.Read());
}

TEST_P(CanRaw, ExtendedAndRemoteFlagsAreKept) {
  const Sock from = Bound(), to = Bound();
  SendFrame(from, Frame(0x1abcdef0 | CAN_EFF_FLAG));
  SendFrame(from, Frame(0x456 | CAN_RTR_FLAG));
  EXPECT_EQ(0x1abcdef0 | CAN_EFF_FLAG, NextId(to));
  EXPECT_EQ(0x456 | CAN_RTR_FLAG, NextId(to));
}

TEST_P(CanRaw, AnFdFrameArrivesAsItWasSent) {
  const Sock from = Bound(), to = Bound();
  Set(from, CAN_RAW_FD_FRAMES, 1);
  Set(to, CAN_RAW_FD_FRAMES, 1);
  const canfd_frame sent = FdFrame(0x321);
  EXPECT_EQ(static_cast<long>(CANFD_MTU), from.Send(BytesOf(sent)));
  const std::string bytes = to.Read();
  ASSERT_EQ(CANFD_MTU, bytes.size());
  const auto got = ValueOf<canfd_frame>(bytes);
  EXPECT_EQ(sent.can_id, got.can_id);
  EXPECT_EQ(sent.len, got.len);
  EXPECT_EQ(CANFD_BRS, got.flags & CANFD_BRS);
  EXPECT_EQ(0, memcmp(sent.data, got.data, sizeof(got.data)));
}

TEST_P(CanRaw, AnFdFrameIsEINVALWithoutTheOption) {
  EXPECT_EQ(-EINVAL, Bound().Send(BytesOf(FdFrame(1))));
}

TEST_P(CanRaw, AnFdFramePassesASocketWithoutTheOptionBy) {
  const Sock from = Bound(), to = Bound();
  Set(from, CAN_RAW_FD_FRAMES, 1);
  from.Send(BytesOf(FdFrame(1)));
  SendFrame(from, Frame(0x2));
  EXPECT_EQ(0x2u, NextId(to));
}

TEST_P(CanRaw, AClassicFrameReachesAnFdSocketInItsOwnSize) {
  const Sock from = Bound(), to = Bound();
  Set(to, CAN_RAW_FD_FRAMES, 1);
  SendFrame(from, Frame(0x7, "abc"));
  EXPECT_EQ(static_cast<long>(CAN_MTU), to.Recv(CANFD_MTU));
}

TEST_P(CanRaw, AFrameOfAnotherSizeIsEINVAL) {
  EXPECT_EQ(-EINVAL, Bound().Send(BytesOf(Frame(1)).substr(1)));
}

TEST_P(CanRaw, AFilterLetsOnlyItsIdentifiersThrough) {
  const Sock from = Bound(), to = Raw();
  EXPECT_EQ(0, Filter(to, {{0x100, 0x7f0}, {0x7ff, CAN_SFF_MASK}}));
  EXPECT_EQ(0, to.Bind(First()));
  for (canid_t id : {0x0ffu, 0x105u, 0x110u, 0x7ffu})
    SendFrame(from, Frame(id));
  EXPECT_EQ(0x105u, NextId(to));
  EXPECT_EQ(0x7ffu, NextId(to));
}

TEST_P(CanRaw, AnInvertedFilterLetsAllOthersThrough) {
  const Sock from = Bound(), to = Bound();
  EXPECT_EQ(0, Filter(to, {{0x100 | CAN_INV_FILTER, CAN_SFF_MASK}}));
  SendFrame(from, Frame(0x100));
  SendFrame(from, Frame(0x101));
  EXPECT_EQ(0x101u, NextId(to));
}

TEST_P(CanRaw, OneOfSeveralFiltersIsEnough) {
  const Sock from = Bound(), to = Bound();
  EXPECT_EQ(0, Filter(to, {{0x100, 0x100}, {0x001, 0x001}}));
  for (canid_t id : {0x100u, 0x002u, 0x001u})
    SendFrame(from, Frame(id));
  EXPECT_EQ(0x100u, NextId(to));
  EXPECT_EQ(0x001u, NextId(to));
}

TEST_P(CanRaw, JoinedFiltersMustAllBeMet) {
  const Sock from = Bound(), to = Bound();
  Set(to, CAN_RAW_JOIN_FILTERS, 1);
  EXPECT_EQ(0, Filter(to, {{0x100, 0x100}, {0x001, 0x001}, {0x180 | CAN_INV_FILTER, 0x180}}));
  for (canid_t id : {0x100u, 0x001u, 0x181u, 0x101u})
    SendFrame(from, Frame(id));
  EXPECT_EQ(0x101u, NextId(to));
  EXPECT_EQ(1, to.Get(SOL_CAN_RAW, CAN_RAW_JOIN_FILTERS));
}

TEST_P(CanRaw, FiltersAreReadBack) {
  const Sock s = Raw();
  can_filter got[4] = {};
  socklen_t length = sizeof(got);
  EXPECT_EQ(0, Filter(s, {{0x100, 0x7f0}, {0x200, 0x7ff}}));
  ASSERT_EQ(0, s.GetRaw(SOL_CAN_RAW, CAN_RAW_FILTER, got, &length));
  ASSERT_EQ(2 * sizeof(got[0]), length);
  EXPECT_EQ(0x100u, got[0].can_id);
  EXPECT_EQ(0x7ffu, got[1].can_mask);
}

TEST_P(CanRaw, ANewSocketHasOneFilterThatTakesAll) {
  can_filter got[2] = {{1, 1}, {1, 1}};
  socklen_t length = sizeof(got);
  EXPECT_EQ(0, Raw().GetRaw(SOL_CAN_RAW, CAN_RAW_FILTER, got, &length));
  EXPECT_EQ(sizeof(got[0]), length);
  EXPECT_EQ(0u, got[0].can_id);
  EXPECT_EQ(0u, got[0].can_mask);
}

TEST_P(CanRaw, NoFilterAtAllMeansNothingArrives) {
  const Sock from = Bound(), to = Bound(), witness = Bound();
  EXPECT_EQ(0, Filter(to, {}));
  SendFrame(from, Frame(0x1));
  EXPECT_EQ(0x1u, NextId(witness));
  EXPECT_EQ(0, to.Now(POLLIN));
}

TEST_P(CanRaw, MoreThan512FiltersAreEINVAL) {
  EXPECT_EQ(0, Filter(Raw(), std::vector<can_filter>(512)));
  EXPECT_EQ(-EINVAL, Filter(Raw(), std::vector<can_filter>(513)));
}

TEST_P(CanRaw, AnErrorFrameReachesThoseThatAskedForItsClass) {
  const Sock from = Bound(), to = Bound(), other = Bound(), neither = Bound();
  const can_err_mask_t lost = CAN_ERR_LOSTARB, off = CAN_ERR_BUSOFF;
  EXPECT_EQ(0, to.Set(SOL_CAN_RAW, CAN_RAW_ERR_FILTER, off));
  EXPECT_EQ(0, other.Set(SOL_CAN_RAW, CAN_RAW_ERR_FILTER, lost));
  SendFrame(from, Frame(CAN_ERR_FLAG | CAN_ERR_BUSOFF, "12345678"));
  SendFrame(from, Frame(0x2));
  EXPECT_EQ(CAN_ERR_FLAG | CAN_ERR_BUSOFF, NextId(to));
  EXPECT_EQ(0x2u, NextId(other));
  EXPECT_EQ(0x2u, NextId(neither));
}

TEST_P(CanRaw, TheErrorFilterIsReadBack) {
  const Sock s = Bound();
  const can_err_mask_t mask = CAN_ERR_TX_TIMEOUT | CAN_ERR_BUSOFF;
  EXPECT_EQ(0, s.Set(SOL_CAN_RAW, CAN_RAW_ERR_FILTER, mask));
  EXPECT_EQ(mask, s.Get<can_err_mask_t>(SOL_CAN_RAW, CAN_RAW_ERR_FILTER));
}

TEST_P(CanRaw, WithoutLoopbackNobodyHereSeesTheFrame) {
  const Sock from = Bound(), to = Bound();
  EXPECT_EQ(1, from.Get(SOL_CAN_RAW, CAN_RAW_LOOPBACK));
  Set(from, CAN_RAW_LOOPBACK, 0);
  SendFrame(from, Frame(0x1));
  Set(from, CAN_RAW_LOOPBACK, 1);
  SendFrame(from, Frame(0x2));
  EXPECT_EQ(0x2u, NextId(to));
}

TEST_P(CanRaw, OwnFramesComeBackOnlyIfAskedFor) {
  const Sock s = Bound();
  SendFrame(s, Frame(0x1));
  Set(s, CAN_RAW_RECV_OWN_MSGS, 1);
  SendFrame(s, Frame(0x2));
  EXPECT_EQ(0x2u, NextId(s));
}

TEST_P(CanRaw, AnOwnFrameIsFlaggedAsConfirmed) {
  const Sock s = Bound(), other = Bound();
  Set(s, CAN_RAW_RECV_OWN_MSGS, 1);
  SendFrame(s, Frame(0x1));
  EXPECT_EQ(MSG_DONTROUTE | MSG_CONFIRM, s.ReadMessage().flags);
  EXPECT_EQ(MSG_DONTROUTE, other.ReadMessage().flags);
}

TEST_P(CanRaw, OneInterfaceDoesNotHearTheOther) {
  const Sock from = Bound(), elsewhere = RawAt(Second()), to = RawAt(Second());
  SendFrame(from, Frame(0x1));
  SendFrame(elsewhere, Frame(0x2));
  EXPECT_EQ(0x2u, NextId(to));
}

TEST_P(CanRaw, BoundToAllInterfacesItHearsEach) {
  const Sock first = Bound(), second = RawAt(Second()), to = RawAt(Everywhere());
  Addr from;
  SendFrame(first, Frame(0x1));
  SendFrame(second, Frame(0x2));
  EXPECT_EQ(0x1u, ValueOf<can_frame>(to.ReadFrom(&from)).can_id);
  EXPECT_EQ(AF_CAN, from.family());
  EXPECT_EQ(GetVcans().first, from.as<sockaddr_can>().can_ifindex);
  EXPECT_EQ(0x2u, ValueOf<can_frame>(to.ReadFrom(&from)).can_id);
  EXPECT_EQ(GetVcans().second, from.as<sockaddr_can>().can_ifindex);
}

TEST_P(CanRaw, BoundToAllInterfacesItSendsWhereTheAddressSays) {
  const Sock from = RawAt(Everywhere()), to = RawAt(Second());
  EXPECT_EQ(static_cast<long>(CAN_MTU), from.SendTo(BytesOf(Frame(0x55)), Second()));
  EXPECT_EQ(0x55u, NextId(to));
}

TEST_P(CanRaw, BoundToAllInterfacesItCannotSendWithoutAnAddress) {
  EXPECT_EQ(-ENXIO, SendFrame(RawAt(Everywhere()), Frame(0x1)));
}

TEST_P(CanRaw, BoundAnewItHearsAnotherInterface) {
  const Sock first = Bound(), second = RawAt(Second()), to = Bound();
  EXPECT_EQ(0, to.Bind(Second()));
  SendFrame(first, Frame(0x1));
  SendFrame(second, Frame(0x2));
  EXPECT_EQ(0x2u, NextId(to));
  EXPECT_EQ(GetVcans().second, to.Name().as<sockaddr_can>().can_ifindex);
}

TEST_P(CanRaw, BindToNoSuchInterfaceIsENODEV) {
  EXPECT_EQ(-ENODEV, Raw().Bind(At(4321)));
  EXPECT_EQ(-ENODEV, Raw().Bind(At(InterfaceIndex("lo")))) << "it is no CAN";
}

TEST_P(CanRaw, TheNameIsTheBoundInterface) {
  const Addr name = Bound().Name();
  EXPECT_EQ(AF_CAN, name.family());
  EXPECT_EQ(GetVcans().first, name.as<sockaddr_can>().can_ifindex);
  EXPECT_EQ(0, Raw().Name().as<sockaddr_can>().can_ifindex);
}

TEST_P(CanRaw, ThereIsNoPeer) {
  EXPECT_EQ(-EOPNOTSUPP, Bound().PeerResult());
  EXPECT_EQ(-EOPNOTSUPP, Bound().Connect(First()));
}

TEST_P(CanRaw, AnInterfaceThatGoesDownIsENETDOWN) {
  ASSERT_EQ(0, RootCommand("ip link add sbcan2 type vcan && ip link set sbcan2 up"));
  const Sock s = RawAt(At(InterfaceIndex("sbcan2")));
  ASSERT_EQ(0, RootCommand("ip link set sbcan2 down"));
  EXPECT_EQ(-ENETDOWN, s.Recv());
  ASSERT_EQ(0, RootCommand("ip link del sbcan2"));
  EXPECT_EQ(-ENODEV, s.Recv());
}

TEST_P(CanRaw, AnIoctlTellsTheIndexOfAnInterface) {
  ifreq request = {};
  strcpy(request.ifr_name, "sbcan0");
  EXPECT_EQ(0, Raw().Ioctl(SIOCGIFINDEX, &request));
  EXPECT_EQ(GetVcans().first, request.ifr_ifindex);
}

TEST_P(CanRaw, PollShowsAFrameThatWaits) {
  const Sock from = Bound(), to = Bound();
  EXPECT_EQ(0, to.Now(POLLIN));
  SendFrame(from, Frame(0x1));
  EXPECT_EQ(POLLIN, to.Wait(POLLIN));
  NextId(to);
  EXPECT_EQ(0, to.Now(POLLIN));
}

TEST_P(CanRaw, AReceiveWaitsForTheFrame) {
  const Sock from = Bound(), to = Bound();
  auto id = InBackground([&] { return NextId(to); });
  SendFrame(from, Frame(0x1));
  EXPECT_EQ(0x1u, id.get());
}

TEST_P(CanRaw, AReceiveThatMayNotWaitIsEAGAIN) {
  EXPECT_EQ(-EAGAIN, Bound().Recv(CAN_MTU, MSG_DONTWAIT));
}

TEST_P(CanRaw, AReceiveStopsAtItsTimeout) {
  const Sock s = Bound();
  EXPECT_EQ(0, s.SetTimeout(SO_RCVTIMEO, 20));
  EXPECT_EQ(-EAGAIN, s.Recv(CAN_MTU));
}

TEST_P(CanRaw, AFrameCarriesItsTimestamp) {
  const Sock from = Bound(), to = Bound();
  timeval before = {};
  gettimeofday(&before, nullptr);
  EXPECT_EQ(0, to.Set(SOL_SOCKET, SO_TIMESTAMP, 1));
  SendFrame(from, Frame(0x1));
  const auto at = to.ReadMessage().Control<timeval>(SOL_SOCKET, SCM_TIMESTAMP);
  ASSERT_TRUE(at);
  EXPECT_LE(before.tv_sec, at->tv_sec);
}

TEST_P(CanRaw, ManyFramesComeInOneCallAndInOrder) {
  const Sock from = Bound(), to = Bound();
  for (canid_t id = 1; id <= 4; id++)
    SendFrame(from, Frame(id));
  can_frame frames[4] = {};
  iovec iov[4];
  mmsghdr messages[4] = {};
  for (int i = 0; i < 4; i++) {
    iov[i] = {&frames[i], sizeof(frames[i])};
    messages[i].msg_hdr.msg_iov = &iov[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  EXPECT_EQ(4, Result(api().recvmmsg(to.fd(), messages, 4, 0, nullptr)));
  for (canid_t id = 1; id <= 4; id++)
    EXPECT_EQ(id, frames[id - 1].can_id);
}

}  // namespace
