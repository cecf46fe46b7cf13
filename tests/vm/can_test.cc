// SPDX-License-Identifier: Apache-2.0
//
// CAN_RAW, by the kernel and through the broker, as the user nobody. Most
// kernels of test machines have no CAN: tests/vm/run boots one that has, with
// the interface vcan0 (mtu 72).
//
// Whether a frame is *not* delivered is found out without waiting: frames keep
// their order, so a frame that is let through is sent after it.
#include <gtest/gtest.h>
#include <linux/can.h>
#include <linux/can/error.h>
#include <linux/can/raw.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/time.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "calls.h"

namespace {

can_frame Frame(canid_t id, const char *data = "") {
  can_frame f = {};
  f.can_id = id;
  f.can_dlc = static_cast<__u8>(strlen(data));
  memcpy(f.data, data, f.can_dlc);
  return f;
}

sockaddr_can At(int ifindex) {
  sockaddr_can a = {};
  a.can_family = AF_CAN;
  a.can_ifindex = ifindex;
  return a;
}

sockaddr *Any(sockaddr_can *a) { return reinterpret_cast<sockaddr *>(a); }

class Can : public testing::TestWithParam<Calls> {
 protected:
  void SetUp() override {
    ifindex_ = static_cast<int>(if_nametoindex("vcan0"));
    ASSERT_NE(0, ifindex_) << "no interface vcan0: run this by tests/vm/run";
  }
  void TearDown() override {
    for (int fd : open_) c_.close(fd);
  }

  // A socket, closed at the end; nothing here waits longer than two seconds.
  int Socket() {
    int fd = c_.socket(AF_CAN, SOCK_RAW, CAN_RAW);
    EXPECT_LE(0, fd) << c_.error();
    timeval limit = {2, 0};
    EXPECT_EQ(0, c_.setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit)) << c_.error();
    open_.push_back(fd);
    return fd;
  }
  int Bound() { return Bind(Socket(), ifindex_); }
  int Bind(int fd, int ifindex) {
    sockaddr_can a = At(ifindex);
    EXPECT_EQ(0, c_.bind(fd, Any(&a), sizeof a)) << c_.error();
    return fd;
  }

  void Set(int fd, int name, int value) {
    EXPECT_EQ(0, c_.setsockopt(fd, SOL_CAN_RAW, name, &value, sizeof value)) << c_.error();
  }
  void Filter(int fd, std::vector<can_filter> filters) {
    EXPECT_EQ(0, c_.setsockopt(fd, SOL_CAN_RAW, CAN_RAW_FILTER, filters.data(),
                               static_cast<socklen_t>(filters.size() * sizeof filters[0])))
        << c_.error();
  }

  template <typename F>
  void Send(int fd, const F &frame) {
    EXPECT_EQ(static_cast<ssize_t>(sizeof frame), c_.send(fd, &frame, sizeof frame, 0))
        << c_.error();
  }
  // The identifier of the next frame.
  canid_t NextId(int fd) {
    canfd_frame f = {};
    EXPECT_LT(0, c_.recv(fd, &f, sizeof f, 0)) << c_.error();
    return f.can_id;
  }
  bool Waiting(int fd) {
    pollfd p = {fd, POLLIN, 0};
    EXPECT_LE(0, c_.poll(&p, 1, 0)) << c_.error();
    return p.revents & POLLIN;
  }

  const Calls c_ = GetParam();
  int ifindex_ = 0;

 private:
  std::vector<int> open_;
};

TEST_P(Can, FrameArrivesAsItWasSent) {
  int from = Bound(), to = Bound();
  can_frame sent = Frame(0x123, "8 bytes!"), got = {};

  Send(from, sent);
  ASSERT_EQ(static_cast<ssize_t>(sizeof got), c_.recv(to, &got, sizeof got, 0)) << c_.error();
  EXPECT_EQ(0, memcmp(&sent, &got, sizeof got));
}

TEST_P(Can, ExtendedAndRemoteFlagsAreKept) {
  int from = Bound(), to = Bound();

  Send(from, Frame(0x1abcdef0 | CAN_EFF_FLAG));
  Send(from, Frame(0x456 | CAN_RTR_FLAG));
  EXPECT_EQ(0x1abcdef0 | CAN_EFF_FLAG, NextId(to));
  EXPECT_EQ(0x456 | CAN_RTR_FLAG, NextId(to));
}

TEST_P(Can, FdFrameArrivesAsItWasSent) {
  int from = Bound(), to = Bound();
  canfd_frame sent = {}, got = {};

  Set(from, CAN_RAW_FD_FRAMES, 1);
  Set(to, CAN_RAW_FD_FRAMES, 1);
  sent.can_id = 0x321;
  sent.len = CANFD_MAX_DLEN;
  sent.flags = CANFD_BRS;
  memset(sent.data, 0xa5, sizeof sent.data);
  Send(from, sent);
  ASSERT_EQ(static_cast<ssize_t>(CANFD_MTU), c_.recv(to, &got, sizeof got, 0)) << c_.error();
  EXPECT_EQ(sent.can_id, got.can_id);
  EXPECT_EQ(sent.len, got.len);
  EXPECT_EQ(CANFD_BRS, got.flags & CANFD_BRS);
  EXPECT_EQ(0, memcmp(sent.data, got.data, sizeof got.data));
}

TEST_P(Can, FdFrameIsInvalidWithoutTheOption) {
  int fd = Bound();
  canfd_frame frame = {};

  EXPECT_EQ(-1, c_.send(fd, &frame, sizeof frame, 0));
  EXPECT_EQ(EINVAL, errno);
}

TEST_P(Can, FdFramePassesASocketWithoutTheOptionBy) {
  int from = Bound(), to = Bound();
  canfd_frame frame = {};

  Set(from, CAN_RAW_FD_FRAMES, 1);
  Send(from, frame);
  Send(from, Frame(0x2));
  EXPECT_EQ(0x2u, NextId(to));
}

TEST_P(Can, ClassicFrameReachesAnFdSocketInItsOwnSize) {
  int from = Bound(), to = Bound();
  canfd_frame got = {};

  Set(to, CAN_RAW_FD_FRAMES, 1);
  Send(from, Frame(0x7, "abc"));
  EXPECT_EQ(static_cast<ssize_t>(CAN_MTU), c_.recv(to, &got, sizeof got, 0)) << c_.error();
}

TEST_P(Can, FrameOfAnotherSizeIsInvalid) {
  int fd = Bound();
  can_frame frame = Frame(1);

  EXPECT_EQ(-1, c_.send(fd, &frame, sizeof frame - 1, 0));
  EXPECT_EQ(EINVAL, errno);
}

TEST_P(Can, FilterLetsOnlyItsIdentifiersThrough) {
  int from = Bound(), to = Socket();

  Filter(to, {{0x100, 0x7f0}, {0x7ff, CAN_SFF_MASK}});
  Bind(to, ifindex_);
  for (canid_t id : {0x0ffu, 0x105u, 0x110u, 0x7ffu}) Send(from, Frame(id));
  EXPECT_EQ(0x105u, NextId(to));
  EXPECT_EQ(0x7ffu, NextId(to));
}

TEST_P(Can, InvertedFilterLetsAllOthersThrough) {
  int from = Bound(), to = Bound();

  Filter(to, {{0x100 | CAN_INV_FILTER, CAN_SFF_MASK}});
  Send(from, Frame(0x100));
  Send(from, Frame(0x101));
  EXPECT_EQ(0x101u, NextId(to));
}

TEST_P(Can, FiltersAreReadBack) {
  int fd = Socket();
  can_filter got[4] = {};
  socklen_t length = sizeof got;

  Filter(fd, {{0x100, 0x7f0}, {0x200, 0x7ff}});
  ASSERT_EQ(0, c_.getsockopt(fd, SOL_CAN_RAW, CAN_RAW_FILTER, got, &length)) << c_.error();
  ASSERT_EQ(2 * sizeof got[0], length);
  EXPECT_EQ(0x100u, got[0].can_id);
  EXPECT_EQ(0x7ffu, got[1].can_mask);
}

TEST_P(Can, NoFilterAtAllMeansNothingArrives) {
  int from = Bound(), to = Bound(), witness = Bound();

  ASSERT_EQ(0, c_.setsockopt(to, SOL_CAN_RAW, CAN_RAW_FILTER, nullptr, 0)) << c_.error();
  Send(from, Frame(0x1));
  EXPECT_EQ(0x1u, NextId(witness));
  EXPECT_FALSE(Waiting(to));
}

TEST_P(Can, ErrorFilterIsAcceptedAndReadBack) {
  int fd = Bound();
  can_err_mask_t mask = CAN_ERR_TX_TIMEOUT | CAN_ERR_BUSOFF, got = 0;
  socklen_t length = sizeof got;

  ASSERT_EQ(0, c_.setsockopt(fd, SOL_CAN_RAW, CAN_RAW_ERR_FILTER, &mask, sizeof mask))
      << c_.error();
  ASSERT_EQ(0, c_.getsockopt(fd, SOL_CAN_RAW, CAN_RAW_ERR_FILTER, &got, &length)) << c_.error();
  EXPECT_EQ(mask, got);
}

TEST_P(Can, WithoutLoopbackNobodyHereSeesTheFrame) {
  int from = Bound(), to = Bound();

  Set(from, CAN_RAW_LOOPBACK, 0);
  Send(from, Frame(0x1));
  Set(from, CAN_RAW_LOOPBACK, 1);
  Send(from, Frame(0x2));
  EXPECT_EQ(0x2u, NextId(to));
}

TEST_P(Can, OwnFramesComeBackOnlyIfAskedFor) {
  int fd = Bound();

  Send(fd, Frame(0x1));
  Set(fd, CAN_RAW_RECV_OWN_MSGS, 1);
  Send(fd, Frame(0x2));
  EXPECT_EQ(0x2u, NextId(fd));
}

TEST_P(Can, OwnFrameIsFlaggedAsConfirmed) {
  int fd = Bound(), other = Bound();
  can_frame frame = {};
  iovec iov = {&frame, sizeof frame};
  msghdr msg = {};

  msg.msg_iov = &iov;
  msg.msg_iovlen = 1;
  Set(fd, CAN_RAW_RECV_OWN_MSGS, 1);
  Send(fd, Frame(0x1));
  ASSERT_LT(0, c_.recvmsg(fd, &msg, 0)) << c_.error();
  EXPECT_EQ(MSG_DONTROUTE | MSG_CONFIRM, msg.msg_flags & (MSG_DONTROUTE | MSG_CONFIRM));
  ASSERT_LT(0, c_.recvmsg(other, &msg, 0)) << c_.error();
  EXPECT_EQ(MSG_DONTROUTE, msg.msg_flags & (MSG_DONTROUTE | MSG_CONFIRM));
}

TEST_P(Can, SenderOfAFrameIsItsInterface) {
  int from = Bound(), to = Bind(Socket(), 0);
  can_frame frame;
  sockaddr_can a = {};
  socklen_t length = sizeof a;

  Send(from, Frame(0x1));
  ASSERT_LT(0, c_.recvfrom(to, &frame, sizeof frame, 0, Any(&a), &length)) << c_.error();
  EXPECT_EQ(AF_CAN, a.can_family);
  EXPECT_EQ(ifindex_, a.can_ifindex);
}

TEST_P(Can, BoundToAllInterfacesItSendsWhereTheAddressSays) {
  int from = Bind(Socket(), 0), to = Bound();
  can_frame frame = Frame(0x55);
  sockaddr_can a = At(ifindex_);

  EXPECT_LT(0, c_.sendto(from, &frame, sizeof frame, 0, Any(&a), sizeof a)) << c_.error();
  EXPECT_EQ(0x55u, NextId(to));
}

TEST_P(Can, BoundToAllInterfacesItCannotSendWithoutAnAddress) {
  int fd = Bind(Socket(), 0);
  can_frame frame = Frame(0x1);

  EXPECT_EQ(-1, c_.send(fd, &frame, sizeof frame, 0));
  EXPECT_EQ(ENXIO, errno);
}

TEST_P(Can, BindToNoSuchInterfaceIsEnodev) {
  sockaddr_can a = At(4321);

  EXPECT_EQ(-1, c_.bind(Socket(), Any(&a), sizeof a));
  EXPECT_EQ(ENODEV, errno);
}

TEST_P(Can, BindToAnInterfaceThatIsNotCanIsEnodev) {
  sockaddr_can a = At(static_cast<int>(if_nametoindex("lo")));

  EXPECT_EQ(-1, c_.bind(Socket(), Any(&a), sizeof a));
  EXPECT_EQ(ENODEV, errno);
}

TEST_P(Can, NameIsTheBoundInterface) {
  int fd = Bound();
  sockaddr_can a = {};
  socklen_t length = sizeof a;

  ASSERT_EQ(0, c_.getsockname(fd, Any(&a), &length)) << c_.error();
  EXPECT_EQ(AF_CAN, a.can_family);
  EXPECT_EQ(ifindex_, a.can_ifindex);
}

TEST_P(Can, IoctlTellsTheIndexOfAnInterface) {
  int fd = Socket();
  ifreq request = {};

  strcpy(request.ifr_name, "vcan0");
  ASSERT_EQ(0, c_.ioctl(fd, SIOCGIFINDEX, &request)) << c_.error();
  EXPECT_EQ(ifindex_, request.ifr_ifindex);
}

TEST_P(Can, PollShowsAFrameThatWaits) {
  int from = Bound(), to = Bound();
  pollfd p = {to, POLLIN, 0};

  EXPECT_FALSE(Waiting(to));
  Send(from, Frame(0x1));
  ASSERT_EQ(1, c_.poll(&p, 1, 2000)) << c_.error();
  EXPECT_EQ(POLLIN, p.revents);
  NextId(to);
  EXPECT_FALSE(Waiting(to));
}

TEST_P(Can, ReceiveThatMayNotWaitSaysEagain) {
  can_frame frame;

  EXPECT_EQ(-1, c_.recv(Bound(), &frame, sizeof frame, MSG_DONTWAIT));
  EXPECT_EQ(EAGAIN, errno);
}

TEST_P(Can, ReceiveStopsAtItsTimeout) {
  int fd = Bound();
  can_frame frame;
  timeval soon = {0, 20000};

  ASSERT_EQ(0, c_.setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof soon)) << c_.error();
  EXPECT_EQ(-1, c_.recv(fd, &frame, sizeof frame, 0));
  EXPECT_EQ(EAGAIN, errno);
}

TEST_P(Can, FrameCarriesItsTimestamp) {
  int from = Bound(), to = Bound(), on = 1;
  can_frame frame = {};
  char control[CMSG_SPACE(sizeof(timeval))] = {};
  iovec iov = {&frame, sizeof frame};
  msghdr msg = {};

  msg.msg_iov = &iov;
  msg.msg_iovlen = 1;
  msg.msg_control = control;
  msg.msg_controllen = sizeof control;
  ASSERT_EQ(0, c_.setsockopt(to, SOL_SOCKET, SO_TIMESTAMP, &on, sizeof on)) << c_.error();
  Send(from, Frame(0x1));
  ASSERT_LT(0, c_.recvmsg(to, &msg, 0)) << c_.error();
  const cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
  ASSERT_NE(nullptr, cmsg);
  EXPECT_EQ(SCM_TIMESTAMP, cmsg->cmsg_type);
}

INSTANTIATE_TEST_SUITE_P(, Can, testing::ValuesIn(AllCalls()),
                         [](const auto &i) { return std::string(i.param.name); });

}  // namespace
