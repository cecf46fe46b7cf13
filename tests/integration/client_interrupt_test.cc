// SPDX-License-Identifier: Apache-2.0
// sb_set_interrupt_check(): a program ends the waits of its threads.
#include <sys/epoll.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "client_fixture.h"

namespace sb_test {
namespace {

// What the check does in this thread; it says whether the call is to end.
thread_local std::function<bool()> answer;
std::atomic<int> asked{0};

int Check() {
  asked++;
  return answer && answer() ? 1 : 0;
}

class Interrupt : public ClientTest {
 protected:
  void SetUp() override {
    ClientTest::SetUp();
    asked = 0;
    sb_set_interrupt_check(Check);
    answer = [] { return true; };
    std::tie(a_, b_) = Pair();
  }
  void TearDown() override {
    answer = nullptr;
    sb_set_interrupt_check(nullptr);
    for (int fd : {a_, b_}) sb_close(fd);
    ClientTest::TearDown();
  }
  // What can be read from @fd now.
  size_t Unread(int fd) {
    std::vector<char> some(1 << 20);
    size_t bytes = 0;
    for (ssize_t n; (n = sb_recv(fd, some.data(), some.size(), MSG_DONTWAIT)) > 0;)
      bytes += static_cast<size_t>(n);
    return bytes;
  }
  int a_, b_;
  char c_ = 0;
};

#define EXPECT_EINTR(call)      \
  do {                          \
    EXPECT_EQ(-1, call);        \
    EXPECT_EQ(EINTR, errno);    \
  } while (0)

TEST_F(Interrupt, ARecvThatWaitsEnds) {
  EXPECT_EINTR(sb_recv(a_, &c_, 1, 0));
  EXPECT_EQ(1, asked);
  ASSERT_EQ(1, sb_send(b_, "x", 1, 0));
  EXPECT_EQ(1, sb_recv(a_, &c_, 1, 0));
}

TEST_F(Interrupt, AZeroGoesOnWaiting) {
  answer = [this] { return asked == 3 && sb_send(b_, "x", 1, 0) != 1; };
  EXPECT_EQ(1, sb_recv(a_, &c_, 1, 0));
  EXPECT_EQ(3, asked);
}

TEST_F(Interrupt, TheTimeLimitIsKept) {
  answer = [] { return false; };
  ASSERT_EQ(0, sb_set_timeout(a_, 120 * 1000 * 1000));
  EXPECT_EQ(-1, sb_recv(a_, &c_, 1, 0));
  EXPECT_EQ(EAGAIN, errno);
  EXPECT_LE(1, asked);
}

TEST_F(Interrupt, ACallThatNeedNotWaitIsNotAsked) {
  EXPECT_EQ(-1, sb_recv(a_, &c_, 1, MSG_DONTWAIT));
  EXPECT_EQ(EAGAIN, errno);
  EXPECT_EQ(0, asked);
}

TEST_F(Interrupt, AnAcceptThatWaitsEnds) {
  sockaddr_in addr;
  const int listener = Listener(&addr);
  EXPECT_EINTR(sb_accept(listener, nullptr, nullptr));
  sb_close(listener);
}

TEST_F(Interrupt, APollThatWaitsEnds) {
  int pipes[2];
  ASSERT_EQ(0, pipe(pipes));
  pollfd both[] = {{a_, POLLIN, 0}, {pipes[0], POLLIN, 0}};
  EXPECT_EINTR(sb_poll(both, 1, -1));      // only a broker's
  EXPECT_EINTR(sb_poll(both + 1, 1, -1));  // only ordinary
  EXPECT_EINTR(sb_poll(both, 2, -1));
  ASSERT_EQ(1, sb_send(b_, "x", 1, 0));
  EXPECT_EQ(1, sb_poll(both, 2, -1));
  for (int fd : pipes) close(fd);
}

TEST_F(Interrupt, ARecvmmsgThatHasSomeReturnsThem) {
  auto [in, out] = Pair(SOCK_DGRAM);
  char bytes[2];
  iovec iov[] = {{&bytes[0], 1}, {&bytes[1], 1}};
  mmsghdr two[2] = {};
  two[0].msg_hdr = {nullptr, 0, &iov[0], 1, nullptr, 0, 0};
  two[1].msg_hdr = {nullptr, 0, &iov[1], 1, nullptr, 0, 0};
  EXPECT_EINTR(sb_recvmmsg(in, two, 2, 0, nullptr));
  ASSERT_EQ(1, sb_send(out, "x", 1, 0));
  EXPECT_EQ(1, sb_recvmmsg(in, two, 2, 0, nullptr));
  EXPECT_EQ('x', bytes[0]);
  for (int fd : {in, out}) sb_close(fd);
}

TEST_F(Interrupt, ByUnaryCalls) {
  sb_broker *unary = sb_connect_broker(daemon_.address().c_str(), SB_TRANSPORT_UNARY);
  int sv[2];
  ASSERT_EQ(0, sb_socketpair_at(unary, AF_UNIX, SOCK_STREAM, 0, sv)) << sb_error_message();
  EXPECT_EINTR(sb_recv(sv[0], &c_, 1, 0));
  ASSERT_EQ(1, sb_send(sv[1], "x", 1, 0)) << sb_error_message();
  EXPECT_EQ(1, sb_recv(sv[0], &c_, 1, 0)) << sb_error_message();
  for (int fd : sv) sb_close(fd);
  sb_disconnect_broker(unary);
}

TEST_F(Interrupt, TheThreadThatReadsForAllLeavesTheOthersWaiting) {
  auto [in, out] = Pair();
  std::atomic<bool> first_waits{false}, second_waits{false};
  std::thread first([&] {
    answer = [&] {
      first_waits = true;
      return second_waits.load();
    };
    char c;
    EXPECT_EINTR(sb_recv(a_, &c, 1, 0));
  });
  std::thread second([&, in = in] {
    answer = [&] {
      second_waits = true;
      return false;
    };
    char c;
    EXPECT_EQ(1, sb_recv(in, &c, 1, 0));
  });
  first.join();
  EXPECT_EQ(1, sb_send(out, "x", 1, 0));
  second.join();
  EXPECT_TRUE(first_waits);
  for (int fd : {in, out}) sb_close(fd);
}

TEST_F(Interrupt, AThreadThatIsBusyInItsCheckHoldsUpNobody) {
  auto [in, out] = Pair();
  std::atomic<bool> busy{false}, received{false};
  std::thread one([&] {
    answer = [&] {
      busy = true;
      while (!received) std::this_thread::yield();
      return true;
    };
    char c;
    EXPECT_EINTR(sb_recv(a_, &c, 1, 0));
  });
  answer = nullptr;
  while (!busy) std::this_thread::yield();
  std::thread other([in = in] {
    char c;
    EXPECT_EQ(1, sb_recv(in, &c, 1, 0));
  });
  EXPECT_EQ(1, sb_send(out, "x", 1, 0));
  other.join();
  received = true;
  one.join();
  for (int fd : {in, out}) sb_close(fd);
}

TEST_F(Interrupt, ALargeSendReturnsWhatWasQueued) {
  const std::vector<char> much(64 << 20);
  const ssize_t sent = sb_send(a_, much.data(), much.size(), 0);
  ASSERT_LT(0, sent) << sb_error_message();
  ASSERT_GT(static_cast<ssize_t>(much.size()), sent);
  sb_set_interrupt_check(nullptr);
  EXPECT_EQ(static_cast<size_t>(sent), Unread(b_));
}

TEST_F(Interrupt, AnInterruptedLargeSendWithNoRoomIsEintr) {
  const std::vector<char> much(4 << 20);
  ASSERT_LT(0, sb_send(a_, much.data(), much.size(), 0));
  EXPECT_EINTR(sb_send(a_, much.data(), much.size(), 0));
  EXPECT_LT(0u, Unread(b_));
  EXPECT_EQ(1, sb_send(a_, "x", 1, 0));
  EXPECT_EQ(1u, Unread(b_));
}

TEST_F(Interrupt, ALargeReceiveReturnsWhatCame) {
  std::vector<char> room(1 << 20);
  ASSERT_EQ(3, sb_send(b_, "abc", 3, 0));
  EXPECT_EQ(3, sb_recv(a_, room.data(), room.size(), MSG_WAITALL));
  EXPECT_EINTR(sb_recv(a_, room.data(), room.size(), MSG_WAITALL));
}

TEST_F(Interrupt, AThreadThatWaitsForAnothersLargeSendEnds) {
  std::atomic<bool> sending{false}, stop{false};
  std::thread large([&] {
    answer = [&] {
      sending = true;
      return stop.load();
    };
    const std::vector<char> much(64 << 20);
    EXPECT_LT(0, sb_send(a_, much.data(), much.size(), 0));
  });
  while (!sending) std::this_thread::yield();
  EXPECT_EINTR(sb_send(a_, "x", 1, 0));
  stop = true;
  large.join();
}

TEST_F(Interrupt, TheCheckMaySendOnTheSocketThatIsSending) {
  const std::vector<char> much(16 << 20);
  ssize_t beside = 0;
  size_t taken = 0;
  bool sent = false;
  answer = [&] {
    taken += Unread(b_);
    if (!sent) {
      sent = true;  // before: that send may wait, and ask
      beside = sb_send(a_, "x", 1, 0);
    }
    return false;
  };
  EXPECT_EQ(static_cast<ssize_t>(much.size()), sb_send(a_, much.data(), much.size(), 0));
  EXPECT_EQ(1, beside);
  taken += Unread(b_);
  EXPECT_EQ(much.size() + 1, taken);
}

TEST_F(Interrupt, NoDatagramIsLostHoweverOftenItComesInBetween) {
  auto [in, out] = Pair(SOCK_DGRAM);
  constexpr int kDatagrams = 20;
  std::thread sender([out = out] {
    answer = nullptr;
    pollfd none = {-1, 0, 0};
    for (int i = 0; i < kDatagrams; i++) {
      EXPECT_EQ(0, poll(&none, 1, 49 + i % 3));  // at the moment of the question
      EXPECT_EQ(static_cast<ssize_t>(sizeof(i)), sb_send(out, &i, sizeof(i), 0));
    }
  });
  int received = 0, interrupted = 0;
  while (received < kDatagrams && interrupted < 10 * kDatagrams) {
    int number = -1;
    if (sb_recv(in, &number, sizeof(number), 0) < 0) {
      ASSERT_EQ(EINTR, errno);
      interrupted++;
      continue;
    }
    EXPECT_EQ(received, number);
    received++;
  }
  EXPECT_EQ(kDatagrams, received);
  sender.join();
  for (int fd : {in, out}) sb_close(fd);
}

}  // namespace
}  // namespace sb_test
