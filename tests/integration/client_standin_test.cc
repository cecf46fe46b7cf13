// SPDX-License-Identifier: Apache-2.0
// Stand-ins: descriptors of this process that mean sockets of the broker.
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <future>
#include <thread>

#include "client_fixture.h"

namespace sb_test {
namespace {

using Standin = ClientTest;

TEST_F(Standin, IsADescriptorThatClosesOnExec) {
  int fd = Socket(AF_INET, SOCK_DGRAM);
  EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
  EXPECT_EQ(0, sb_close(fd));
  EXPECT_EQ(-1, fcntl(fd, F_GETFD));
}

TEST_F(Standin, HasANumberNoOtherFileHas) {
  int a = Socket(AF_INET, SOCK_DGRAM), file = open("/dev/null", O_RDONLY | O_CLOEXEC);
  int b = Socket(AF_INET, SOCK_DGRAM);
  EXPECT_NE(a, file);
  EXPECT_NE(b, file);
  EXPECT_NE(a, b);
  close(file);
  sb_close(a);
  sb_close(b);
}

TEST_F(Standin, AFileOfAnotherKindIsEnotsock) {
  int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
  EXPECT_EQ(-1, sb_listen(file, 1));
  EXPECT_EQ(ENOTSOCK, errno);
  EXPECT_EQ(-1, sb_close(file));
  EXPECT_EQ(ENOTSOCK, errno);
  EXPECT_EQ(0, close(file)) << "sb_close() left it alone";
}

TEST_F(Standin, AClosedOneIsEbadf) {
  int fd = Socket(AF_INET, SOCK_DGRAM);
  ASSERT_EQ(0, sb_close(fd));
  EXPECT_EQ(-1, sb_close(fd));
  EXPECT_EQ(EBADF, errno);
  EXPECT_EQ(-1, sb_send(-1, "x", 1, 0));
  EXPECT_EQ(EBADF, errno);
  EXPECT_EQ(-1, sb_send(1 << 30, "x", 1, 0));
  EXPECT_EQ(EBADF, errno);
}

TEST_F(Standin, ANumberThatWasClosedBehindOurBackMeansTheNewSocket) {
  auto [a, b] = Pair();
  ASSERT_EQ(0, close(a));
  int fd = -1;
  for (int i = 0; i < 16 && fd != a; i++) fd = Socket(AF_INET, SOCK_DGRAM);
  ASSERT_EQ(a, fd) << "the number did not come back";
  int type = 0;
  socklen_t len = sizeof(type);
  EXPECT_EQ(0, sb_getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len));
  EXPECT_EQ(SOCK_DGRAM, type);
  char c;
  EXPECT_EQ(0, sb_recv(b, &c, 1, 0)) << "the old socket was closed with it";
  sb_close(b);
}

TEST_F(Standin, DupIsTheSameSocketWithFlagsOfItsOwn) {
  auto [a, b] = Pair();
  int copy = sb_dup(a);
  ASSERT_LE(0, copy) << sb_error_message();
  ASSERT_EQ(0, sb_fcntl(copy, F_SETFL, O_NONBLOCK));
  EXPECT_EQ(0, sb_fcntl(a, F_GETFL) & O_NONBLOCK);
  char c = 0;
  EXPECT_EQ(-1, sb_recv(copy, &c, 1, 0));
  EXPECT_EQ(EAGAIN, errno);
  ASSERT_EQ(0, sb_close(a));
  EXPECT_EQ(1, sb_send(b, "x", 1, 0));
  EXPECT_EQ(1, sb_recv(copy, &c, 1, 0));
  EXPECT_EQ('x', c);
  sb_close(copy);
  sb_close(b);
}

TEST_F(Standin, DupfdTakesANumberAtLeastAsHigh) {
  int fd = Socket(AF_INET, SOCK_DGRAM);
  int high = sb_fcntl(fd, F_DUPFD_CLOEXEC, 200);
  EXPECT_LE(200, high) << sb_error_message();
  int type = 0;
  socklen_t len = sizeof(type);
  EXPECT_EQ(0, sb_getsockopt(high, SOL_SOCKET, SO_TYPE, &type, &len));
  sb_close(high);
  sb_close(fd);
}

TEST_F(Standin, FionbioAndFcntlAreTheSameFlag) {
  int fd = sb_socket_at(broker_, AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), off = 0;
  EXPECT_EQ(O_NONBLOCK, sb_fcntl(fd, F_GETFL) & O_NONBLOCK);
  EXPECT_EQ(0, sb_ioctl(fd, FIONBIO, &off));
  EXPECT_EQ(0, sb_fcntl(fd, F_GETFL) & O_NONBLOCK);
  sb_close(fd);
}

TEST_F(Standin, ShowsONonblockAsItIsSetByEachWay) {
  const auto shows = [](int fd) { return (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0; };
  const int no = 0;
  sockaddr_in addr;
  int listener = Listener(&addr), born = Socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK);
  EXPECT_FALSE(shows(listener));
  EXPECT_TRUE(shows(born));
  EXPECT_EQ(FD_CLOEXEC, fcntl(born, F_GETFD));
  EXPECT_EQ(0, sb_ioctl(born, FIONBIO, &no));
  EXPECT_FALSE(shows(born));
  EXPECT_EQ(0, sb_connect(born, reinterpret_cast<sockaddr *>(&addr), sizeof(addr)));
  const int accepted = sb_accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
  EXPECT_TRUE(shows(accepted));
  EXPECT_EQ(FD_CLOEXEC, fcntl(accepted, F_GETFD));
  const int copy = sb_dup(accepted);
  EXPECT_TRUE(shows(copy));
  EXPECT_EQ(0, sb_fcntl(copy, F_SETFL, 0));
  EXPECT_FALSE(shows(copy));
  EXPECT_TRUE(shows(accepted));
  for (int fd : {listener, born, accepted, copy}) sb_close(fd);
}

TEST_F(Standin, AFlagSetBehindOurBackHasNoEffect) {
  auto [a, b] = Pair();
  char c;
  ASSERT_EQ(0, fcntl(a, F_SETFL, O_NONBLOCK));
  EXPECT_EQ(O_RDWR, sb_fcntl(a, F_GETFL));
  ASSERT_EQ(0, sb_set_timeout(a, 1));
  EXPECT_EQ(-1, sb_recv(a, &c, 1, 0));
  ASSERT_EQ(1, sb_send(b, "x", 1, 0));
  EXPECT_EQ(1, sb_recv(a, &c, 1, 0));
  for (int fd : {a, b}) sb_close(fd);
}

TEST_F(Standin, TimeoutEndsAReceive) {
  auto [a, b] = Pair();
  char c;
  ASSERT_EQ(0, sb_set_timeout(a, 20 * 1000 * 1000));
  EXPECT_EQ(-1, sb_recv(a, &c, 1, 0));
  EXPECT_EQ(EAGAIN, errno);
  sb_close(a);
  sb_close(b);
}

TEST_F(Standin, RightsCarrySocketsToANewNumber) {
  auto [a, b] = Pair();
  auto [inner, far] = Pair();
  char byte = 'r', control[CMSG_SPACE(sizeof(int))] = {};
  iovec iov = {&byte, 1};
  msghdr msg = {};
  msg.msg_iov = &iov;
  msg.msg_iovlen = 1;
  msg.msg_control = control;
  msg.msg_controllen = sizeof(control);
  cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
  cmsg->cmsg_level = SOL_SOCKET;
  cmsg->cmsg_type = SCM_RIGHTS;
  cmsg->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(cmsg), &inner, sizeof(int));
  ASSERT_EQ(1, sb_sendmsg(a, &msg, 0)) << sb_error_message();
  ASSERT_EQ(0, sb_close(inner));

  memset(control, 0, sizeof(control));
  msg.msg_controllen = sizeof(control);
  ASSERT_EQ(1, sb_recvmsg(b, &msg, 0)) << sb_error_message();
  cmsg = CMSG_FIRSTHDR(&msg);
  ASSERT_NE(nullptr, cmsg);
  int got = -1;
  memcpy(&got, CMSG_DATA(cmsg), sizeof(int));
  EXPECT_EQ(1, sb_send(got, "y", 1, 0)) << sb_error_message();
  EXPECT_EQ(1, sb_recv(far, &byte, 1, 0));
  EXPECT_EQ('y', byte);
  for (int fd : {a, b, got, far}) EXPECT_EQ(0, sb_close(fd));
}

TEST_F(Standin, RightsWithoutRoomAreClosedAndToldOf) {
  auto [a, b] = Pair();
  auto [inner, far] = Pair();
  char byte = 'r', control[CMSG_SPACE(sizeof(int))] = {};
  iovec iov = {&byte, 1};
  msghdr msg = {};
  msg.msg_iov = &iov;
  msg.msg_iovlen = 1;
  msg.msg_control = control;
  msg.msg_controllen = sizeof(control);
  cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
  cmsg->cmsg_level = SOL_SOCKET;
  cmsg->cmsg_type = SCM_RIGHTS;
  cmsg->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(cmsg), &inner, sizeof(int));
  ASSERT_EQ(1, sb_sendmsg(a, &msg, 0)) << sb_error_message();
  ASSERT_EQ(0, sb_close(inner));

  msg.msg_control = nullptr;
  msg.msg_controllen = 0;
  ASSERT_EQ(1, sb_recvmsg(b, &msg, 0)) << sb_error_message();
  EXPECT_TRUE(msg.msg_flags & MSG_CTRUNC);
  EXPECT_EQ(0, sb_recv(far, &byte, 1, 0)) << "nobody holds its other end";
  for (int fd : {a, b, far}) EXPECT_EQ(0, sb_close(fd));
}

// As in the kernel, a thread that waits in recv() is not woken by close(): what
// it must not do is hang after the peer has gone, or touch freed memory.
TEST_F(Standin, CloseDuringAReceiveInAnotherThread) {
  auto [a, b] = Pair();
  int fd = a, far = b;
  std::promise<void> started;
  auto result = std::async(std::launch::async, [&, fd] {
    char c;
    started.set_value();
    return sb_recv(fd, &c, 1, 0);
  });
  started.get_future().wait();
  EXPECT_EQ(0, sb_close(fd));
  EXPECT_EQ(0, sb_close(far));
  ASSERT_EQ(std::future_status::ready, result.wait_for(std::chrono::milliseconds(kPatienceMs)));
  EXPECT_GE(0, result.get());
}

TEST_F(Standin, NoDescriptorsAreLeftBehind) {
  sb_close(Socket(AF_INET, SOCK_DGRAM));
  int before = dup(0);
  close(before);
  for (int i = 0; i < 50; i++) {
    auto [a, b] = Pair();
    sb_watch(a, POLLIN | POLLOUT);
    sb_close(a);
    sb_close(b);
    auto [c, d] = Connection();
    sb_close(c);
    sb_close(d);
  }
  int after = dup(0);
  close(after);
  EXPECT_EQ(before, after);
}

}  // namespace
}  // namespace sb_test
