// SPDX-License-Identifier: Apache-2.0
// Waiting: sb_poll() for brokered and ordinary descriptors together, and stand-ins
// that poll(2) and epoll(7) can wait for.
#include <sys/epoll.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "client_fixture.h"

namespace sb_test {
namespace {

using Clock = std::chrono::steady_clock;

class Poll : public ClientTest {
 protected:
  void SetUp() override {
    ClientTest::SetUp();
    ASSERT_EQ(0, pipe(pipe_));
    std::tie(a_, b_) = Pair();
  }
  void TearDown() override {
    for (int fd : {a_, b_}) sb_close(fd);
    for (int fd : pipe_) close(fd);
    ClientTest::TearDown();
  }
  int pipe_[2], a_, b_;
};

TEST_F(Poll, OneBrokeredDescriptor) {
  EXPECT_EQ(POLLOUT, PollOne(sb_poll, a_, POLLIN | POLLOUT, -1));
  ASSERT_EQ(1, sb_send(b_, "x", 1, 0));
  EXPECT_EQ(POLLIN, PollOne(sb_poll, a_, POLLIN, -1));
}

TEST_F(Poll, TimeIsKept) {
  auto start = Clock::now();
  EXPECT_EQ(0, PollOne(sb_poll, a_, POLLIN, 30));
  EXPECT_LE(std::chrono::milliseconds(29), Clock::now() - start);
  pollfd both[] = {{a_, POLLIN, 0}, {pipe_[0], POLLIN, 0}};
  start = Clock::now();
  EXPECT_EQ(0, sb_poll(both, 2, 30));
  EXPECT_LE(std::chrono::milliseconds(29), Clock::now() - start);
}

TEST_F(Poll, ZeroDoesNotWait) {
  pollfd both[] = {{a_, POLLIN, 0}, {pipe_[0], POLLIN, 0}};
  EXPECT_EQ(0, sb_poll(both, 2, 0));
}

TEST_F(Poll, AnOrdinaryDescriptorEndsAMixedWait) {
  pollfd both[] = {{a_, POLLIN, 0}, {pipe_[0], POLLIN, 0}};
  std::thread writer([this] { EXPECT_EQ(1, write(pipe_[1], "x", 1)); });
  EXPECT_EQ(1, sb_poll(both, 2, kPatienceMs));
  EXPECT_EQ(0, both[0].revents);
  EXPECT_EQ(POLLIN, both[1].revents);
  writer.join();
}

TEST_F(Poll, ABrokeredDescriptorEndsAMixedWait) {
  pollfd both[] = {{a_, POLLIN, 0}, {pipe_[0], POLLIN, 0}};
  std::thread writer([this] { EXPECT_EQ(1, sb_send(b_, "x", 1, 0)); });
  EXPECT_EQ(1, sb_poll(both, 2, kPatienceMs));
  EXPECT_EQ(POLLIN, both[0].revents);
  EXPECT_EQ(0, both[1].revents);
  writer.join();
}

TEST_F(Poll, MixedWaitsLeaveNothingBehind) {
  pollfd both[] = {{a_, POLLIN, 0}, {pipe_[0], POLLIN, 0}};
  for (int i = 0; i < 200; i++) {
    std::thread writer([this, i] {
      EXPECT_EQ(1, i % 2 ? sb_send(b_, "x", 1, 0) : write(pipe_[1], "x", 1));
    });
    ASSERT_EQ(1, sb_poll(both, 2, kPatienceMs)) << i;
    writer.join();
    char c;
    ASSERT_EQ(1, i % 2 ? sb_recv(a_, &c, 1, 0) : read(pipe_[0], &c, 1));
  }
}

TEST_F(Poll, BothAreReported) {
  pollfd both[] = {{a_, POLLIN, 0}, {pipe_[0], POLLIN, 0}};
  ASSERT_EQ(1, sb_send(b_, "x", 1, 0));
  ASSERT_EQ(1, write(pipe_[1], "x", 1));
  EXPECT_EQ(2, sb_poll(both, 2, -1));
  EXPECT_EQ(POLLIN, both[0].revents);
  EXPECT_EQ(POLLIN, both[1].revents);
}

TEST_F(Poll, ABadDescriptorIsPollnvalAndANegativeOneIsIgnored) {
  pollfd three[] = {{a_, POLLIN, 0}, {-1, POLLIN, 77}, {999, POLLIN, 0}};
  EXPECT_EQ(1, sb_poll(three, 3, -1));
  EXPECT_EQ(0, three[1].revents);
  EXPECT_EQ(POLLNVAL, three[2].revents);
}

TEST_F(Poll, TwoBrokers) {
  sb_broker *other = sb_connect_broker(daemon_.address().c_str(), SB_TRANSPORT_STREAM);
  int sv[2];
  ASSERT_EQ(0, sb_socketpair_at(other, AF_UNIX, SOCK_STREAM, 0, sv)) << sb_error_message();
  pollfd both[] = {{a_, POLLIN, 0}, {sv[0], POLLIN, 0}};
  EXPECT_EQ(0, sb_poll(both, 2, 10));
  ASSERT_EQ(1, sb_send(sv[1], "x", 1, 0));
  EXPECT_EQ(1, sb_poll(both, 2, -1));
  EXPECT_EQ(POLLIN, both[1].revents);
  for (int fd : sv) sb_close(fd);
  sb_disconnect_broker(other);
}

// What a stand-in shows comes from another process: wait for it.
bool Shows(int fd, short event) { return PollOne(poll, fd, event, kPatienceMs) & event; }

using Watch = Poll;

TEST_F(Watch, AnUnwatchedStandinShowsNothingToRead) {
  ASSERT_EQ(1, sb_send(b_, "x", 1, 0));
  EXPECT_EQ(0, PollOne(poll, a_, POLLIN, 0));
}

TEST_F(Watch, DataIsShownAndTakenBack) {
  ASSERT_EQ(0, sb_fcntl(a_, F_SETFL, O_NONBLOCK));
  ASSERT_EQ(0, sb_watch(a_, POLLIN)) << sb_error_message();
  for (int i = 0; i < 100; i++) {
    EXPECT_EQ(0, PollOne(poll, a_, POLLIN, 0)) << i;
    ASSERT_EQ(1, sb_send(b_, "x", 1, 0));
    ASSERT_TRUE(Shows(a_, POLLIN)) << i;
    char c;
    ASSERT_EQ(1, sb_recv(a_, &c, 1, 0));
  }
}

TEST_F(Watch, WhatThereIsAlreadyIsShownAtOnce) {
  ASSERT_EQ(1, sb_send(b_, "x", 1, 0));
  ASSERT_EQ(0, sb_watch(a_, POLLIN | POLLOUT)) << sb_error_message();
  EXPECT_EQ(POLLIN | POLLOUT, PollOne(poll, a_, POLLIN | POLLOUT, 0));
  char c;
  ASSERT_EQ(0, sb_fcntl(a_, F_SETFL, O_NONBLOCK));
  ASSERT_EQ(1, sb_recv(a_, &c, 1, 0));
  EXPECT_EQ(-1, sb_recv(a_, &c, 1, 0));
  EXPECT_EQ(POLLOUT, PollOne(poll, a_, POLLIN | POLLOUT, 0));
}

TEST_F(Watch, DataThatIsLeftIsShownAgain) {
  ASSERT_EQ(0, sb_watch(a_, POLLIN));
  ASSERT_EQ(2, sb_send(b_, "xy", 2, 0));
  char c;
  ASSERT_TRUE(Shows(a_, POLLIN));
  ASSERT_EQ(1, sb_recv(a_, &c, 1, 0));
  EXPECT_TRUE(Shows(a_, POLLIN));
}

TEST_F(Watch, AFullSocketIsNotWritableUntilItIsDrained) {
  ASSERT_EQ(0, sb_fcntl(a_, F_SETFL, O_NONBLOCK));
  ASSERT_EQ(0, sb_watch(a_, POLLOUT));
  ASSERT_TRUE(Shows(a_, POLLOUT));
  std::string piece(16384, 'x');
  size_t sent = 0;
  for (ssize_t n; (n = sb_send(a_, piece.data(), piece.size(), 0)) > 0;) sent += static_cast<size_t>(n);
  EXPECT_EQ(EAGAIN, errno);
  EXPECT_EQ(0, PollOne(poll, a_, POLLOUT, 0));
  for (size_t got = 0; got < sent;) {
    ssize_t n = sb_recv(b_, piece.data(), piece.size(), 0);
    ASSERT_LT(0, n) << sb_error_message();
    got += static_cast<size_t>(n);
  }
  EXPECT_TRUE(Shows(a_, POLLOUT));
}

TEST_F(Watch, AHangUpIsShown) {
  ASSERT_EQ(0, sb_watch(a_, POLLIN));
  ASSERT_EQ(0, sb_close(b_));
  EXPECT_TRUE(Shows(a_, POLLHUP));
  char c;
  EXPECT_EQ(0, sb_recv(a_, &c, 1, 0));
  std::tie(b_, std::ignore) = Pair();
}

TEST_F(Watch, EpollWaitsForAConnectionAndItsData) {
  sockaddr_in addr;
  int listener = Listener(&addr), client = Socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK);
  int ep = epoll_create1(EPOLL_CLOEXEC);
  epoll_event event = {EPOLLIN, {}}, got = {};
  event.data.fd = listener;
  ASSERT_EQ(0, sb_watch(listener, POLLIN));
  ASSERT_EQ(0, epoll_ctl(ep, EPOLL_CTL_ADD, listener, &event));
  int r = sb_connect(client, reinterpret_cast<sockaddr *>(&addr), sizeof(addr));
  EXPECT_TRUE(r == 0 || errno == EINPROGRESS) << sb_error_message();
  ASSERT_EQ(1, epoll_wait(ep, &got, 1, kPatienceMs));
  EXPECT_EQ(listener, got.data.fd);
  int server = sb_accept(listener, nullptr, nullptr);
  ASSERT_LE(0, server) << sb_error_message();

  ASSERT_EQ(0, sb_watch(client, POLLOUT));
  EXPECT_TRUE(Shows(client, POLLOUT));
  int error = -1;
  socklen_t len = sizeof(error);
  EXPECT_EQ(0, sb_getsockopt(client, SOL_SOCKET, SO_ERROR, &error, &len));
  EXPECT_EQ(0, error);
  for (int fd : {listener, server, client}) sb_close(fd);
  close(ep);
}

TEST_F(Watch, ARefusedConnectIsShown) {
  sockaddr_in addr;
  int listener = Listener(&addr), client = Socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK);
  ASSERT_EQ(0, sb_close(listener));
  ASSERT_EQ(0, sb_watch(client, POLLIN | POLLOUT));
  int r = sb_connect(client, reinterpret_cast<sockaddr *>(&addr), sizeof(addr));
  EXPECT_EQ(-1, r);
  if (errno == EINPROGRESS) {
    EXPECT_TRUE(Shows(client, POLLOUT));
    int error = 0;
    socklen_t len = sizeof(error);
    EXPECT_EQ(0, sb_getsockopt(client, SOL_SOCKET, SO_ERROR, &error, &len));
    EXPECT_EQ(ECONNREFUSED, error);
  } else {
    EXPECT_EQ(ECONNREFUSED, errno);
  }
  sb_close(client);
}

TEST_F(Watch, CanBeEndedAndBegunAgain) {
  ASSERT_EQ(0, sb_watch(a_, POLLIN));
  ASSERT_EQ(1, sb_send(b_, "x", 1, 0));
  ASSERT_TRUE(Shows(a_, POLLIN));
  ASSERT_EQ(0, sb_watch(a_, 0));
  EXPECT_EQ(0, PollOne(poll, a_, POLLIN | POLLOUT, 0));
  ASSERT_EQ(0, sb_watch(a_, POLLIN));
  EXPECT_TRUE(Shows(a_, POLLIN));
}

TEST_F(Watch, OtherEventsAreEinval) {
  EXPECT_EQ(-1, sb_watch(a_, POLLPRI));
  EXPECT_EQ(EINVAL, errno);
}

TEST_F(Watch, TheEndOfTheBrokerIsShown) {
  ASSERT_EQ(0, sb_watch(a_, POLLIN));
  Broker other;
  ASSERT_TRUE(other.Started());
  sb_broker *b = sb_connect_broker(other.address().c_str(), SB_TRANSPORT_STREAM);
  int fd = sb_socket_at(b, AF_INET, SOCK_DGRAM, 0);
  ASSERT_EQ(0, sb_watch(fd, POLLIN)) << sb_error_message();
  other.Kill();
  EXPECT_TRUE(Shows(fd, POLLHUP));
  sb_close(fd);
  sb_disconnect_broker(b);
}

}  // namespace
}  // namespace sb_test
